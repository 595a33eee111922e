using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Drills;

/// <summary>What follows from what was seen. Pure.</summary>
internal static class DrillVerdict
{
    private const string Unattended = "nobody was alarmed, asked or called: an unattended drill measures the technique only";

    /// <summary>The depth to which everything passed.</summary>
    public static int LevelOf(IReadOnlyList<DrillCheck> checks, int wanted, bool applicationRan)
    {
        for (var level = 1; level <= wanted; level++)
        {
            var asked = checks.Where(c => (int)c.Check.Level == level && c.Check.Required).ToList();
            if (asked.Exists(c => c.Check.Outcome is not (Outcome.Pass or Outcome.NotApplicable))) return level - 1;
            if (level == (int)CheckLevel.Application && !applicationRan) return level - 1;
        }

        return wanted;
    }

    /// <summary>The phases of the recovery time.</summary>
    public static IReadOnlyList<DrillPhase> Phases(DrillNotes notes, bool hasStart)
    {
        return
        [
            new DrillPhase("detect", "excluded", null, Unattended),
            new DrillPhase("decide", "excluded", null, Unattended),
            new DrillPhase("mobilise", "excluded", null, "people, a host and the key were at hand"),
            Measured("restore"),
            notes.Of("replay") is null
                ? new DrillPhase("replay", "excluded", null, "there is no WAL behind the point; what its own files replay counts as restore")
                : Measured("replay"),
            hasStart ? Measured("start") : new DrillPhase(
                "start", "excluded", null, "drill.start does not say how the application is started, or it was not asked for"),
            Measured("verify"),
            new DrillPhase("cut-over", "excluded", null, "a drill never touches production"),
        ];

        DrillPhase Measured(string name) => notes.Of(name) is { } elapsed
            ? new DrillPhase(name, "measured", elapsed, null)
            : new DrillPhase(name, "excluded", null, "it was not reached");
    }

    /// <summary>What would have been lost.</summary>
    public static IReadOnlyList<DrillLoss> Losses(IEnumerable<AssetRecord> records, DateTimeOffset fault) =>
        [.. records
            .Where(r => r.Kind != AssetKinds.Secrets)
            .Select(r => new DrillLoss(r.Name, r.Moment, fault - r.Moment))];

    /// <summary>
    /// The same with what was replayed: at a time that the WAL reached nothing older is lost; else what was committed after the last
    /// commit that came back may be.
    /// </summary>
    public static IReadOnlyList<DrillLoss> Losses(
        IReadOnlyList<DrillLoss> ofPoint, IReadOnlyDictionary<string, MomentSeen> seen, DateTimeOffset fault) =>
        [.. ofPoint.Select(loss => !seen.TryGetValue(loss.Asset, out var moment) ? loss
            : moment.IsTime ? loss with { Moment = fault, Lost = TimeSpan.Zero }
            : moment.Reached.LastCommit is { } commit && commit > loss.Moment ? loss with { Moment = commit, Lost = fault - commit }
            : loss)];

    /// <summary>Between the first and the last moment.</summary>
    public static TimeSpan Skew(IReadOnlyList<DrillLoss> losses) =>
        losses.Count == 0 ? TimeSpan.Zero : losses.Max(l => l.Moment) - losses.Min(l => l.Moment);

    /// <summary>Objectives that were missed, as findings.</summary>
    public static void JudgeObjectives(
        DrillNotes notes, DrillObjectives objectives, TimeSpan? lost, TimeSpan? technical)
    {
        if (lost > objectives.Rpo)
        {
            notes.Find(
                "error",
                "objective-rpo-missed",
                null,
                $"{Words(lost.Value)} would have been lost; the objective is {Words(objectives.Rpo.Value)}",
                "take points more often: see what starts 'reprise backup'");
        }

        if (technical > objectives.Rto)
        {
            notes.Find(
                "error",
                "objective-rto-missed",
                null,
                $"the technique alone took {Words(technical.Value)}; the objective is {Words(objectives.Rto.Value)}",
                "make the recovery quicker (see the phases), or promise less");
        }
    }

    /// <summary>Checks that did not pass, as findings.</summary>
    public static void JudgeChecks(DrillNotes notes)
    {
        foreach (var (check, _) in notes.Checks)
        {
            if (check.Outcome is Outcome.Pass or Outcome.NotApplicable) continue;
            var isBad = check.Outcome == Outcome.Fail;
            notes.Find(
                !check.Required ? "warning" : isBad ? "error" : "warning",
                check.Reason ?? (isBad ? "check-failed" : "could-not-verify"),
                check.Asset,
                $"{check.Name}: "
                + (check.Expected is { Length: > 0 } expected ? $"expected {expected}, " : "")
                + (isBad ? "but " : "") + (check.Actual ?? "no answer"),
                isBad ? "take a new point and drill again; if it stays so, look at the source" : "see the answer");
        }
    }

    /// <summary>The verdict over all.</summary>
    public static Outcome Of(DrillNotes notes, int level, int wanted)
    {
        if (notes.Damage.Count > 0 || notes.Findings.Exists(f => f.Severity == "error")) return Outcome.Fail;
        return level < wanted ? Outcome.CouldNotVerify : Outcome.Pass;
    }

    /// <summary>The worst first.</summary>
    public static IReadOnlyList<DrillFinding> Sorted(IEnumerable<DrillFinding> findings) =>
        [.. findings.OrderBy(f => f.Severity switch { "error" => 0, "warning" => 1, _ => 2 })];

    /// <summary>A span as a person says it.</summary>
    public static string Words(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => FormattableString.Invariant($"{span.TotalSeconds:0.0} s"),
        { TotalMinutes: < 60 } => FormattableString.Invariant($"{(int)span.TotalMinutes} min {span.Seconds} s"),
        { TotalHours: < 48 } => FormattableString.Invariant($"{(int)span.TotalHours} h {span.Minutes} min"),
        _ => FormattableString.Invariant($"{(int)span.TotalDays} d {span.Hours} h"),
    };
}
