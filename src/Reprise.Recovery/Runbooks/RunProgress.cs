namespace Reprise.Recovery.Runbooks;

/// <summary>How a run stands.</summary>
public enum RunState
{
    /// <summary>Somebody works on it, or it was killed.</summary>
    Running,

    /// <summary>It needs an answer.</summary>
    Waiting,

    /// <summary>A step did not pass.</summary>
    Stopped,

    /// <summary>Something could not be taken back.</summary>
    NeedsDecision,

    /// <summary>It went to its end.</summary>
    Done,

    /// <summary>What it did was taken back.</summary>
    Undone,
}

/// <summary>
/// Where a run stands, read from its events alone: whoever goes on after a crash knows exactly as much as is durable.
/// </summary>
public sealed class RunProgress
{
    private readonly List<string> completed = [];
    private readonly SortedDictionary<string, string> facts = new(StringComparer.Ordinal);
    private readonly HashSet<string> kept = [];
    private readonly HashSet<string> redBefore = [];

    private RunProgress(Runbook runbook) => Cursor = runbook.Path.FirstOrDefault()?.Id;

    /// <summary>The step that is to be carried out, or null: none is left.</summary>
    public string? Cursor { get; private set; }

    /// <summary>The step that began and did not end, or null.</summary>
    public string? Begun { get; private set; }

    /// <summary>The act whose taking back began and did not end, or null.</summary>
    public string? UndoBegun { get; private set; }

    /// <summary>The step at the cursor was tried and did not pass.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Everything is being taken back.</summary>
    public bool IsUndoing { get; private set; }

    /// <summary>How it stands.</summary>
    public RunState State { get; private set; }

    /// <summary>Acts that were done and not taken back, in the order in which they were completed.</summary>
    public IReadOnlyList<string> Completed => completed;

    /// <summary>Whether anything was kept before it was changed.</summary>
    public bool HasKept => kept.Count > 0;

    /// <summary>Inputs as <c>input.NAME</c>, and what steps found out as <c>step.ID.NAME</c>.</summary>
    public IReadOnlyDictionary<string, string> Facts => facts;

    /// <summary>Whether the run asks each verification before its act too.</summary>
    public bool AsksBefore { get; private set; }

    /// <summary>
    /// The verifications that did not pass before something that they come after. One that passed is asked again before
    /// the next: what it proves may only be undone on the way, as by stopping what is to be started anew.
    /// </summary>
    public IReadOnlyCollection<string> RedBefore => redBefore;

    /// <summary>Where <paramref name="events"/> lead in <paramref name="runbook"/>.</summary>
    public static RunProgress Of(Runbook runbook, IEnumerable<RunEvent> events)
    {
        var progress = new RunProgress(runbook);
        foreach (var happened in events) progress.Take(happened);
        return progress;
    }

    /// <summary>Takes one more event into account.</summary>
    public void Take(RunEvent happened)
    {
        switch (happened.Event)
        {
            case RunEventKind.Began:
                AsksBefore = happened.Outcome == RunbookHost.RedFirst;
                foreach (var (name, value) in Of(happened)) facts["input." + name] = value;
                break;
            case RunEventKind.Resumed:
                State = RunState.Running;
                break;
            case RunEventKind.StepBegan:
                Begun = happened.Step;
                break;
            case RunEventKind.StepEnded:
                TakeEnd(happened);
                break;
            case RunEventKind.Decided:
                if (happened.Outcome == "retry") HasFailed = false;
                break;
            case RunEventKind.AskedBefore:
                if (happened.Outcome != "pass") redBefore.Add(happened.Step ?? "");
                break;
            case RunEventKind.UndoAsked:
                IsUndoing = true;
                State = RunState.Running;
                break;
            case RunEventKind.UndoBegan:
                UndoBegun = happened.Step;
                break;
            case RunEventKind.UndoEnded:
                UndoBegun = null;
                if (happened.Outcome is "pass" or "not-applicable" or "not-run") completed.Remove(happened.Step ?? "");
                break;
            case RunEventKind.Paused or RunEventKind.Ended:
                State = StateOf(happened.Outcome);
                break;
        }
    }

    /// <summary>The word of a state.</summary>
    public static string WordOf(RunState state) => state switch
    {
        RunState.Running => "running",
        RunState.Waiting => "waiting",
        RunState.Stopped => "stopped",
        RunState.NeedsDecision => "needs-decision",
        RunState.Done => "done",
        _ => "undone",
    };

    private static RunState StateOf(string? word) =>
        Enum.GetValues<RunState>().FirstOrDefault(s => WordOf(s) == word, RunState.Stopped);

    private void TakeEnd(RunEvent happened)
    {
        var step = happened.Step ?? "";
        Begun = null;
        foreach (var (name, value) in Of(happened)) facts[$"step.{step}.{name}"] = value;
        var passed = happened.Outcome == "pass";
        if (passed && happened.Type == StepType.Act) completed.Add(step);
        if (passed && happened.Type == StepType.Capture) kept.Add(step);

        // A failure that leads nowhere leaves the cursor where it is: whoever goes on decides about this step.
        HasFailed = happened.Next == step;
        Cursor = happened.Next == RunbookStep.End ? null : happened.Next;
    }

    private static IEnumerable<KeyValuePair<string, string>> Of(RunEvent happened) => happened.Facts ?? new SortedDictionary<string, string>();
}
