using System.Text.Json.Nodes;
using Reprise.Acceptance.Runbooks.Kills;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// Each shipped runbook from an injected incident, with <c>kill -9</c> before, in and after each step of its text, also of
/// those that take acts back: whoever goes on reaches the end that it has undisturbed, and no act takes effect twice.
/// <c>REPRISE_KILL_WAY</c> names one runbook, or one way as <c>runbook/cause</c>; <c>REPRISE_PROOF</c> the file that the
/// figures are written to, beside those of <see cref="RunbookKillTests"/>.
/// </summary>
[Collection("kills of runbooks")]
public class ShippedRunbookKillTests(ITestOutputHelper output)
{
    private static readonly string[] Moments = ["before", "in", "after"];

    [Fact]
    public void The_ways_pass_every_shipped_runbook()
    {
        Assert.Equal(7, KillWay.All.Select(w => w.Runbook).Distinct().Count());
        Assert.All(KillWay.All, w => Assert.NotEmpty(RunbookShape.Read(w.Runbook).Steps));
    }

    [Fact(Explicit = true)]
    public async Task Soak_every_step_of_every_shipped_runbook_is_killed_before_in_and_after()
    {
        var wanted = Environment.GetEnvironmentVariable("REPRISE_KILL_WAY") ?? "";
        var stories = new List<KillStory>();
        var failures = new List<Exception>();
        foreach (var way in KillWay.All.Where(w => $"{w.Runbook}/{w.Name}".StartsWith(wanted, StringComparison.Ordinal)))
        {
            try
            {
                var story = await KillStory.RunAsync(way);
                stories.Add(story);
                output.WriteLine($"{way.Runbook}/{way.Name}: {story.Kills} kills, {story.Resumed} resumed, {story.Twice} twice, {story.Seconds} s; {string.Join(", ", story.Answers)}; {string.Join(", ", story.Effects.Select(e => $"{e.Key} {e.Value}"))}");
            }
            catch (Exception e)
            {
                output.WriteLine($"{way.Runbook}/{way.Name}: FAILED: {e}");
                failures.Add(new XunitException($"{way.Runbook} from {way.Name}: {e.Message}", e));
            }
        }

        var runbooks = stories.GroupBy(s => s.Way.Runbook).Select(g => Figures(g.Key, [.. g])).ToList();
        foreach (var runbook in runbooks) output.WriteLine(runbook.ToJsonString());
        if (failures.Count > 0) throw new AggregateException(failures);
        Assert.All(stories, s => Assert.Equal(0, s.Twice));
        if (wanted.Length > 0) return;
        Assert.All(runbooks, r => Assert.Equal("[]", r["notKilled"]!.ToJsonString())); // Every one has it.
        WriteProof(runbooks, stories);
    }

    private static JsonObject Figures(string runbook, IReadOnlyList<KillStory> stories)
    {
        var steps = RunbookShape.Read(runbook).Steps;
        int Struck(string step, string moment) => stories.Sum(s => s.Struck.GetValueOrDefault($"{step} {moment}"));
        var missing = steps.SelectMany(s => Moments.Where(m => Struck(s.Id, m) == 0).Select(m => $"{s.Id} {m}")).ToList();
        return new JsonObject
        {
            ["runbook"] = runbook,
            ["steps"] = steps.Count,
            ["kills"] = stories.Sum(s => s.Kills),
            ["stepsWithoutKill"] = missing.Select(m => m.Split(' ')[0]).Distinct().Count(),
            ["notKilled"] = new JsonArray([.. missing.Select(m => (JsonNode)m)]),
            ["resumed"] = stories.Sum(s => s.Resumed),
            ["effects"] = stories.Sum(s => s.Effects.Values.Sum()),
            ["twice"] = stories.Sum(s => s.Twice),
            ["seconds"] = Math.Round(stories.Sum(s => s.Seconds), 1),
            ["ways"] = new JsonArray([.. stories.Select(s => (JsonNode)new JsonObject
            {
                ["way"] = s.Way.Name,
                ["takenBack"] = s.Way.Back,
                ["kills"] = s.Kills,
                ["resumed"] = s.Resumed,
                ["answers"] = new JsonArray([.. s.Answers.Select(a => (JsonNode)a)]),
                ["effects"] = new JsonObject(s.Effects.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)e.Value))),
                ["twice"] = s.Twice,
                ["seconds"] = s.Seconds,
            })]),
            ["struck"] = new JsonObject(steps.Select(s => KeyValuePair.Create(
                s.Id, (JsonNode?)new JsonArray([.. Moments.Select(m => (JsonNode)Struck(s.Id, m))])))),
        };
    }

    private static void WriteProof(IReadOnlyList<JsonObject> runbooks, IReadOnlyList<KillStory> stories)
    {
        if (Environment.GetEnvironmentVariable("REPRISE_PROOF") is not { Length: > 0 } path) return;
        KillProof.Write(path, "shipped", new JsonObject
        {
            ["what"] = "kill -9 of runs of the shipped runbooks on the shop, from injected incidents, and of taking them back: before, in and after each step of their text",
            ["command"] = "REPRISE_PROOF=docs/proof/runbook-kills.json ./dev accept --all RunbookKillTests",
            ["commit"] = Environment.GetEnvironmentVariable("REPRISE_COMMIT") ?? "unknown",
            ["kills"] = stories.Sum(s => s.Kills),
            ["stepsWithoutKill"] = runbooks.Sum(r => (int)r["stepsWithoutKill"]!), // Every one has it.
            ["twice"] = stories.Sum(s => s.Twice),
            ["seconds"] = Math.Round(stories.Sum(s => s.Seconds), 1),
            ["runbooks"] = new JsonArray([.. runbooks]),
        });
    }
}
