using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Runbooks;

/// <summary>What a run stands on.</summary>
/// <param name="Binding">where it is carried out.</param>
/// <param name="Dialogue">who is asked.</param>
/// <param name="Clock">time.</param>
/// <param name="Redact">takes secrets out of text; asked anew each time, since a step may have changed them.</param>
/// <param name="Actor">who runs it.</param>
public sealed record RunbookHost(
    IRunbookBinding Binding, IRunbookDialogue Dialogue, TimeProvider Clock, Func<string, string> Redact, string Actor)
{
    /// <summary>The word in a journal for <see cref="AskVerificationsFirst"/>.</summary>
    public const string RedFirst = "red-first";

    /// <summary>Whether each verification is also asked before the act that it is to prove.</summary>
    public bool AskVerificationsFirst { get; init; }

    /// <summary>What a run stands on besides its text, by name, as one word each; see <see cref="RunSurroundings"/>.</summary>
    public IReadOnlyDictionary<string, string> Surroundings { get; init; } = new SortedDictionary<string, string>();
}

/// <summary>
/// Follows a runbook. Everything that is known is in the journal before anything depends on it, so that a run can be
/// killed at any moment and gone on with: what only looks is asked again, what changes something is never silently done
/// twice.
/// </summary>
public sealed class RunbookRun(RunbookPlan plan, RunJournal journal, RunbookHost host)
{
    private static readonly TimeSpan UsualPatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly RunProgress progress = RunProgress.Of(plan.Runbook, journal.Events);

    /// <summary>How it stands.</summary>
    public RunProgress Progress => progress;

    /// <summary>Begins with these inputs, and goes as far as it can.</summary>
    public async Task<RunState> StartAsync(
        IReadOnlyDictionary<string, string> inputs, CancellationToken cancellationToken)
    {
        Write(new Note(RunEventKind.Began)
        {
            Outcome = host.AskVerificationsFirst ? RunbookHost.RedFirst : null,
            Reason = $"{plan.Runbook.Id} version {plan.Runbook.Version} sha256 {plan.Runbook.Sha256}",
            Facts = inputs,
            Surroundings = host.Surroundings,
        });
        return await GoOnAsync(cancellationToken);
    }

    /// <summary>What was started for a step of a run is known by this.</summary>
    internal static string MarkOf(string run, RunbookStep step) => $"{run}/{step.Id}";

    /// <summary>Goes on where it stands; with <paramref name="takeBack"/> back to where it began.</summary>
    public async Task<RunState> ResumeAsync(bool takeBack, CancellationToken cancellationToken)
    {
        if (progress.State is RunState.Undone || (progress.State is RunState.Done && !takeBack))
        {
            throw new RepriseException(
                RunbookErrors.Ended,
                $"run {journal.Id} has ended: {RunProgress.WordOf(progress.State)}",
                $"reprise runbook report {journal.Id}");
        }

        var changed = RunSurroundings.Changes(journal.Events, host.Surroundings);
        Write(new Note(RunEventKind.Resumed)
        {
            Reason = changed.Count == 0 ? null : string.Join("; ", changed),
            Surroundings = host.Surroundings,
        });
        if (takeBack && !progress.IsUndoing) Write(new Note(RunEventKind.UndoAsked) { Reason = "asked for" });
        return await GoOnAsync(cancellationToken);
    }

    private async Task<RunState> GoOnAsync(CancellationToken cancellationToken)
    {
        while (!progress.IsUndoing && progress.Cursor is { } id)
        {
            var step = plan.Runbook.Find(id) ?? throw new InvariantException($"step {id} is not in the runbook");
            if (await TakeStepAsync(step, cancellationToken) is { } paused) return paused;
        }

        if (progress.IsUndoing)
        {
            if (await BegunBeforeUndoAsync(cancellationToken) is { } open) return open;
            var undo = new RunbookUndo(plan, progress, Resolve, Write, AskAsync, DoAsync, StillRunning, SettleAsync, RecallAsync, s => MarkOf(journal.Id, s));
            if (await undo.RunAsync(cancellationToken) is { } paused) return Pause(paused.State, null, paused.Why);
        }

        var end = progress.IsUndoing ? RunState.Undone : RunState.Done;
        Write(new Note(RunEventKind.Ended) { Outcome = RunProgress.WordOf(end) });
        return end;
    }

    // An act that was interrupted may have taken effect: what is taken back depends on it.
    private async Task<RunState?> BegunBeforeUndoAsync(CancellationToken cancellationToken)
    {
        if (progress.Begun is not { } id || plan.Runbook.Find(id) is not { Type: StepType.Act } act) return null;
        var resolved = Resolve(act);
        var facts = $"'{id}' was begun and interrupted before it ended: did it take effect?{StillRunning(act)}";
        var answer = await AskAsync(RunQuestionKind.Happened, resolved, facts, cancellationToken);
        if (answer is null or { Option: "stop" })
            return Pause(RunState.NeedsDecision, act, $"nobody said whether '{id}' took effect{StillRunning(act)}");
        if (answer.Option == "no" && StillRunning(act) is { Length: > 0 } running)
            return Pause(RunState.NeedsDecision, act, $"'{id}' may still take effect{running}");
        return End(resolved, new StepAnswer(
            answer.Option == "yes" ? Outcome.Pass : Outcome.NotRun, $"said by a person: {answer.Reason}"));
    }

    // Null: it went on.
    private async Task<RunState?> TakeStepAsync(RunbookStep step, CancellationToken cancellationToken)
    {
        var resolved = Resolve(step);
        var path = plan.Runbook.Path.ToList();
        host.Dialogue.OnStep(resolved, path.IndexOf(step) + 1, path.Count);
        if (await AfterInterruptionAsync(resolved, cancellationToken) is { } settled) return settled.State;
        if (step.Type == StepType.Decide) return await DecideAsync(resolved, cancellationToken);
        var byPerson = step.Type == StepType.Manual || (resolved.Missing.Count > 0 && step.Type != StepType.Observe);
        if (progress.AsksBefore && MayRepair(step, byPerson)) await AskBeforeAsync(step, cancellationToken);
        if (byPerson) return await ManualAsync(resolved, cancellationToken);
        if (resolved.Missing.Count > 0)
        {
            return End(resolved, new StepAnswer(
                Outcome.NotApplicable, $"your configuration does not say {string.Join(", ", resolved.Missing)}"));
        }

        if (step.Type == StepType.Act && await MayNotAsync(resolved, cancellationToken) is { } refused) return refused.State;
        return await CarryOutAsync(resolved, cancellationToken);
    }

    // A person who is asked to repair something does so while the run waits: afterwards it is too late to ask.
    private static bool MayRepair(RunbookStep step, bool byPerson) =>
        step.Type == StepType.Act || (byPerson && step.Type == StepType.Manual && step.Phase != "detect");

    private async Task<RunState?> CarryOutAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        Write(new Note(RunEventKind.StepBegan, step) { Command = resolved.Command });
        StepAnswer answer;
        try
        {
            answer = step.Type == StepType.Wait
                ? await WaitAsync(resolved, cancellationToken)
                : await DoAsync(
                    resolved.Action,
                    // Who looks wants to know how it is, not to wait until it is well.
                    new StepPatience(step.Within, Once: step.Type == StepType.Observe)
                    {
                        Mark = step.Changes ? MarkOf(journal.Id, step) : null,
                    },
                    cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Refused)
        {
            // Nothing was changed, so that the step is simply tried again by whoever goes on.
            Write(new Note(RunEventKind.StepEnded, step)
            {
                Outcome = RunWords.Of(Outcome.NotRun), Reason = $"{e.Message}; {e.Problem.Hint}", Next = step.Id,
            });
            return Pause(RunState.Waiting, step, $"{e.Message}; {e.Problem.Hint}");
        }

        if (answer.Outcome == Outcome.Pass || step.Type == StepType.Observe) return End(resolved, answer);
        if (step.OnFail is { } other) return End(resolved, answer, other);
        End(resolved, answer, step.Id);
        return await FailedAsync(resolved, answer.Text, isShown: true, cancellationToken);
    }

    // What a crash, or a failure before this process, left to be settled first. Null: nothing.
    private async Task<Settled?> AfterInterruptionAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        if (progress.Begun != step.Id)
        {
            if (!progress.HasFailed || !(step.Changes || step.Type == StepType.Manual)) return null;
            var why = journal.Events.Last(e => e.Event == RunEventKind.StepEnded && e.Step == step.Id);
            if (why.Outcome == RunWords.Of(Outcome.NotRun)) return null;
            if (await FailedAsync(resolved, why.Excerpt ?? why.Reason ?? "", isShown: false, cancellationToken) is { } paused)
                return new Settled(paused);
            return progress.Cursor == step.Id && !progress.IsUndoing ? null : new Settled(null);
        }

        if (!step.Changes || resolved.Action is null) return null;
        if (step.Idempotent)
        {
            await SettleAsync(step, cancellationToken);
            return null;
        }

        var left = await RecallAsync(resolved.Action, step, cancellationToken);
        var known = left is null ? "nobody knows how far it came" : host.Redact(left.Text);
        var answer = await AskAsync(
            RunQuestionKind.Uncertain,
            resolved,
            $"'{step.Id}' was begun, and the run was interrupted before it ended: {known}{StillRunning(step)}",
            cancellationToken);
        switch (answer?.Option)
        {
            case "done":
                // What later steps take from it, such as which restore is taken back, is not lost with the answer.
                var found = left is { Outcome: Outcome.Pass } ? left.Facts : new SortedDictionary<string, string>();
                return new Settled(End(
                    resolved, new StepAnswer(Outcome.Pass, $"said to be done: {answer.Reason}") { Facts = found }));
            case "again" when StillRunning(step) is { Length: > 0 } running:
                return new Settled(Pause(RunState.Waiting, step, $"'{step.Id}' may still take effect{running}"));
            case "again":
                return null;
            default:
                return new Settled(Pause(
                    RunState.Waiting,
                    step,
                    $"step '{step.Id}' was interrupted; look whether it took effect, then answer done or again: {known}{StillRunning(step)}"));
        }
    }

    private async Task<StepAnswer?> RecallAsync(StepAction action, RunbookStep step, CancellationToken cancellationToken)
    {
        // Of the first attempt: what it began, a later one may have gone on with.
        var kind = step.Type == StepType.Act && progress.IsUndoing ? RunEventKind.UndoBegan : RunEventKind.StepBegan;
        var since = journal.Events.First(e => e.Event == kind && e.Step == step.Id).Utc;
        try
        {
            return await host.Binding.RecallAsync(action, since, cancellationToken);
        }
        catch (RepriseException e)
        {
            // Whoever cannot be asked now is no reason to keep anybody from answering.
            return new StepAnswer(Outcome.CouldNotVerify, $"what it left cannot be told: {e.Message}");
        }
    }

    // What may be done twice is not done twice at once: what the interrupted attempt started is waited for, as long as a
    // program of this step may take. After that it is done again all the same, as its author allows.
    private async Task SettleAsync(RunbookStep step, CancellationToken cancellationToken)
    {
        var started = host.Clock.GetTimestamp();
        var isSaid = false;
        while (host.Binding.StillAtWork(MarkOf(journal.Id, step)) is { Count: > 0 } running
            && host.Clock.GetElapsedTime(started) < (step.Within ?? UsualPatience))
        {
            if (!isSaid) host.Dialogue.OnWaiting($"what '{step.Id}' started before is still at work: {string.Join(", ", running)}");
            isSaid = true;
            await Task.Delay(BetweenLooks, host.Clock, cancellationToken);
        }
    }

    // In words that can follow a sentence; empty: nothing runs, or nobody can tell.
    private string StillRunning(RunbookStep step) => host.Binding.StillRunning(MarkOf(journal.Id, step)) is { Count: > 0 } running
        ? $"; what it started still runs: {string.Join(", ", running)}; wait until it has ended, or end it, and look again"
        : "";

    private async Task<RunState?> DecideAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        var question = new RunQuestion(RunQuestionKind.Decide, resolved, resolved.Options, step.Default, "");
        var answer = await host.Dialogue.AskAsync(question, cancellationToken);
        if (answer is null) return Pause(RunState.Waiting, step, $"decision '{step.Id}' is open: {resolved.Text}");
        var chosen = step.Options.FirstOrDefault(o => o.Key == answer.Option) ?? throw NoOption(step, answer.Option);
        Write(new Note(RunEventKind.Decided, step) { Outcome = chosen.Key, Reason = answer.Reason, By = answer.By });
        Write(new Note(RunEventKind.StepEnded, step)
        {
            Outcome = RunWords.Of(Outcome.Pass),
            Next = chosen.Next ?? plan.Runbook.After(step) ?? RunbookStep.End,
        });
        return null;
    }

    private async Task<RunState?> ManualAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        var facts = resolved.Missing.Count == 0
            ? ""
            : $"your configuration does not say {string.Join(", ", resolved.Missing)}: please do it yourself";
        var answer = await AskAsync(RunQuestionKind.Manual, resolved, facts, cancellationToken);
        switch (answer?.Option)
        {
            case "done":
                return End(resolved, new StepAnswer(Outcome.Pass, $"attested: {answer.Reason}"));
            case "skip":
                return End(resolved, new StepAnswer(Outcome.NotRun, $"left out: {answer.Reason}"));
            default:
                return Pause(RunState.Waiting, step, $"step '{step.Id}' is to be done by a person");
        }
    }

    // Whether an act must not be carried out now. Null: it may.
    private async Task<Settled?> MayNotAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        if (step.Effect == EffectClass.Irreversible) return await MayNotFinallyAsync(resolved, cancellationToken);
        var answer = await AskAsync(RunQuestionKind.Permission, resolved, "", cancellationToken);
        switch (answer?.Option)
        {
            case "go":
                return null;
            case "skip":
                Write(new Note(RunEventKind.Decided, step) { Outcome = "skip", Reason = answer.Reason, By = answer.By });
                return new Settled(End(resolved, new StepAnswer(Outcome.NotRun, $"left out: {answer.Reason}")));
            default:
                return new Settled(Pause(RunState.Waiting, step, $"step '{step.Id}' changes something and was not allowed yet"));
        }
    }

    private async Task<Settled?> MayNotFinallyAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        if (!progress.HasKept)
        {
            return new Settled(Pause(
                RunState.Stopped, step, $"'{step.Id}' is final, and nothing was kept before it in this run"));
        }

        RunTarget target;
        try
        {
            target = await host.Binding.IdentifyAsync(resolved.On ?? "application", cancellationToken);
        }
        catch (RepriseException e)
        {
            // Who it is decides: without an answer nothing final is done.
            return new Settled(Pause(
                RunState.Waiting, step, $"'{step.Id}' cannot be taken back, and who its target is cannot be told: {e.Message}; {e.Problem.Hint}"));
        }

        var facts = $"{target.Description}; it cannot be taken back: {step.Irreversible}; type {target.Code}";
        var question = new RunQuestion(RunQuestionKind.Identity, resolved, [], null, host.Redact(facts));
        var typed = await host.Dialogue.AskAsync(question, cancellationToken);
        if (string.Equals(typed?.Option.Trim(), target.Code, StringComparison.OrdinalIgnoreCase))
        {
            Write(new Note(RunEventKind.Decided, step)
            {
                Outcome = "confirmed",
                Reason = typed?.Reason,
                By = typed?.By,
                Target = $"{target.Code} {target.Description}",
            });
            return null;
        }

        return new Settled(Pause(
            RunState.Waiting,
            step,
            $"'{step.Id}' cannot be taken back and needs the identity of its target: {target.Code} ({target.Description})"));
    }

    // Null: it goes on, by another try or in spite of it. What a person has just been shown is not shown again.
    private async Task<RunState?> FailedAsync(ResolvedStep resolved, string why, bool isShown, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        var answer = await AskAsync(RunQuestionKind.Failed, resolved, isShown ? "" : host.Redact(why), cancellationToken);
        switch (answer?.Option)
        {
            case "retry":
                return null;
            case "continue":
                Write(new Note(RunEventKind.StepEnded, step)
                {
                    Outcome = RunWords.Of(Outcome.Fail),
                    Reason = $"went on all the same: {answer.Reason}",
                    Next = plan.Runbook.After(step) ?? RunbookStep.End,
                });
                return null;
            case "undo":
                Write(new Note(RunEventKind.UndoAsked, step) { Reason = answer.Reason });
                return null;
            default:
                return Pause(RunState.Stopped, step, $"step '{step.Id}' did not pass: {why}");
        }
    }

    // The verifications on the way to the end, before each act that they come after until one is red: green each time,
    // they prove nothing.
    private async Task AskBeforeAsync(RunbookStep repair, CancellationToken cancellationToken)
    {
        for (var id = plan.Runbook.After(repair); id is not null;)
        {
            var step = plan.Runbook.Find(id) ?? throw new InvariantException($"step {id} is not in the runbook");
            id = plan.Runbook.After(step);
            var resolved = Resolve(step);
            if (step.Type != StepType.Verify || resolved.Missing.Count > 0 || progress.RedBefore.Contains(step.Id)) continue;
            var answer = await DoAsync(resolved.Action, new StepPatience(step.Within, Once: true), cancellationToken);
            Write(new Note(RunEventKind.AskedBefore, step) { Outcome = RunWords.Of(answer.Outcome), Excerpt = answer.Text });
        }
    }

    private async Task<StepAnswer> WaitAsync(ResolvedStep resolved, CancellationToken cancellationToken)
    {
        var step = resolved.Step;
        var started = host.Clock.GetTimestamp();
        if (step.For is { } time)
        {
            await Task.Delay(time, host.Clock, cancellationToken);
            if (resolved.Action is null) return new StepAnswer(Outcome.Pass, $"waited {time}");
        }

        while (true)
        {
            var answer = await DoAsync(resolved.Action, new StepPatience(null, Once: true), cancellationToken);
            var isOver = host.Clock.GetElapsedTime(started) >= (step.Within ?? TimeSpan.Zero);
            if (answer.Outcome == Outcome.Pass || isOver) return answer;
            await Task.Delay(step.Every ?? TimeSpan.FromSeconds(5), host.Clock, cancellationToken);
        }
    }

    private async Task<StepAnswer> DoAsync(StepAction? action, StepPatience patience, CancellationToken cancellationToken)
    {
        if (action is null) return new StepAnswer(Outcome.Pass, "");
        if (action.Run.FirstOrDefault(a => host.Redact(a) != a) is not null)
        {
            throw new RepriseException(
                RunbookErrors.SecretArgument,
                "an argument holds the value of a secret, which every user of this machine could read",
                "let the program take it from its environment or from a file");
        }

        return await host.Binding.DoAsync(action, patience, cancellationToken);
    }

    private async Task<RunAnswer?> AskAsync(
        RunQuestionKind kind, ResolvedStep step, string facts, CancellationToken cancellationToken)
    {
        var (options, standard) = RunOptions.Of(kind);
        var question = new RunQuestion(kind, step, options, standard, facts);
        if (await host.Dialogue.AskAsync(question, cancellationToken) is not { } answer) return null;
        if (options.All(o => o.Key != answer.Option)) throw NoOption(step.Step, answer.Option);
        if (kind != RunQuestionKind.Permission && answer.Option != "stop")
        {
            Write(new Note(RunEventKind.Decided, step.Step)
            {
                Outcome = answer.Option, Reason = answer.Reason, By = answer.By,
            });
        }

        return answer;
    }

    private ResolvedStep Resolve(RunbookStep step) => plan.Resolve(step, plan.Facts.With(progress.Facts));

    private RunState? End(ResolvedStep resolved, StepAnswer answer, string? next = null)
    {
        var step = resolved.Step;
        Write(new Note(RunEventKind.StepEnded, step)
        {
            Outcome = RunWords.Of(answer.Outcome),
            Excerpt = answer.Text,
            Facts = answer.Facts.Count == 0 ? null : answer.Facts,
            Next = next ?? plan.Runbook.After(step) ?? RunbookStep.End,
        });
        host.Dialogue.OnAnswer(resolved, answer.Outcome, host.Redact(answer.Text));
        return null;
    }

    private RunState Pause(RunState state, RunbookStep? step, string why)
    {
        Write(new Note(RunEventKind.Paused, step) { Outcome = RunProgress.WordOf(state), Reason = why });
        return state;
    }

    private void Write(Note note)
    {
        var written = journal.Append(new RunEvent
        {
            Seq = 0,
            PrevHash = "",
            Run = journal.Id,
            Utc = host.Clock.GetUtcNow(),
            Event = note.Kind,
            Step = note.Step?.Id,
            Type = note.Step?.Type,
            Actor = note.By is null ? host.Actor : $"{host.Actor}, {note.By}",
            Binding = host.Binding.Name,
            Target = Clean(note.Target),
            Outcome = note.Outcome,
            Reason = Clean(note.Reason),
            Excerpt = Clean(note.Excerpt),
            Command = Clean(note.Command),
            Next = note.Next,
            Surroundings = note.Surroundings is { Count: > 0 } around ? around : null,
            Facts = note.Facts is null ? null : new SortedDictionary<string, string>(
                note.Facts.ToDictionary(f => f.Key, f => host.Redact(f.Value)), StringComparer.Ordinal),
        });
        progress.Take(written);
    }

    // Redacted before it is cut, so that no half of a secret is left at the cut.
    private string? Clean(string? text)
    {
        if (text is null) return null;
        var clean = host.Redact(text);
        return clean.Length <= RunJournal.MaxExcerpt ? clean : clean[..RunJournal.MaxExcerpt] + " …";
    }

    private static RepriseException NoOption(RunbookStep step, string option) => new(
        RunbookErrors.InputMissing,
        $"step '{step.Id}' has no answer '{option}'",
        step.Options.Count > 0 ? $"choose among {string.Join(", ", step.Options.Select(o => o.Key))}" : "look at the question");

    private sealed record Settled(RunState? State);

    /// <summary>An event before it gets its place in the chain.</summary>
    internal sealed record Note(RunEventKind Kind, RunbookStep? Step = null)
    {
        public string? Outcome { get; init; }

        public string? Reason { get; init; }

        public string? Excerpt { get; init; }

        public string? Command { get; init; }

        public string? Target { get; init; }

        public string? Next { get; init; }

        public string? By { get; init; }

        public IReadOnlyDictionary<string, string>? Facts { get; init; }

        public IReadOnlyDictionary<string, string>? Surroundings { get; init; }
    }
}
