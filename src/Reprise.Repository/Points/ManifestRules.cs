using Reprise.Repository.Format;

namespace Reprise.Repository.Points;

/// <summary>
/// What a manifest must be after it was read as JSON. Whoever holds the keys may have written anything, and an earlier
/// release fewer fields: generated readers leave null what is absent, whatever its type and its initial value say.
/// </summary>
internal static class ManifestRules
{
    /// <summary>The manifest with what is absent as empty; <c>malformed</c> when it is none.</summary>
    public static PointManifest Demand(PointManifest manifest)
    {
        DemandAll(manifest.Application, manifest.Writer, manifest.Assets);
        if (manifest.Configuration is { } configuration) ContentCodec.Demand(configuration);
        return manifest with
        {
            Release = manifest.Release is { } release ? release with { Images = Whole(release.Images) } : null,
            Assets = [.. Whole(manifest.Assets).Select(Demand)],
            Problems = [.. Whole(manifest.Problems).Select(Demand)],
            Live = Whole(manifest.Live),
            Dropped = Whole(manifest.Dropped),
        };
    }

    private static RecordedProblem Demand(RecordedProblem problem)
    {
        DemandAll(problem.Code, problem.Message);
        return problem;
    }

    private static AssetRecord Demand(AssetRecord asset)
    {
        DemandAll(asset.Name, asset.Kind, asset.Method, asset.State);
        foreach (var content in Whole(asset.Streams).Values) ContentCodec.Demand(content);
        return asset with
        {
            Versions = Whole(asset.Versions),
            Rows = asset.Rows ?? new SortedDictionary<string, long>(),
            Identity = Whole(asset.Identity),
            Facts = Whole(asset.Facts),
            Streams = Whole(asset.Streams),
        };
    }

    private static void DemandAll(params object?[] needed)
    {
        if (needed.Contains(null)) throw ByteReader.Broken("a manifest lacks something that it must have");
    }

    private static IReadOnlyList<T> Whole<T>(IReadOnlyList<T>? list)
        where T : class
    {
        if (list is null) return [];
        DemandAll([.. list]);
        return list;
    }

    private static IReadOnlyDictionary<string, T> Whole<T>(IReadOnlyDictionary<string, T>? named)
        where T : class
    {
        if (named is null) return new SortedDictionary<string, T>(StringComparer.Ordinal);
        DemandAll([.. named.Values]);
        return named;
    }
}
