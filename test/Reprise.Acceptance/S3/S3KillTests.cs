using System.Globalization;
using System.Text.Json;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.S3;

/// <summary>
/// The published program is killed at its requests, before they take effect and after. Then: open, verify, restore,
/// compare. Every 7th request by default; <c>REPRISE_S3_EVERY=1</c> takes each of them, and
/// <c>REPRISE_S3_KILLS=FILE</c> writes what was counted.
/// </summary>
public class S3KillTests(ITestOutputHelper output)
{
    private const int Ordinary = 7;
    private static readonly int Every = int.Parse(
        Environment.GetEnvironmentVariable("REPRISE_S3_EVERY") ?? $"{Ordinary}", CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_backup()
    {
        await using var ground = await WithPointAsync();
        var before = ground.Application.Data();
        ground.Fill(2);
        var now = ground.Application.Data();
        ground.Keep();
        await AtEveryRequestAsync(ground, "backup", ["backup"], async () =>
        {
            var points = await ground.Application.PointsAsync();
            Assert.InRange(points.Count, 1, 2);
            await MustBringBackAsync(ground, points.Count == 1 ? before : now);
        });
    }

    [Fact]
    public async Task A_prune()
    {
        await using var ground = await WithPointAsync();
        // One point to drop, packs of a point that was dropped, and what a killed backup left.
        ground.Fill(2);
        await ground.RunAsync("backup");
        await ground.RunAsync("prune");
        ground.Fill(3);
        Assert.NotNull(await ground.KillAtAsync(20, true, "backup"));
        await ground.RunAsync("backup");
        var kept = ground.Application.Data();
        ground.Keep();
        await AtEveryRequestAsync(ground, "prune", ["prune"], async () =>
        {
            await MustBringBackAsync(ground, kept);
            for (var i = 0; i < 2; i++) await ground.RunAsync("prune");
            await MustBeCleanAsync(ground);
        });
    }

    [Fact]
    public async Task A_restore()
    {
        await using var ground = await WithPointAsync();
        var wanted = ground.Application.Data();
        ground.Fill(2);
        var old = ground.Application.Data();
        ground.Keep();
        var number = 0;
        await AtEveryRequestAsync(ground, "restore", ["restore", "latest", "--yes"], async () =>
        {
            var status = (await ground.Application.RepriseAsync("status", "--json")).Result("status");
            if (status.GetProperty("interrupted").GetArrayLength() == 0)
            {
                Assert.Contains(ground.Application.Data(), new[] { wanted, old });
                await MustBringBackAsync(ground, wanted);
                return;
            }

            var goesOn = number++ % 2 == 0;
            await ground.RunAsync(goesOn ? ["restore", "--continue", "--yes"] : ["undo", "--yes"]);
            Assert.Equal(goesOn ? wanted : old, ground.Application.Data());
            await MustBringBackAsync(ground, wanted);
        });
    }

    [Fact]
    public async Task Of_a_writer_that_never_comes_back_nothing_is_left_after_two_prunes()
    {
        await using var ground = await WithPointAsync();
        var kept = ground.Application.Data();
        var packs = ground.Keys("packs/").Concat(ground.Keys("index/")).ToList();
        ground.Keep();
        ground.Fill(2);
        // Killed before its commit, the last creation: everything that it has stored is there, and nobody needs it.
        var commit = await NumberOfAsync(ground, "PUT /backups/shop/points/", "backup");
        ground.PutBack();
        ground.Fill(2);
        Assert.NotNull(await ground.KillAtAsync(commit, false, "backup"));
        Assert.NotEmpty(ground.Keys("sessions/"));
        Assert.True(ground.Keys("packs/").Count + ground.Keys("index/").Count > packs.Count);

        for (var i = 0; i < 2; i++) await ground.RunAsync("prune");
        Assert.Empty(ground.Keys("sessions/"));
        Assert.Equal(packs, ground.Keys("packs/").Concat(ground.Keys("index/")));
        await MustBeCleanAsync(ground);
        await MustBringBackAsync(ground, kept);
    }

    [Theory]
    [InlineData("PUT /backups/shop/sessions/")]
    [InlineData("PUT /backups/shop/packs/")]
    [InlineData("PUT /backups/shop/index/")]
    public async Task A_writer_that_was_stopped_over_two_prunes_makes_a_point_or_says_that_it_was_expelled(string where)
    {
        await using var ground = await WithPointAsync();
        ground.Keep();
        ground.Fill(2);
        var number = await NumberOfAsync(ground, where, "backup");
        ground.PutBack();
        ground.Fill(2);
        var data = ground.Application.Data();
        using var writer = await ground.PauseAfterAsync(number, "backup", "--json");
        // Another host prunes: it has a memory of its own.
        var state = ground.Application.Path("elsewhere");
        for (var i = 0; i < 2; i++)
        {
            var surroundings = ground.Application.Surroundings();
            var other = surroundings with { Variables = new Dictionary<string, string>(surroundings.Variables) { ["REPRISE_STATE"] = state } };
            (await PublishedProgram.RunAsync(other, "prune")).MustExit(0);
        }

        writer.Continue();
        var run = await writer.EndAsync();
        output.WriteLine($"{where}: exit {run.Exit}");
        Assert.True(run.Exit is 0 or 4, run.ToString());
        if (run.Exit == 4) Assert.Equal(["session-expelled"], run.ProblemCodes());
        Assert.Equal(run.Exit == 0 ? 2 : 1, (await ground.Application.PointsAsync()).Count);
        await ground.RunAsync("verify", "--read", "all");
        if (run.Exit == 4) await ground.RunAsync("backup");
        await MustBringBackAsync(ground, data);
    }

    private static async Task<S3Ground> WithPointAsync()
    {
        var ground = S3Ground.Make();
        await ground.RunAsync("init");
        await ground.RunAsync("backup");
        return ground;
    }

    // Which request of a command is the first of that kind, from 1.
    private static async Task<int> NumberOfAsync(S3Ground ground, string request, string command)
    {
        var before = ground.Peer.Requests;
        await ground.RunAsync(command);
        var seen = ground.Peer.Seen.Skip(before).Select((line, i) => (Line: line, Number: i + 1));
        return seen.First(s => s.Line.StartsWith(request, StringComparison.Ordinal)).Number;
    }

    private async Task AtEveryRequestAsync(S3Ground ground, string name, string[] command, Func<Task> judge)
    {
        var (struck, last, failures) = (0, 0, new List<string>());
        foreach (var after in new[] { false, true })
        {
            for (var request = Every; ; request += Every)
            {
                ground.PutBack();
                if (await ground.KillAtAsync(request, after, command) is null) break;
                (struck, last) = (struck + 1, Math.Max(last, request));
                try
                {
                    await judge();
                }
                catch (XunitException e)
                {
                    // The others are tried all the same, because the figure counts them.
                    failures.Add($"{name}, killed {(after ? "after" : "before")} request {request}: {e.Message}");
                }
            }
        }

        output.WriteLine($"{name}: {struck} kills, up to request {last}, {failures.Count} failures");
        Count(name, struck, last, failures.Count);
        Assert.True(struck >= 4, $"only {struck} kills struck");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private static async Task MustBringBackAsync(S3Ground ground, string data)
    {
        await ground.RunAsync("verify", "--read", "all");
        ground.Fill(9);
        await ground.RunAsync("restore", "latest", "--yes");
        Assert.Equal(data, ground.Application.Data());
    }

    private static async Task MustBeCleanAsync(S3Ground ground)
    {
        var left = (await ground.RunAsync("prune", "--plan", "--json")).Result("prune");
        Assert.Equal((0, 0L), (left.GetProperty("dropped").GetArrayLength(), left.GetProperty("freedNextBytes").GetInt64()));
        Assert.Empty(ground.Keys("sessions/"));
        Assert.Empty(ground.Keys("condemned/"));
    }

    private static void Count(string name, int kills, int requests, int failures)
    {
        if (Environment.GetEnvironmentVariable("REPRISE_S3_KILLS") is not { Length: > 0 } file) return;
        File.AppendAllText(
            file,
            JsonSerializer.Serialize(new Dictionary<string, object> { ["of"] = name, ["every"] = Every, ["requests"] = requests, ["kills"] = kills, ["failures"] = failures }) + "\n");
    }
}
