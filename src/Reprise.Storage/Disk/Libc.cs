using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Reprise.Storage.Disk;

/// <summary>
/// Every call into libc that we make, and the constants of its headers. Paths are bytes that end with NUL. The numbers
/// are those of the 64-bit kernels; the few that differ between x64 and arm64 are properties.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class Libc
{
    public const int CurrentFolder = -100;
    public const int NoFollow = 0x100;
    public const int EmptyPath = 0x1000;
    public const int RemoveFolder = 0x200;

    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;

    public const uint RenameNoReplace = 1;
    public const uint RenameExchange = 2;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int Unlock = 8;

    public const int SetPipeSize = 1031;

    public const int KeepSize = 1;
    public const int GetFlags = 3;
    public const int SetFlags = 4;

    /// <summary>O_DIRECT, which is another bit on ARM.</summary>
    public static readonly int DirectFlag =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;
    public const uint BasicStatus = 0x7ff;

    /// <summary><c>POSIX_FADV_WILLNEED</c></summary>
    public const int WillNeed = 3;

    /// <summary>What statx and statvfs fill at most, with room to spare.</summary>
    public const int StatusBytes = 256;

    /// <summary><c>UTIME_OMIT</c>: leave this time as it is.</summary>
    public const long OmitTime = 0x3ffffffe;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static long IoPrioritySet => IsArm ? 30 : 251;

    public static long ThreadIdentifier => IsArm ? 178 : 186;

    public static int OpenFolder => IsArm ? 0x4000 : 0x10000;

    /// <summary><c>O_TMPFILE</c>: a file without a name, in a folder.</summary>
    public static int OpenUnnamed => 0x400000 | OpenFolder;

    public static int OpenNoFollow => IsArm ? 0x8000 : 0x20000;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(int folder, byte[] path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(int folder, byte[] path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    public static partial nint GetEntries(int folder, byte[] buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int file, ref byte buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int file, ref byte buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int file, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int file, int mode, long offset, long length);

    /// <summary>Returns the error itself.</summary>
    [LibraryImport("libc", EntryPoint = "posix_fadvise", SetLastError = true)]
    public static partial int Advise(int file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(int file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int file, int operation);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    public static partial int RenameAt(int fromFolder, byte[] from, int toFolder, byte[] to, uint flags);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(int fromFolder, byte[] from, int toFolder, byte[] to, int flags);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymbolicLinkAt(byte[] target, int folder, byte[] path);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(int folder, byte[] path, byte[] buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(int folder, byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeFolderAt(int folder, byte[] path, int mode);

    [LibraryImport("libc", EntryPoint = "mkfifoat", SetLastError = true)]
    public static partial int MakeFifoAt(int folder, byte[] path, int mode);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true)]
    public static partial int ChangeModeAt(int folder, byte[] path, int mode, int flags);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    public static partial int ChangeOwnerAt(int folder, byte[] path, uint user, uint group, int flags);

    /// <summary><paramref name="times"/>: seconds and nanoseconds of access, then of modification.</summary>
    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    public static partial int ChangeTimesAt(int folder, byte[] path, long[] times, int flags);

    /// <summary>The same of an open file.</summary>
    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int ChangeTimes(int file, long[] times);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    public static partial nint ListAttributes(byte[] path, byte[] names, nuint length);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    public static partial nint GetAttribute(byte[] path, byte[] name, byte[] value, nuint length);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    public static partial int SetAttribute(byte[] path, byte[] name, byte[] value, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "statvfs", SetLastError = true)]
    public static partial int FileSystemStatus(byte[] path, ref byte status);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true)]
    public static partial int FileSystemType(byte[] path, ref byte status);

    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    public static partial int SetScheduler(int thread, int policy, in int priority);

    /// <summary>For what libc has no function.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial long SystemCall(long number, long first, long second, long third);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(int file, nuint request, byte[] argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    /// <summary>The error numbers of Linux that we tell apart.</summary>
    public static class Errno
    {
        public const int NotPermitted = 1;
        public const int NoEntry = 2;
        public const int Interrupted = 4;
        public const int InputOutput = 5;
        public const int NoDeviceOrAddress = 6;
        public const int WouldBlock = 11;
        public const int AccessDenied = 13;
        public const int Busy = 16;
        public const int Exists = 17;
        public const int CrossDevice = 18;
        public const int NotFolder = 20;
        public const int IsFolder = 21;
        public const int Invalid = 22;
        public const int NoSpace = 28;
        public const int ReadOnlyFileSystem = 30;
        public const int OutOfRange = 34;
        public const int NameTooLong = 36;
        public const int NoSystemCall = 38;
        public const int NotEmpty = 39;
        public const int Loop = 40;
        public const int NoData = 61;
        public const int NotSupported = 95;
        public const int QuotaExceeded = 122;
    }
}
