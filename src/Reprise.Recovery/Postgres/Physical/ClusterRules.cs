using System.Globalization;
using System.Text.RegularExpressions;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>A file of a relation, as its name says.</summary>
/// <param name="Node">the number in its name.</param>
/// <param name="Fork"><c>fsm</c>, <c>vm</c>, <c>init</c>, or empty: the main fork.</param>
/// <param name="Segment">which segment, from 0.</param>
internal readonly record struct RelationFile(uint Node, string Fork, uint Segment);

/// <summary>
/// Which files of a data directory a backup holds: the rules of pg_basebackup, whose list stands in its source and in
/// the manual ("Making a Base Backup Using the Low Level API").
/// </summary>
internal static partial class ClusterRules
{
    private static readonly HashSet<string> EmptyFolders = new(StringComparer.Ordinal)
    {
        "pg_wal", "pg_stat_tmp", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_subtrans",
    };

    private static readonly HashSet<string> LeftOutFiles = new(StringComparer.Ordinal)
    {
        "postgresql.auto.conf.tmp", "current_logfiles.tmp", "backup_label", "tablespace_map", "backup_manifest",
        "postmaster.pid", "postmaster.opts",
    };

    /// <summary>Whether a folder at the root is kept without what it holds.</summary>
    public static bool IsEmptied(DiskPath path) => EmptyFolders.Contains(path.ToString());

    /// <summary>Folders that PostgreSQL wants in <c>pg_wal</c>.</summary>
    public static IReadOnlyList<string> WalFolders(int major) =>
        major >= 17 ? ["archive_status", "summaries"] : ["archive_status"];

    /// <summary>Whether nothing of this name is kept, wherever it lies.</summary>
    public static bool IsLeftOut(string name) =>
        LeftOutFiles.Contains(name)
        || name.StartsWith(InPlace.ClusterPlace.OwnPrefix, StringComparison.Ordinal)
        || name.StartsWith("pgsql_tmp", StringComparison.Ordinal)
        || name.StartsWith("pg_internal.init", StringComparison.Ordinal);

    /// <summary>Whether a folder holds the relations of a database.</summary>
    public static bool IsOfDatabase(DiskPath folder) => DatabaseFolder().IsMatch(folder.ToString());

    /// <summary>A file of a relation of a database or of the server, or null.</summary>
    public static RelationFile? Relation(DiskPath path)
    {
        var folder = path.Parent;
        if (folder.ToString() != "global" && !IsOfDatabase(folder)) return null;
        var match = RelationName().Match(path.Name.ToString());
        if (!match.Success || !uint.TryParse(match.Groups["node"].Value, CultureInfo.InvariantCulture, out var node)) return null;
        var segment = match.Groups["segment"] is { Success: true } found ? uint.Parse(found.Value, CultureInfo.InvariantCulture) : 0;
        return new RelationFile(node, match.Groups["fork"].Value, segment);
    }

    /// <summary>
    /// Which names of a database's folder are left out: temporary relations, and unlogged ones but for their fork
    /// <c>init</c>, from which PostgreSQL makes them anew.
    /// </summary>
    public static IEnumerable<string> Kept(IReadOnlyCollection<string> names)
    {
        var unlogged = names.Select(name => RelationName().Match(name))
            .Where(match => match.Success && match.Groups["fork"].Value == "init")
            .Select(match => match.Groups["node"].Value)
            .ToHashSet(StringComparer.Ordinal);
        return names.Where(name =>
        {
            if (TemporaryName().IsMatch(name)) return false;
            var match = RelationName().Match(name);
            return !match.Success || match.Groups["fork"].Value == "init" || !unlogged.Contains(match.Groups["node"].Value);
        });
    }

    /// <summary>Which of the names in a folder are kept; of <c>pg_control</c> it is read last, when the backup ends.</summary>
    public static HashSet<string> KeptIn(DiskPath folder, IReadOnlyCollection<string> names)
    {
        var isGlobal = folder.ToString() == "global";
        return (IsOfDatabase(folder) ? Kept(names) : names)
            .Where(name => !IsLeftOut(name) && !(isGlobal && name == "pg_control"))
            .ToHashSet(StringComparer.Ordinal);
    }

    [GeneratedRegex("^(base/[0-9]+|pg_tblspc/[0-9]+/PG_[0-9]+_[0-9]+/[0-9]+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DatabaseFolder();

    [GeneratedRegex("^(?<node>[0-9]{1,10})(_(?<fork>fsm|vm|init))?(\\.(?<segment>[0-9]{1,8}))?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RelationName();

    [GeneratedRegex("^t[0-9]+_[0-9]+(_(fsm|vm|init))?(\\.[0-9]+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TemporaryName();
}
