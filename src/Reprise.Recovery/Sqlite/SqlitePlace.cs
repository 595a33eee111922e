using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Sqlite;

/// <summary>
/// A database file with everything that belongs to it: the main file, and the sidecars without which, or with those of
/// another database, it says something else.
/// </summary>
/// <param name="Main">the main file.</param>
internal readonly record struct SqliteSet(DiskPath Main)
{
    /// <summary>What SQLite appends to the name of the main file.</summary>
    public static readonly IReadOnlyList<string> SidecarSuffixes = ["-wal", "-shm", "-journal"];

    /// <summary>The main file and its possible sidecars.</summary>
    public IEnumerable<DiskPath> Paths => Sidecars.Prepend(Main);

    /// <summary>The possible sidecars.</summary>
    public IEnumerable<DiskPath> Sidecars
    {
        get
        {
            var main = Main;
            return SidecarSuffixes.Select(main.WithSuffix);
        }
    }

    /// <summary>Whether any of its files exists.</summary>
    public bool Exists(IDisk disk) => Paths.Any(path => disk.Stat(path) is not null);

    /// <summary>The sizes of all its files together.</summary>
    public long SizeBytes(IDisk disk) => Paths.Sum(path => disk.Stat(path)?.SizeBytes ?? 0);

    /// <summary>Deletes all its files, the main file first, so that no sidecar is missing while it is there.</summary>
    public void Delete(IDisk disk)
    {
        foreach (var path in Paths) disk.DeleteFile(path);
    }

    /// <summary>
    /// Deletes the sidecars that reading a private database in WAL mode leaves behind. They are empty of data by then,
    /// which is checked, as we never write.
    /// </summary>
    public void DeleteEmptySidecars(IDisk disk)
    {
        var wal = Main.WithSuffix("-wal");
        Invariant.Check(disk.Stat(wal) is null or { SizeBytes: 0 }, $"{wal} holds data of a private copy");
        foreach (var path in Sidecars) disk.DeleteFile(path);
    }
}

/// <summary>Where one database lives, and the names that are made from it.</summary>
internal sealed class SqlitePlace
{
    private const int MaxLinks = 40;

    private SqlitePlace(DiskPath main) => Live = new SqliteSet(main);

    /// <summary>What the application uses.</summary>
    public SqliteSet Live { get; }

    /// <summary>Where processes that use the database in WAL mode share their locks.</summary>
    public DiskPath SharedMemory => Live.Main.WithSuffix("-shm");

    /// <summary>The folder of all our names.</summary>
    public DiskPath Folder => Live.Main.Parent;

    /// <summary>
    /// Follows symbolic links at <paramref name="path"/>, as SQLite does before it names its sidecars: the file is
    /// replaced where it really is, and the link stays.
    /// </summary>
    public static SqlitePlace Resolve(IDisk disk, DiskPath path)
    {
        for (var links = 0; links < MaxLinks; links++)
        {
            if (disk.Stat(path) is not { Type: FileType.SymbolicLink }) return new SqlitePlace(path);
            var target = disk.ReadSymbolicLink(path);
            path = target.IsAbsolute ? target : path.Parent / target;
        }

        throw new RepriseException(
            StorageErrors.FileDenied, $"{path} is behind more than {MaxLinks} symbolic links", "correct the links");
    }

    /// <summary>The files of a slot.</summary>
    public SqliteSet In(Slot slot) => new(Live.Main.WithSuffix("." + slot));

    /// <summary>
    /// Whether <paramref name="path"/> is a file of this database: live, in any slot, or of an unfinished swap.
    /// </summary>
    public bool Owns(DiskPath path)
    {
        var main = Live.Main.Bytes;
        if (!path.Bytes.StartsWith(main)) return false;
        var rest = new DiskPath(path.Bytes[main.Length..]).ToString();
        return rest.Length == 0
            || SqliteSet.SidecarSuffixes.Contains(rest, StringComparer.Ordinal)
            || rest.StartsWith(".new-", StringComparison.Ordinal)
            || rest.StartsWith(".before-", StringComparison.Ordinal)
            || rest.StartsWith(SqliteSwap.MarkerSuffix, StringComparison.Ordinal);
    }
}
