using Reprise.Recovery.Postgres.InPlace;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Windows;

/// <summary>The files of a server in a point: WAL is replayed onto nothing else.</summary>
/// <param name="Point">which point.</param>
/// <param name="Asset">which asset of it.</param>
/// <param name="Moment">when the backup ended.</param>
/// <param name="Identifier">of the cluster.</param>
/// <param name="Timeline">that it was on.</param>
/// <param name="Stop">where the backup ended: from there on WAL is needed.</param>
/// <param name="Owner">who took it: where several servers went on from one past, it tells whose WAL is meant.</param>
/// <param name="DataFolder">where the data directory lay; null: not on this machine, as far as anybody could see.</param>
public sealed record WalBase(
    PointId Point, string Asset, DateTimeOffset Moment, ulong Identifier, uint Timeline, Lsn Stop, WalOwner Owner, string? DataFolder)
{
    /// <summary>Every one of a point.</summary>
    public static IEnumerable<WalBase> Of(PointManifest manifest)
    {
        foreach (var record in manifest.Assets.Where(a => a.Facts.ContainsKey(ClusterFacts.Fact)))
        {
            var point = BasePoints.Of(manifest, record);
            var cluster = ClusterFacts.Of(record);
            var folder = InPlaceTarget.IsElsewhere(record, cluster) ? null : cluster.DataFolder;
            yield return new WalBase(
                point.Id, record.Name, point.Moment, point.Identifier, point.Timeline, point.Stop, point.Owner, folder);
        }
    }
}
