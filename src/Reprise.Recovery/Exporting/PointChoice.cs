using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>Finds the point that a bare host is recovered from.</summary>
internal sealed class PointChoice(PointRepository repository)
{
    /// <summary>
    /// The point that was asked for, or the newest that is complete, no safety point, genuine, and has all its packs.
    /// What was passed over, and what else is wrong with the repository, is added to <paramref name="problems"/>.
    /// </summary>
    public async Task<PointEntry> ChooseAsync(
        RecoverRequest request, List<Problem> problems, CancellationToken cancellationToken)
    {
        var catalog = await repository.ListPointsAsync(request.Signing, cancellationToken);
        if (request.Point is { } id) return Asked(catalog, id, problems);
        problems.AddRange(catalog.Problems.Select(p => p with { Severity = Severity.Warning }));
        foreach (var entry in catalog.Points.Reverse())
        {
            if (entry.Manifest.State != PointState.Complete || entry.Manifest.Kind == PointKind.Safety) continue;

            // Nothing can be told without the key: an older point that nobody signed would be no better.
            if (entry is { Signature: SignatureState.NotVerifiable, SignatureProblem: { } unknown })
                throw new RepriseException(unknown);
            if (await WhyNotAsync(entry, cancellationToken) is not { } reason) return entry;
            problems.Add(new Problem(
                ExportErrors.PointSkipped,
                Severity.Warning,
                $"point {entry.Id} was passed over: {reason.Message}",
                reason.Hint)
            {
                Where = entry.Id.Value,
            });
        }

        throw new RepriseException(
            RepositoryErrors.NoPoint,
            problems.Count == 0
                ? "the repository holds no complete point"
                : $"none of the {catalog.Points.Count} points can be recovered; of the newest: {problems[0].Message}",
            "run 'reprise points' and 'reprise verify' with this repository and key, and name a point with --point");
    }

    private static PointEntry Asked(PointCatalog catalog, PointId id, List<Problem> problems)
    {
        var entry = catalog.Points.FirstOrDefault(p => p.Id == id) ?? throw Absent(catalog, id);
        if (entry.SignatureProblem is { } forged) throw new RepriseException(forged);
        if (entry.Manifest.State != PointState.Complete)
        {
            var some = entry.Manifest.Problems.Take(3).Select(p => p.Message);
            problems.Add(new Problem(
                RecoveryErrors.PointIncomplete,
                Severity.Error,
                $"point {id} is incomplete: {string.Join("; ", some)}",
                "recover an earlier point that is complete, unless this is the one you need"));
        }

        return entry;
    }

    // A damaged point is not in the list; what is wrong with it is among the problems.
    private static RepriseException Absent(PointCatalog catalog, PointId id)
    {
        var known = catalog.Problems.FirstOrDefault(p => p.Where?.EndsWith(id.Value, StringComparison.Ordinal) == true);
        return new RepriseException(known ?? new Problem(
            RepositoryErrors.PointUnknown,
            Severity.Error,
            $"there is no point {id}",
            "run 'reprise points' to see those that there are"));
    }

    private async Task<Problem?> WhyNotAsync(PointEntry entry, CancellationToken cancellationToken)
    {
        if (entry.SignatureProblem is { } forged) return forged;
        var report = await repository.CheckAsync([entry], ReadDepth.None, _ => { }, cancellationToken);
        return report.Damage.Values.FirstOrDefault();
    }
}
