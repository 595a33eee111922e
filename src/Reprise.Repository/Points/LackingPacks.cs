using Reprise.Repository.Packs;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>Which packs a writer cannot rely on although points need them.</summary>
/// <param name="present">what the store lists, with sizes.</param>
/// <param name="damaged">what a verification found damaged.</param>
internal sealed class LackingPacks(IReadOnlyDictionary<PackId, long> present, IReadOnlySet<PackId> damaged)
{
    /// <summary>Nothing is lacking, as far as anybody knows.</summary>
    public static LackingPacks None { get; } = new(new Dictionary<PackId, long>(), new HashSet<PackId>());

    /// <summary>One warning for each lacking pack, with the points that cannot come back whole.</summary>
    public IReadOnlyList<Problem> Say(PointCatalog catalog)
    {
        if (present.Count == 0) return [];
        var lacking = new SortedDictionary<string, (string What, List<PointId> Points)>(StringComparer.Ordinal);
        foreach (var point in catalog.Points)
        {
            foreach (var pack in point.Table.Packs)
            {
                var what = damaged.Contains(pack.Id) ? "is damaged"
                    : !present.TryGetValue(pack.Id, out var size) ? "is missing"
                    : size != pack.SizeBytes ? $"has {size} bytes instead of {pack.SizeBytes}"
                    : null;
                if (what is null) continue;
                var name = pack.Id.ToString();
                if (!lacking.TryGetValue(name, out var known)) lacking[name] = known = (what, []);
                known.Points.Add(point.Id);
            }
        }

        return [.. lacking.Select(l => new Problem(
            RepositoryErrors.PackStoredAgain,
            Severity.Warning,
            $"pack {l.Key} {l.Value.What}; what the sources still have of it is stored again. "
            + $"{Points(l.Value.Points)} without it",
            "'reprise verify' names what is affected")
        {
            Where = $"{PackId.Folder}/{l.Key}",
        })];
    }

    private static string Points(List<PointId> points) => points.Count == 1
        ? $"Point {points[0]} is not whole"
        : $"{points.Count} points are not whole, {points[0]} to {points[^1]},";
}
