using Reprise.Storage.Disk;

namespace Reprise.Tests.Simulation;

/// <summary>Passes every call on; a planted defect overrides the one that it spoils.</summary>
public class PassingDisk(IDisk inner) : IDisk
{
    protected IDisk Inner => inner;

    public virtual FileStatus? Stat(DiskPath path) => inner.Stat(path);

    public virtual IEnumerable<FolderEntry> List(DiskPath folder) => inner.List(folder);

    public virtual IDiskFile OpenRead(DiskPath path) => inner.OpenRead(path);

    public virtual IDiskFile CreateNew(DiskPath path) => inner.CreateNew(path);

    public virtual IDiskFile OpenWrite(DiskPath path) => inner.OpenWrite(path);

    public virtual bool KeepsTimes(DiskPath path) => inner.KeepsTimes(path);

    public virtual void MakeFolder(DiskPath path, int mode = 0x1C0) => inner.MakeFolder(path, mode);

    public virtual void Rename(DiskPath from, DiskPath to) => inner.Rename(from, to);

    public virtual bool RenameNew(DiskPath from, DiskPath to) => inner.RenameNew(from, to);

    public virtual void Exchange(DiskPath one, DiskPath other) => inner.Exchange(one, other);

    public virtual bool Link(DiskPath existing, DiskPath to) => inner.Link(existing, to);

    public virtual void MakeSymbolicLink(DiskPath path, DiskPath target) => inner.MakeSymbolicLink(path, target);

    public virtual DiskPath ReadSymbolicLink(DiskPath path) => inner.ReadSymbolicLink(path);

    public virtual void MakeFifo(DiskPath path, int mode) => inner.MakeFifo(path, mode);

    public virtual void DeleteFile(DiskPath path) => inner.DeleteFile(path);

    public virtual void DeleteFolder(DiskPath path) => inner.DeleteFolder(path);

    public virtual void SyncFolder(DiskPath folder) => inner.SyncFolder(folder);

    public virtual void SyncFileSystem(DiskPath path) => inner.SyncFileSystem(path);

    public virtual void SetMode(DiskPath path, int mode) => inner.SetMode(path, mode);

    public virtual void SetOwner(DiskPath path, uint user, uint group) => inner.SetOwner(path, user, group);

    public virtual void SetModified(DiskPath path, UnixTime time) => inner.SetModified(path, time);

    public virtual IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path) => inner.ReadAttributes(path);

    public virtual bool SetAttribute(DiskPath path, ExtendedAttribute attribute) => inner.SetAttribute(path, attribute);

    public virtual DiskSpace Space(DiskPath path) => inner.Space(path);

    public virtual IDisposable? TryLock(DiskPath path) => inner.TryLock(path);
}

/// <summary>The same for an open file.</summary>
public class PassingFile(IDiskFile inner) : IDiskFile
{
    public virtual FileStatus Stat() => inner.Stat();

    public virtual int Read(long offsetBytes, Span<byte> buffer) => inner.Read(offsetBytes, buffer);

    public virtual void Write(long offsetBytes, ReadOnlySpan<byte> content) => inner.Write(offsetBytes, content);

    public virtual void SetLength(long lengthBytes) => inner.SetLength(lengthBytes);

    public virtual void Reserve(long lengthBytes) => inner.Reserve(lengthBytes);

    public virtual long? NextData(long offsetBytes) => inner.NextData(offsetBytes);

    public virtual long NextHole(long offsetBytes) => inner.NextHole(offsetBytes);

    public virtual void Sync() => inner.Sync();

    public void Dispose()
    {
        inner.Dispose();
        GC.SuppressFinalize(this);
    }
}
