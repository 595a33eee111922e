using System.Text.Json;

namespace Reprise.Acceptance.Shop;

/// <summary>The main job with PostgreSQL as a service of Compose, with the configuration of <c>init</c>.</summary>
public class ComposeStoryTests
{
    [Fact]
    public async Task After_down_v_a_new_empty_server_is_accepted_and_the_data_is_identical()
    {
        await using var compose = await ComposeShop.StartAsync();
        await InitAsync(compose);
        var token = await compose.Shop.LoginAsync();
        await BackupAsync(compose);
        var (dump, tree) = (await compose.DumpAsync(), compose.Shop.Tree("uploads", "config"));
        var server = await ServerAsync(compose);

        await compose.DownAsync();
        await compose.UpAsync();
        Assert.NotEqual(server, await ServerAsync(compose));
        Assert.Equal("0", await compose.PsqlAsync("select count(*) from pg_tables where schemaname = 'public'"));

        var restore = (await compose.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0)
            .Result("restore");
        var checks = restore.GetProperty("checks").EnumerateArray().ToList();
        Assert.Empty(checks.Select(c => Text(c, "outcome")).Except(["pass", "not-applicable"]));
        Assert.Contains(checks, c => c.GetProperty("name").GetString() == "healthy");
        Assert.Contains(checks, c => c.GetProperty("name").GetString() == "migrations-at-head");
        Assert.Equal(dump, await compose.DumpAsync());
        Assert.Equal(tree, compose.Shop.Tree("uploads", "config"));
        Assert.True(await compose.Shop.AcceptsAsync(token), "a login made before the disaster is refused");
    }

    [Fact]
    public async Task A_new_server_that_holds_data_is_refused_until_its_own_code_is_given()
    {
        await using var compose = await ComposeShop.StartAsync();
        await InitAsync(compose);
        await BackupAsync(compose);
        var (dump, tree) = (await compose.DumpAsync(), compose.Shop.Tree("uploads", "config"));

        await compose.DownAsync();
        await compose.UpAsync();
        await compose.SeedAsync("--users", "3", "--orders", "40", "--uploads", "2", "--seed", "9");
        await compose.Shop.RunAsync("run/backend", "start");
        var found = await StateAsync(compose);
        Assert.NotEqual(dump, found.Dump);

        var refused = await compose.RepriseAsync("restore", "latest", "--yes", "--json");
        var problems = refused.MustExit(3).Json("restore").GetProperty("problems").EnumerateArray();
        var problem = problems.Single(p => p.GetProperty("code").GetString() == "target-identity");
        Assert.Equal("database", problem.GetProperty("asset").GetString());
        Assert.Equal(found, await StateAsync(compose));
        Assert.True(await compose.Shop.AcceptsAsync(await compose.Shop.LoginAsync()), "the backend does not answer");

        var code = Text(problem, "hint").Split("--accept-target ")[^1];
        Assert.Matches("^[0-9a-f]{8}$", code);
        var accepted = await compose.RepriseAsync("restore", "latest", "--yes", "--accept-target", code);
        accepted.MustExit(0);
        Assert.Equal(dump, await compose.DumpAsync());
        Assert.Equal(tree, compose.Shop.Tree("uploads", "config"));
    }

    // What init wrote is used as it is, but for the two lines that stop and start a backend in a container.
    private static async Task InitAsync(ComposeShop compose)
    {
        var found = (await compose.InitAsync()).MustExit(0).Result("init").GetProperty("found").EnumerateArray()
            .Select(f => (Kind: Text(f, "kind"), What: Text(f, "what"), Where: Text(f, "where")))
            .ToList();
        Assert.Contains(("postgres", "database", "service db of compose.yaml"), found);
        Assert.Contains(("volume", "db-data", "service db of compose.yaml"), found);
        var file = compose.Shop.Application + "/reprise.yaml";
        var text = File.ReadAllText(file);
        Assert.Contains("via: { compose: db }", text, StringComparison.Ordinal);
        Assert.Contains("[docker, compose, stop, backend]", text, StringComparison.Ordinal);
        Assert.Contains("[docker, compose, up, -d, backend]", text, StringComparison.Ordinal);
        File.WriteAllText(
            file,
            text.Replace("[docker, compose, stop, backend]", "[run/backend, stop]", StringComparison.Ordinal)
                .Replace("[docker, compose, up, -d, backend]", "[run/backend, start]", StringComparison.Ordinal));
    }

    private static async Task BackupAsync(ComposeShop compose)
    {
        var run = await compose.RepriseAsync("backup", "--json");
        var point = run.MustExit(0).Result("backup").GetProperty("point");
        Assert.Equal("complete", Text(point, "state"));
        var database = point.GetProperty("assets").EnumerateArray().Single(a => Text(a, "name") == "database");
        Assert.Equal(300, database.GetProperty("rows").GetProperty("public.orders").GetInt64());
        var image = Assert.Single(point.GetProperty("release").GetProperty("images").EnumerateArray()).GetString();
        Assert.Matches("^db=.+@sha256:[0-9a-f]{64}$", image);
    }

    private static Task<string> ServerAsync(ComposeShop compose) =>
        compose.PsqlAsync("select system_identifier from pg_control_system()");

    // Everything that a refused restore must leave as it found it, and the same process still serving.
    private static async Task<State> StateAsync(ComposeShop compose) => new(
        await compose.DumpAsync(),
        await compose.PsqlAsync("select datname from pg_database order by 1"),
        compose.Shop.Tree("uploads", "config"),
        File.ReadAllText(compose.Shop.Application + "/var/backend.pid"));

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private sealed record State(string Dump, string Databases, string Tree, string Process);
}
