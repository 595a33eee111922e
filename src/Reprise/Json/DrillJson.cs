using System.Diagnostics.CodeAnalysis;
using Reprise.Recovery.Evidence;

namespace Reprise.Json;

/// <summary><c>reprise/drill/v1</c>.</summary>
internal sealed record DrillJson
{
    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary>The point, and when it was committed.</summary>
    public required string Point { get; init; }

    /// <summary>When the point was committed.</summary>
    public required DateTimeOffset PointCreated { get; init; }

    /// <summary>The depth that was reached by every asset, 0 to 5.</summary>
    public required int Level { get; init; }

    /// <summary>The depth that was asked for.</summary>
    public required int WantedLevel { get; init; }

    /// <summary><c>pass</c>, <c>fail</c> or <c>could-not-verify</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary><c>T0</c> to <c>T8</c>, as far as they were reached.</summary>
    public required IReadOnlyDictionary<string, DateTimeOffset> Moments { get; init; }

    /// <summary>The phases of the recovery time.</summary>
    public required IReadOnlyList<DrillPhaseJson> Phases { get; init; }

    /// <summary>T7 - T3: all that an unattended drill may claim; null when T7 was not reached.</summary>
    public required double? TechnicalRecoverySeconds { get; init; }

    /// <summary>What would have been lost, by asset.</summary>
    public required IReadOnlyList<DrillLossJson> Rpo { get; init; }

    /// <summary>The most that would have been lost, or null.</summary>
    public required double? RpoOfSetSeconds { get; init; }

    /// <summary>Between the moments of the assets.</summary>
    public required double SkewSeconds { get; init; }

    /// <summary>What was promised.</summary>
    public required DrillObjectivesJson Objectives { get; init; }

    /// <summary>Every question and its answer.</summary>
    public required IReadOnlyList<DrillCheckJson> Checks { get; init; }

    /// <summary>What is not as it should be, the worst first.</summary>
    public required IReadOnlyList<DrillFindingJson> Findings { get; init; }

    /// <summary>How the sandbox was kept apart from production.</summary>
    public required DrillProofJson Separation { get; init; }

    /// <summary>Whether anything is left of it.</summary>
    public required DrillProofJson CleanUp { get; init; }

    /// <summary>Assets that were recovered.</summary>
    public required IReadOnlyList<string> InScope { get; init; }

    /// <summary>Assets that were not.</summary>
    public required IReadOnlyList<LeftOutJson> OutOfScope { get; init; }

    /// <summary>What a pass does not prove.</summary>
    public required IReadOnlyList<string> NotProven { get; init; }

    /// <summary>Where the evidence was kept, or null.</summary>
    public required string? Evidence { get; init; }

    /// <summary>Where the sandbox was kept, with <c>--keep</c>, or null.</summary>
    public required string? KeptAt { get; init; }

    /// <summary>The report that was written, or null.</summary>
    public string? Report { get; init; }

    /// <summary>The runbook that was rehearsed, or null.</summary>
    public required DrillRunbookJson? Runbook { get; init; }

    /// <summary>The record as JSON has it.</summary>
    public static DrillJson From(DrillRecord record, string? evidence, string? keptAt) => new()
    {
        Id = record.Id,
        Point = record.Input?.Point ?? "",
        PointCreated = record.Input?.Created ?? default,
        Level = record.Level,
        WantedLevel = record.WantedLevel,
        Verdict = Words.Of(record.Verdict),
        Moments = record.Moments,
        Phases = [.. record.Phases.Select(p => new DrillPhaseJson
        {
            Name = p.Name, Kind = p.Kind, Seconds = Rounded(p.Elapsed), Reason = p.Reason,
        })],
        TechnicalRecoverySeconds = Rounded(record.TechnicalRecovery),
        Rpo = [.. record.Rpo.Select(l => new DrillLossJson
        {
            Asset = l.Asset, Moment = l.Moment, LostSeconds = Rounded(l.Lost) ?? 0,
        })],
        RpoOfSetSeconds = Rounded(record.RpoOfSet),
        SkewSeconds = Rounded(record.Skew) ?? 0,
        Objectives = new DrillObjectivesJson
        {
            RpoSeconds = Rounded(record.Objectives.Rpo),
            RtoSeconds = Rounded(record.Objectives.Rto),
            DrillSeconds = Rounded(record.Objectives.Drill),
        },
        Checks = [.. record.Checks.Select(DrillCheckJson.From)],
        Findings = [.. record.Findings.Select(f => new DrillFindingJson
        {
            Severity = f.Severity, Code = f.Code, Asset = f.Asset, Message = f.Text, Hint = f.Hint,
        })],
        Separation = new DrillProofJson { Outcome = Words.Of(record.Separation.Outcome), Facts = record.Separation.Facts },
        CleanUp = new DrillProofJson { Outcome = Words.Of(record.CleanUp.Outcome), Facts = record.CleanUp.Facts },
        InScope = record.InScope,
        OutOfScope = [.. record.OutOfScope.Select(o => new LeftOutJson { Name = o.Name, Reason = o.Reason })],
        NotProven = record.NotProven,
        Evidence = evidence,
        KeptAt = keptAt,
        Runbook = record.Scenario is { Runbook: { } id, Fault: var fault, RunbookSha256: var sha256 }
            ? new DrillRunbookJson
            {
                Id = id, Sha256 = sha256 ?? "", Incident = fault ?? "", NotExercised = record.Scenario.NotExercised,
            }
            : null,
    };

    private static double? Rounded(TimeSpan? span) =>
        span is { } value ? Math.Round(value.TotalSeconds, 3) : null;
}

/// <summary>The runbook that a drill rehearsed.</summary>
internal sealed record DrillRunbookJson
{
    /// <summary>Its name.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of its text.</summary>
    public required string Sha256 { get; init; }

    /// <summary>What was broken.</summary>
    public required string Incident { get; init; }

    /// <summary>What nobody really decided or did.</summary>
    public required IReadOnlyList<string> NotExercised { get; init; }
}

/// <summary>One phase.</summary>
internal sealed record DrillPhaseJson
{
    /// <summary>detect, decide, mobilise, restore, replay, start, verify, cut-over.</summary>
    public required string Name { get; init; }

    /// <summary><c>measured</c>, <c>simulated</c> or <c>excluded</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How long; null when it was not measured.</summary>
    public required double? Seconds { get; init; }

    /// <summary>Why it was not measured, or null.</summary>
    public required string? Reason { get; init; }
}

/// <summary>What would have been lost of one asset.</summary>
internal sealed record DrillLossJson
{
    /// <summary>The asset.</summary>
    public required string Asset { get; init; }

    /// <summary>The moment to which it came back.</summary>
    public required DateTimeOffset Moment { get; init; }

    /// <summary>T0 minus that moment.</summary>
    public required double LostSeconds { get; init; }
}

/// <summary>What was promised; null where nothing was.</summary>
internal sealed record DrillObjectivesJson
{
    /// <summary>At most so much is lost.</summary>
    public required double? RpoSeconds { get; init; }

    /// <summary>Back within.</summary>
    public required double? RtoSeconds { get; init; }

    /// <summary>A drill at least so often.</summary>
    public required double? DrillSeconds { get; init; }
}

/// <summary>One check of a drill: what a check has, and whether its answer can tell anything.</summary>
internal sealed record DrillCheckJson : CheckJson
{
    /// <summary>For the serialiser.</summary>
    public DrillCheckJson()
    {
    }

    [SetsRequiredMembers]
    private DrillCheckJson(DrillCheck check)
        : base(CheckJson.From(check.Check)) => Discriminates = check.Discriminates;

    /// <summary>False: it passes on an empty target as well; null: that was not tried.</summary>
    public required bool? Discriminates { get; init; }

    /// <summary>The check as JSON has it.</summary>
    public static DrillCheckJson From(DrillCheck check) => new(check);
}

/// <summary>Something that is not as it should be.</summary>
internal sealed record DrillFindingJson
{
    /// <summary><c>error</c>, <c>warning</c> or <c>note</c>.</summary>
    public required string Severity { get; init; }

    /// <summary>Stable, in kebab-case.</summary>
    public required string Code { get; init; }

    /// <summary>Where, or null.</summary>
    public required string? Asset { get; init; }

    /// <summary>One sentence.</summary>
    public required string Message { get; init; }

    /// <summary>What to do.</summary>
    public required string Hint { get; init; }
}

/// <summary>Something that was made sure.</summary>
internal sealed record DrillProofJson
{
    /// <summary>The outcome.</summary>
    public required string Outcome { get; init; }

    /// <summary>What was done and seen.</summary>
    public required IReadOnlyList<string> Facts { get; init; }
}

/// <summary>Something that was left out.</summary>
internal sealed record LeftOutJson
{
    /// <summary>What.</summary>
    public required string Name { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }
}
