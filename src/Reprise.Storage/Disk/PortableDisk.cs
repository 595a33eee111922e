#pragma warning disable RS0030 // This room is the one that opens files.
using Microsoft.Win32.SafeHandles;
using Reprise.Storage.Errors;

namespace Reprise.Storage.Disk;

/// <summary>
/// The file system through the base class library, for platforms other than Linux (Windows first). What it cannot do,
/// and says so where it matters:
/// <list type="bullet">
/// <item>owners, extended attributes, hard links and FIFOs do not exist: setting an owner, linking and making a FIFO
/// are <c>disk-unsupported</c>; attributes are empty and setting one is false;</item>
/// <item>permission bits are the read-only flag on Windows;</item>
/// <item>device and inode are 0 and every file has one link, so hard links are captured as separate files;</item>
/// <item>folders cannot be synced: a rename is as durable as the file system's own journal makes it;</item>
/// <item><see cref="Exchange"/> is three renames, not one;</item>
/// <item>holes are neither seen nor made.</item>
/// </list>
/// </summary>
public sealed class PortableDisk : IDisk
{
    /// <inheritdoc />
    public FileStatus? Stat(DiskPath path)
    {
        FileSystemInfo info = new FileInfo(path.ToString());
        if (!info.Exists) info = new DirectoryInfo(path.ToString());
        if (!info.Exists && info.LinkTarget is null) return null;
        return StatusOf(info);
    }

    /// <inheritdoc />
    public IEnumerable<FolderEntry> List(DiskPath folder)
    {
        var found = Guard(folder, "list", () => new DirectoryInfo(folder.ToString()).GetFileSystemInfos());
        return found.Select(info => new FolderEntry(new DiskPath(info.Name), TypeOf(info)));
    }

    /// <inheritdoc />
    public IDiskFile OpenRead(DiskPath path)
    {
        if (Stat(path) is { Type: not FileType.Regular })
            throw DiskFault.Of(StorageErrors.FileDenied, $"{path} is not a regular file", path);
        return Open(path, FileMode.Open, FileAccess.Read, "open");
    }

    /// <inheritdoc />
    public IDiskFile CreateNew(DiskPath path) => Open(path, FileMode.CreateNew, FileAccess.ReadWrite, "create");

    /// <inheritdoc />
    public IDiskFile CreateUnnamed(DiskPath path) =>
        Open(path, FileMode.CreateNew, FileAccess.ReadWrite, "create", FileOptions.DeleteOnClose);

    /// <inheritdoc />
    public IDiskFile OpenWrite(DiskPath path) => Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, "open");

    /// <inheritdoc />
    public void MakeFolder(DiskPath path, int mode = 0x1C0)
    {
        Guard(path, "make the folder", () => OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(path.ToString())
            : Directory.CreateDirectory(path.ToString(), (UnixFileMode)mode));
    }

    /// <inheritdoc />
    public void Rename(DiskPath from, DiskPath to)
    {
        Guard(to, "rename " + from + " to", () =>
        {
            if (Stat(from) is not { Type: FileType.Folder })
            {
                File.Move(from.ToString(), to.ToString(), overwrite: true);
                return;
            }

            if (Directory.Exists(to.ToString())) Directory.Delete(to.ToString());
            Directory.Move(from.ToString(), to.ToString());
        });
    }

    /// <inheritdoc />
    public bool RenameNew(DiskPath from, DiskPath to)
    {
        // On Windows the move itself refuses an existing name; elsewhere the library looks first, which can be raced.
        if (Stat(to) is not null) return false;
        try
        {
            Guard(to, "rename " + from + " to", () =>
            {
                if (Stat(from) is { Type: FileType.Folder }) Directory.Move(from.ToString(), to.ToString());
                else File.Move(from.ToString(), to.ToString(), overwrite: false);
            });
            return true;
        }
        catch (RepriseException) when (Stat(from) is not null && Stat(to) is not null)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public void Exchange(DiskPath one, DiskPath other)
    {
        var aside = one.WithSuffix(".exchange");
        Rename(one, aside);
        Rename(other, one);
        Rename(aside, other);
    }

    /// <inheritdoc />
    public bool Link(DiskPath existing, DiskPath to) => throw Unsupported("hard links", to);

    /// <inheritdoc />
    public void MakeSymbolicLink(DiskPath path, DiskPath target) =>
        Guard(path, "make the symbolic link", () => File.CreateSymbolicLink(path.ToString(), target.ToString()));

    /// <inheritdoc />
    public DiskPath ReadSymbolicLink(DiskPath path)
    {
        var target = Guard(path, "read the symbolic link", () => new FileInfo(path.ToString()).LinkTarget);
        return target is null
            ? throw DiskFault.Of(StorageErrors.FileMissing, $"{path} is not a symbolic link", path)
            : new DiskPath(target);
    }

    /// <inheritdoc />
    public void MakeFifo(DiskPath path, int mode) => throw Unsupported("named pipes in folders", path);

    /// <inheritdoc />
    public void DeleteFile(DiskPath path)
    {
        Guard(path, "delete", () =>
        {
            if (Stat(path) is null) return;
            if (OperatingSystem.IsWindows()) File.SetAttributes(path.ToString(), FileAttributes.Normal);
            File.Delete(path.ToString());
        });
    }

    /// <inheritdoc />
    public void DeleteFolder(DiskPath path)
    {
        Guard(path, "delete the folder", () =>
        {
            if (Stat(path) is not null) Directory.Delete(path.ToString());
        });
    }

    /// <inheritdoc />
    public void SyncFolder(DiskPath folder)
    {
        if (Stat(folder) is null) throw DiskFault.Of(StorageErrors.FileMissing, $"{folder} does not exist", folder);
    }

    /// <inheritdoc />
    /// <remarks>There is no such call here: whoever needs durability syncs each file.</remarks>
    public void SyncFileSystem(DiskPath path) => throw Unsupported("syncing a whole file system", path);

    /// <inheritdoc />
    public void SetMode(DiskPath path, int mode)
    {
        Guard(path, "set the mode of", () =>
        {
            if (OperatingSystem.IsWindows())
            {
                if (File.Exists(path.ToString())) new FileInfo(path.ToString()).IsReadOnly = (mode & 0x80) == 0;
            }
            else
            {
                File.SetUnixFileMode(path.ToString(), (UnixFileMode)mode);
            }
        });
    }

    /// <inheritdoc />
    public void SetOwner(DiskPath path, uint user, uint group) => throw Unsupported("numeric owners", path);

    /// <inheritdoc />
    public void SetModified(DiskPath path, UnixTime time)
    {
        var at = DateTimeOffset.FromUnixTimeSeconds(time.Seconds).AddTicks(time.Nanoseconds / 100).UtcDateTime;
        Guard(path, "set the time of", () =>
        {
            if (Directory.Exists(path.ToString())) Directory.SetLastWriteTimeUtc(path.ToString(), at);
            else File.SetLastWriteTimeUtc(path.ToString(), at);
        });
    }

    /// <inheritdoc />
    public IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path) => [];

    /// <inheritdoc />
    public bool SetAttribute(DiskPath path, ExtendedAttribute attribute) => false;

    /// <inheritdoc />
    public DiskSpace Space(DiskPath path)
    {
        var root = Path.GetPathRoot(path.ToString());
        var drive = Guard(path, "look for room at", () => new DriveInfo(root is { Length: > 0 } known ? known : "/"));
        return Guard(path, "look for room at", () => new DiskSpace(drive.AvailableFreeSpace, drive.TotalSize, 0));
    }

    /// <inheritdoc />
    public IDisposable? TryLock(DiskPath path)
    {
        try
        {
            return File.OpenHandle(path.ToString(), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PortableFault.Of(e, "lock", path);
        }
    }

    internal static FileStatus StatusOf(FileSystemInfo info)
    {
        var type = TypeOf(info);
        var mode = type == FileType.Folder ? 0x1ED : info.Attributes.HasFlag(FileAttributes.ReadOnly) ? 0x124 : 0x1A4;
        var size = type == FileType.Regular ? ((FileInfo)info).Length : 0;
        var modified = TimeOf(info.LastWriteTimeUtc);
        return new FileStatus
        {
            Type = type,
            Mode = OperatingSystem.IsWindows() ? mode : (int)info.UnixFileMode,
            User = 0,
            Group = 0,
            SizeBytes = size,
            AllocatedBytes = size,
            Device = 0,
            Inode = 0,
            Links = 1,
            Modified = modified,
            Changed = modified,
        };
    }

    private static UnixTime TimeOf(DateTime utc)
    {
        var ticks = utc.Ticks - DateTime.UnixEpoch.Ticks;
        var (seconds, rest) = Math.DivRem(ticks, TimeSpan.TicksPerSecond);
        return rest < 0
            ? new UnixTime(seconds - 1, (int)(rest + TimeSpan.TicksPerSecond) * 100)
            : new UnixTime(seconds, (int)rest * 100);
    }

    private static FileType TypeOf(FileSystemInfo info) => info switch
    {
        { LinkTarget: not null } => FileType.SymbolicLink,
        DirectoryInfo => FileType.Folder,
        _ => FileType.Regular,
    };

    private static PortableFile Open(DiskPath path, FileMode mode, FileAccess access, string doing, FileOptions options = FileOptions.None)
    {
        const FileShare share = FileShare.ReadWrite | FileShare.Delete;
        var handle = Guard(path, doing, () => File.OpenHandle(path.ToString(), mode, access, share, options));
        return new PortableFile(handle, path);
    }

    private static RepriseException Unsupported(string what, DiskPath path) =>
        DiskFault.Of(StorageErrors.DiskUnsupported, $"{what} cannot be had on this platform, at {path}", path);

    private static void Guard(DiskPath path, string doing, Action action) => Guard(path, doing, () =>
    {
        action();
        return true;
    });

    private static T Guard<T>(DiskPath path, string doing, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PortableFault.Of(e, doing, path);
        }
    }
}

/// <summary>An open file through the base class library.</summary>
internal sealed class PortableFile(SafeFileHandle handle, DiskPath path) : IDiskFile
{
    public FileStatus Stat()
    {
        var info = new FileInfo(path.ToString());
        return PortableDisk.StatusOf(info) with { SizeBytes = RandomAccess.GetLength(handle) };
    }

    public int Read(long offsetBytes, Span<byte> buffer)
    {
        try
        {
            var done = 0;
            while (done < buffer.Length)
            {
                var count = RandomAccess.Read(handle, buffer[done..], offsetBytes + done);
                if (count == 0) break;
                done += count;
            }

            return done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PortableFault.Of(e, "read", path);
        }
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> content)
    {
        try
        {
            RandomAccess.Write(handle, content, offsetBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PortableFault.Of(e, "write", path);
        }
    }

    public void SetLength(long lengthBytes) =>
        Guarded("set the length of", () => RandomAccess.SetLength(handle, lengthBytes));

    public void Reserve(long lengthBytes)
    {
        // The library reserves only when it creates a file; without it a full disk is met while writing.
    }

    public long? NextData(long offsetBytes) => offsetBytes < RandomAccess.GetLength(handle) ? offsetBytes : null;

    public long NextHole(long offsetBytes) => RandomAccess.GetLength(handle);

    public void Sync() => Guarded("sync", () => RandomAccess.FlushToDisk(handle));

    public void Dispose() => handle.Dispose();

    private void Guarded(string doing, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PortableFault.Of(e, doing, path);
        }
    }
}

/// <summary>Maps the exceptions of the base class library to our codes.</summary>
internal static class PortableFault
{
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int WindowsFileExists = unchecked((int)0x80070050);
    private const int WindowsAlreadyExists = unchecked((int)0x800700B7);
    private const int WindowsNotEmpty = unchecked((int)0x80070091);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int UnixExists = 17;
    private const int UnixNoSpace = 28;
    private const int UnixNotEmpty = 39;

    public static RepriseException Of(Exception e, string doing, DiskPath path)
    {
        var code = e switch
        {
            FileNotFoundException or DirectoryNotFoundException => StorageErrors.FileMissing,
            UnauthorizedAccessException => StorageErrors.FileDenied,
            _ => e.HResult switch
            {
                WindowsHandleDiskFull or WindowsDiskFull or UnixNoSpace => StorageErrors.DiskFull,
                WindowsSharingViolation => StorageErrors.FileDenied,
                WindowsFileExists or WindowsAlreadyExists or WindowsNotEmpty or UnixExists or UnixNotEmpty =>
                    StorageErrors.FileExists,
                _ => StorageErrors.MediumFailed,
            },
        };
        return DiskFault.Of(code, $"cannot {doing} {path} ({e.GetType().Name}, 0x{e.HResult:x8})", path, e);
    }
}
