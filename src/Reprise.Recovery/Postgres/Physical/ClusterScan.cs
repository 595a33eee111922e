using Reprise.Repository.Pages;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Something that a backup holds.</summary>
/// <param name="Entry">as it goes into the map; of a file, what is not known before it is read is empty.</param>
/// <param name="Place">where it lies.</param>
internal readonly record struct ScannedEntry(PagedEntry Entry, DiskPath Place);

/// <summary>
/// Walks a data directory in the order of a map. A file that vanishes between the listing of its folder and its opening
/// is normal: the WAL says what became of it. Memory: the names of the folders on the way down.
/// </summary>
internal sealed class ClusterScan(
    IDisk disk, DiskPath root, ServerFacts server, IReadOnlyList<ClusterTablespace> tablespaces)
{
    private readonly string tablespaceFolder = $"PG_{server.Major}_{server.Catalog}";

    /// <summary>What is neither a file nor a folder nor the link of a tablespace: it is left out, and named.</summary>
    public List<string> Odd { get; } = [];

    /// <summary>Whose files they are.</summary>
    public ServerFacts Server => server;

    public IEnumerable<ScannedEntry> Entries()
    {
        var status = disk.Stat(root) ?? throw Missing(root);
        yield return new ScannedEntry(Of(default, status, PagedEntryType.Folder), root);
        foreach (var entry in Below(default, root)) yield return entry;
    }

    private IEnumerable<ScannedEntry> Below(DiskPath folder, DiskPath place)
    {
        foreach (var name in Names(folder, place))
        {
            var (path, at) = (folder / name, place / name);
            if (disk.Stat(at) is not { } status) continue;
            foreach (var entry in Of(path, at, status)) yield return entry;
        }
    }

    private IEnumerable<ScannedEntry> Of(DiskPath path, DiskPath place, FileStatus status)
    {
        switch (status.Type)
        {
            case FileType.Regular:
                yield return new ScannedEntry(Of(path, status, PagedEntryType.File), place);
                break;
            case FileType.Folder:
                yield return new ScannedEntry(Of(path, status, PagedEntryType.Folder), place);
                if (path.ToString() == "pg_wal")
                {
                    foreach (var inner in ClusterRules.WalFolders(server.Major))
                        yield return new ScannedEntry(Of(path / inner, status, PagedEntryType.Folder), place / inner);
                }

                if (ClusterRules.IsEmptied(path)) break;
                foreach (var entry in Below(path, place)) yield return entry;
                break;
            case FileType.SymbolicLink when IsEmptiedLink(path):
                // A link at this place (initdb -X) leads to a folder on another disk; a restore makes a plain one.
                foreach (var entry in Of(path, place, status with { Type = FileType.Folder, Mode = PrivateFolder })) yield return entry;
                break;
            case FileType.SymbolicLink when Tablespace(path) is { } tablespace:
                yield return new ScannedEntry(
                    Of(path, status, PagedEntryType.LinkedFolder) with { Mode = PrivateFolder, Target = disk.ReadSymbolicLink(place) }, place);
                foreach (var entry in BelowTablespace(path, new DiskPath(tablespace.Location))) yield return entry;
                break;
            default:
                if (path.Parent.ToString() != "pg_tblspc") Odd.Add(path.ToString());
                break;
        }
    }

    private const int PrivateFolder = 0x1C0;

    private static bool IsEmptiedLink(DiskPath path) => ClusterRules.IsEmptied(path);

    // Those that were there when the backup began: what was made since comes out of the WAL.
    private ClusterTablespace? Tablespace(DiskPath path) => path.Parent.ToString() != "pg_tblspc"
        ? null
        : tablespaces.FirstOrDefault(t => t.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture) == path.Name.ToString());

    // Its folder may hold those of other servers and versions.
    private IEnumerable<ScannedEntry> BelowTablespace(DiskPath path, DiskPath location)
    {
        var place = location / tablespaceFolder;
        if (disk.Stat(place) is not { Type: FileType.Folder } status) yield break;
        var own = path / tablespaceFolder;
        yield return new ScannedEntry(Of(own, status, PagedEntryType.Folder), place);
        foreach (var entry in Below(own, place)) yield return entry;
    }

    private List<DiskPath> Names(DiskPath folder, DiskPath place)
    {
        List<DiskPath> listed;
        try
        {
            listed = [.. disk.List(place).Select(entry => entry.Name)];
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing && !folder.IsEmpty)
        {
            // The folder of a database that was dropped meanwhile.
            return [];
        }

        var kept = ClusterRules.KeptIn(folder, [.. listed.Select(name => name.ToString())]);
        return [.. listed.Where(name => kept.Contains(name.ToString())).Order()];
    }

    internal static PagedEntry Of(DiskPath path, FileStatus status, PagedEntryType type) => new()
    {
        Type = type,
        Path = path,
        Mode = status.Mode,
        User = status.User,
        Group = status.Group,
        Modified = status.Modified,
    };

    private static RepriseException Missing(DiskPath path) => new(
        new Problem(StorageErrors.FileMissing, Severity.Error, $"{path} is not there", "correct data: in the configuration")
        {
            Where = path.ToString(),
        });
}
