using System.Text;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;
using Reprise.Tests.Restoring;

namespace Reprise.Tests.Runbooks;

/// <summary>A run survives everything, does nothing twice that may not happen twice, and takes back what it did.</summary>
public class RunbookRunTests
{
    [Fact]
    public async Task Steps_run_in_order_and_everything_is_recorded()
    {
        var bench = new RunbookBench();
        Assert.Equal(RunState.Done, await bench.RunAsync());
        Assert.Equal(
            ["look", "way", "keep", "change", "changed", "again", "changed-again"],
            bench.Events().Where(e => e.Event == RunEventKind.StepEnded).Select(e => e.Step));
        var decision = Assert.Single(bench.Report().Decisions);
        Assert.Equal(("way", "long"), (decision.Step, decision.Option));
        Assert.StartsWith("because of", decision.Reason, StringComparison.Ordinal);
        Assert.Equal("change", bench.Events().Single(e => e.Step == "change" && e.Facts is not null).Facts?["ran"]);
    }

    [Fact]
    public async Task A_decision_leads_to_its_step_and_what_lies_between_is_not_run()
    {
        var bench = new RunbookBench { Answers = { ["way"] = "short" } };
        Assert.Equal(RunState.Done, await bench.RunAsync());
        Assert.DoesNotContain("keep", bench.Ran.Keys);
        Assert.Equal(1, bench.Ran["change"]);
    }

    [Fact]
    public async Task A_decision_that_nobody_makes_waits_and_resume_goes_on()
    {
        var bench = new RunbookBench();
        bench.Answers.Remove("way");
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        Assert.Empty(bench.World.Except(["look"]));
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        bench.Answers["way"] = "long";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal(1, bench.Ran["look"]);
        Assert.Equal(1, bench.Ran["change"]);
    }

    [Fact]
    public async Task A_run_that_has_ended_does_not_begin_again()
    {
        var bench = new RunbookBench();
        await bench.RunAsync();
        await bench.ResumeAsync(undo: true);
        bench.EvenWhenEnded = true;
        var error = await Assert.ThrowsAsync<RepriseException>(() => bench.ResumeAsync());
        Assert.Equal("runbook-ended", error.Code.Name);
    }

    [Theory]
    [InlineData(StepFault.CrashBefore)]
    [InlineData(StepFault.CrashAfter)]
    public async Task Killed_at_any_moment_it_goes_on_and_a_person_who_looks_does_nothing_twice(StepFault fault)
    {
        var kills = 0;
        for (var number = 1; ; number++)
        {
            var bench = new RunbookBench();
            var steps = new Steps(fault, number);
            if (!await KilledAsync(bench, steps)) break;
            kills++;
            if (bench.Medium.Files.Keys.Any(f => f.ToString().EndsWith(".jsonl", StringComparison.Ordinal)))
            {
                // The person looks at the world, as the question asks.
                bench.Answers["Uncertain change"] = bench.World.Contains("change") ? "done" : "again";
                Assert.Equal(RunState.Done, await bench.ResumeAsync());
            }
            else
            {
                Assert.Empty(bench.Ran);
                continue;
            }

            Assert.True(bench.Ran["change"] == 1, $"change ran {bench.Ran["change"]} times, killed at {steps.Where}");
            Assert.Contains("again", bench.World);
            Assert.Equal(Enumerable.Range(1, bench.Events().Count), bench.Events().Select(e => (int)e.Seq));
        }

        Assert.InRange(kills, 40, 200);
    }

    [Theory]
    [InlineData(StepFault.CrashBefore)]
    [InlineData(StepFault.CrashAfter)]
    public async Task Killed_at_any_moment_nobody_there_nothing_is_silently_done_twice(StepFault fault)
    {
        var waited = 0;
        for (var number = 1; ; number++)
        {
            var bench = new RunbookBench();
            if (!await KilledAsync(bench, new Steps(fault, number))) break;
            if (bench.Medium.Files.Keys.All(f => !f.ToString().EndsWith(".jsonl", StringComparison.Ordinal))) continue;
            var state = await bench.ResumeAsync();
            Assert.True(bench.Ran.GetValueOrDefault("change") <= 1, $"change ran twice after a kill at {number}");
            if (state == RunState.Waiting) waited++;
            else Assert.Equal(RunState.Done, state);
        }

        // Between the line that says that it begins and the line that says that it ended, only a person can know.
        Assert.InRange(waited, 1, 10);
    }

    [Fact]
    public async Task A_step_that_fails_stops_the_run_and_is_tried_again_on_resume()
    {
        var bench = new RunbookBench { Broken = { "verify change" } };
        Assert.Equal(RunState.Stopped, await bench.RunAsync());
        Assert.DoesNotContain("again", bench.World);
        bench.Broken.Clear();
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal(2, bench.Ran["verify change"]);
        Assert.Equal(1, bench.Ran["change"]);
    }

    [Fact]
    public async Task An_act_that_failed_is_not_tried_again_without_a_decision()
    {
        var bench = new RunbookBench { Broken = { "change" } };
        Assert.Equal(RunState.Stopped, await bench.RunAsync());
        Assert.Equal(RunState.Stopped, await bench.ResumeAsync());
        Assert.Equal(1, bench.Ran["change"]);
        bench.Broken.Clear();
        bench.Answers["Failed change"] = "retry";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal(2, bench.Ran["change"]);
        Assert.Contains("change was tried again", bench.Report().Deviations);
    }

    [Fact]
    public async Task Going_on_in_spite_of_a_failure_is_a_deviation_with_its_reason()
    {
        var bench = new RunbookBench { Broken = { "verify change" }, Answers = { ["Failed changed"] = "continue" } };
        Assert.Equal(RunState.Done, await bench.RunAsync());
        Assert.Contains(bench.Report().Deviations, d => d.StartsWith("changed did not pass", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Undo_takes_back_in_reverse_and_proves_it()
    {
        var bench = new RunbookBench();
        await bench.RunAsync();
        Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
        Assert.DoesNotContain("change", bench.World);
        Assert.DoesNotContain("again", bench.World);
        Assert.Equal(
            ["again", "change"],
            bench.Events().Where(e => e.Event == RunEventKind.UndoEnded).Select(e => e.Step));
        Assert.Equal(1, bench.Ran["gone change"]);
    }

    [Fact]
    public async Task An_undo_that_cannot_be_proven_stops_there_and_needs_a_decision()
    {
        var bench = new RunbookBench { Broken = { "gone again" } };
        await bench.RunAsync();
        Assert.Equal(RunState.NeedsDecision, await bench.ResumeAsync(undo: true));
        Assert.Contains("change", bench.World);
        bench.Broken.Clear();
        Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
        Assert.DoesNotContain("change", bench.World);
    }

    [Theory]
    [InlineData(StepFault.CrashBefore)]
    [InlineData(StepFault.CrashAfter)]
    public async Task Killed_while_taking_back_it_goes_on_taking_back(StepFault fault)
    {
        for (var number = 1; ; number++)
        {
            var bench = new RunbookBench();
            await bench.RunAsync();
            try
            {
                await bench.ResumeAsync(undo: true, new Steps(fault, number));
                break;
            }
            catch (DeadException)
            {
                bench.Answers["UndoFailed change-back"] = bench.World.Contains("change") ? "again" : "done";
                Assert.Equal(RunState.Undone, await bench.ResumeAsync(undo: true));
                Assert.Equal(1, bench.Ran["back change"]);
                Assert.Empty(bench.World.Intersect(["change", "again"]));
            }
        }
    }

    [Fact]
    public async Task A_verification_that_is_green_before_its_act_is_named()
    {
        var bench = new RunbookBench { RedFirst = true, World = { "again" } };
        Assert.Equal(RunState.Done, await bench.RunAsync());
        Assert.Equal(["changed-again"], bench.Report().NotDiscriminating);
        Assert.Equal(
            ["fail", "pass", "pass"], bench.Events().Where(e => e.Event == RunEventKind.AskedBefore).Select(e => e.Outcome));
    }

    [Fact]
    public async Task A_verification_is_asked_again_before_each_act_until_it_is_red()
    {
        // Stopping makes it red, so that starting is proven by it; the act before both proves nothing with it.
        var bench = new RunbookBench(StopAndStart) { RedFirst = true, World = { "up" } };
        Assert.Equal(RunState.Done, await bench.RunAsync());
        Assert.Empty(bench.Report().NotDiscriminating);
        Assert.Equal(
            ["pass", "fail"], bench.Events().Where(e => e.Event == RunEventKind.AskedBefore).Select(e => e.Outcome));
    }

    [Fact]
    public async Task A_verification_is_asked_before_a_person_repairs_and_once_only()
    {
        var bench = new RunbookBench(ByHand) { RedFirst = true };
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        Assert.DoesNotContain(bench.Events(), e => e.Event == RunEventKind.AskedBefore);

        // It looked only; the repair is what the verification is to prove.
        bench.Answers["look"] = "done";
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        bench.World.Add("change");
        bench.Answers["repair"] = "done";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal("fail", bench.Events().Single(e => e.Event == RunEventKind.AskedBefore).Outcome);
        Assert.Empty(bench.Report().NotDiscriminating);
    }

    [Fact]
    public async Task What_cannot_be_taken_back_needs_a_capture_and_the_typed_identity_of_its_target()
    {
        var bench = new RunbookBench(Final);
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        bench.Answers["Identity erase"] = "shop";
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        Assert.DoesNotContain("erase", bench.Ran.Keys);
        bench.Answers["Identity erase"] = "1A2B3C4D";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.Equal(1, bench.Ran["erase"]);
        Assert.Contains(bench.Report().Decisions, d => d.Target == "1a2b3c4d application of a test");
    }

    [Fact]
    public async Task Secrets_are_nowhere_in_any_form()
    {
        var bench = new RunbookBench { Broken = { "verify again" } };
        await bench.RunAsync();
        var shown = bench.JournalText + string.Join('\n', bench.Shown)
            + Reprise.Runbooks.ReportPage.Markdown(bench.Report(), "shop");
        foreach (var form in new[]
        {
            RunbookBench.Secret,
            Uri.EscapeDataString(RunbookBench.Secret),
            Convert.ToBase64String(Encoding.UTF8.GetBytes(RunbookBench.Secret)),
        })
        {
            Assert.DoesNotContain(form, shown, StringComparison.Ordinal);
        }

        Assert.Contains("•••", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_never_becomes_an_argument()
    {
        var bench = new RunbookBench();
        bench.Facts = bench.Facts.With([KeyValuePair.Create("application", RunbookBench.Secret)]);
        bench = new RunbookBench(RunbookBench.Small.Replace("run: [change]", "run: [change, \"{application}\"]", StringComparison.Ordinal))
        {
            Facts = bench.Facts,
        };
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        Assert.DoesNotContain(bench.Ran.Keys, k => k.StartsWith("change", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_torn_last_line_is_dropped_and_a_changed_line_is_damage()
    {
        var bench = new RunbookBench();
        bench.Answers.Remove("way");
        await bench.RunAsync();
        var whole = bench.JournalText;
        bench.SetJournal(whole + "{\"version\":1,\"seq\":");
        Assert.Equal(RunState.Waiting, await bench.ResumeAsync());
        Assert.StartsWith(whole, bench.JournalText, StringComparison.Ordinal);
        bench.SetJournal(whole.Replace("\"outcome\":\"pass\"", "\"outcome\":\"fail\"", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<RepriseException>(() => bench.ResumeAsync());
        Assert.Equal("runbook-journal-damaged", error.Code.Name);
    }

    [Fact]
    public async Task What_the_configuration_does_not_say_is_done_by_a_person()
    {
        var bench = new RunbookBench(RunbookBench.Small.Replace(
            "run: [change]", "run: [change, \"{database.start}\"]", StringComparison.Ordinal));
        Assert.Equal(RunState.Waiting, await bench.RunAsync());
        bench.World.Add("change");
        bench.Answers["Manual change"] = "done";
        Assert.Equal(RunState.Done, await bench.ResumeAsync());
        Assert.DoesNotContain(bench.Ran.Keys, k => k.StartsWith("change", StringComparison.Ordinal));
    }

    private static async Task<bool> KilledAsync(RunbookBench bench, Steps steps)
    {
        try
        {
            await bench.RunAsync(steps);
            return false;
        }
        catch (DeadException)
        {
            return true;
        }
    }

    private const string StopAndStart = RunbookBench.Head + """
        ```act stop
        why: "stops it"
        run: [back, up]
        effect: reversible
        undo: start-again
        ```
        ```act start
        why: "starts it"
        run: [up]
        effect: reversible
        undo: start-again
        ```
        ```verify it-is-up
        why: "proves it"
        run: [verify, up]
        ```
        ```undo start-again
        why: "takes it back"
        run: [up]
        verify: { run: [verify, up] }
        ```
        """;

    private const string ByHand = """
        ---
        runbook: by-hand
        title: "By hand"
        incident: [small]
        symptoms: ["it is broken"]
        escalation: "somebody"
        ---
        ```manual look
        why: "only a person can look"
        phase: detect
        do: "look"
        ```
        ```manual repair
        why: "only a person can repair it"
        do: "repair it"
        ```
        ```verify changed
        why: "proves it"
        run: [verify, change]
        ```
        """;

    private const string Final = RunbookBench.Head + """
        ```capture keep
        why: "keeps what is there"
        run: [keep]
        ```
        ```act erase
        why: "deletes it"
        run: [erase]
        on: application
        effect: irreversible
        irreversible: "it is gone"
        ```
        ```verify erased
        why: "proves it"
        run: [verify, erase]
        ```
        """;
}
