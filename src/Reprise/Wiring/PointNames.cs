using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>
/// What a person may write for a point: an identifier, a unique beginning of at least four characters, <c>latest</c>,
/// <c>latest~N</c>, or <c>proven</c>. <c>latest</c> is the newest complete point that is not a safety point;
/// <c>proven</c> is the one of the last drill that passed on this host.
/// </summary>
internal static class PointNames
{
    /// <summary>What is meant when no point is named.</summary>
    public const string Latest = "latest";

    private const string Proven = "proven";
    private const string PointPlace = "points/";
    private const int MinPrefix = 4;

    /// <summary>Finds the point; <c>point-unknown</c> (exit 2) or <c>no-point</c> (exit 4) when there is none.</summary>
    public static PointEntry Find(PointCatalog catalog, string name, string? proven = null)
    {
        if (IsRelative(name)) return FindLatest(catalog, name);
        if (name == Proven) return FindProven(catalog, proven);
        var found = name.Length < MinPrefix
            ? []
            : catalog.Points.Where(p => p.Id.Value.StartsWith(name, StringComparison.Ordinal)).ToList();
        return found is [var one] ? Usable(one) : throw Unknown(catalog, name, found.Count);
    }

    /// <summary>Whether it depends on what else is in the repository which point this means.</summary>
    public static bool IsRelative(string? name) =>
        name is null or Latest || name.StartsWith(Latest + "~", StringComparison.Ordinal);

    /// <summary>
    /// What is wrong with points that are newer than <paramref name="chosen"/>: they may be what <c>latest</c> meant, so
    /// that who gets an older one must hear of it.
    /// </summary>
    public static IEnumerable<Problem> PassedOver(PointCatalog catalog, PointEntry chosen) => catalog.Problems
        .Where(p => IsOfPoint(p) && string.CompareOrdinal(p.Where, PointPlace + chosen.Id.Value) > 0)
        .Select(p => p with { Severity = Severity.Warning });

    /// <summary>Complete points that are not safety points, newest first.</summary>
    public static IReadOnlyList<PointEntry> Regular(PointCatalog catalog) =>
        [.. catalog.Points.Where(p => p.Manifest is { State: PointState.Complete, Kind: not PointKind.Safety }).Reverse()];

    private static PointEntry FindLatest(PointCatalog catalog, string name)
    {
        var back = 0;
        if (name.Length > Latest.Length && (!int.TryParse(name.AsSpan(Latest.Length + 1), out back) || back < 0))
            throw Unknown(catalog, name, 0);
        var regular = Regular(catalog);
        if (back < regular.Count) return Usable(regular[back]);

        // Where all points are damaged, "there is none yet" would be a lie that invites to start anew.
        if (catalog.Problems.LastOrDefault(IsOfPoint) is { } damaged) throw new RepriseException(damaged);
        throw regular.Count == 0
            ? new RepriseException(
                RepositoryErrors.NoPoint, "there is no complete point yet", "take one with 'reprise backup'")
            : new RepriseException(
                RepositoryErrors.PointUnknown,
                $"{name} does not exist: there are {regular.Count} complete points",
                "choose one with 'reprise points'");
    }

    private static PointEntry FindProven(PointCatalog catalog, string? proven)
    {
        if (proven is null)
        {
            throw new RepriseException(
                RepositoryErrors.PointUnknown,
                "no point is proven: no drill has passed on this host",
                "reprise drill, or name a point of 'reprise points'");
        }

        return catalog.Points.FirstOrDefault(p => p.Id.Value == proven) is { } point
            ? Usable(point)
            : throw new RepriseException(
                RepositoryErrors.PointUnknown,
                $"the point that the last passing drill proved, {proven}, is no longer in the repository",
                "reprise drill, or name a point of 'reprise points'");
    }

    private static bool IsOfPoint(Problem problem) =>
        problem is { Severity: Severity.Error, Where: { } where }
        && where.StartsWith(PointPlace, StringComparison.Ordinal);

    // A point whose signature cannot be trusted is never used for anything but being named.
    private static PointEntry Usable(PointEntry point) =>
        point.SignatureProblem is { } problem ? throw new RepriseException(problem) : point;

    private static RepriseException Unknown(PointCatalog catalog, string name, int found)
    {
        var damaged = catalog.Problems.FirstOrDefault(
            p => name.Length >= MinPrefix && p.Where?.StartsWith(PointPlace + name, StringComparison.Ordinal) == true);
        if (damaged is not null) return new RepriseException(damaged);
        return new RepriseException(
            RepositoryErrors.PointUnknown,
            found > 1 ? $"{found} points begin with '{name}'" : $"no point is called '{name}'",
            "choose one with 'reprise points': an identifier, four or more of its first characters, latest, latest~N or proven");
    }
}
