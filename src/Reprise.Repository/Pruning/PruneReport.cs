using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Pruning;

/// <summary>What a prune did.</summary>
public sealed record PruneReport
{
    /// <summary>Points that were dropped.</summary>
    public required IReadOnlyList<PointId> Dropped { get; init; }

    /// <summary>Writers that were taken for dead: the previous prune had seen them at work already.</summary>
    public required IReadOnlyList<PointId> Expelled { get; init; }

    /// <summary>Writers at work, which the next prune takes for dead if they have not ended.</summary>
    public required IReadOnlyList<PointId> Waiting { get; init; }

    /// <summary>Packs that were deleted.</summary>
    public required int DeletedPacks { get; init; }

    /// <summary>What that freed.</summary>
    public required long FreedBytes { get; init; }

    /// <summary>What the next prune frees.</summary>
    public required long FreedNextBytes { get; init; }

    /// <summary>What was odd.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>Counts while a prune works.</summary>
internal sealed class PruneCount
{
    private readonly List<PointId> expelled = [];
    private readonly List<PointId> completed = [];
    private readonly List<Problem> problems = [];
    private int packs;
    private long freed;

    public void Expelled(PointId id) => expelled.Add(id);

    public void Completed(PointId id) => completed.Add(id);

    public void Notice(Problem problem) => problems.Add(problem);

    public void Deleted(long bytes)
    {
        packs++;
        freed += bytes;
    }

    public PruneReport Report(IReadOnlyList<PointEntry> dropped, IReadOnlySet<PointId> waiting, long next) => new()
    {
        Dropped = [.. dropped.Select(p => p.Id), .. completed],
        Expelled = expelled,
        Waiting = [.. waiting.Order()],
        DeletedPacks = packs,
        FreedBytes = freed,
        FreedNextBytes = next,
        Problems = problems,
    };
}
