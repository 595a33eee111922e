namespace Reprise.Storage.Disk;

/// <summary>
/// The only door to the file system: it opens, syncs, renames and calls libc. Calls are synchronous; whoever wants them
/// off its thread goes through <see cref="Runtime.Cpu"/>. A second implementation, the simulated disk, keeps unsynced
/// writes apart and loses or tears them in a crash, which is why every method says what it makes durable.
/// Failures are <see cref="Errors.RepriseException"/> with a code of <see cref="Errors.StorageErrors"/> and the path in
/// <c>Where</c>. Paths are absolute.
/// </summary>
public interface IDisk
{
    /// <summary>
    /// What lies at <paramref name="path"/>, not following a symbolic link there; null when nothing does.
    /// </summary>
    FileStatus? Stat(DiskPath path);

    /// <summary>The entries of a folder without <c>.</c> and <c>..</c>, in no order.</summary>
    IEnumerable<FolderEntry> List(DiskPath folder);

    /// <summary>
    /// Opens an existing regular file for reading; never follows a symbolic link at its last segment.
    /// </summary>
    IDiskFile OpenRead(DiskPath path);

    /// <summary>
    /// Creates a file that must not exist (mode 0600 until <see cref="SetMode"/>). Durable after Sync and SyncFolder.
    /// </summary>
    IDiskFile CreateNew(DiskPath path);

    /// <summary>
    /// The same with permission bits (0 to 0777) that are as near to <paramref name="mode"/> as they can be at once: what it
    /// got, its <see cref="IDiskFile.Stat"/> says.
    /// </summary>
    IDiskFile CreateNew(DiskPath path, int mode) => CreateNew(path);

    /// <summary>
    /// Creates a file of this process alone, which is gone when it is closed or the process is killed. Where the file
    /// system knows no files without a name, it has <paramref name="path"/> for a moment, which must not exist. Also the
    /// honest way to know whether a folder can be written.
    /// </summary>
    IDiskFile CreateUnnamed(DiskPath path) => CreateAndDelete(this, path);

    /// <summary>How <see cref="CreateUnnamed"/> does it with a name.</summary>
    internal static IDiskFile CreateAndDelete(IDisk disk, DiskPath path)
    {
        var file = disk.CreateNew(path);
        try
        {
            disk.DeleteFile(path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a regular file for reading and writing, creating it (mode 0600) when absent.</summary>
    IDiskFile OpenWrite(DiskPath path);

    /// <summary>
    /// Makes a folder and the missing ones above it (mode as given, before the umask). An existing one is fine.
    /// </summary>
    void MakeFolder(DiskPath path, int mode = 0x1C0);

    /// <summary>
    /// Renames, replacing an existing file or an empty folder. Durable after SyncFolder of both parents.
    /// <c>crosses-file-systems</c> between two file systems or mounts, here and in the two below.
    /// </summary>
    void Rename(DiskPath from, DiskPath to);

    /// <summary>
    /// Renames unless <paramref name="to"/> exists: false then. Atomic (renameat2 with RENAME_NOREPLACE).
    /// </summary>
    bool RenameNew(DiskPath from, DiskPath to);

    /// <summary>Swaps two existing names of one file system atomically (renameat2 with RENAME_EXCHANGE).</summary>
    void Exchange(DiskPath one, DiskPath other);

    /// <summary>Gives a file a second name; false when <paramref name="to"/> exists. Atomic.</summary>
    bool Link(DiskPath existing, DiskPath to);

    /// <summary>Makes a symbolic link whose text is <paramref name="target"/>.</summary>
    void MakeSymbolicLink(DiskPath path, DiskPath target);

    /// <summary>The text of a symbolic link.</summary>
    DiskPath ReadSymbolicLink(DiskPath path);

    /// <summary>Makes a FIFO.</summary>
    void MakeFifo(DiskPath path, int mode);

    /// <summary>
    /// Lets the system begin to read parts of a file (offset and length) that will be read soon, where it can. That the file
    /// is not there, or not readable, says whoever reads it.
    /// </summary>
    void ReadAhead(DiskPath path, IReadOnlyList<(long OffsetBytes, long LengthBytes)> parts)
    {
    }

    /// <summary>Deletes a file or a link; an absent one is fine.</summary>
    void DeleteFile(DiskPath path);

    /// <summary>Deletes an empty folder; an absent one is fine.</summary>
    void DeleteFolder(DiskPath path);

    /// <summary>Makes the names in a folder durable.</summary>
    void SyncFolder(DiskPath folder);

    /// <summary>
    /// Makes everything on the file system of <paramref name="path"/> durable (syncfs): one call for many files.
    /// </summary>
    void SyncFileSystem(DiskPath path);

    /// <summary>Permission bits (0 to 07777). Not for symbolic links.</summary>
    void SetMode(DiskPath path, int mode);

    /// <summary>Owner and group, of a symbolic link itself too.</summary>
    void SetOwner(DiskPath path, uint user, uint group);

    /// <summary>Time of last change of content, of a symbolic link itself too.</summary>
    void SetModified(DiskPath path, UnixTime time);

    /// <summary>Extended attributes, of a symbolic link itself too; empty where the file system has none.</summary>
    IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path);

    /// <summary>Sets one extended attribute; false where the file system or the permission does not allow it.</summary>
    bool SetAttribute(DiskPath path, ExtendedAttribute attribute);

    /// <summary>Room on the file system that holds <paramref name="path"/> (or its nearest existing parent).</summary>
    DiskSpace Space(DiskPath path);

    /// <summary>
    /// Whether every change of a file there moves its times by this machine's clock, so that times that are equal and
    /// old enough mean equal bytes. Not so where another machine keeps the time, or memory that is written through a
    /// mapping is never written back.
    /// </summary>
    bool KeepsTimes(DiskPath path) => false;

    /// <summary>
    /// Takes an exclusive advisory lock that dies with the process (flock on a file that stays), or null when another
    /// process holds it. Disposing releases it.
    /// </summary>
    IDisposable? TryLock(DiskPath path);
}

/// <summary>An open file. Offsets and lengths are bytes.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Type, size, owner and times of the open file, whatever its name is by now.</summary>
    FileStatus Stat();

    /// <summary>
    /// Reads at <paramref name="offsetBytes"/> until <paramref name="buffer"/> is full or the file ends; returns how
    /// much.
    /// </summary>
    int Read(long offsetBytes, Span<byte> buffer);

    /// <summary>
    /// Writes all of <paramref name="content"/> at <paramref name="offsetBytes"/>. Durable after <see cref="Sync"/>.
    /// </summary>
    void Write(long offsetBytes, ReadOnlySpan<byte> content);

    /// <summary>Sets the time of last change; false when that is only possible by a name, and then nothing was changed.</summary>
    bool TrySetModified(UnixTime time) => false;

    /// <summary>Truncates, or extends with a hole.</summary>
    void SetLength(long lengthBytes);

    /// <summary>
    /// Writes past the page cache, which is several times faster for much data; false when that cannot be had here, and
    /// then nothing was written. Offset, length and the address of <paramref name="content"/> are multiples of
    /// <see cref="DirectBuffer.Alignment"/>. Does not replace <see cref="Sync"/>.
    /// </summary>
    bool TryWriteDirect(long offsetBytes, ReadOnlySpan<byte> content) => false;

    /// <summary>
    /// Reserves room (fallocate) without changing the length where the file system can; else does nothing.
    /// </summary>
    void Reserve(long lengthBytes);

    /// <summary>
    /// The first byte of data at or after <paramref name="offsetBytes"/>, or null when only a hole follows.
    /// </summary>
    long? NextData(long offsetBytes);

    /// <summary>
    /// The first byte of a hole at or after <paramref name="offsetBytes"/>; the length when there is none.
    /// </summary>
    long NextHole(long offsetBytes);

    /// <summary>
    /// Makes content and length durable. A failed sync is never repeated: the caller rewrites under a new name.
    /// </summary>
    void Sync();
}

/// <summary>The type of a file.</summary>
public enum FileType
{
    /// <summary>A regular file.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link.</summary>
    SymbolicLink,

    /// <summary>A named pipe.</summary>
    Fifo,

    /// <summary>A socket; it cannot be captured and is named.</summary>
    Socket,

    /// <summary>A device; it cannot be captured and is named.</summary>
    Device,
}

/// <summary>An instant as the kernel keeps it.</summary>
/// <param name="Seconds">since 1970-01-01T00:00:00Z, negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
public readonly record struct UnixTime(long Seconds, int Nanoseconds) : IComparable<UnixTime>
{
    /// <inheritdoc />
    public int CompareTo(UnixTime other) =>
        Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    public static bool operator <(UnixTime left, UnixTime right) => left.CompareTo(right) < 0;

    public static bool operator >(UnixTime left, UnixTime right) => left.CompareTo(right) > 0;

    public static bool operator <=(UnixTime left, UnixTime right) => left.CompareTo(right) <= 0;

    public static bool operator >=(UnixTime left, UnixTime right) => left.CompareTo(right) >= 0;
}

/// <summary>What the kernel says of a file.</summary>
public sealed record FileStatus
{
    /// <summary>Its type.</summary>
    public required FileType Type { get; init; }

    /// <summary>Permission bits, 0 to 07777.</summary>
    public required int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public required uint User { get; init; }

    /// <summary>Numeric group.</summary>
    public required uint Group { get; init; }

    /// <summary>Length in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Bytes really allocated: less than the size means holes.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Device number, with <see cref="Inode"/> the identity of the file on this machine.</summary>
    public required long Device { get; init; }

    /// <summary>Inode number.</summary>
    public required ulong Inode { get; init; }

    /// <summary>How many names it has.</summary>
    public required uint Links { get; init; }

    /// <summary>Last change of content.</summary>
    public required UnixTime Modified { get; init; }

    /// <summary>Last change of content or attributes (ctime).</summary>
    public required UnixTime Changed { get; init; }
}

/// <summary>One entry of a folder.</summary>
/// <param name="Name">its name, one segment.</param>
/// <param name="Type">its type where the listing says it, else null.</param>
public readonly record struct FolderEntry(DiskPath Name, FileType? Type);

/// <summary>One extended attribute.</summary>
/// <param name="Name">with its namespace, e.g. <c>user.comment</c>, at most 255 bytes.</param>
/// <param name="Value">at most 64 KiB.</param>
public sealed record ExtendedAttribute(string Name, ReadOnlyMemory<byte> Value);

/// <summary>Room on a file system, in bytes, as an unprivileged user sees it.</summary>
/// <param name="FreeBytes">what can still be written.</param>
/// <param name="TotalBytes">its size.</param>
/// <param name="Device">its device number.</param>
public readonly record struct DiskSpace(long FreeBytes, long TotalBytes, long Device);
