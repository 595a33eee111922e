using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;
using static Reprise.Recovery.Runbooks.RunbookRun;

namespace Reprise.Recovery.Runbooks;

/// <summary>
/// Takes the acts of a run back, the last completed one first, each with its own proof. The first that cannot be taken
/// back, or not be proven, ends it: with data, going on at any price is the wrong kind of best effort.
/// </summary>
internal sealed class RunbookUndo(
    RunbookPlan plan,
    RunProgress progress,
    Func<RunbookStep, ResolvedStep> resolve,
    Action<Note> write,
    Func<RunQuestionKind, ResolvedStep, string, CancellationToken, Task<RunAnswer?>> ask,
    Func<StepAction?, StepPatience, CancellationToken, Task<StepAnswer>> carryOut,
    Func<RunbookStep, string> stillRunning,
    Func<RunbookStep, CancellationToken, Task> settle,
    Func<StepAction, RunbookStep, CancellationToken, Task<StepAnswer?>> recall,
    Func<RunbookStep, string> markOf)
{
    /// <summary>Null when everything is taken back, else how it stands and why.</summary>
    public async Task<Halt?> RunAsync(CancellationToken cancellationToken)
    {
        while (progress.Completed.Count > 0)
        {
            var act = plan.Runbook.Find(progress.Completed[^1])
                ?? throw new InvariantException($"step {progress.Completed[^1]} is not in the runbook");
            if (await TakeBackAsync(act, cancellationToken) is { } halt) return halt;
        }

        return null;
    }

    private async Task<Halt?> TakeBackAsync(RunbookStep act, CancellationToken cancellationToken)
    {
        if (act.Undo is null || plan.Runbook.Find(act.Undo) is not { } undo)
        {
            End(act, Outcome.NotApplicable, act.Irreversible ?? "it changes nothing that stays");
            return null;
        }

        var resolved = resolve(undo);
        if (progress.UndoBegun == act.Id && !undo.Idempotent)
        {
            var left = resolved.Action is { } action ? await recall(action, act, cancellationToken) : null;
            var known = left is null ? "" : $": {left.Text}";
            var answer = await ask(
                RunQuestionKind.UndoFailed,
                resolved,
                $"taking back '{act.Id}' was interrupted or failed{known}{stillRunning(undo)}",
                cancellationToken);
            if (answer is null or { Option: "stop" })
                return new Halt(RunState.NeedsDecision, $"'{act.Id}' is not taken back{known}{stillRunning(undo)}");
            if (answer.Option == "again" && stillRunning(undo) is { Length: > 0 } running)
                return new Halt(RunState.NeedsDecision, $"'{undo.Id}' may still take effect{running}");
            if (answer.Option == "skip") return End(act, Outcome.NotRun, $"left as it is: {answer.Reason}");
            if (answer.Option == "done") return await ProveAsync(act, resolved, $"said to be done: {answer.Reason}", cancellationToken);
        }

        if (progress.UndoBegun == act.Id && undo.Idempotent) await settle(undo, cancellationToken);

        if (resolved.Missing.Count > 0)
        {
            var answer = await ask(
                RunQuestionKind.Manual,
                resolved,
                $"your configuration does not say {string.Join(", ", resolved.Missing)}: please take it back yourself",
                cancellationToken);
            return answer?.Option switch
            {
                "done" => End(act, Outcome.Pass, $"attested: {answer.Reason}"),
                "skip" => End(act, Outcome.NotRun, $"left out: {answer.Reason}"),
                _ => new Halt(RunState.NeedsDecision, $"'{act.Id}' is not taken back"),
            };
        }

        write(new Note(RunEventKind.UndoBegan, act) { Command = resolved.Command });
        StepAnswer done;
        try
        {
            done = await carryOut(
                resolved.Action, new StepPatience(undo.Within, Once: false) { Mark = markOf(undo) }, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Refused)
        {
            // It needs a person, who finds the run where it stands.
            return new Halt(RunState.NeedsDecision, $"'{act.Id}' could not be taken back: {e.Message}; {e.Problem.Hint}");
        }

        return done.Outcome == Outcome.Pass
            ? await ProveAsync(act, resolved, done.Text, cancellationToken)
            : new Halt(RunState.NeedsDecision, $"'{act.Id}' could not be taken back: {done.Text}");
    }

    // What somebody says proves nothing: the question that the runbook asks does. Until then it stays begun, so that
    // whoever goes on is asked first.
    private async Task<Halt?> ProveAsync(RunbookStep act, ResolvedStep undo, string done, CancellationToken cancellationToken)
    {
        var proof = await carryOut(undo.Verify, new StepPatience(undo.Step.Within, Once: false), cancellationToken);
        return proof.Outcome == Outcome.Pass
            ? End(act, Outcome.Pass, $"{done}\n{proof.Text}")
            : new Halt(RunState.NeedsDecision, $"'{act.Id}' could not be taken back: {proof.Text}");
    }

    private Halt? End(RunbookStep act, Outcome outcome, string why)
    {
        write(new Note(RunEventKind.UndoEnded, act) { Outcome = RunWords.Of(outcome), Excerpt = why });
        return null;
    }

    /// <summary>Why it stands still.</summary>
    internal sealed record Halt(RunState State, string Why);
}
