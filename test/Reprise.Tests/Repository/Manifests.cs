using Reprise.Repository.Points;

namespace Reprise.Tests.Repository;

/// <summary>Points that say as little as a point may.</summary>
internal static class Manifests
{
    /// <summary>A complete point with one content and nothing else.</summary>
    public static PointManifest Of(PointId id, Content? content) => new()
    {
        Id = id,
        Application = "shop",
        Created = id.Time,
        Kind = PointKind.Manual,
        State = PointState.Complete,
        SkewSeconds = 0,
        Writer = "test",
        Assets = [],
        Configuration = content,
    };

    /// <summary>The same, by a writer that saw what is in <paramref name="catalog"/>.</summary>
    public static PointManifest After(PointCatalog catalog, PointId id, Content? content) => Of(id, content) with
    {
        Live = [.. catalog.Points.Select(p => new PointReference(p.Id, p.Sha256))],
    };
}
