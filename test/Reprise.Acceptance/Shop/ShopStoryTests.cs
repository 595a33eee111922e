using System.Text.Json;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Shop;

/// <summary>The main job as its operator lives it: a point, a disaster, and everything back, with the shop's own checks.</summary>
public class ShopStoryTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_disaster_everything_is_back_and_a_login_made_before_works(bool postgres)
    {
        await using var shop = await ShopHost.StartAsync(postgres);
        using var watch = shop.WatchSecrets();
        (await shop.RepriseAsync("init")).MustExit(0);
        var token = await shop.LoginAsync();
        var point = (await shop.RepriseAsync("backup", "--json")).MustExit(0).Result("backup").GetProperty("point");
        Assert.Equal("complete", point.GetProperty("state").GetString());
        var (dump, tree) = (await shop.DumpAsync(), shop.Tree("uploads", "config"));
        (await shop.RepriseAsync("verify", "--json")).MustExit(0);
        (await shop.RepriseAsync("check", "--json")).MustExit(0).Json("check");

        await shop.RunAsync("run/backend", "stop");
        if (postgres) await shop.PsqlAsync("postgres", "drop database shop");
        else File.Delete(shop.Application + "/data/shop.db");
        Directory.Delete(shop.Application + "/uploads", recursive: true);
        Directory.Delete(shop.Application + "/config", recursive: true);

        var restore = (await shop.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0).Result("restore");
        Assert.All(Checks(restore), c => Assert.True(c.GetProperty("outcome").GetString() is "pass" or "not-applicable", c.GetRawText()));
        Assert.Contains(Checks(restore), c => c.GetProperty("name").GetString() == "backend-healthy");
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(tree, shop.Tree("uploads", "config"));
        Assert.True(await shop.AcceptsAsync(token), "a login made before the disaster is refused");
        watch.MustHaveSeenNothing();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_wrong_point_is_undone_to_exactly_what_was_there(bool postgres)
    {
        await using var shop = await ShopHost.StartAsync(postgres);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var (dumpThen, treeThen) = (await shop.DumpAsync(), shop.Tree("uploads"));
        await shop.RunAsync("run/shop", "seed", "--append", "--orders", "50", "--uploads", "5", "--seed", "7");
        File.WriteAllText(shop.Application + "/uploads/newer.txt", "made after the point");
        var (dump, tree) = (await shop.DumpAsync(), shop.Tree("uploads"));
        Assert.NotEqual(dumpThen, dump);

        (await shop.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(dumpThen, await shop.DumpAsync());
        Assert.Equal(treeThen, shop.Tree("uploads"));
        (await shop.RepriseAsync("undo", "--yes", "--json")).MustExit(0).Json("undo");
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(tree, shop.Tree("uploads"));
        (await shop.RepriseAsync("undo", "--yes")).MustExit(0);
        Assert.Equal(dumpThen, await shop.DumpAsync());
    }

    [Fact]
    public async Task A_rotated_secret_is_a_warning_and_no_reason_to_roll_back()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var dump = await shop.DumpAsync();
        shop.SetVariable("JWT_SECRET", "rotated-" + Guid.NewGuid().ToString("N"));
        var check = await shop.RepriseAsync("check");
        var said = string.Join(' ', check.Output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.True(said.Contains("FAIL secret JWT_SECRET differs from point", StringComparison.Ordinal), check.ToString());
        Assert.True(said.Contains("tokens issued before it will be refused", StringComparison.Ordinal), check.ToString());
        var restore = (await shop.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0).Json("restore");
        var secrets = restore.GetProperty("result").GetProperty("secrets").EnumerateArray().ToList();
        Assert.Equal("fail", secrets.Single(s => s.GetProperty("name").GetString() == "JWT_SECRET").GetProperty("outcome").GetString());
        Assert.Equal("pass", secrets.Single(s => s.GetProperty("name").GetString() == "DATABASE_URL").GetProperty("outcome").GetString());
        Assert.Contains(
            restore.GetProperty("problems").EnumerateArray(),
            p => p.GetProperty("code").GetString() == "secret-differs" && p.GetProperty("severity").GetString() == "warning");
        Assert.Equal(dump, await shop.DumpAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_health_check_that_fails_rolls_back_and_the_former_data_is_bit_identical(bool postgres)
    {
        await using var shop = await ShopHost.StartAsync(postgres);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        await shop.RunAsync("run/shop", "seed", "--append", "--orders", "20", "--uploads", "2", "--seed", "9");
        await shop.RunAsync("run/backend", "stop");
        await shop.RunAsync("run/backend", "start");
        var (dump, tree) = (await shop.DumpAsync(), shop.Tree("uploads", "config"));
        var run = await shop.RepriseAsync("restore", "latest", "--yes", "--json", "--health-url", "http://127.0.0.1:9/health");
        run.MustExit(6).Json("restore");
        Assert.Contains("rolled-back", run.ProblemCodes());
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(tree, shop.Tree("uploads", "config"));
    }

    [Fact]
    public async Task From_repository_and_key_alone_the_shop_comes_back_in_an_empty_folder()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var (dump, tree) = (await shop.DumpAsync(), shop.Tree("uploads", "config"));
        await shop.RunAsync("run/backend", "stop");
        await shop.PsqlAsync("postgres", "drop database shop");
        var (repository, key) = (shop.Path("kept/recovery"), shop.Path("kept/shop.key"));
        Directory.CreateDirectory(shop.Path("kept"));
        Directory.Move(shop.Application + "/recovery", repository);
        File.Move(shop.Home + "/.config/reprise/shop.key", key);
        var environment = File.ReadAllText(shop.Application + "/.env");
        var scripts = shop.Path("scripts");
        Directory.Move(shop.Application, scripts);

        var elsewhere = new Surroundings { Folder = shop.Path("kept"), Home = shop.Path("other-home"), Within = TimeSpan.FromSeconds(120) };
        var target = shop.Application;
        var recover = await PublishedProgram.RunAsync(
            elsewhere, "recover", "--to", target, "--repository", repository, "--key-file", key);
        recover.MustExit(0);
        Assert.Contains("reprise restore", recover.Output, StringComparison.Ordinal);

        // What a point never holds: code and secrets. They come from version control and the password store.
        foreach (var name in new[] { "backend", "run", "frontend" }) Directory.Move(System.IO.Path.Combine(scripts, name), System.IO.Path.Combine(target, name));
        File.WriteAllText(target + "/.env", environment);
        var restore = await PublishedProgram.RunAsync(
            elsewhere with { Folder = target }, "restore", "latest", "--yes", "--json", "--config", target + "/reprise.yaml", "--repository", repository, "--key-file", key);
        restore.MustExit(0);
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(tree, shop.Tree("uploads", "config"));
    }

    private static List<JsonElement> Checks(JsonElement restore) => [.. restore.GetProperty("checks").EnumerateArray()];
}
