using System.Text.Json;

namespace Reprise.Acceptance.BadInput;

/// <summary>Prune as an operator meets it: planned, done, killed, and held when something is wrong with the points.</summary>
public class PruneStoryTests(ITestOutputHelper output)
{
    private const int Kills = 12;

    [Fact]
    public async Task What_retention_no_longer_keeps_goes_and_what_it_keeps_comes_back()
    {
        using var application = await SmallApplication.WithPointAsync();
        var first = (await application.PointsAsync()).Single();
        application.Fill(seed: 2, rows: 500);
        var kept = application.Data();
        (await application.RepriseAsync("backup")).MustExit(0);
        var before = application.Everything();

        var plan = (await application.RepriseAsync("prune", "--plan", "--json")).MustExit(0).Result("prune");
        Assert.True(plan.GetProperty("plan").GetBoolean());
        Assert.Equal([first], Dropped(plan));
        Assert.True(plan.GetProperty("freedNextBytes").GetInt64() > 100_000);
        Assert.Equal(2, (await application.PointsAsync()).Count);

        var done = (await application.RepriseAsync("prune", "--json")).MustExit(0).Result("prune");
        Assert.Equal([first], Dropped(done));
        (await application.RepriseAsync("verify")).MustExit(0);
        (await application.RepriseAsync("status")).MustExit(0);
        var next = (await application.RepriseAsync("prune", "--json")).MustExit(0).Result("prune");
        Assert.Equal(plan.GetProperty("freedNextBytes").GetInt64(), next.GetProperty("freedBytes").GetInt64());
        Assert.Equal(before, application.Everything());

        application.Fill(seed: 3, rows: 10);
        (await application.RepriseAsync("restore", "latest", "--yes")).MustExit(0);
        Assert.Equal(kept, application.Data());
    }

    [Fact]
    public async Task Killed_at_any_moment_nothing_that_is_kept_is_touched_and_the_next_one_ends_it()
    {
        using var application = await SmallApplication.WithPointAsync();
        var random = new Random();
        for (var i = 0; i < Kills; i++)
        {
            application.Fill(seed: i, rows: 300);
            (await application.RepriseAsync("backup")).MustExit(0);
            var wait = random.Next(0, 250);
            using var running = application.Start("prune", "--json");
            await Task.Delay(wait);
            running.Kill();
            var exit = (await running.EndAsync()).Exit;
            output.WriteLine($"killed after {wait} ms: exit {exit}");
            (await application.RepriseAsync("verify", "--read", "all")).MustExit(0);
        }

        for (var i = 0; i < 2; i++) (await application.RepriseAsync("prune")).MustExit(0);
        var left = (await application.RepriseAsync("prune", "--plan", "--json")).MustExit(0).Result("prune");
        Assert.Equal((0, 0L), (Dropped(left).Count, left.GetProperty("freedNextBytes").GetInt64()));
        Assert.Single(await application.PointsAsync());
        (await application.RepriseAsync("verify", "--read", "all")).MustExit(0);
        (await application.RepriseAsync("restore", "latest", "--yes")).MustExit(0);
    }

    [Fact]
    public async Task A_point_that_somebody_deleted_holds_it_until_it_is_given_up()
    {
        using var application = await SmallApplication.WithPointAsync();
        var first = (await application.PointsAsync()).Single();
        application.Fill(seed: 2, rows: 500);
        (await application.RepriseAsync("backup")).MustExit(0);
        File.Delete(application.Repository + "/points/" + first);
        var objects = Directory.GetFiles(application.Repository + "/packs", "*", SearchOption.AllDirectories).Length;

        Assert.Contains("point-missing", (await application.RepriseAsync("prune", "--json")).MustExit(5).ProblemCodes());
        Assert.Equal(objects, Directory.GetFiles(application.Repository + "/packs", "*", SearchOption.AllDirectories).Length);
        Assert.Contains(
            "confirmation-needed", (await application.RepriseAsync("prune", "--give-up", first, "--json")).MustExit(3).ProblemCodes());
        var kept = Path.GetFileName(Directory.GetFiles(application.Repository + "/points").Single());
        Assert.Contains(
            "point-unknown", (await application.RepriseAsync("prune", "--give-up", kept, "--yes", "--json")).MustExit(2).ProblemCodes());
        (await application.RepriseAsync("prune", "--give-up", first, "--yes")).MustExit(0);
        (await application.RepriseAsync("verify")).MustExit(0);
        Assert.True(Directory.GetFiles(application.Repository + "/packs", "*", SearchOption.AllDirectories).Length < objects);
    }

    [Fact]
    public async Task What_verify_finds_damaged_the_next_backup_stores_again_and_says_so()
    {
        using var application = await SmallApplication.WithPointAsync();
        foreach (var pack in Directory.GetFiles(application.Repository + "/packs", "*", SearchOption.AllDirectories))
        {
            using var file = new FileStream(pack, FileMode.Open);
            file.Position = file.Length / 2;
            var before = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(before ^ 1));
        }

        (await application.RepriseAsync("verify", "--read", "all")).MustExit(5);
        var data = application.Data();
        var backup = await application.RepriseAsync("backup", "--json");
        Assert.Contains("pack-stored-again", backup.MustExit(0).ProblemCodes());
        application.Fill(seed: 9, rows: 10);
        (await application.RepriseAsync("restore", "latest", "--yes")).MustExit(0);
        Assert.Equal(data, application.Data());
    }

    private static List<string?> Dropped(JsonElement prune) =>
        [.. prune.GetProperty("dropped").EnumerateArray().Select(d => d.GetString())];
}
