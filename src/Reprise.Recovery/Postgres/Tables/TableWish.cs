using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>Which tables are brought back, and where to.</summary>
public sealed record TableWish
{
    /// <summary>The asset as the point has it.</summary>
    public required AssetRecord Record { get; init; }

    /// <summary>The point; the caller disposes it.</summary>
    public required PointReader Point { get; init; }

    /// <summary>A moment behind that of the point, or null; files of a server only.</summary>
    public AssetMoment? Moment { get; init; }

    /// <summary>Which tables; at least one, all of one database.</summary>
    public required IReadOnlyList<NamedTable> Tables { get; init; }

    /// <summary>Of which database, or null: the only one that has them all.</summary>
    public string? Database { get; init; }

    /// <summary>Where files of SQL are written, absent or empty; null: new tables in the live database, beside the live ones.</summary>
    public DiskPath? Folder { get; init; }

    /// <summary>A folder of our own that is made and deleted; what lies there is of one that was killed.</summary>
    public required DiskPath Scratch { get; init; }
}

/// <summary>One table of a plan.</summary>
/// <param name="Database">its database; null: not looked for yet.</param>
/// <param name="Table">as it would have to be typed.</param>
/// <param name="Target">the new table as it would have to be typed, or the path of the file.</param>
/// <param name="Rows">how many it has; null: not known before its server runs.</param>
/// <param name="Bytes">how much they take as text, or on the disk of its server; null likewise.</param>
public sealed record PlannedTable(string? Database, string Table, string Target, long? Rows, long? Bytes);

/// <summary>What is done.</summary>
/// <param name="Tables">in the order in which they were named.</param>
/// <param name="Where">the live database, or the folder.</param>
/// <param name="Owner">whose new tables become; null: it is files that are written.</param>
/// <param name="Identity">which server new tables are made on, as <see cref="AssetRecord.Identity"/> spells it; empty for files.</param>
public sealed record TablePlan(
    IReadOnlyList<PlannedTable> Tables, string Where, string? Owner, IReadOnlyDictionary<string, string> Identity);

/// <summary>One table that was brought back.</summary>
/// <param name="Plan">as it was planned.</param>
/// <param name="Rows">how many were written and counted.</param>
/// <param name="LeftOut">what belongs to the table and did not come with it: <c>foreign key orders_customer_fkey</c>.</param>
public sealed record RestoredTable(PlannedTable Plan, long Rows, IReadOnlyList<string> LeftOut);

/// <summary>What was done.</summary>
/// <param name="Plan">as it was confirmed.</param>
/// <param name="Tables">in the same order.</param>
/// <param name="Reached">where the recovery of their server ended; null: there was none.</param>
public sealed record TableResult(TablePlan Plan, IReadOnlyList<RestoredTable> Tables, ReachedMoment? Reached);

/// <summary>A table that was found.</summary>
/// <param name="Database">in which database.</param>
/// <param name="Schema">its schema.</param>
/// <param name="Name">its name.</param>
/// <param name="Kind">as <c>pg_class.relkind</c> has it: <c>r</c> a table, <c>p</c> a partitioned one, <c>v</c> a view, and so on.</param>
internal sealed record FoundTable(string Database, string Schema, string Name, char Kind)
{
    public long? Rows { get; init; }

    public long? Bytes { get; init; }

    public string Typed => NamedTable.Of(Schema, Name);
}
