using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Planning;

/// <summary>
/// What a restore or an undo would do: a value that can be printed, tested and kept. Nothing was changed to make it.
/// </summary>
public sealed record RestorePlan
{
    /// <summary>The identifier that the restore will have.</summary>
    public required PointId RestoreId { get; init; }

    /// <summary>Whether it brings a point back, or the former data.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>Which application; its name is what a person types to confirm.</summary>
    public required string Application { get; init; }

    /// <summary>The point that comes back, or null for an undo.</summary>
    public PointId? Point { get; init; }

    /// <summary>The restore or undo that is undone, or null.</summary>
    public PointId? Undoes { get; init; }

    /// <summary>What you get back, what you lose, how to go back.</summary>
    public required PlanSentences Sentences { get; init; }

    /// <summary>Every asset, in the order of publishing.</summary>
    public required IReadOnlyList<PlannedAsset> Assets { get; init; }

    /// <summary>What is done, in order.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>What is left out because it is damaged.</summary>
    public Survey Survey { get; init; } = Survey.Intact;

    /// <summary>The secrets now against those of the point.</summary>
    public IReadOnlyList<SecretOutcome> Secrets { get; init; } = [];

    /// <summary>
    /// What refuses the restore (<see cref="Severity.Error"/>), and what should be known before it is confirmed.
    /// </summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];

    /// <summary>Whether something refuses it.</summary>
    public bool IsRefused => Problems.Any(p => p.Severity == Severity.Error);

    /// <summary>The sum of the estimates.</summary>
    public TimeSpan Estimate => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + (step.Estimate ?? TimeSpan.Zero));
}

/// <summary>The three sentences before the prompt.</summary>
/// <param name="GetBack">what comes back: moment, age, rows against the live data.</param>
/// <param name="Lose">what is no longer live afterwards.</param>
/// <param name="GoBack">how it is reverted.</param>
public sealed record PlanSentences(string GetBack, string Lose, string GoBack);

/// <summary>How much a step can hurt.</summary>
public enum Effect
{
    /// <summary>Changes nothing.</summary>
    Read,

    /// <summary>Changes something, and can be taken back without loss.</summary>
    Reversible,

    /// <summary>Can be taken back, but users notice.</summary>
    Costly,
}

/// <summary>One step of a plan.</summary>
public sealed record PlanStep
{
    /// <summary>Stable within a plan: <c>stage-orders</c>, <c>stop</c>, <c>publish-orders</c>.</summary>
    public required string Id { get; init; }

    /// <summary>How much it can hurt.</summary>
    public required Effect Effect { get; init; }

    /// <summary>What it touches, as a person says it.</summary>
    public required string Target { get; init; }

    /// <summary>What it does, as a sentence without a full stop.</summary>
    public required string Text { get; init; }

    /// <summary>How many bytes it moves, or null.</summary>
    public long? Bytes { get; init; }

    /// <summary>How long it probably takes, or null when nothing is known.</summary>
    public TimeSpan? Estimate { get; init; }
}

/// <summary>One asset of a plan.</summary>
public sealed record PlannedAsset
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its kind.</summary>
    public required string Kind { get; init; }

    /// <summary>Where it is restored to.</summary>
    public required string Where { get; init; }

    /// <summary>What is there now.</summary>
    public required Presence Presence { get; init; }

    /// <summary>The instant whose state comes back; null for an undo.</summary>
    public DateTimeOffset? Moment { get; init; }

    /// <summary>How much is written.</summary>
    public long? Bytes { get; init; }

    /// <summary>Rows by table that differ, or that only one side has.</summary>
    public IReadOnlyList<RowChange> Rows { get; init; } = [];

    /// <summary>Whether both sides say how many rows they have; without that, no difference means nothing.</summary>
    public bool IsCompared { get; init; }

    /// <summary>What protects that which is there now.</summary>
    public required SafetyKind Safety { get; init; }

    /// <summary>The characters for <c>--accept-target</c> when the identity refuses; else null.</summary>
    public string? AcceptCode { get; init; }
}

/// <summary>Rows of one table.</summary>
/// <param name="Table">its name.</param>
/// <param name="Live">rows now, or null when it is not there or cannot be read.</param>
/// <param name="Restored">rows that come back, or null when the point lacks it.</param>
/// <param name="IsEstimate">whether the rows now are an estimate.</param>
public sealed record RowChange(string Table, long? Live, long? Restored, bool IsEstimate = false)
{
    /// <summary><c>orders 41,202 → 40,950</c>.</summary>
    public override string ToString() => $"{Table} {(IsEstimate ? "about " : "")}{Count(Live)} → {Count(Restored)}";

    private static string Count(long? rows) => rows is { } count ? count.ToString("N0") : "none";
}
