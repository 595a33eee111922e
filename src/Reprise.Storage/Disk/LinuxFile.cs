using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using Reprise.Storage.Errors;
using Errno = Reprise.Storage.Disk.Libc.Errno;

namespace Reprise.Storage.Disk;

/// <summary>An open regular file of Linux.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxFile(SafeFileHandle handle, DiskPath path) : IDiskFile
{
    // The handle is used as a number; a call after Dispose would reach whatever file has that number by then.
    private bool closed;
    private bool direct;
    private bool directFailed;

    /// <summary>The path that it was opened under.</summary>
    public DiskPath Path => path;

    private int Descriptor
    {
        get
        {
            ObjectDisposedException.ThrowIf(closed, this);
            return LinuxDisk.Descriptor(handle);
        }
    }

    public FileStatus Stat() => LinuxStatus.Of(Descriptor, path);

    public int Read(long offsetBytes, Span<byte> buffer)
    {
        Direct(false);
        var done = 0;
        while (done < buffer.Length)
        {
            var rest = buffer[done..];
            var count = (int)Libc.ReadAt(
                Descriptor, ref MemoryMarshal.GetReference(rest), (nuint)rest.Length, offsetBytes + done);
            if (count == 0) break;
            if (count > 0) done += count;
            else if (Marshal.GetLastPInvokeError() != Errno.Interrupted) throw LinuxFault.Last("read", path);
        }

        return done;
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> content)
    {
        Direct(false);
        if (WriteUnlessInvalid(offsetBytes, content) < content.Length) throw LinuxFault.Of(Errno.Invalid, "write", path);
    }

    public bool TryWriteDirect(long offsetBytes, ReadOnlySpan<byte> content)
    {
        if (!Direct(true)) return false;
        var written = WriteUnlessInvalid(offsetBytes, content);

        // The file system takes the flag and refuses the write, or took half of a block: the rest goes the usual way.
        if (written == content.Length) return true;
        Direct(false);
        if (written == 0) return false;
        Write(offsetBytes + written, content[written..]);
        return true;
    }

    // Returns how much was written: all, or less when the kernel says that the call is invalid.
    private int WriteUnlessInvalid(long offsetBytes, ReadOnlySpan<byte> content)
    {
        var written = 0;
        while (written < content.Length)
        {
            var rest = content[written..];
            var count = (int)Libc.WriteAt(
                Descriptor, ref MemoryMarshal.GetReference(rest), (nuint)rest.Length, offsetBytes + written);
            if (count >= 0)
            {
                written += count;
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.Invalid) break;
            if (errno != Errno.Interrupted) throw LinuxFault.Of(errno, "write", path);
        }

        return written;
    }

    // O_DIRECT is given to an open file, so that a file system without it is no reason to fail.
    private bool Direct(bool on)
    {
        if (direct == on) return true;
        if (on && directFailed) return false;
        var flags = Libc.Control(handle, Libc.GetFlags, 0);
        var wanted = on ? flags | Libc.DirectFlag : flags & ~Libc.DirectFlag;
        if (flags < 0 || Libc.Control(handle, Libc.SetFlags, wanted) != 0)
        {
            directFailed = true;
            return false;
        }

        directFailed |= !on;
        direct = on;
        return true;
    }

    public bool TrySetModified(UnixTime time)
    {
        if (Libc.ChangeTimes(Descriptor, [0, Libc.OmitTime, time.Seconds, time.Nanoseconds]) != 0)
            throw LinuxFault.Last("set the time of", path);
        return true;
    }

    public void SetLength(long lengthBytes)
    {
        if (Libc.Truncate(Descriptor, lengthBytes) != 0) throw LinuxFault.Last("set the length of", path);
    }

    public void Reserve(long lengthBytes)
    {
        if (lengthBytes == 0 || Libc.Allocate(Descriptor, Libc.KeepSize, 0, lengthBytes) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno is not (Errno.NotSupported or Errno.NoSystemCall or Errno.Interrupted))
            throw LinuxFault.Of(errno, "reserve room for", path);
    }

    public long? NextData(long offsetBytes)
    {
        var found = Libc.Seek(Descriptor, offsetBytes, Libc.SeekData);
        if (found >= 0) return found;
        return Marshal.GetLastPInvokeError() switch
        {
            // ENXIO says that only a hole follows, or that the offset is at the end.
            Errno.NoDeviceOrAddress => null,
            Errno.Invalid => offsetBytes < Stat().SizeBytes ? offsetBytes : null,
            var errno => throw LinuxFault.Of(errno, "look for data in", path),
        };
    }

    public long NextHole(long offsetBytes)
    {
        var found = Libc.Seek(Descriptor, offsetBytes, Libc.SeekHole);
        if (found >= 0) return found;
        return Marshal.GetLastPInvokeError() switch
        {
            Errno.NoDeviceOrAddress or Errno.Invalid => Stat().SizeBytes,
            var errno => throw LinuxFault.Of(errno, "look for holes in", path),
        };
    }

    public void Sync()
    {
        if (Libc.Sync(Descriptor) != 0) throw LinuxFault.Last("sync", path);
    }

    public void Dispose()
    {
        closed = true;
        handle.Dispose();
    }
}

/// <summary>
/// Reads the kernel's answers about a file, by offset: the layout of statx is the same on every architecture.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class LinuxStatus
{
    private static readonly byte[] NoName = [0];

    /// <summary>The status of an open file.</summary>
    public static FileStatus Of(int descriptor, DiskPath path)
    {
        Span<byte> status = stackalloc byte[Libc.StatusBytes];
        ref var start = ref MemoryMarshal.GetReference(status);
        if (Libc.Statx(descriptor, NoName, Libc.EmptyPath, Libc.BasicStatus, ref start) != 0)
            throw LinuxFault.Last("look at", path);
        return Parse(status);
    }

    /// <summary>Decodes <c>struct statx</c>.</summary>
    public static FileStatus Parse(ReadOnlySpan<byte> status)
    {
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(status[28..]);
        return new FileStatus
        {
            Type = (mode & 0xF000) switch
            {
                0x8000 => FileType.Regular,
                0x4000 => FileType.Folder,
                0xA000 => FileType.SymbolicLink,
                0x1000 => FileType.Fifo,
                0xC000 => FileType.Socket,
                _ => FileType.Device,
            },
            Mode = mode & 0xFFF,
            Links = BinaryPrimitives.ReadUInt32LittleEndian(status[16..]),
            User = BinaryPrimitives.ReadUInt32LittleEndian(status[20..]),
            Group = BinaryPrimitives.ReadUInt32LittleEndian(status[24..]),
            Inode = BinaryPrimitives.ReadUInt64LittleEndian(status[32..]),
            SizeBytes = BinaryPrimitives.ReadInt64LittleEndian(status[40..]),
            AllocatedBytes = BinaryPrimitives.ReadInt64LittleEndian(status[48..]) * 512,
            Changed = TimeAt(status[96..]),
            Modified = TimeAt(status[112..]),
            Device = DeviceAt(status[136..]),
        };
    }

    /// <summary>Decodes <c>d_type</c>; null where the file system does not say.</summary>
    public static FileType? TypeOfEntry(byte type) => type switch
    {
        1 => FileType.Fifo,
        2 or 6 => FileType.Device,
        4 => FileType.Folder,
        8 => FileType.Regular,
        10 => FileType.SymbolicLink,
        12 => FileType.Socket,
        _ => null,
    };

    private static UnixTime TimeAt(ReadOnlySpan<byte> time) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(time), BinaryPrimitives.ReadInt32LittleEndian(time[8..]));

    /// <summary>
    /// The number that <c>stat -c %d</c> prints: major and minor interleaved as glibc's makedev does.
    /// </summary>
    private static long DeviceAt(ReadOnlySpan<byte> device)
    {
        long major = BinaryPrimitives.ReadUInt32LittleEndian(device);
        long minor = BinaryPrimitives.ReadUInt32LittleEndian(device[4..]);
        return ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff);
    }
}

/// <summary>Maps the error numbers of Linux to our codes.</summary>
[SupportedOSPlatform("linux")]
internal static class LinuxFault
{
    /// <summary>The error that the last call left.</summary>
    public static RepriseException Last(string doing, DiskPath path) => Of(Marshal.GetLastPInvokeError(), doing, path);

    /// <summary>An error for <paramref name="errno"/>: "cannot open /etc/x: permission denied (errno 13)".</summary>
    public static RepriseException Of(int errno, string doing, DiskPath path)
    {
        var text = Marshal.GetPInvokeErrorMessage(errno);
        var reason = text.Length == 0 ? "unknown error" : char.ToLowerInvariant(text[0]) + text[1..];
        return DiskFault.Of(CodeOf(errno), $"cannot {doing} {path}: {reason} (errno {errno})", path);
    }

    private static ErrorCode CodeOf(int errno) => errno switch
    {
        Errno.NoSpace or Errno.QuotaExceeded => StorageErrors.DiskFull,
        Errno.AccessDenied or Errno.NotPermitted or Errno.ReadOnlyFileSystem or Errno.Loop or Errno.Busy =>
            StorageErrors.FileDenied,
        Errno.NoEntry or Errno.NotFolder => StorageErrors.FileMissing,
        Errno.Exists or Errno.NotEmpty or Errno.IsFolder => StorageErrors.FileExists,
        Errno.CrossDevice => StorageErrors.CrossesFileSystems,
        Errno.NotSupported or Errno.NoSystemCall or Errno.NameTooLong => StorageErrors.DiskUnsupported,
        _ => StorageErrors.MediumFailed,
    };
}
