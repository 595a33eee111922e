using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>What a restore or an undo did, or had done when it stopped.</summary>
public sealed record RestoreReport
{
    /// <summary>Its identifier.</summary>
    public required PointId RestoreId { get; init; }

    /// <summary>Which way data moved.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>How it ended.</summary>
    public required RestoreOutcome Outcome { get; init; }

    /// <summary>The point that came back; null for an undo.</summary>
    public PointId? Point { get; init; }

    /// <summary>What was planned; null when an interrupted operation was finished.</summary>
    public RestorePlan? Plan { get; init; }

    /// <summary>The secrets now against those of the point.</summary>
    public IReadOnlyList<SecretOutcome> Secrets { get; init; } = [];

    /// <summary>What protects the replaced data besides the former data itself.</summary>
    public SafetyReport Safety { get; init; } = SafetyReport.None;

    /// <summary>Every question in the order in which it was asked last.</summary>
    public IReadOnlyList<CheckOutcome> Checks { get; init; } = [];

    /// <summary>The data that is kept beside the live data.</summary>
    public IReadOnlyList<FormerData> Former { get; init; } = [];

    /// <summary>The phases so far.</summary>
    public IReadOnlyList<PhaseReport> Phases { get; init; } = [];

    /// <summary>
    /// Why it was kept although a required check did not pass, in the words of a person; null otherwise.
    /// </summary>
    public string? KeptBecause { get; init; }

    /// <summary>Everything that went wrong or needs attention; the exit code is the worst of the errors.</summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];
}

/// <summary>How a restore or an undo ended.</summary>
public enum RestoreOutcome
{
    /// <summary>Nothing was changed: refused, failed before the swap, or interrupted and put back.</summary>
    Unchanged,

    /// <summary>What came back is live.</summary>
    Kept,

    /// <summary>It was live for the checks, which did not pass: the former data is live again.</summary>
    RolledBack,

    /// <summary>It stands half-way: <c>restore --continue</c> or <c>undo</c> finishes it.</summary>
    Interrupted,
}

/// <summary>The safety point of an operation.</summary>
/// <param name="State">the weakest of the assets'.</param>
/// <param name="Point">the point, when something was captured.</param>
/// <param name="Assets">by asset.</param>
public sealed record SafetyReport(SafetyKind State, PointId? Point, IReadOnlyDictionary<string, SafetyKind> Assets)
{
    /// <summary>Nothing had to be protected yet.</summary>
    public static SafetyReport None { get; } =
        new(SafetyKind.NotApplicable, null, new SortedDictionary<string, SafetyKind>(StringComparer.Ordinal));
}

/// <summary>Data that was live, or that was restored and rolled back, and is kept.</summary>
/// <param name="RestoreId">the operation that set it aside.</param>
/// <param name="Asset">of which asset.</param>
/// <param name="Where">the name or path to look for.</param>
/// <param name="SizeBytes">how much, or null when unknown.</param>
/// <param name="Until">it stays at least until then, unless <c>restore forget</c> is run.</param>
public sealed record FormerData(PointId RestoreId, string Asset, string Where, long? SizeBytes, DateTimeOffset Until);

/// <summary>One phase.</summary>
/// <param name="Name">
/// <c>plan</c>, <c>stage</c>, <c>verify</c>, <c>stop</c>, <c>safety</c>, <c>publish</c>, <c>check-data</c>, …
/// </param>
/// <param name="Elapsed">how long it took, or null while it runs.</param>
/// <param name="Estimate">how long it probably takes, or null.</param>
/// <param name="Interrupt">what Ctrl-C does during it.</param>
public sealed record PhaseReport(string Name, TimeSpan? Elapsed, TimeSpan? Estimate, InterruptEffect Interrupt);

/// <summary>What Ctrl-C does.</summary>
public enum InterruptEffect
{
    /// <summary>Production is untouched: it simply ends.</summary>
    Harmless,

    /// <summary>What is half-done is put back first, however long that takes.</summary>
    PutsBack,

    /// <summary>It is being put back: Ctrl-C changes nothing.</summary>
    Ignored,
}

/// <summary>An operation that ended badly, with everything that is known of it.</summary>
public sealed class RestoreException(RestoreReport report, Problem problem, Exception? inner = null)
    : RepriseException(problem, inner)
{
    /// <summary>What was done until then.</summary>
    public RestoreReport Report { get; } = report;
}
