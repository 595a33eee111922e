using Reprise.Repository.Points;

namespace Reprise.Recovery.Assets;

/// <summary>
/// A moment behind that of a point, found in the log of changes before anything is touched: the place in it at which a
/// recovery has to end. Only text and numbers, so that a journal can keep it.
/// </summary>
public sealed record AssetMoment
{
    /// <summary>Whose log of changes.</summary>
    public required string Lineage { get; init; }

    /// <summary>The timeline that is followed.</summary>
    public required uint Timeline { get; init; }

    /// <summary>The place of the record at which it ends.</summary>
    public required string Target { get; init; }

    /// <summary>Whether that record still happens.</summary>
    public required bool Inclusive { get; init; }

    /// <summary>Where that record ends: so much of the log is needed.</summary>
    public required string End { get; init; }

    /// <summary>How much of the log is replayed.</summary>
    public required long ReplayBytes { get; init; }

    /// <summary>When the first transaction ended that does not come back; null: none is known.</summary>
    public DateTimeOffset? NextCommit { get; init; }

    /// <summary>What was asked for, as a person says it.</summary>
    public required string Wish { get; init; }
}

/// <summary>Where a recovery ended, as the server said it.</summary>
public sealed record ReachedMoment
{
    /// <summary>Which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>Up to where the log of changes happened.</summary>
    public required string Lsn { get; init; }

    /// <summary>When the last transaction ended that came back; null: none did after the point was taken.</summary>
    public required DateTimeOffset? LastCommit { get; init; }

    /// <summary>That transaction, or null.</summary>
    public required string? Transaction { get; init; }

    /// <summary>The timeline that was followed.</summary>
    public required uint Timeline { get; init; }

    /// <summary>The timeline that the server begins there; null: it was not started.</summary>
    public required uint? NewTimeline { get; init; }

    /// <summary>Whether it was started, reached the moment and was stopped; false: its first start does that.</summary>
    public required bool Replayed { get; init; }

    /// <summary>What was asked for, as a person says it.</summary>
    public required string Wish { get; init; }
}

/// <summary>What was written, and where it ended.</summary>
/// <param name="Paths">what was written.</param>
/// <param name="Reached">where the recovery ended.</param>
public sealed record WrittenMoment(WrittenPaths Paths, ReachedMoment Reached);

/// <summary>An asset that comes back as it was at a moment behind that of a point.</summary>
public interface IReplayable : IRestorable
{
    /// <summary>As <see cref="IRestorable.MaterialiseAsync"/>, then on to <paramref name="moment"/>.</summary>
    Task<WrittenMoment> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        AssetMoment moment,
        IProgressSink progress,
        CancellationToken cancellationToken);
}
