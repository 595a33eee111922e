using System.Globalization;

namespace Reprise.Recovery.Runbooks;

/// <summary>How long a part of the recovery took.</summary>
/// <param name="Name">one of <see cref="RunPhases.All"/>.</param>
/// <param name="Kind"><c>measured</c>, or <c>excluded</c>: no step of it was carried out.</param>
/// <param name="Elapsed">null when excluded.</param>
public sealed record RunPhase(string Name, string Kind, TimeSpan? Elapsed);

/// <summary>How a step went.</summary>
public sealed record RunStep(
    string Id, StepType Type, string Outcome, TimeSpan? Elapsed, string? Excerpt, string? Command);

/// <summary>What was chosen, by whom and why.</summary>
public sealed record RunDecision(
    DateTimeOffset At, string Step, string Option, string? Reason, string Actor, string? Target);

/// <summary>A line of the timeline.</summary>
public sealed record RunMoment(DateTimeOffset At, string Text);

/// <summary>Everything that the journal of a run says, for whoever reads it afterwards. Pure.</summary>
public sealed record RunReport
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>What was followed.</summary>
    public required Runbook Runbook { get; init; }

    /// <summary><c>production</c> or <c>sandbox</c>.</summary>
    public required string Binding { get; init; }

    /// <summary>How it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>When it broke, as a person said, or null: nobody did.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The first event.</summary>
    public required DateTimeOffset Began { get; init; }

    /// <summary>The last event.</summary>
    public required DateTimeOffset Last { get; init; }

    /// <summary>What happened, in order.</summary>
    public required IReadOnlyList<RunMoment> Timeline { get; init; }

    /// <summary>How long each part took, waiting for people included.</summary>
    public required IReadOnlyList<RunPhase> Phases { get; init; }

    /// <summary>From the failure, or else from the beginning of the run, to its end; null while it is not done.</summary>
    public TimeSpan? Rto { get; init; }

    /// <summary>How much was lost, when data was brought back; null when none was.</summary>
    public TimeSpan? Rpo { get; init; }

    /// <summary>The point that was brought back, or null.</summary>
    public string? Point { get; init; }

    /// <summary>The steps that were carried out, the last answer of each.</summary>
    public required IReadOnlyList<RunStep> Steps { get; init; }

    /// <summary>What was decided.</summary>
    public required IReadOnlyList<RunDecision> Decisions { get; init; }

    /// <summary>Where the run left the runbook: steps left out, tried again, gone on after in spite of a failure.</summary>
    public required IReadOnlyList<string> Deviations { get; init; }

    /// <summary>Verifications that were green each time that they were asked before what they are to prove.</summary>
    public required IReadOnlyList<string> NotDiscriminating { get; init; }

    /// <summary>SHA-256 of the last line of the journal read.</summary>
    public required string Head { get; init; }

    /// <summary>Reads <paramref name="events"/>; there is at least the first one.</summary>
    public static RunReport Of(Runbook runbook, IReadOnlyList<RunEvent> events, string head)
    {
        var progress = RunProgress.Of(runbook, events);
        var (first, last) = (events[0], events[^1]);
        var since = Time(progress.Facts, "input.since");
        var point = progress.Facts.FirstOrDefault(f => f.Key.StartsWith("step.", StringComparison.Ordinal)
            && f.Key.EndsWith(".moment", StringComparison.Ordinal));
        var moment = point.Key is null ? null : Time(progress.Facts, point.Key);
        return new RunReport
        {
            Run = first.Run,
            Runbook = runbook,
            Binding = first.Binding,
            State = progress.State,
            Since = since,
            Began = first.Utc,
            Last = last.Utc,
            Timeline = [.. events.Select(e => new RunMoment(e.Utc, TextOf(e)))],
            Phases = PhasesOf(runbook, events, since),
            Rto = progress.State == RunState.Done ? last.Utc - (since ?? first.Utc) : null,
            Rpo = moment is { } recovered ? NotNegative((since ?? first.Utc) - recovered) : null,
            Point = point.Key is null ? null : progress.Facts.GetValueOrDefault(point.Key[..^"moment".Length] + "point"),
            Steps = StepsOf(events),
            Decisions = [.. events.Where(e => e.Event == RunEventKind.Decided && e.Outcome != "go").Select(
                e => new RunDecision(e.Utc, e.Step ?? "", e.Outcome ?? "", e.Reason, e.Actor, e.Target))],
            Deviations = [.. DeviationsOf(events)],
            NotDiscriminating = [.. events
                .Where(e => e.Event == RunEventKind.AskedBefore).GroupBy(e => e.Step ?? "")
                .Where(asked => asked.All(e => e.Outcome == "pass")).Select(asked => asked.Key)],
            Head = head,
        };
    }

    // Time passes for the step at whose event it is over: waiting for a decision is time to decide.
    private static List<RunPhase> PhasesOf(Runbook runbook, IReadOnlyList<RunEvent> events, DateTimeOffset? since)
    {
        var spent = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        if (since is { } broke && events[0].Utc > broke) spent["detect"] = events[0].Utc - broke;
        for (var i = 1; i < events.Count; i++)
        {
            if (events[i].Step is not { } id || runbook.Find(id) is not { } step) continue;
            spent[step.Phase] = spent.GetValueOrDefault(step.Phase) + (events[i].Utc - events[i - 1].Utc);
        }

        return [.. RunPhases.All.Select(name => spent.TryGetValue(name, out var time)
            ? new RunPhase(name, "measured", time)
            : new RunPhase(name, "excluded", null))];
    }

    private static List<RunStep> StepsOf(IReadOnlyList<RunEvent> events)
    {
        var steps = new List<RunStep>();
        foreach (var ended in events.Where(e => e.Event == RunEventKind.StepEnded))
        {
            var id = ended.Step ?? "";
            var began = events.LastOrDefault(e => e.Event == RunEventKind.StepBegan && e.Step == id && e.Seq < ended.Seq);
            steps.RemoveAll(s => s.Id == id);
            steps.Add(new RunStep(
                id,
                ended.Type ?? StepType.Manual,
                ended.Outcome ?? "",
                began is null ? null : ended.Utc - began.Utc,
                ended.Excerpt ?? ended.Reason,
                began?.Command));
        }

        return steps;
    }

    private static IEnumerable<string> DeviationsOf(IReadOnlyList<RunEvent> events)
    {
        foreach (var e in events)
        {
            if (e is { Event: RunEventKind.StepEnded, Outcome: "not-run" })
                yield return $"{e.Step} was not carried out: {e.Excerpt ?? e.Reason}";
            if (e is { Event: RunEventKind.UndoEnded, Outcome: "not-run" })
                yield return $"{e.Step} was not taken back: {e.Excerpt ?? e.Reason}";
            if (e is { Event: RunEventKind.Decided, Outcome: "continue" })
                yield return $"{e.Step} did not pass, and the run went on: {e.Reason}";
            if (e is { Event: RunEventKind.Decided, Outcome: "retry" }) yield return $"{e.Step} was tried again";
            if (e is { Event: RunEventKind.Decided, Outcome: "again" })
                yield return $"{e.Step} was carried out again after an interruption: {e.Reason}";
            if (e.Event == RunEventKind.UndoAsked) yield return $"everything was to be taken back: {e.Reason}";
        }
    }

    private static string TextOf(RunEvent e) => e.Event switch
    {
        RunEventKind.Began => $"the run began: {e.Reason}",
        RunEventKind.Resumed => "somebody went on with it" + (e.Reason is null ? "" : $"; {e.Reason}"),
        RunEventKind.StepBegan => $"{e.Step}: began",
        RunEventKind.StepEnded => $"{e.Step}: {e.Outcome}",
        RunEventKind.Decided => $"{e.Step}: {e.Outcome}" + (e.Reason is null ? "" : $", because: {e.Reason}"),
        RunEventKind.AskedBefore => $"{e.Step}: {e.Outcome} before the act",
        RunEventKind.UndoAsked => "everything is taken back from here on",
        RunEventKind.UndoBegan => $"{e.Step}: is being taken back",
        RunEventKind.UndoEnded => $"{e.Step}: taken back, {e.Outcome}",
        RunEventKind.Paused => $"{e.Outcome}: {e.Reason}",
        _ => $"the run ended: {e.Outcome}",
    };

    private static TimeSpan NotNegative(TimeSpan time) => time < TimeSpan.Zero ? TimeSpan.Zero : time;

    private static DateTimeOffset? Time(IReadOnlyDictionary<string, string> facts, string name) =>
        facts.TryGetValue(name, out var text)
        && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;
}
