using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Storage;

/// <summary>
/// The real disk with a hook before every call, given the name of the call and the path: it may throw, or change the
/// disk under the caller's feet. Calls on open files are hooked as <c>File.Read</c> and so on.
/// </summary>
public sealed class FaultyDisk(IDisk inner, Action<string, DiskPath> before) : IDisk
{
    /// <summary>The calls that change names or content: the steps of a protocol.</summary>
    public static readonly IReadOnlySet<string> Changes = new HashSet<string>(StringComparer.Ordinal)
    {
        nameof(CreateNew), nameof(OpenWrite), nameof(MakeFolder), nameof(Rename), nameof(RenameNew), nameof(Exchange),
        nameof(Link), nameof(MakeSymbolicLink), nameof(MakeFifo), nameof(DeleteFile), nameof(DeleteFolder),
        nameof(SyncFolder), nameof(SyncFileSystem), nameof(SetMode), nameof(SetOwner), nameof(SetModified),
        nameof(SetAttribute), "File.Write", "File.Sync", "File.SetLength",
    };

    /// <summary>A failure as the disk would raise it.</summary>
    public static RepriseException Failure(ErrorCode code, DiskPath path) =>
        new(new Problem(code, Severity.Error, $"injected {code} at {path}", "none") { Where = path.ToString() });

    public FileStatus? Stat(DiskPath path) => With(nameof(Stat), path).Stat(path);

    public IEnumerable<FolderEntry> List(DiskPath folder) => With(nameof(List), folder).List(folder);

    public bool KeepsTimes(DiskPath path) => With(nameof(KeepsTimes), path).KeepsTimes(path);

    public IDiskFile OpenRead(DiskPath path) =>
        new FaultyFile(With(nameof(OpenRead), path).OpenRead(path), path, before);

    public IDiskFile CreateNew(DiskPath path) =>
        new FaultyFile(With(nameof(CreateNew), path).CreateNew(path), path, before);

    public IDiskFile OpenWrite(DiskPath path) =>
        new FaultyFile(With(nameof(OpenWrite), path).OpenWrite(path), path, before);

    public void MakeFolder(DiskPath path, int mode = 0x1C0) => With(nameof(MakeFolder), path).MakeFolder(path, mode);

    public void Rename(DiskPath from, DiskPath to) => With(nameof(Rename), to).Rename(from, to);

    public bool RenameNew(DiskPath from, DiskPath to) => With(nameof(RenameNew), to).RenameNew(from, to);

    public void Exchange(DiskPath one, DiskPath other) => With(nameof(Exchange), other).Exchange(one, other);

    public bool Link(DiskPath existing, DiskPath to) => With(nameof(Link), to).Link(existing, to);

    public void MakeSymbolicLink(DiskPath path, DiskPath target) =>
        With(nameof(MakeSymbolicLink), path).MakeSymbolicLink(path, target);

    public DiskPath ReadSymbolicLink(DiskPath path) => With(nameof(ReadSymbolicLink), path).ReadSymbolicLink(path);

    public void MakeFifo(DiskPath path, int mode) => With(nameof(MakeFifo), path).MakeFifo(path, mode);

    public void DeleteFile(DiskPath path) => With(nameof(DeleteFile), path).DeleteFile(path);

    public void DeleteFolder(DiskPath path) => With(nameof(DeleteFolder), path).DeleteFolder(path);

    public void SyncFolder(DiskPath folder) => With(nameof(SyncFolder), folder).SyncFolder(folder);

    public void SyncFileSystem(DiskPath path) => With(nameof(SyncFileSystem), path).SyncFileSystem(path);

    public void SetMode(DiskPath path, int mode) => With(nameof(SetMode), path).SetMode(path, mode);

    public void SetOwner(DiskPath path, uint user, uint group) =>
        With(nameof(SetOwner), path).SetOwner(path, user, group);

    public void SetModified(DiskPath path, UnixTime time) => With(nameof(SetModified), path).SetModified(path, time);

    public IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path) =>
        With(nameof(ReadAttributes), path).ReadAttributes(path);

    public bool SetAttribute(DiskPath path, ExtendedAttribute attribute) =>
        With(nameof(SetAttribute), path).SetAttribute(path, attribute);

    public DiskSpace Space(DiskPath path) => With(nameof(Space), path).Space(path);

    public IDisposable? TryLock(DiskPath path) => With(nameof(TryLock), path).TryLock(path);

    private IDisk With(string call, DiskPath path)
    {
        before(call, path);
        return inner;
    }

    private sealed class FaultyFile(IDiskFile inner, DiskPath path, Action<string, DiskPath> before) : IDiskFile
    {
        public FileStatus Stat() => With("File.Stat").Stat();

        public int Read(long offsetBytes, Span<byte> buffer) => With("File.Read").Read(offsetBytes, buffer);

        public void Write(long offsetBytes, ReadOnlySpan<byte> content) =>
            With("File.Write").Write(offsetBytes, content);

        public bool TryWriteDirect(long offsetBytes, ReadOnlySpan<byte> content) =>
            With("File.Write").TryWriteDirect(offsetBytes, content);

        public void SetLength(long lengthBytes) => With("File.SetLength").SetLength(lengthBytes);

        public void Reserve(long lengthBytes) => With("File.Reserve").Reserve(lengthBytes);

        public long? NextData(long offsetBytes) => With("File.NextData").NextData(offsetBytes);

        public long NextHole(long offsetBytes) => With("File.NextHole").NextHole(offsetBytes);

        public void Sync() => With("File.Sync").Sync();

        public void Dispose() => inner.Dispose();

        private IDiskFile With(string call)
        {
            before(call, path);
            return inner;
        }
    }
}
