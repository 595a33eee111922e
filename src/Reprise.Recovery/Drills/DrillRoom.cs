using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>The room that a drill takes beside production, which is refused before it begins when it is not there.</summary>
internal static class DrillRoom
{
    // What initdb makes, and what a load writes ahead before the server gives it back (max_wal_size).
    private const long ServerBytes = 64L * 1024 * 1024;
    private const long LogBytes = 1024L * 1024 * 1024;

    // Production, whose disk it may be, goes on writing meanwhile.
    private const int SpareShare = 20;
    private const long MostSpareBytes = 1024L * 1024 * 1024;

    /// <summary>About how much the assets take at most: what is staged, what it becomes, and what a server adds.</summary>
    public static long Needed(IEnumerable<AssetRecord> records) => records.Sum(
        record => record.Kind == AssetKinds.Postgres ? OfServer(record) : record.SourceBytes);

    /// <summary>Refuses where less is free than is needed and is to stay free.</summary>
    /// <exception cref="RepriseException"><c>target-too-small</c>.</exception>
    public static void Require(IDisk disk, DiskPath folder, IEnumerable<AssetRecord> records)
    {
        var needed = Needed(records);
        var space = disk.Space(folder);
        var spare = Math.Min(space.TotalBytes / SpareShare, MostSpareBytes);
        if (space.FreeBytes >= needed + spare) return;
        throw new RepriseException(
            RecoveryErrors.TargetTooSmall,
            $"{folder} has {space.FreeBytes:N0} bytes free; a drill needs about {needed:N0}, and leaves {spare:N0} to others",
            "set TMPDIR to a folder with more room");
    }

    private static long OfServer(AssetRecord record)
    {
        if (record.Method == PostgresRecord.PhysicalMethod) return ServerBytes + record.SourceBytes + LogBytes;
        var databases = PostgresRecord.Databases(record);
        var live = databases.Sum(database => database.SizeBytes);
        var dump = Math.Max(databases.Sum(database => database.DumpBytes), record.SourceBytes);
        return ServerBytes + dump + Math.Max(live, dump) + Math.Min(live, LogBytes);
    }
}
