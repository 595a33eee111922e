using Reprise.Json;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What WAL is there, for <c>status</c>, <c>points</c> and <c>prune</c>.</summary>
internal static class WalMapping
{
    /// <summary>Everything under <c>wal/</c>, with its gaps as problems.</summary>
    public static async Task<(IReadOnlyList<WalStateJson> States, IReadOnlyList<Problem> Problems)> ReadAsync(
        PointRepository repository, CancellationToken cancellationToken)
    {
        var states = await new WalOverview(repository.Wal).ReadAsync(cancellationToken);
        return ([.. states.Select(Of)], [.. states.SelectMany(Gaps)]);
    }

    private static WalStateJson Of(WalTimelineState state) => new()
    {
        Lineage = state.Lineage.Id,
        Timeline = state.Timeline,
        From = state.Stretches.Count == 0 ? null : state.Stretches[0].Start.ToString(),
        To = state.Stretches.Count == 0 ? null : state.Stretches[^1].End.ToString(),
        LastCommit = state.LastCommit,
        Gaps = [.. state.Stretches.Zip(state.Stretches.Skip(1), (before, after) => new WalGapJson
        {
            From = before.End.ToString(), To = after.Start.ToString(),
        })],
        StoredBytes = state.StoredBytes,
    };

    private static IEnumerable<Problem> Gaps(WalTimelineState state) => state.Stretches.Zip(
        state.Stretches.Skip(1),
        (before, after) => new Problem(
            RepositoryErrors.WalGap,
            Severity.Warning,
            $"WAL of timeline {state.Timeline} is missing from {before.End} to {after.Start}: nothing can be replayed across that",
            "if the server still has it in pg_wal, push it: reprise wal push; else take a point: reprise backup")
        {
            Where = $"wal/{state.Lineage.Id}/{state.Timeline:x8}",
        });
}
