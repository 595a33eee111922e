using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Runbooks.Kills;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// <c>kill -9</c> before, in the middle of and after the steps of a run, there and back: whoever goes on reaches the same
/// end, every effect is there, and none twice that may not be. What the operator answers, the counting file says.
/// </summary>
[Collection("kills of runbooks")]
public class RunbookKillTests
{
    // Of each kind of step one; the soak takes all of them.
    private static readonly string[] Strikes = ["look", "keep", "keep-once", "change", "changed", "again", "settled", "final"];
    private static readonly string[] StrikesBack = ["again-back", "slowly-back", "is-slowly-back"];

    [Fact]
    public async Task Killed_within_a_step_of_each_kind_it_reaches_the_same_end()
    {
        using var bench = await KillBench.MakeAsync();
        foreach (var step in Strikes) await WithinAsync(bench, step, back: false);
    }

    [Fact]
    public async Task Killed_while_everything_is_taken_back_it_reaches_the_same_end()
    {
        using var bench = await KillBench.MakeAsync();
        foreach (var step in StrikesBack) await WithinAsync(bench, step, back: true);
    }

    [Fact]
    public async Task Killed_between_the_lines_of_its_journal_it_reaches_the_same_end()
    {
        using var bench = await KillBench.MakeAsync();
        var struck = 0;
        for (var lines = 0; lines < bench.Records.Forward; lines += 3)
            if (await BetweenAsync(bench, lines, back: false) is not null) struck++;
        for (var lines = 1; lines < bench.Records.Backward; lines += 4)
            if (await BetweenAsync(bench, lines, back: true) is not null) struck++;
        Assert.True(struck >= 10, $"{struck} kills struck");
    }

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    public async Task Killed_within_an_act_it_can_be_taken_back_at_once(string moment)
    {
        using var bench = await KillBench.MakeAsync();
        bench.Clear();
        await KillBench.EndAsync(await bench.StrikeInStepAsync("change", moment, back: false, r => r.Kill()));
        var answers = await bench.ResumeAsync(back: true);
        Assert.Contains(moment == "after" ? "change=yes" : "change=no", answers);
    }

    [Fact]
    public async Task While_the_program_of_a_killed_run_still_works_its_step_is_not_begun_again()
    {
        using var bench = await KillBench.MakeAsync();
        bench.Clear();
        var child = await bench.StrikeInStepAsync("change", "before", back: false, r => r.Kill());
        var again = await bench.RepriseAsync(
            ["runbook", "resume", "--yes", "--json", "--decide", "change=again:nothing is in the file"]);
        again.MustExit(3).Result("runbook-resume");
        Assert.Contains($"process {child} (step)", again.Output, StringComparison.Ordinal);
        var no = await bench.RepriseAsync(
            ["runbook", "resume", "--undo", "--yes", "--json", "--decide", "change=no:nothing is in the file"]);
        no.MustExit(6).Result("runbook-resume");
        Assert.Contains($"process {child} (step)", no.Output, StringComparison.Ordinal);
        await bench.ReleaseAsync(child);
        Assert.Contains("change=yes", await bench.ResumeAsync(back: true));
    }

    [Fact]
    public async Task A_lost_terminal_ends_the_step_and_nothing_is_done_twice()
    {
        using var bench = await KillBench.MakeAsync();
        foreach (var moment in new[] { "before", "after" })
        {
            bench.Clear();
            var child = await bench.StrikeInStepAsync("change", moment, back: false, r => r.HangUp());

            // Unlike a kill, this ends the program of the step as well.
            Assert.False(Directory.Exists($"/proc/{child}"), "the program of the step outlived the signal");
            var answers = await bench.ResumeAsync(back: false);
            Assert.Contains(moment == "after" ? "change=done" : "change=again", answers);
        }
    }

    [Fact]
    public async Task After_a_restart_of_the_machine_or_an_edit_resume_says_so_and_goes_on()
    {
        using var bench = await KillBench.MakeAsync();
        bench.Clear();
        await KillBench.EndAsync(await bench.StrikeInStepAsync("changed", "after", back: false, r => r.Kill()));
        await File.WriteAllTextAsync(
            bench.Place("runbooks/every-step.runbook.md"),
            KillRunbook.Text.Replace("[./step, slowly]", "[./step, other]", StringComparison.Ordinal));
        await File.AppendAllTextAsync(bench.Place("reprise.yaml"), "\n# another line\n");
        var resumed = await Elsewhere.RunAsync(
            bench.Surroundings,
            new Elsewhere { BootId = "0f0f0f0f-1111-2222-3333-444444444444" },
            "runbook", "resume", "--json", "--yes", "--decide", "hand=done:it is done", "--decide", "way=long:x");
        var problems = resumed.MustExit(3).Json("runbook-resume").GetProperty("problems").EnumerateArray()
            .Where(p => p.GetProperty("code").GetString() == "runbook-changed")
            .Select(p => p.GetProperty("message").GetString() ?? "")
            .ToList();
        Assert.Equal(3, problems.Count);
        Assert.Contains(problems, p => p.StartsWith("the configuration has changed", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.StartsWith("the machine was started anew", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Contains("another text", StringComparison.Ordinal));

        // It kept to the text with which it began, and says it no second time once somebody went on.
        await bench.ResumeAsync(back: false);
        var report = (await bench.RepriseAsync(["runbook", "report", "--json"])).MustExit(0).Result("runbook-report");
        Assert.Contains(
            report.GetProperty("timeline").EnumerateArray().Select(m => m.GetProperty("text").GetString() ?? ""),
            t => t.Contains("the configuration has changed since", StringComparison.Ordinal));
    }

    [Fact(Explicit = true)]
    public async Task Soak_every_step_at_every_moment_and_every_line()
    {
        using var bench = await KillBench.MakeAsync();
        var counted = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var step in KillRunbook.Forward) counted[step] = await WithinAsync(bench, step, back: false);
        foreach (var step in KillRunbook.Backward) counted[step] = await WithinAsync(bench, step, back: true);
        for (var lines = 0; lines < bench.Records.Forward; lines++)
            if (await BetweenAsync(bench, lines, back: false) is { } at) counted[at] = counted.GetValueOrDefault(at) + 1;
        for (var lines = 1; lines < bench.Records.Backward; lines++)
            if (await BetweenAsync(bench, lines, back: true) is { } at) counted[at] = counted.GetValueOrDefault(at) + 1;
        Assert.All(KillRunbook.Forward.Concat(KillRunbook.Backward), step => Assert.Equal(3, counted[step]));
        Assert.True(counted.Values.Sum() > 80, $"{counted.Values.Sum()} kills");
        WriteProof(counted);
    }

    // Every kill that was judged wrongly ended above: what is written here was counted, and came to the same end.
    private static void WriteProof(SortedDictionary<string, int> kills)
    {
        if (Environment.GetEnvironmentVariable("REPRISE_PROOF") is not { Length: > 0 } path) return;
        var steps = KillRunbook.Forward.Concat(KillRunbook.Backward).ToList();
        var proof = new
        {
            what = "kill -9 of a run of a runbook with every kind of step, there and back: before, in and after each step",
            command = "REPRISE_PROOF=docs/proof/runbook-kills.json ./dev accept --all RunbookKillTests",
            commit = Environment.GetEnvironmentVariable("REPRISE_COMMIT") ?? "unknown",
            kills = kills.Values.Sum(),
            stepsWithoutKill = steps.Count(s => !kills.ContainsKey(s)),
            withinSteps = steps.ToDictionary(s => s, s => kills[s]),
            betweenLines = kills.Where(k => !steps.Contains(k.Key)).ToDictionary(),
        };
        KillProof.Write(path, null, JsonSerializer.SerializeToNode(proof)!.AsObject()); // an object, as it stands above
    }

    // Before its effect, with its program ended or left to work on; and after it. How often that was.
    private static async Task<int> WithinAsync(KillBench bench, string step, bool back)
    {
        var struck = 0;
        foreach (var (moment, isReleased) in new[] { ("before", false), ("before", true), ("after", false) })
        {
            bench.Clear();
            if (back) await bench.ForwardAsync();
            var child = await bench.StrikeInStepAsync(step, moment, back, r => r.Kill());
            if (isReleased) await bench.ReleaseAsync(child);
            else await KillBench.EndAsync(child);
            await bench.ResumeAsync(back);
            struck++;
        }

        return struck;
    }

    // Where it was then; null: it had ended.
    private static async Task<string?> BetweenAsync(KillBench bench, int lines, bool back)
    {
        bench.Clear();
        if (back) await bench.ForwardAsync();
        var struck = await bench.StrikeAtRecordAsync(lines, back);
        var at = struck is > 0 ? bench.Last() : "before the first line";

        // The program of the step that it was in goes on by itself.
        await bench.QuietAsync();
        await bench.ResumeAsync(back);
        return struck is null ? null : at;
    }
}
