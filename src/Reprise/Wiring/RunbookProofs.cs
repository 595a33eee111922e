using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;

namespace Reprise.Wiring;

/// <summary>What a proof is held against.</summary>
/// <param name="Time">now.</param>
/// <param name="Every">how old a proof may be, or null: as old as it likes.</param>
/// <param name="Points">the points that there are.</param>
/// <param name="Fingerprint">what would be proven now, or null: there is no point.</param>
internal sealed record ProofSurroundings(
    DateTimeOffset Time, TimeSpan? Every, IReadOnlySet<string> Points, IReadOnlyDictionary<string, string>? Fingerprint);

/// <summary>What rehearsals of runbooks are still worth, read from the evidence. Pure.</summary>
internal static class RunbookProofs
{
    /// <summary>One of each name, in the order of the library.</summary>
    public static IReadOnlyList<RunbookProofJson> Of(
        RunbookLibrary library, string language, IReadOnlyList<DrillRecord> drills, ProofSurroundings now) =>
        [.. library.In(language).Select(r => Of(r, TextsOf(library, r.Id), drills, now))];

    /// <summary>The newest rehearsal of any of these texts that passed, or null.</summary>
    public static DrillRecord? LastPassed(IReadOnlySet<string> texts, IEnumerable<DrillRecord> drills) =>
        drills.LastOrDefault(d => d.Verdict == Outcome.Pass && texts.Contains(d.Scenario.RunbookSha256 ?? ""));

    /// <summary>
    /// Hashes of the texts of a runbook in all its languages: its steps are the same in each, and what was proven of one
    /// is proven of all.
    /// </summary>
    public static IReadOnlySet<string> TextsOf(RunbookLibrary library, string id) =>
        library.All.Where(r => r.Id == id).Select(r => r.Sha256).ToHashSet(StringComparer.Ordinal);

    private static RunbookProofJson Of(
        Runbook runbook, IReadOnlySet<string> texts, IReadOnlyList<DrillRecord> drills, ProofSurroundings now)
    {
        var ofIt = drills.Where(d => d.Scenario.Runbook == runbook.Id).ToList();
        var passed = ofIt.LastOrDefault(d => d.Verdict == Outcome.Pass);
        var notRehearsed = runbook.Rehearsal is { } rehearsal ? rehearsal.WhyNot : "its front matter does not say how";
        return new RunbookProofJson
        {
            Id = runbook.Id,
            ProvenAt = passed is null ? null : At(passed),
            Drill = passed?.Id,
            Point = passed?.Input?.Point,
            Incident = passed?.Scenario.Fault,
            TechnicalSeconds = passed?.TechnicalRecovery?.TotalSeconds,
            NotRehearsed = notRehearsed,
            Stale = notRehearsed is null || passed is not null ? [.. WhyStale(runbook.Id, texts, ofIt.LastOrDefault(), passed, now)] : [],
        };
    }

    private static IEnumerable<string> WhyStale(
        string id, IReadOnlySet<string> texts, DrillRecord? last, DrillRecord? passed, ProofSurroundings now)
    {
        if (last is not null && last.Id != passed?.Id)
            yield return $"drill {last.Id} of {At(last):yyyy-MM-dd} did not pass: {last.Findings.FirstOrDefault()?.Text ?? "see its evidence"}";
        if (passed is null)
        {
            yield return "never rehearsed";
            yield break;
        }

        if (!texts.Contains(passed.Scenario.RunbookSha256 ?? "")) yield return $"the text of runbook {id} was changed since";
        if (now.Time - At(passed) is var age && age > now.Every)
            yield return $"its rehearsal is {Amounts.Time(age)} old; the objective is {Amounts.Time(now.Every.Value)}";
        if (passed.Input is { } input && !now.Points.Contains(input.Point))
            yield return $"point {input.Point}, on which it was rehearsed, is gone";
        if (now.Fingerprint is not { } fingerprint) yield break;
        foreach (var change in ProofState.Changes(passed.Fingerprint, fingerprint)) yield return change;
    }

    private static DateTimeOffset At(DrillRecord drill) => drill.Moments.GetValueOrDefault("T7", drill.Moments["T0"]);
}
