using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Evidence;

/// <summary>
/// Everything a drill saw, as it is signed and as its report is written. Pure values: whoever reads it needs nothing
/// else. It never holds a secret, nor rows of the application.
/// </summary>
public sealed record DrillRecord
{
    /// <summary>Its identifier, built like that of a point: <c>20261122T031502Z-7f3a</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The application that was drilled.</summary>
    public required string Application { get; init; }

    /// <summary>Version of the program that drilled.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>SHA-256 of that program's file, or null when it could not be read.</summary>
    public string? ToolSha256 { get; init; }

    /// <summary>Where it ran: operating system, kernel, processors, memory, an identifier of the machine.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Why it ran: <c>manual</c>, <c>scheduled</c>, or a runbook's rehearsal.</summary>
    public required DrillScenario Scenario { get; init; }

    /// <summary>What was promised.</summary>
    public required DrillObjectives Objectives { get; init; }

    /// <summary>What was recovered.</summary>
    public required IReadOnlyList<string> InScope { get; init; }

    /// <summary>What was not, each with its reason.</summary>
    public required IReadOnlyList<LeftOut> OutOfScope { get; init; }

    /// <summary>What it was recovered from; null when none could be opened.</summary>
    public DrillInput? Input { get; init; }

    /// <summary>How the sandbox was kept apart from production.</summary>
    public required DrillSeparation Separation { get; init; }

    /// <summary>Who drilled: the user of the system, and whether somebody was at a terminal.</summary>
    public required string Executor { get; init; }

    /// <summary><c>T0</c> to <c>T8</c> by name, as far as they were reached (UTC).</summary>
    public required IReadOnlyDictionary<string, DateTimeOffset> Moments { get; init; }

    /// <summary>The phases of the recovery time, in their order.</summary>
    public required IReadOnlyList<DrillPhase> Phases { get; init; }

    /// <summary>T7 - T3, the one number that an unattended drill may claim; null when T7 was not reached.</summary>
    public TimeSpan? TechnicalRecovery { get; init; }

    /// <summary>What would have been lost, by asset.</summary>
    public required IReadOnlyList<DrillLoss> Rpo { get; init; }

    /// <summary>The most that would have been lost over all assets, or null.</summary>
    public TimeSpan? RpoOfSet { get; init; }

    /// <summary>Between the earliest and the latest moment of the assets.</summary>
    public TimeSpan Skew { get; init; }

    /// <summary>Every question and its answer.</summary>
    public required IReadOnlyList<DrillCheck> Checks { get; init; }

    /// <summary>The depth that was reached by every asset, 0 to 5.</summary>
    public required int Level { get; init; }

    /// <summary>The depth that was asked for, 1 to 5.</summary>
    public required int WantedLevel { get; init; }

    /// <summary>pass, fail or could-not-verify.</summary>
    public required Outcome Verdict { get; init; }

    /// <summary>What is not as it should be, the worst first.</summary>
    public required IReadOnlyList<DrillFinding> Findings { get; init; }

    /// <summary>Sentences about what a pass of this drill does not prove.</summary>
    public required IReadOnlyList<string> NotProven { get; init; }

    /// <summary>Whether the sandbox is gone: its folder, its processes, its servers.</summary>
    public required DrillCleanUp CleanUp { get; init; }

    /// <summary>
    /// What was proven, as name and hash: any change of it makes the proof stale (<c>configuration</c>, <c>images</c>,
    /// <c>schema/orders</c>, <c>server/orders</c>, <c>tool</c>, <c>key</c>, <c>runbook/ID</c>).
    /// </summary>
    public required IReadOnlyDictionary<string, string> Fingerprint { get; init; }
}

/// <param name="Kind"><c>recovery</c>, or <c>runbook</c>.</param>
/// <param name="Hypothesis">one sentence: what should be possible.</param>
/// <param name="Fault">the fault that was made, or null.</param>
/// <param name="Runbook">identifier of the runbook, or null.</param>
/// <param name="RunbookSha256">of its text, or null.</param>
/// <param name="NotExercised">steps and parts that were not exercised.</param>
public sealed record DrillScenario(
    string Kind,
    string Hypothesis,
    string? Fault,
    string? Runbook,
    string? RunbookSha256,
    IReadOnlyList<string> NotExercised);

/// <summary>What was promised; null where nothing was.</summary>
public sealed record DrillObjectives(TimeSpan? Rpo, TimeSpan? Rto, TimeSpan? Drill);

/// <param name="Name">an asset, or another part of the application.</param>
/// <param name="Reason">why it was left out.</param>
public sealed record LeftOut(string Name, string Reason);

/// <param name="Repository">its identifier.</param>
/// <param name="Location">where it lies, without credentials.</param>
/// <param name="Point">the point.</param>
/// <param name="PointSha256">of the point's sealed bytes, hexadecimal.</param>
/// <param name="Created">when the point was committed.</param>
/// <param name="Epoch">generation of the key.</param>
public sealed record DrillInput(
    string Repository, string Location, string Point, string PointSha256, DateTimeOffset Created, int Epoch);

/// <param name="Outcome">pass when production could not be reached from inside; could-not-verify without namespaces.</param>
/// <param name="Facts">sentences: what was done, and what was tried from inside.</param>
public sealed record DrillSeparation(Outcome Outcome, IReadOnlyList<string> Facts);

/// <param name="Name">detect, decide, mobilise, restore, replay, start, verify, cut-over.</param>
/// <param name="Kind"><c>measured</c>, <c>simulated</c> or <c>excluded</c>.</param>
/// <param name="Elapsed">null when it was not measured.</param>
/// <param name="Reason">why it is simulated or excluded, or null.</param>
public sealed record DrillPhase(string Name, string Kind, TimeSpan? Elapsed, string? Reason);

/// <param name="Asset">the asset.</param>
/// <param name="Moment">the moment to which it came back.</param>
/// <param name="Lost">T0 minus that moment.</param>
public sealed record DrillLoss(string Asset, DateTimeOffset Moment, TimeSpan Lost);

/// <param name="Check">question and answer.</param>
/// <param name="Discriminates">false: it would pass on an empty target as well; null: not tried.</param>
public sealed record DrillCheck(CheckOutcome Check, bool? Discriminates);

/// <param name="Severity">error, warning or note.</param>
/// <param name="Code">stable, in kebab-case.</param>
/// <param name="Asset">where, or null.</param>
/// <param name="Text">one sentence.</param>
/// <param name="Hint">what to do.</param>
public sealed record DrillFinding(string Severity, string Code, string? Asset, string Text, string Hint);

/// <param name="Outcome">pass when nothing is left.</param>
/// <param name="Facts">sentences: what was removed, how it was made sure.</param>
public sealed record DrillCleanUp(Outcome Outcome, IReadOnlyList<string> Facts);
