using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Reprise.Storage.Errors;
using Errno = Reprise.Storage.Disk.Libc.Errno;

namespace Reprise.Storage.Disk;

/// <summary>
/// The file system of Linux, with paths as bytes, through libc: see <see cref="IDisk"/> for what each call promises.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class LinuxDisk : IDisk
{
    private const int ListBufferBytes = 32 * 1024;
    private const int MaxAttributeListBytes = 64 * 1024;
    private const int MaxAttributeBytes = 64 * 1024;
    private const int MaxLinkBytes = 4096;
    private const int PrivateFile = 0x180;

    /// <inheritdoc />
    public FileStatus? Stat(DiskPath path)
    {
        Span<byte> status = stackalloc byte[Libc.StatusBytes];
        ref var start = ref MemoryMarshal.GetReference(status);
        if (Libc.Statx(Libc.CurrentFolder, Terminated(path), Libc.NoFollow, Libc.BasicStatus, ref start) == 0)
            return LinuxStatus.Parse(status);
        var errno = Marshal.GetLastPInvokeError();
        return errno is Errno.NoEntry or Errno.NotFolder ? null : throw LinuxFault.Of(errno, "look at", path);
    }

    /// <inheritdoc />
    public IEnumerable<FolderEntry> List(DiskPath folder)
    {
        using var handle = Open(folder, Libc.ReadOnly | Libc.OpenFolder, 0, "list");
        var buffer = new byte[ListBufferBytes];
        while (true)
        {
            var length = (int)Libc.GetEntries(Descriptor(handle), buffer, ListBufferBytes);
            if (length < 0) throw LinuxFault.Last("list", folder);
            if (length == 0) yield break;
            for (var offset = 0; offset < length;)
            {
                var size = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(offset + 16));
                if (EntryAt(buffer.AsSpan(offset, size)) is { } entry) yield return entry;
                offset += size;
            }
        }
    }

    /// <inheritdoc />
    public IDiskFile OpenRead(DiskPath path)
    {
        // Non-blocking, because a FIFO that took the file's place would otherwise hang us until somebody writes to it.
        var handle = Open(path, Libc.ReadOnly | Libc.OpenNoFollow | Libc.NonBlocking, 0, "open");
        return RegularOnly(new LinuxFile(handle, path));
    }

    /// <inheritdoc />
    public IDiskFile CreateNew(DiskPath path) => CreateNew(path, PrivateFile);

    /// <inheritdoc />
    public IDiskFile CreateNew(DiskPath path, int mode)
    {
        const int flags = Libc.ReadWrite | Libc.Create | Libc.Exclusive;
        return new LinuxFile(Open(path, flags | Libc.OpenNoFollow, mode, "create"), path);
    }

    /// <inheritdoc />
    public void ReadAhead(DiskPath path, IReadOnlyList<(long OffsetBytes, long LengthBytes)> parts)
    {
        const int readOnly = Libc.ReadOnly | Libc.NonBlocking;
        var file = Libc.OpenAt(Libc.CurrentFolder, Terminated(path), readOnly | Libc.OpenNoFollow | Libc.CloseOnExec, 0);
        if (file < 0) return;
        using var handle = new SafeFileHandle(file, ownsHandle: true);
        foreach (var (offset, length) in parts) _ = Libc.Advise(file, offset, length, Libc.WillNeed);
    }

    /// <inheritdoc />
    public IDiskFile CreateUnnamed(DiskPath path)
    {
        try
        {
            return new LinuxFile(Open(path.Parent, Libc.ReadWrite | Libc.OpenUnnamed, PrivateFile, "create a file in"), path);
        }
        catch (RepriseException)
        {
            // A file system without them, or a folder that cannot be written: a file with a name tells, and says why.
            return IDisk.CreateAndDelete(this, path);
        }
    }

    /// <inheritdoc />
    public IDiskFile OpenWrite(DiskPath path)
    {
        const int flags = Libc.ReadWrite | Libc.Create | Libc.NonBlocking;
        return RegularOnly(new LinuxFile(Open(path, flags | Libc.OpenNoFollow, PrivateFile, "open"), path));
    }

    /// <inheritdoc />
    public void MakeFolder(DiskPath path, int mode = 0x1C0)
    {
        if (Libc.MakeFolderAt(Libc.CurrentFolder, Terminated(path), mode) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno == Errno.Exists && IsFolder(path)) return;
        if (errno != Errno.NoEntry || path.Parent.IsEmpty || path.Parent == path)
            throw LinuxFault.Of(errno, "make the folder", path);
        MakeFolder(path.Parent, mode);
        if (Libc.MakeFolderAt(Libc.CurrentFolder, Terminated(path), mode) == 0) return;
        errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.Exists || !IsFolder(path)) throw LinuxFault.Of(errno, "make the folder", path);
    }

    /// <inheritdoc />
    public void Rename(DiskPath from, DiskPath to)
    {
        if (RenameWith(from, to, 0) != 0) throw LinuxFault.Last("rename " + from + " to", to);
    }

    /// <inheritdoc />
    public bool RenameNew(DiskPath from, DiskPath to)
    {
        if (RenameWith(from, to, Libc.RenameNoReplace) == 0) return true;
        var errno = Marshal.GetLastPInvokeError();
        return errno switch
        {
            Errno.Exists => false,
            Errno.Invalid or Errno.NoSystemCall when Stat(from) is { } status =>
                RenameNewByOtherMeans(from, to, status),
            _ => throw LinuxFault.Of(errno, "rename " + from + " to", to),
        };
    }

    /// <inheritdoc />
    public void Exchange(DiskPath one, DiskPath other)
    {
        if (RenameWith(one, other, Libc.RenameExchange) != 0) throw LinuxFault.Last("exchange " + one + " with", other);
    }

    /// <inheritdoc />
    public bool Link(DiskPath existing, DiskPath to)
    {
        if (Libc.LinkAt(Libc.CurrentFolder, Terminated(existing), Libc.CurrentFolder, Terminated(to), 0) == 0)
            return true;
        var errno = Marshal.GetLastPInvokeError();
        return errno == Errno.Exists ? false : throw LinuxFault.Of(errno, "link " + existing + " as", to);
    }

    /// <inheritdoc />
    public void MakeSymbolicLink(DiskPath path, DiskPath target)
    {
        if (Libc.SymbolicLinkAt(Terminated(target), Libc.CurrentFolder, Terminated(path)) != 0)
            throw LinuxFault.Last("make the symbolic link", path);
    }

    /// <inheritdoc />
    public DiskPath ReadSymbolicLink(DiskPath path)
    {
        var buffer = new byte[MaxLinkBytes];
        var length = (int)Libc.ReadLinkAt(Libc.CurrentFolder, Terminated(path), buffer, MaxLinkBytes);
        if (length < 0) throw LinuxFault.Last("read the symbolic link", path);
        return new DiskPath(buffer.AsSpan(0, length));
    }

    /// <inheritdoc />
    public void MakeFifo(DiskPath path, int mode)
    {
        if (Libc.MakeFifoAt(Libc.CurrentFolder, Terminated(path), mode) != 0)
            throw LinuxFault.Last("make the pipe", path);
    }

    /// <inheritdoc />
    public void DeleteFile(DiskPath path) => Unlink(path, 0);

    /// <inheritdoc />
    public void DeleteFolder(DiskPath path) => Unlink(path, Libc.RemoveFolder);

    /// <inheritdoc />
    public void SyncFolder(DiskPath folder)
    {
        using var handle = Open(folder, Libc.ReadOnly | Libc.OpenFolder, 0, "sync");
        if (Libc.Sync(Descriptor(handle)) != 0) throw LinuxFault.Last("sync", folder);
    }

    /// <inheritdoc />
    public void SyncFileSystem(DiskPath path)
    {
        using var handle = Open(path, Libc.ReadOnly | Libc.NonBlocking, 0, "sync the file system of");
        if (Libc.SyncFileSystem(Descriptor(handle)) != 0) throw LinuxFault.Last("sync the file system of", path);
    }

    /// <inheritdoc />
    public void SetMode(DiskPath path, int mode)
    {
        if (Libc.ChangeModeAt(Libc.CurrentFolder, Terminated(path), mode, 0) != 0)
            throw LinuxFault.Last("set the mode of", path);
    }

    /// <inheritdoc />
    public void SetOwner(DiskPath path, uint user, uint group)
    {
        if (Libc.ChangeOwnerAt(Libc.CurrentFolder, Terminated(path), user, group, Libc.NoFollow) != 0)
            throw LinuxFault.Last("set the owner of", path);
    }

    /// <inheritdoc />
    public void SetModified(DiskPath path, UnixTime time)
    {
        long[] times = [0, Libc.OmitTime, time.Seconds, time.Nanoseconds];
        if (Libc.ChangeTimesAt(Libc.CurrentFolder, Terminated(path), times, Libc.NoFollow) != 0)
            throw LinuxFault.Last("set the time of", path);
    }

    /// <inheritdoc />
    public IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path)
    {
        var terminated = Terminated(path);
        var length = (int)Libc.ListAttributes(terminated, [], 0);
        if (length == 0) return [];
        var names = new byte[MaxAttributeListBytes];
        if (length > 0) length = (int)Libc.ListAttributes(terminated, names, MaxAttributeListBytes);
        if (length < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno is Errno.NotSupported or Errno.NoSystemCall
                ? []
                : throw LinuxFault.Of(errno, "list the attributes of", path);
        }

        var attributes = new List<ExtendedAttribute>();
        var value = new byte[MaxAttributeBytes];
        for (var rest = names.AsSpan(0, length); !rest.IsEmpty;)
        {
            var end = rest.IndexOf((byte)0);
            var name = rest[..(end < 0 ? rest.Length : end)];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (ReadAttribute(path, terminated, name, value) is { } attribute) attributes.Add(attribute);
        }

        attributes.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return attributes;
    }

    /// <inheritdoc />
    public bool SetAttribute(DiskPath path, ExtendedAttribute attribute)
    {
        var name = Encoding.UTF8.GetBytes(attribute.Name + "\0");
        var value = attribute.Value.ToArray();
        if (Libc.SetAttribute(Terminated(path), name, value, (nuint)value.Length, 0) == 0) return true;
        var errno = Marshal.GetLastPInvokeError();
        return errno is Errno.NotSupported or Errno.NotPermitted or Errno.AccessDenied or Errno.NoSystemCall
            or Errno.Invalid or Errno.OutOfRange
            ? false
            : throw LinuxFault.Of(errno, "set the attribute " + attribute.Name + " of", path);
    }

    /// <inheritdoc />
    public DiskSpace Space(DiskPath path)
    {
        Span<byte> status = stackalloc byte[Libc.StatusBytes];
        var place = path;
        while (Libc.FileSystemStatus(Terminated(place), ref MemoryMarshal.GetReference(status)) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno is not (Errno.NoEntry or Errno.NotFolder) || place.Parent.IsEmpty || place.Parent == place)
                throw LinuxFault.Of(errno, "look for room at", path);
            place = place.Parent;
        }

        // struct statvfs of the 64-bit C libraries: block size, fragment size, blocks, free, free to users.
        var fragment = BinaryPrimitives.ReadInt64LittleEndian(status[8..]);
        var total = checked(fragment * BinaryPrimitives.ReadInt64LittleEndian(status[16..]));
        var free = checked(fragment * BinaryPrimitives.ReadInt64LittleEndian(status[32..]));
        using var handle = Open(place, Libc.ReadOnly | Libc.NonBlocking, 0, "look for room at");
        return new DiskSpace(free, total, LinuxStatus.Of(Descriptor(handle), place).Device);
    }

    /// <inheritdoc />
    public bool KeepsTimes(DiskPath path)
    {
        // ext2 to ext4, XFS, Btrfs, F2FS, ZFS, and overlays, whose layers are of these; from statfs(2).
        ReadOnlySpan<uint> kinds = [0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0x794C7630];
        Span<byte> status = stackalloc byte[Libc.StatusBytes];
        return Libc.FileSystemType(Terminated(path), ref MemoryMarshal.GetReference(status)) == 0
            && kinds.Contains(BinaryPrimitives.ReadUInt32LittleEndian(status));
    }

    /// <inheritdoc />
    public IDisposable? TryLock(DiskPath path)
    {
        const int flags = Libc.ReadWrite | Libc.Create | Libc.NonBlocking;
        var handle = Open(path, flags | Libc.OpenNoFollow, PrivateFile, "open the lock");
        if (Libc.Lock(Descriptor(handle), Libc.LockExclusive | Libc.LockNonBlocking) == 0) return new LinuxLock(handle);
        var errno = Marshal.GetLastPInvokeError();
        handle.Dispose();
        return errno == Errno.WouldBlock ? null : throw LinuxFault.Of(errno, "lock", path);
    }

    internal static byte[] Terminated(DiskPath path)
    {
        var bytes = new byte[path.Bytes.Length + 1];
        path.Bytes.CopyTo(bytes);
        return bytes;
    }

    internal static int Descriptor(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static int RenameWith(DiskPath from, DiskPath to, uint flags) =>
        Libc.RenameAt(Libc.CurrentFolder, Terminated(from), Libc.CurrentFolder, Terminated(to), flags);

    /// <summary>
    /// For file systems that do not know RENAME_NOREPLACE (NFS, some FUSE): a link is made or refused atomically, and
    /// a folder may be renamed over an empty one that only we can have made.
    /// </summary>
    private bool RenameNewByOtherMeans(DiskPath from, DiskPath to, FileStatus status)
    {
        if (status.Type != FileType.Folder)
        {
            if (!Link(from, to)) return false;
            DeleteFile(from);
            return true;
        }

        if (Libc.MakeFolderAt(Libc.CurrentFolder, Terminated(to), status.Mode) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Errno.Exists ? false : throw LinuxFault.Of(errno, "make the folder", to);
        }

        Rename(from, to);
        return true;
    }

    private static void Unlink(DiskPath path, int flags)
    {
        if (Libc.UnlinkAt(Libc.CurrentFolder, Terminated(path), flags) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno is not (Errno.NoEntry or Errno.NotFolder)) throw LinuxFault.Of(errno, "delete", path);
        if (errno == Errno.NotFolder && flags != 0) throw LinuxFault.Of(errno, "delete the folder", path);
    }

    private static bool IsFolder(DiskPath path)
    {
        Span<byte> status = stackalloc byte[Libc.StatusBytes];
        ref var start = ref MemoryMarshal.GetReference(status);
        return Libc.Statx(Libc.CurrentFolder, Terminated(path), 0, Libc.BasicStatus, ref start) == 0
            && LinuxStatus.Parse(status).Type == FileType.Folder;
    }

    private static SafeFileHandle Open(DiskPath path, int flags, int mode, string doing)
    {
        var terminated = Terminated(path);
        while (true)
        {
            var descriptor = Libc.OpenAt(Libc.CurrentFolder, terminated, flags | Libc.CloseOnExec, mode);
            if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.Interrupted) throw LinuxFault.Of(errno, doing, path);
        }
    }

    private static LinuxFile RegularOnly(LinuxFile file)
    {
        var type = FileType.Device;
        try
        {
            type = file.Stat().Type;
        }
        finally
        {
            if (type != FileType.Regular) file.Dispose();
        }

        return type == FileType.Regular
            ? file
            : throw DiskFault.Of(StorageErrors.FileDenied, $"{file.Path} is not a regular file", file.Path);
    }

    private static FolderEntry? EntryAt(ReadOnlySpan<byte> record)
    {
        var name = record[19..];
        name = name[..name.IndexOf((byte)0)];
        if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) return null;
        return new FolderEntry(new DiskPath(name), LinuxStatus.TypeOfEntry(record[18]));
    }

    private static ExtendedAttribute? ReadAttribute(
        DiskPath path, byte[] terminated, ReadOnlySpan<byte> name, byte[] value)
    {
        var length = (int)Libc.GetAttribute(terminated, [.. name, 0], value, MaxAttributeBytes);
        if (length >= 0)
            return new ExtendedAttribute(Encoding.UTF8.GetString(name), value.AsMemory(0, length).ToArray());
        var errno = Marshal.GetLastPInvokeError();

        // An attribute may vanish between the listing and the reading, and trusted ones are listed but not readable.
        return errno is Errno.NoData or Errno.NotPermitted or Errno.AccessDenied or Errno.NotSupported
            ? null
            : throw LinuxFault.Of(errno, "read the attributes of", path);
    }
}
