using Reprise.Recovery.Assets;
using Reprise.Recovery.Runbooks;

namespace Reprise.Tests.Runbooks;

/// <summary>What a run says when somebody goes on with it elsewhere, later, or while its program still works.</summary>
public class RunbookInterruptionTests
{
    [Fact]
    public void Only_what_changed_since_somebody_last_worked_on_it_is_said()
    {
        var then = Around("a", "m", "b");
        RunEvent[] events = [Happened(RunEventKind.Began, then), Happened(RunEventKind.StepBegan, null)];
        Assert.Empty(RunSurroundings.Changes(events, Around("a", "m", "b")));
        Assert.Single(RunSurroundings.Changes(events, Around("x", "m", "b")), c => c.StartsWith("the configuration", StringComparison.Ordinal));
        Assert.Single(RunSurroundings.Changes(events, Around("a", "x", "b")), c => c.StartsWith("this is another machine", StringComparison.Ordinal));
        Assert.Single(RunSurroundings.Changes(events, Around("a", "m", "x")), c => c.StartsWith("the machine was started", StringComparison.Ordinal));
        Assert.Equal(3, RunSurroundings.Changes(events, new SortedDictionary<string, string>()).Count);

        // Once somebody went on with it as it is, that is what counts; a journal from before knows nothing.
        Assert.Empty(RunSurroundings.Changes([.. events, Happened(RunEventKind.Resumed, Around("x", "m", "b"))], Around("x", "m", "b")));
        Assert.Empty(RunSurroundings.Changes([Happened(RunEventKind.Began, null)], then));
    }

    [Fact]
    public async Task What_a_run_stands_on_is_in_its_journal_and_a_change_in_its_timeline()
    {
        var bench = new RunbookBench { Surroundings = Around("a", "m", "b") };
        bench.Answers.Remove("way");
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        Assert.Equal("a", bench.Events()[0].Surroundings?[RunSurroundings.Configuration]);
        bench.Surroundings = Around("x", "m", "b");
        bench.Answers["way"] = "long";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Contains(bench.Report().Timeline, m => m.Text.Contains("the configuration has changed since", StringComparison.Ordinal));
    }

    [Fact]
    public async Task While_its_program_still_works_a_step_is_not_begun_again()
    {
        var bench = await KilledInChangeAsync();
        bench.Running["change"] = "process 7 (slow)";
        bench.Answers["Uncertain change"] = "again";
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        Assert.Contains("process 7 (slow)", bench.Events()[^1].Reason, StringComparison.Ordinal);
        Assert.False(bench.Ran.ContainsKey("change"));
        bench.Running.Clear();
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal(1, bench.Ran["change"]);
    }

    [Fact]
    public async Task While_its_program_still_works_nobody_can_say_that_it_took_no_effect()
    {
        var bench = await KilledInChangeAsync();
        bench.Running["change"] = "process 7 (slow)";
        bench.Answers["Happened change"] = "no";
        Assert.Equal(RunState.NeedsDecision, await bench.ResumeAsync(undo: true));
        bench.Answers["Happened change"] = "yes";
        Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
        Assert.Equal(1, bench.Ran["back change"]);
    }

    [Fact]
    public async Task What_may_be_done_twice_is_not_done_twice_at_once()
    {
        var bench = new RunbookBench { OnBegun = Killer("again") };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.RunAsync());
        bench.OnBegun = null;
        bench.Running["again"] = "process 7 (slow)";
        var waited = 0;
        bench.OnWaiting = () => waited++;
        var resuming = bench.ResumeAsync();
        for (var looks = 0; looks < 5; looks++) bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(resuming.IsCompleted);
        Assert.False(bench.Ran.ContainsKey("again"));
        bench.Running.Clear();
        while (!resuming.IsCompleted) bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RunState.Done, await resuming);
        Assert.Equal((1, 1), (waited, bench.Ran["again"]));
    }

    [Fact]
    public async Task What_never_ends_is_waited_for_as_long_as_the_step_may_take_and_no_longer()
    {
        var bench = new RunbookBench { OnBegun = Killer("again") };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.RunAsync());
        bench.OnBegun = null;
        bench.Running["again"] = "process 7 (forever)";
        var resuming = bench.ResumeAsync();
        for (var looks = 0; looks < 1000 && !resuming.IsCompleted; looks++) bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RunState.Done, await resuming);
    }

    [Fact]
    public async Task What_an_interrupted_step_left_is_said_and_is_not_lost_with_the_answer()
    {
        var bench = await KilledInChangeAsync();
        bench.Left["change"] = new StepAnswer(Outcome.Pass, "it went to its end: answer done")
        {
            Facts = new SortedDictionary<string, string> { ["restore"] = "r1" },
        };
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        Assert.Contains("it went to its end: answer done", bench.Events()[^1].Reason, StringComparison.Ordinal);
        bench.Answers["Uncertain change"] = "done";
        bench.World.Add("change");
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        var ended = bench.Events().Last(e => e.Event == RunEventKind.StepEnded && e.Step == "change");
        Assert.Equal("r1", ended.Facts?["restore"]);
    }

    [Fact]
    public async Task An_undo_that_is_refused_leaves_a_run_that_stands_still_and_says_why()
    {
        var bench = new RunbookBench();
        await bench.RunAsync();
        bench.Refusing.Add("back change");
        Assert.Equal(RunState.NeedsDecision, await bench.ResumeAsync(undo: true));
        Assert.Contains("somebody else works on it; wait for him", bench.Events()[^1].Reason, StringComparison.Ordinal);
        bench.Refusing.Clear();
        bench.Answers["UndoFailed change-back"] = "again";
        Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
        Assert.Equal(1, bench.Ran["back change"]);
    }

    [Fact]
    public async Task Who_cannot_be_identified_is_no_target_of_anything_final()
    {
        var bench = new RunbookBench(RunbookBench.Head + """
            ```capture keep
            why: "keeps what is there"
            run: [keep]
            ```
            ```act final
            why: "cannot be taken back"
            run: [final]
            on: application
            effect: irreversible
            irreversible: "it is gone"
            ```
            ```verify gone
            why: "proves it"
            run: [verify, final]
            ```
            """)
        {
            Answers = { ["final"] = "1a2b3c4d" },
            IsUnknown = true,
        };
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        Assert.Contains("cannot be told", bench.Events()[^1].Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("final", bench.World);
        bench.IsUnknown = false;
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Contains("final", bench.World);
    }

    [Fact]
    public async Task Who_says_that_an_act_is_taken_back_does_not_replace_its_proof()
    {
        var bench = new RunbookBench();
        await bench.RunAsync();
        bench.OnBegun = Killer("back change");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.ResumeAsync(undo: true));
        bench.OnBegun = null;
        bench.Answers["UndoFailed change-back"] = "done";
        Assert.Equal(RunState.NeedsDecision, await bench.ResumeAsync(undo: true));
        Assert.Contains("change", bench.World);
        bench.Answers["UndoFailed change-back"] = "skip";
        Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
        Assert.Contains(bench.Report().Deviations, d => d.StartsWith("change was not taken back", StringComparison.Ordinal));
    }

    private static Action<string> Killer(string at) => program =>
    {
        if (program == at) throw new OperationCanceledException();
    };

    // Killed when the line that the act begins was durable, and nothing had happened.
    private static async Task<RunbookBench> KilledInChangeAsync()
    {
        var bench = new RunbookBench();
        bench.OnBegun = Killer("change");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.RunAsync());
        bench.OnBegun = null;
        Assert.Equal(("change", RunEventKind.StepBegan), (bench.Events()[^1].Step, bench.Events()[^1].Event));
        return bench;
    }

    private static SortedDictionary<string, string> Around(string configuration, string machine, string boot) => new()
    {
        [RunSurroundings.Configuration] = configuration, [RunSurroundings.Machine] = machine, [RunSurroundings.Boot] = boot,
    };

    private static RunEvent Happened(RunEventKind kind, IReadOnlyDictionary<string, string>? around) => new()
    {
        Seq = 1, PrevHash = "", Utc = default, Run = "r", Event = kind, Actor = "ada", Binding = "sandbox", Surroundings = around,
    };
}
