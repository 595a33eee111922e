using System.Globalization;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;

namespace Reprise.Recovery.Windows;

/// <summary>From where on points need WAL.</summary>
public static class WalNeeds
{
    /// <summary>Of every point that holds the files of a server; <c>malformed</c> when one does not say of which.</summary>
    /// <param name="points">all of them.</param>
    /// <param name="going">those that are about to be dropped.</param>
    public static IReadOnlyList<WalNeed> Of(IEnumerable<PointEntry> points, IReadOnlySet<PointId> going) =>
    [
        .. from point in points
           from record in point.Manifest.Assets
           where record.Facts.ContainsKey(ClusterFacts.Fact)
           let cluster = ClusterFacts.Of(record)
           select new WalNeed(
               point.Id, ulong.Parse(cluster.System, CultureInfo.InvariantCulture), cluster.Timeline, cluster.Start, going.Contains(point.Id)),
    ];
}
