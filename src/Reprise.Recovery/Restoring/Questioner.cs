using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>Asks the checks of an operation, and what to do when they do not pass.</summary>
internal static class Questioner
{
    /// <summary>The name under which a failing start is a check.</summary>
    public const string StartName = "application-start";

    private const string GreenWhileStopped = "green-while-stopped";
    private const string NotControlled = "application-not-controlled";

    /// <summary>
    /// Asks each application check once while the application is stopped, and remembers which are green all the same:
    /// an old instance, a cache or a proxy answers them, so their green proves nothing later.
    /// </summary>
    public static async Task AskWhileStoppedAsync(Operation operation, CancellationToken cancellationToken)
    {
        var green = new List<string>();
        foreach (var check in Of(operation, CheckTime.Application))
        {
            var outcome =
                await operation.Host.Checks.AskAsync(check, operation.Subject, Patience.Once, cancellationToken);
            if (outcome.Outcome == Outcome.Pass) green.Add(check.Name);
        }

        operation.Save(journal => journal with { GreenWhileStopped = green });
    }

    /// <summary>Asks the data; true when the restore goes on, false when it is rolled back.</summary>
    public static Task<bool> ProveDataAsync(Operation operation, CancellationToken cancellationToken) => ProveAsync(
        operation,
        [.. Of(operation, CheckTime.Data).Select(check => new Question(check.Name, token =>
            operation.Host.Checks.AskAsync(check, operation.Subject, Patience.UntilWithin, token)))],
        cancellationToken);

    /// <summary>
    /// Starts and asks the application; true when the restore goes on, false when it is rolled back. Nothing more is
    /// asked of an application that did not start.
    /// </summary>
    public static Task<bool> ProveApplicationAsync(
        Operation operation, Func<CancellationToken, Task<CheckOutcome>>? start, CancellationToken cancellationToken)
    {
        var asked = Of(operation, CheckTime.Application).Select(check =>
            new Question(check.Name, token => AskApplicationAsync(operation, check, token)));
        return ProveAsync(
            operation,
            start is null ? [.. asked] : [new Question(StartName, start), .. asked],
            cancellationToken);
    }

    /// <summary>Records the checks that are left out on request.</summary>
    public static void RecordSkipped(Operation operation)
    {
        foreach (var check in operation.Application.Checks)
        {
            if (operation.Journal.SkippedChecks.TryGetValue(check.Name, out var reason))
                operation.Add(NotRun(check.Name, check.Level, check.Required, check.OfAsset, reason));
        }
    }

    /// <summary>An outcome of a question that is left out.</summary>
    public static CheckOutcome NotRun(string name, CheckLevel level, bool required, string? asset, string reason) =>
        new()
    {
        Name = name,
        Level = level,
        Outcome = Outcome.NotRun,
        Actual = reason,
        Required = required,
        Asset = asset,
        Reason = "skipped",
    };

    /// <summary>Whether a restore is not kept because of it.</summary>
    public static bool IsAgainst(CheckOutcome outcome) =>
        outcome is { Required: true, Outcome: Outcome.Fail or Outcome.CouldNotVerify };

    private static IEnumerable<CheckDefinition> Of(Operation operation, CheckTime when) =>
        operation.Application.Checks.Where(c => c.When == when && !operation.Journal.SkippedChecks.ContainsKey(c.Name));

    private static async Task<bool> ProveAsync(
        Operation operation, List<Question> questions, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (against, open) = await AskAllAsync(operation, questions, cancellationToken);
            if (against.Count == 0) return true;
            switch (await AskVerdictAsync(operation, against, cancellationToken))
            {
                case Verdict.Retry:
                    questions = open;
                    break;
                case Verdict.Keep keep:
                    operation.Save(journal => journal with { KeptBecause = keep.Reason });
                    operation.Problems.AddRange(against.Select(Problem));
                    return true;
                default:
                    operation.Problems.AddRange(against.Select(Problem));
                    return false;
            }
        }
    }

    // What did not pass, and what a further round has to ask.
    private static async Task<(List<CheckOutcome> Against, List<Question> Open)> AskAllAsync(
        Operation operation, List<Question> questions, CancellationToken cancellationToken)
    {
        var against = new List<CheckOutcome>();
        var open = new List<Question>();
        foreach (var question in questions)
        {
            if (against.Exists(o => o.Name == StartName))
            {
                open.Add(question);
                continue;
            }

            cancellationToken.ThrowIfCancellationRequested();
            var outcome = await question.Ask(cancellationToken);
            operation.Add(outcome);
            if (!IsAgainst(outcome)) continue;
            against.Add(outcome);
            open.Add(question);
        }

        return (against, open);
    }

    private static Task<Verdict> AskVerdictAsync(
        Operation operation, IReadOnlyList<CheckOutcome> against, CancellationToken cancellationToken) =>
        operation.Host.Dialogue.IsInteractive
            ? operation.Host.Dialogue.AskVerdictAsync(
                new VerdictQuestion(against, operation.Journal.ApplicationRan), cancellationToken)
            : Task.FromResult<Verdict>(new Verdict.RollBack());

    private static async Task<CheckOutcome> AskApplicationAsync(
        Operation operation, CheckDefinition check, CancellationToken cancellationToken)
    {
        var wasGreen = operation.Journal.GreenWhileStopped.Contains(check.Name);
        var patience = operation.IsControlled ? Patience.UntilWithin : Patience.Once;
        var outcome = await operation.Host.Checks.AskAsync(check, operation.Subject, patience, cancellationToken);
        if (!operation.IsControlled && (wasGreen || outcome.Outcome != Outcome.Pass))
        {
            // Nobody stopped it and nobody started it: neither answer says anything of what was restored.
            return outcome with
            {
                Outcome = Outcome.NotRun,
                Actual = "the application is not controlled by Reprise, and nobody could be asked",
                Reason = NotControlled,
            };
        }

        return wasGreen && outcome.Outcome == Outcome.Pass
            ? outcome with
            {
                Outcome = Outcome.CouldNotVerify,
                Actual = "it was green while the application was stopped: something else answers it; "
                    + "if it asks only the data, set 'when: data'",
                Reason = GreenWhileStopped,
            }
            : outcome;
    }

    private static Problem Problem(CheckOutcome outcome) => new(
        RecoveryErrors.CheckFailed,
        Severity.Error,
        $"check {outcome.Name}: expected {outcome.Expected ?? "a pass"}, but {outcome.Actual ?? "there was no answer"}",
        $"look at it with 'reprise check {outcome.Name}', or leave it out with --skip-check {outcome.Name}=REASON")
    {
        Asset = outcome.Asset,
    };

    private sealed record Question(string Name, Func<CancellationToken, Task<CheckOutcome>> Ask);
}
