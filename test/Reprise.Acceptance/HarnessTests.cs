using System.Diagnostics;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance;

/// <summary>What the other acceptance tests stand on, tested with programs of the system.</summary>
public class HarnessTests
{
    [Fact]
    public async Task Exit_output_errors_and_input_are_told_apart()
    {
        using var running = Shell(
            "read line; echo out $line; echo err >&2; exit 3", new Surroundings { Input = "hello\n" });
        var run = await running.EndAsync();
        Assert.Equal((3, "out hello\n", "err\n"), (run.Exit, run.Output, run.Errors));
        run.MustExit(3);
        Assert.Throws<XunitException>(() => run.MustExit(0));
    }

    [Fact]
    public async Task Nothing_is_inherited_but_the_path()
    {
        using var running = Shell(
            "env", new Surroundings { Variables = new Dictionary<string, string> { ["A"] = "b" } });
        var names = (await running.EndAsync()).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=')[0])
            .Where(name => name is not ("PWD" or "_" or "SHLVL" or "OLDPWD"))
            .Order();
        Assert.Equal(["A", "HOME", "LANG", "PATH"], names);
    }

    [Fact]
    public async Task What_takes_too_long_is_killed_with_its_children()
    {
        using var folder = new TemporaryFolder();
        using var running = Shell(
            $"sleep 60 & echo $! > {folder["child"]}; wait", new Surroundings { Within = TimeSpan.FromSeconds(1) });
        await Assert.ThrowsAsync<TimeoutException>(running.EndAsync);
        var child = (await File.ReadAllTextAsync(folder["child"])).Trim();
        Assert.False(IsAlive(child), $"process {child} is still there");
    }

    [Fact]
    public async Task A_kill_is_seen_as_a_kill()
    {
        using var running = Shell("sleep 60", new Surroundings());
        running.Kill();
        Assert.Equal(128 + 9, (await running.EndAsync()).Exit);
    }

    [Fact]
    public async Task A_random_kill_strikes_what_runs_and_says_when_it_came_too_late()
    {
        using var slow = Shell("exec sleep 60", new Surroundings());
        Assert.True(await slow.KillAtRandomAsync(TimeSpan.FromMilliseconds(100), seed: 1));
        using var quick = Shell("exit 0", new Surroundings());
        await quick.EndAsync();
        Assert.False(await quick.KillAtRandomAsync(TimeSpan.FromMilliseconds(100), seed: 1));
    }

    [Fact]
    public async Task Ctrl_C_and_termination_arrive()
    {
        foreach (var (send, exit) in
            new (Action<RunningProgram>, int)[] { (r => r.Interrupt(), 42), (r => r.Terminate(), 43) })
        {
            using var folder = new TemporaryFolder();
            using var running = Shell(
                $"trap 'exit 42' INT; trap 'exit 43' TERM; touch {folder["ready"]}; while :; do sleep 0.05; done",
                new Surroundings());
            var limit = Stopwatch.StartNew();
            while (!File.Exists(folder["ready"]) && limit.Elapsed < TimeSpan.FromSeconds(10)) await Task.Delay(10);
            send(running);
            Assert.Equal(exit, (await running.EndAsync()).Exit);
        }
    }

    [Fact]
    public void A_temporary_folder_is_gone_afterwards()
    {
        string root;
        using (var folder = new TemporaryFolder())
        {
            root = folder.Root;
            folder.File("a/b", "x");
            Assert.True(File.Exists(Path.Combine(root, "a", "b")));
        }

        Assert.False(Directory.Exists(root));
    }

    [Theory]
    [InlineData("""{"a":1}""", true)]
    [InlineData("""{"a":1,"b":["x",null]}""", true)]
    [InlineData("""{"a":1,"b":["y"]}""", false)]
    [InlineData("""{"a":1,"t":"2026-11-22T03:15:02.000Z"}""", true)]
    [InlineData("""{"a":1,"t":"2026-11-22T03:15:02Z"}""", false)]
    [InlineData("""{"a":1,"c":{"deep":true}}""", true)]
    [InlineData("""{"a":1,"c":{}}""", false)]
    [InlineData("""{"a":"1"}""", false)]
    [InlineData("""{"a":1.5}""", false)]
    [InlineData("""{"a":-1}""", false)]
    [InlineData("""{"a":1,"z":1}""", false)]
    [InlineData("""{}""", false)]
    [InlineData("""[]""", false)]
    public void Schemas_accept_the_good_and_name_the_bad(string json, bool good)
    {
        var schema = JsonSchema.Parse("""
            { "type": "object", "required": ["a"], "additionalProperties": false,
              "properties": {
                "a": { "type": "integer", "minimum": 0 },
                "b": { "type": "array", "items": { "anyOf": [ { "const": "x" }, { "type": "null" } ] } },
                "t": { "type": "string", "format": "date-time" },
                "c": { "$ref": "#/$defs/c" } },
              "$defs": { "c": { "type": "object", "required": ["deep"] } } }
            """);
        Assert.Equal(good, schema.Faults(System.Text.Json.JsonElement.Parse(json)).Count == 0);
    }

    [Fact]
    public void A_schema_with_a_rule_that_is_not_known_is_refused()
    {
        var schema = JsonSchema.Parse("""{ "uniqueItems": true }""");
        Assert.Throws<NotSupportedException>(() => schema.Faults(System.Text.Json.JsonElement.Parse("[1,1]")));
    }

    [Theory]
    [InlineData("{\"schema\":\"reprise/error/v1\",\"exit\":2}{}")]
    [InlineData("warning: x\n{\"schema\":\"reprise/error/v1\",\"exit\":2}")]
    [InlineData("{\"schema\":\"reprise/backup/v1\",\"exit\":2}")]
    [InlineData("{\"schema\":\"reprise/error/v1\",\"exit\":0}")]
    public void Output_that_is_not_one_document_of_the_command_with_its_exit_is_refused(string output)
    {
        var run = new ProgramRun("test", 2, output, "", TimeSpan.Zero);
        Assert.Throws<XunitException>(() => run.Json("error"));
    }

    private static RunningProgram Shell(string script, Surroundings surroundings) =>
        RunningProgram.Start(surroundings, ["/bin/bash", "-c", script]);

    // A killed child whose parent is gone may stay as a zombie until init reaps it; that one is dead all the same.
    private static bool IsAlive(string processId) =>
        File.Exists($"/proc/{processId}/stat")
            && !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
}
