using System.Text;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>A tablespace that a data directory links to.</summary>
/// <param name="Link">the link in <c>pg_tblspc</c>.</param>
/// <param name="Location">where it leads.</param>
internal readonly record struct TablespaceLink(DiskPath Link, DiskPath Location);

/// <summary>The files of one server, live or in a slot: what of them has to be known to move them.</summary>
/// <param name="disk">the file system.</param>
/// <param name="place">where they are when they are live.</param>
/// <param name="folder">where they are now.</param>
internal sealed class ClusterTree(IDisk disk, ClusterPlace place, DiskPath folder)
{
    /// <summary>The name of <c>pg_control</c> while files are moved: without it no server starts.</summary>
    public const string HeldName = "pg_control.reprise";

    private const int MaxVersionBytes = 64;

    public DiskPath Folder => folder;

    public DiskPath Control => folder / "global" / "pg_control";

    public DiskPath Held => folder / "global" / HeldName;

    public DiskPath Version => folder / "PG_VERSION";

    /// <summary>Whether there is anything.</summary>
    public bool Exists => disk.Stat(folder) is { Type: FileType.Folder } && (folder != place.Data || !place.IsMount || Entries().Any());

    /// <summary>Whether it is a data directory.</summary>
    public bool IsCluster => disk.Stat(Version) is { Type: FileType.Regular };

    /// <summary>The names in it that are the server's.</summary>
    public IEnumerable<DiskPath> Entries() => disk.List(folder).Select(e => e.Name).Where(n => !ClusterPlace.Stays(n)).Order();

    /// <summary>What <c>PG_VERSION</c> says, or null.</summary>
    public int? Major()
    {
        if (!IsCluster) return null;
        using var file = disk.OpenRead(Version);
        var bytes = new byte[MaxVersionBytes];
        return int.TryParse(Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes)).Trim(), out var major) ? major : null;
    }

    /// <summary>The bytes of <c>pg_control</c>, held back or not; null: it is not there, or its CRC does not hold.</summary>
    public byte[]? ControlBytes()
    {
        const int reads = 20; // A running server writes it in place.
        var path = disk.Stat(Control) is not null ? Control : Held;
        if (disk.Stat(path) is not { Type: FileType.Regular }) return null;
        for (var i = 0; i < reads; i++)
        {
            if (ControlFile.TryRead(disk, path) is { } bytes) return bytes;
        }

        return null;
    }

    /// <summary>Where its tablespaces lie; those in the data directory itself move with it.</summary>
    public IReadOnlyList<TablespaceLink> Tablespaces()
    {
        var links = folder / "pg_tblspc";
        if (disk.Stat(links) is not { Type: FileType.Folder }) return [];
        return
        [
            .. disk.List(links).Select(e => e.Name).Order()
                .Where(name => disk.Stat(links / name) is { Type: FileType.SymbolicLink })
                .Select(name => new TablespaceLink(links / name, LocationOf(disk.ReadSymbolicLink(links / name)))),
        ];
    }

    /// <summary>The folder in each tablespace that is this server's: other versions may have theirs beside it.</summary>
    public string TablespaceName()
    {
        if (Major() is { } major && ControlBytes() is { } control) return NameOf(major, ControlFile.Catalog(control));
        throw Cannot(folder, $"it has tablespaces, and {Control} or {Version} cannot be read, so that nobody knows which files in them are its own");
    }

    /// <summary>That name.</summary>
    public static string NameOf(int major, string catalog) => $"PG_{major}_{catalog}";

    /// <summary>Where a link leads, once its folder is the live one.</summary>
    private DiskPath LocationOf(DiskPath text) => ClusterPlace.Normal(text.IsAbsolute ? text : place.Data / "pg_tblspc" / text);

    /// <summary>The refusal of files that cannot be exchanged.</summary>
    public static RepriseException Cannot(DiskPath where, string why) => new(new Problem(
        RecoveryErrors.PhysicalInPlace,
        Severity.Error,
        $"{where} cannot be exchanged: {why}",
        "correct that, or restore with --to FOLDER and take that copy over by hand")
    {
        Where = where.ToString(),
    });
}
