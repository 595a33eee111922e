using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Points as a recovery to a moment sees them.</summary>
internal static class BasePoints
{
    /// <summary>Of the record of a physical capture.</summary>
    public static BasePoint Of(PointManifest manifest, AssetRecord record)
    {
        var cluster = ClusterFacts.Of(record);
        return new BasePoint(
            manifest.Id,
            record.Moment,
            ulong.Parse(cluster.System, CultureInfo.InvariantCulture),
            cluster.Timeline,
            cluster.Stop,
            OwnerOf(record));
    }

    // As an archiver says who it is: machine, and device and inode of the data directory.
    private static WalOwner OwnerOf(AssetRecord record)
    {
        var place = record.Identity.GetValueOrDefault("data", "").Split(':') is [var device, var inode] ? $"device {device}, inode {inode}" : "";
        return new WalOwner(record.Identity.GetValueOrDefault(Machine.IdentityKey, "unknown"), place);
    }
}
