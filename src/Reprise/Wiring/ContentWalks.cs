using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Verifying;

namespace Reprise.Wiring;

/// <summary>How the contents of each kind of asset are found, so that damage can be named by path or table.</summary>
internal static class ContentWalks
{
    /// <summary>By kind; kinds whose contents are all streams of the record need none.</summary>
    public static IReadOnlyDictionary<string, ContentWalk> All { get; } = new Dictionary<string, ContentWalk>(StringComparer.Ordinal)
    {
        [AssetKinds.Files] = FilesAsset.WalkAsync,
        [AssetKinds.Postgres] = PostgresAsset.WalkAsync,
    };
}
