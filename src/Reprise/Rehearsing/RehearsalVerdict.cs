using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Rehearsing;

/// <summary>What follows from a run in the sandbox. Pure.</summary>
internal static class RehearsalVerdict
{
    /// <summary>A verification was green before what it is to prove.</summary>
    public const string Green = "verify-green-before-act";

    /// <summary>A verification was never asked before what it is to prove.</summary>
    public const string NotTried = "verify-not-tried";

    /// <summary>The run did not come to its end.</summary>
    public const string NotDone = "runbook-not-done";

    /// <summary>Questions about the run itself, and each of its verifications.</summary>
    public static IEnumerable<DrillCheck> ChecksOf(string runbook, SeenRun run)
    {
        var isDone = run.State == "done";
        yield return new DrillCheck(
            Of("runbook-done", $"runbook {runbook} goes to its end", isDone ? Outcome.Pass : Outcome.Fail, Said(run), isDone ? null : NotDone),
            true);
        foreach (var step in run.Steps.Where(s => s.Type == "verify"))
        {
            var passed = step.Outcome == "pass";
            var wasRed = run.RedBefore.Contains(step.Id);
            var wasGreen = run.NotDiscriminating.Contains(step.Id);
            var (outcome, actual, reason) = (passed, wasRed, wasGreen) switch
            {
                (false, _, _) => (Outcome.Fail, step.Said ?? step.Outcome, NotDone),
                (_, true, _) => (Outcome.Pass, "red before, green after", null),
                (_, _, true) => (Outcome.Fail, "it was green before as well, so that it proves nothing", Green),
                _ => (Outcome.CouldNotVerify, "it could not be asked before", (string?)NotTried),
            };
            yield return new DrillCheck(
                Of($"runbook-{step.Id}", "red before the act that it proves, green after it", outcome, actual, reason),
                wasRed ? true : wasGreen ? false : null);
        }

        if (isDone && run.Steps.All(s => s.Type != "verify"))
        {
            yield return new DrillCheck(
                Of("runbook-verifies", "at least one step proves something", Outcome.CouldNotVerify, "none did", NotTried), null);
        }
    }

    /// <summary>The phases as a drill has them.</summary>
    public static IReadOnlyList<DrillPhase> PhasesOf(SeenRun run) =>
        [.. Recovery.Runbooks.RunPhases.All.Select(name => (name, run.Phases.TryGetValue(name, out var time)) switch
        {
            ("decide", true) => new DrillPhase(name, "simulated", time, "decisions were given beforehand"),
            (_, true) => new DrillPhase(name, "measured", time, null),
            _ => new DrillPhase(name, "excluded", null, "no step of the runbook belongs to it"),
        })];

    /// <summary>A question of ours.</summary>
    public static CheckOutcome Of(string name, string expected, Outcome outcome, string actual, string? reason) => new()
    {
        Name = name,
        Level = CheckLevel.Application,
        Outcome = outcome,
        Expected = expected,
        Actual = actual,
        Reason = reason,
    };

    private static string Said(SeenRun run) => run.State == "done"
        ? FormattableString.Invariant($"it did, in {(run.Last - run.Began).TotalSeconds:0.0} s")
        : $"it is {run.State}{(run.At is { } at ? $" at {at}" : "")}{(run.Why is { } why ? $": {why}" : "")}";
}
