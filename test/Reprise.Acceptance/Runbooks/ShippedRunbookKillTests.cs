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
    private const int FurtherPasses = 4;
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
        var ways = KillWay.All.Where(w => $"{w.Runbook}/{w.Name}".StartsWith(wanted, StringComparison.Ordinal)).ToList();
        foreach (var way in ways) await TryAsync(way, null, stories, failures);

        // The journal's next line may be there before the kill is: whoever passed a place unharmed passes it once more.
        for (var pass = 0; pass < FurtherPasses && failures.Count == 0; pass++)
        {
            foreach (var way in ways)
            {
                var passed = stories.Where(s => s.Way == way).SelectMany(s => s.Struck.Keys).Select(p => p.Split(' ')[0]).ToHashSet();
                var missing = Missing(way.Runbook, stories).Where(p => passed.Contains(p.Split(' ')[0])).ToHashSet();
                if (missing.Count > 0) await TryAsync(way, missing, stories, failures);
            }
        }

        var runbooks = stories.GroupBy(s => s.Way.Runbook).Select(g => Figures(g.Key, [.. g])).ToList();
        foreach (var runbook in runbooks) output.WriteLine(runbook.ToJsonString());
        if (failures.Count > 0) throw new AggregateException(failures);
        Assert.All(stories, s => Assert.Equal(0, s.Twice));
        Assert.All(runbooks.Where(r => IsWhole(r, stories)), r => Assert.Equal("[]", r["notKilled"]!.ToJsonString())); // Every one has it.
        WriteProof([.. runbooks.Where(r => IsWhole(r, stories))]);
    }

    private async Task TryAsync(KillWay way, IReadOnlySet<string>? only, List<KillStory> stories, List<Exception> failures)
    {
        try
        {
            var story = await KillStory.RunAsync(way, only);
            stories.Add(story);
            output.WriteLine($"{way.Runbook}/{way.Name}: {story.Kills} kills, {story.Resumed} resumed, {story.Twice} twice, "
                + $"{story.Seconds} s; {string.Join(", ", story.Answers)}; {string.Join(", ", story.Effects.Select(e => $"{e.Key} {e.Value}"))}");
        }
        catch (Exception e)
        {
            output.WriteLine($"{way.Runbook}/{way.Name}: FAILED: {e}");
            failures.Add(new XunitException($"{way.Runbook} from {way.Name}: {e.Message}", e));
        }
    }

    private static List<string> Missing(string runbook, IReadOnlyList<KillStory> stories) =>
    [
        .. from step in RunbookShape.Read(runbook).Steps
        from moment in Moments
        let place = $"{step.Id} {moment}"
        where stories.Where(s => s.Way.Runbook == runbook).Sum(s => s.Struck.GetValueOrDefault(place)) == 0
        select place,
    ];

    // All its ways were gone.
    private static bool IsWhole(JsonObject runbook, IReadOnlyList<KillStory> stories) => KillWay.All
        .Where(w => w.Runbook == (string?)runbook["runbook"])
        .All(w => stories.Any(s => s.Way == w));

    private static JsonObject Figures(string runbook, IReadOnlyList<KillStory> stories)
    {
        var steps = RunbookShape.Read(runbook).Steps;
        int Struck(string step, string moment) => stories.Sum(s => s.Struck.GetValueOrDefault($"{step} {moment}"));
        var missing = Missing(runbook, stories);
        return new JsonObject
        {
            ["runbook"] = runbook,
            ["commit"] = Environment.GetEnvironmentVariable("REPRISE_COMMIT") ?? "unknown",
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

    // A runbook that was killed again takes the place of its former figures; each names its commit.
    private static void WriteProof(IReadOnlyList<JsonObject> runbooks)
    {
        if (Environment.GetEnvironmentVariable("REPRISE_PROOF") is not { Length: > 0 } path) return;
        var former = KillProof.Read(path)["shipped"]?["runbooks"]?.AsArray().Select(r => r!.DeepClone().AsObject()) ?? []; // None is null.
        List<JsonObject> all = [.. former.Where(f => runbooks.All(r => (string?)r["runbook"] != (string?)f["runbook"])), .. runbooks];
        KillProof.Write(path, "shipped", new JsonObject
        {
            ["what"] = "kill -9 of runs of the shipped runbooks on the shop, from injected incidents, and of taking them back: before, in and after each step of their text",
            ["command"] = "REPRISE_PROOF=docs/proof/runbook-kills.json ./dev accept --all RunbookKillTests",
            ["kills"] = all.Sum(r => (int)r["kills"]!), // Every one has it, and what follows.
            ["stepsWithoutKill"] = all.Sum(r => (int)r["stepsWithoutKill"]!),
            ["twice"] = all.Sum(r => (int)r["twice"]!),
            ["seconds"] = Math.Round(all.Sum(r => (double)r["seconds"]!), 1),
            ["runbooks"] = new JsonArray([.. all]),
        });
    }
}
