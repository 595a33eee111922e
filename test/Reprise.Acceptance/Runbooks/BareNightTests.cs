using Reprise.Acceptance.BadInput;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// What made somebody hesitate who followed host-lost by hand, at a machine with nothing but a repository and a key: each
/// line that is printed as the next one can be typed as it is, and leads on.
/// </summary>
public class BareNightTests
{
    [Fact]
    public async Task On_a_bare_machine_everything_that_is_tried_leads_to_the_repository()
    {
        using var bare = new TemporaryFolder();
        var surroundings = new Surroundings { Folder = bare.Root };
        foreach (var tried in (string[][])[[], ["points"], ["runbook", "run", "host-lost"], ["runbook", "run", "host-lost", "--input", "folder=/x"]])
        {
            var run = (await PublishedProgram.RunAsync(surroundings, tried)).MustExit(2);
            Assert.Contains("host-lost --repository LOCATION --key-file FILE", OneLine(run.Errors), StringComparison.Ordinal);
        }

        var found = (await PublishedProgram.RunAsync(surroundings, "runbook", "find", "machine is gone")).MustExit(0);
        Assert.Contains("\nnext: reprise runbook run host-lost --repository LOCATION --key-file FILE\n", found.Output, StringComparison.Ordinal);
        var none = (await PublishedProgram.RunAsync(surroundings, "runbook", "resume")).MustExit(2);
        Assert.Contains("name what the run was begun with", OneLine(none.Errors), StringComparison.Ordinal);

        // Nothing was begun that a later resume would take for the run.
        Assert.Empty(Directory.GetFiles(bare.Root, "*.jsonl", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("en", "you should see: ", "Your answer: ")]
    [InlineData("fr", "vous devez voir : ", "Votre réponse : ")]
    public async Task It_asks_in_the_language_of_its_text_and_the_command_to_go_on_is_one_line(string language, string see, string answer)
    {
        using var application = await SmallApplication.WithPointAsync(rows: 20);
        using var elsewhere = new TemporaryFolder();
        string[] where = ["--repository", application.Repository, "--key-file", application.KeyFile];
        var run = await PublishedProgram.RunInTerminalAsync(
            new Surroundings { Folder = elsewhere.Root, Input = "stop\n", Variables = new Dictionary<string, string> { ["NO_COLOR"] = "1" } },
            ["runbook", "run", "host-lost", "--language", language, "--input", $"folder={elsewhere["shop"]}", .. where]);
        run.MustExit(3);
        Assert.Contains(see, run.Output, StringComparison.Ordinal);
        Assert.Contains(answer, run.Output, StringComparison.Ordinal);
        var next = run.Output.Split('\n').Select(l => l.Trim()).Single(l => l.StartsWith("next: ", StringComparison.Ordinal))["next: ".Length..];
        Assert.EndsWith(string.Join(' ', where), next, StringComparison.Ordinal);

        // Typed as it is, it goes on with the same step.
        var resumed = await PublishedProgram.RunInTerminalAsync(
            new Surroundings { Folder = elsewhere.Root, Input = "stop\n" }, next.Split(' ')[1..]);
        Assert.Contains("old-host-is-off", resumed.MustExit(3).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_in_a_run_names_the_command_that_goes_on_with_it()
    {
        using var application = await SmallApplication.WithPointAsync(rows: 20);
        Directory.CreateDirectory(application.Folder + "/runbooks");
        await File.WriteAllTextAsync(application.Folder + "/runbooks/slow.runbook.md", Slow);
        foreach (var verb in (string[])["run", "resume"])
        {
            using var running = application.Start([.. verb == "run" ? (string[])["runbook", "run", "slow"] : ["runbook", "resume"], "--yes", "--json"]);
            Assert.True(await SmallApplication.WaitAsync(() => File.Exists(application.Folder + "/slow-began")));
            running.Interrupt();
            var run = (await running.EndAsync()).MustExit(130);
            Assert.Equal(["interrupted"], run.ProblemCodes());
            var journal = Path.GetFileNameWithoutExtension(Directory.GetFiles(application.StateFolder + "/runbooks", "*.jsonl").Single());
            Assert.Equal(
                $"reprise runbook resume {journal}",
                run.Json($"runbook-{verb}").GetProperty("problems")[0].GetProperty("hint").GetString());
            File.Delete(application.Folder + "/slow-began");
        }

        // Nothing was done twice, and what was begun is asked again.
        await File.WriteAllTextAsync(application.Folder + "/quick", "");
        (await application.RepriseAsync("runbook", "resume", "--yes", "--json")).MustExit(0);
    }

    private const string Slow = """
        ---
        runbook: slow
        title: "A slow look"
        incident: [slow]
        symptoms: ["it is slow", "it takes long"]
        escalation: "somebody"
        ---

        # A slow look

        ```check slow
        why: "takes its time"
        run: [sh, -c, "touch slow-began; test -e quick || sleep 30"]
        within: 60s
        ```
        """;

    private static string OneLine(string text) => string.Join(' ', text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
