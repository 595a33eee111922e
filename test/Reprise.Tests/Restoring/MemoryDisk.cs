using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Restoring;

/// <summary>What lies on the disk, whichever process looks.</summary>
public sealed class MemoryFiles
{
    public SortedDictionary<DiskPath, byte[]> Files { get; } = [];

    public SortedSet<DiskPath> Folders { get; } = [];

    public HashSet<DiskPath> Locked { get; } = [];
}

/// <summary>
/// As much of a disk as the state folder and the assets of these tests use, each call a step that may fail. What was
/// written is there after a crash: losing unsynced writes is what the simulator tries.
/// </summary>
public sealed class MemoryDisk(MemoryFiles medium, Steps steps) : IDisk
{
    public FileStatus? Stat(DiskPath path) => steps.Do("stat", path, () =>
        medium.Files.TryGetValue(path, out var bytes) ? Status(FileType.Regular, bytes.Length)
        : medium.Folders.Contains(path) ? Status(FileType.Folder, 0)
        : null);

    public IEnumerable<FolderEntry> List(DiskPath folder) => steps.Do("list", folder, () => medium.Files.Keys
        .Concat(medium.Folders)
        .Where(p => p.Parent == folder)
        .Select(p => new FolderEntry(p.Name, null))
        .ToList());

    public IDiskFile OpenRead(DiskPath path) => steps.Do<IDiskFile>("open", path, () =>
        medium.Files.ContainsKey(path) ? new MemoryFile(medium, steps, path) : throw Missing(path));

    public IDiskFile CreateNew(DiskPath path) => steps.Do<IDiskFile>("create", path, () =>
    {
        if (!medium.Files.TryAdd(path, [])) throw Fault(StorageErrors.FileExists, path);
        return new MemoryFile(medium, steps, path);
    });

    public void MakeFolder(DiskPath path, int mode = 0x1C0) => steps.Do("make folder", path, () =>
    {
        for (; !path.IsEmpty && path != new DiskPath("/"); path = path.Parent) medium.Folders.Add(path);
    });

    public void Rename(DiskPath from, DiskPath to) => steps.Do("rename", to, () => Move(from, to));

    public bool RenameNew(DiskPath from, DiskPath to) => steps.Do("rename new", to, () =>
    {
        if (medium.Files.ContainsKey(to) || medium.Folders.Contains(to)) return false;
        Move(from, to);
        return true;
    });

    public void DeleteFile(DiskPath path) => steps.Do("delete", path, () => medium.Files.Remove(path));

    public void DeleteFolder(DiskPath path) => steps.Do("delete folder", path, () =>
    {
        if (medium.Files.Keys.Concat(medium.Folders).Any(p => p.Parent == path)) throw Fault(
            StorageErrors.FileExists, path);
        medium.Folders.Remove(path);
    });

    public void SyncFolder(DiskPath folder) => steps.Do("sync", folder, () => { });

    public void SyncFileSystem(DiskPath path) => steps.Do("sync all of", path, () => { });

    public void SetMode(DiskPath path, int mode) => steps.Do("mode of", path, () => { });

    public void SetOwner(DiskPath path, uint user, uint group) => steps.Do("owner of", path, () => { });

    public IDisposable? TryLock(DiskPath path) => medium.Locked.Add(path) ? new Unlock(medium, path) : null;

    public IDiskFile OpenWrite(DiskPath path) => steps.Do<IDiskFile>("open to write", path, () =>
    {
        medium.Files.TryAdd(path, []);
        return new MemoryFile(medium, steps, path);
    });

    public void Exchange(DiskPath one, DiskPath other) => throw new NotSupportedException();

    public bool Link(DiskPath existing, DiskPath to) => throw new NotSupportedException();

    public void MakeSymbolicLink(DiskPath path, DiskPath target) => throw new NotSupportedException();

    public DiskPath ReadSymbolicLink(DiskPath path) => throw new NotSupportedException();

    public void MakeFifo(DiskPath path, int mode) => throw new NotSupportedException();

    public void SetModified(DiskPath path, UnixTime time) => throw new NotSupportedException();

    public IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path) => throw new NotSupportedException();

    public bool SetAttribute(DiskPath path, ExtendedAttribute attribute) => throw new NotSupportedException();

    public DiskSpace Space(DiskPath path) => throw new NotSupportedException();

    private static FileStatus Status(FileType type, long size) => new()
    {
        Type = type, Mode = 0x1C0, User = 0, Group = 0, SizeBytes = size, AllocatedBytes = size, Device = 1, Inode = 1,
        Links = 1, Modified = default, Changed = default,
    };

    private void Move(DiskPath from, DiskPath to)
    {
        if (medium.Files.Remove(from, out var bytes))
        {
            medium.Files[to] = bytes;
            return;
        }

        if (!medium.Folders.Remove(from)) throw Missing(from);
        medium.Folders.Add(to);
        foreach (var path in medium.Files.Keys.Where(p => p.IsWithin(from)).ToList())
        {
            medium.Files.Remove(path, out bytes);
            medium.Files[to / new DiskPath(path.Bytes[(from.Bytes.Length + 1)..])] = bytes!;
        }
    }

    private static RepriseException Missing(DiskPath path) => Fault(StorageErrors.FileMissing, path);

    private static RepriseException Fault(ErrorCode code, DiskPath path) => new(code, $"{code}: {path}", "none");

    private sealed class Unlock(MemoryFiles medium, DiskPath path) : IDisposable
    {
        public void Dispose() => medium.Locked.Remove(path);
    }

    private sealed class MemoryFile(MemoryFiles medium, Steps steps, DiskPath path) : IDiskFile
    {
        public FileStatus Stat() => Status(FileType.Regular, medium.Files[path].Length);

        public int Read(long offsetBytes, Span<byte> buffer)
        {
            var bytes = steps.Do("read", path, () => medium.Files[path]);
            var count = (int)Math.Max(0, Math.Min(buffer.Length, bytes.Length - offsetBytes));
            bytes.AsSpan((int)offsetBytes, count).CopyTo(buffer);
            return count;
        }

        public void Write(long offsetBytes, ReadOnlySpan<byte> content)
        {
            var copy = content.ToArray();
            steps.Do("write", path, () => medium.Files[path] = [.. medium.Files[path][..(int)offsetBytes], .. copy]);
        }

        public void SetLength(long lengthBytes) => steps.Do(
            "length of", path, () => medium.Files[path] = medium.Files[path][..(int)lengthBytes]);

        public void Reserve(long lengthBytes) => throw new NotSupportedException();

        public long? NextData(long offsetBytes) => throw new NotSupportedException();

        public long NextHole(long offsetBytes) => throw new NotSupportedException();

        public void Sync() => steps.Do("sync", path, () => { });

        public void Dispose()
        {
        }
    }
}
