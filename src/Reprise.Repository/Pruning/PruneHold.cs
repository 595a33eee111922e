using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Pruning;

/// <summary>
/// Why nothing may be deleted: a point that cannot be read may need any pack, and one that vanished or was replaced may
/// still be brought back by a person, as long as its packs are there.
/// </summary>
internal static class PruneHold
{
    public static RepriseException? Of(PointCatalog catalog)
    {
        var problems = catalog.Problems.Where(p => p.Severity == Severity.Error).ToList();
        if (problems.Count == 0) return null;
        var first = problems[0];
        var others = problems.Count == 1 ? "" : $" (and {problems.Count - 1} more)";
        return new RepriseException(new Problem(
            RepositoryErrors.PruneHeld,
            Severity.Error,
            $"nothing was deleted, because of this: {first.Message}{others}",
            "find out why with 'reprise verify'; if the point is lost for good: reprise prune --give-up POINT")
        {
            Where = first.Where,
        });
    }
}
