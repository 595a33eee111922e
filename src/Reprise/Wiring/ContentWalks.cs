using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Verifying;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Wiring;

/// <summary>How the contents of each kind of asset are found, so that damage can be named by path or table.</summary>
internal static class ContentWalks
{
    /// <summary>By kind; kinds whose contents are all streams of the record need none.</summary>
    /// <param name="disk">where lists of files are spooled.</param>
    /// <param name="scratch">the folder for that.</param>
    /// <param name="entropy">for the names of the spools.</param>
    public static IReadOnlyDictionary<string, ContentWalk> On(IDisk disk, DiskPath scratch, Entropy entropy) =>
        new Dictionary<string, ContentWalk>(StringComparer.Ordinal)
        {
            [AssetKinds.Postgres] = PostgresRecord.ContentsAsync,
            [AssetKinds.Files] = (record, point, cancellationToken) => FileContents.WalkAsync(
                record, point, disk, scratch / ("reprise-list-" + Convert.ToHexStringLower(entropy.Bytes(8))), cancellationToken),
        };
}
