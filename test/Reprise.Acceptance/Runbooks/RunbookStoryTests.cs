using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// The shipped runbooks carried out on the shop, unattended, with the decisions given as inputs: what proves is red
/// before the act and green after it, and no secret appears anywhere in any form.
/// </summary>
public class RunbookStoryTests
{
    [Fact]
    public async Task A_stopped_database_is_found_started_and_proven()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await RunbookGround.PrepareAsync(shop, sealedValues: false);
        using var watch = shop.WatchSecrets();
        var dump = await shop.DumpAsync();
        await shop.RunAsync("run/postgres", "stop", shop.Path("pg"));

        var found = (await shop.RepriseAsync("runbook", "find", "connection refused", "--json")).MustExit(0).Result("runbook-find");
        Assert.Equal("database-unavailable", found.GetProperty("runbooks")[0].GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.Null, found.GetProperty("runbooks")[0].GetProperty("lastProven").ValueKind);

        // Nobody decided yet: it looked, changed nothing, and waits.
        var waiting = await shop.RepriseAsync("runbook", "run", "database-unavailable", "--yes", "--red-first", "--json");
        var asked = waiting.MustExit(3).Result("runbook-run");
        Assert.Equal(("waiting", "cause"), (State(asked), asked.GetProperty("at").GetString()));
        Assert.Equal("fail", Step(asked, "look-database"));
        Assert.Contains("runbook-waiting", waiting.ProblemCodes());

        var done = (await shop.RepriseAsync(
            "runbook", "resume", "--yes", "--json", "--decide", "cause=stopped:the server does not run")).MustExit(0).Result("runbook-resume");
        Assert.Equal("done", State(done));
        Assert.Empty(done.GetProperty("notDiscriminating").EnumerateArray());
        Assert.Equal(("pass", "pass"), (Step(done, "database-answers"), Step(done, "application-answers")));
        Assert.Equal(["database-answers: fail before the act", "application-answers: fail before the act"], Before(done));
        Assert.True(done.GetProperty("rtoSeconds").GetDouble() > 0);
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(200, await shop.HealthAsync());

        found = (await shop.RepriseAsync("runbook", "list", "--json")).MustExit(0).Result("runbook-list");
        Assert.Equal(
            JsonValueKind.String,
            found.GetProperty("runbooks").EnumerateArray().Single(r => r.GetProperty("id").GetString() == "database-unavailable")
                .GetProperty("lastProven").ValueKind);
        await RunbookGround.AssertNoSecretsAsync(shop, done);

        // Taking it back really stops the server again, and proves that.
        var undone = (await shop.RepriseAsync("runbook", "resume", "--undo", "--yes", "--json")).MustExit(0).Result("runbook-resume");
        Assert.Equal("undone", State(undone));
        Assert.NotEqual(200, await shop.HealthAsync());
        watch.MustHaveSeenNothing();
    }

    [Fact]
    public async Task A_lost_database_is_brought_back_and_the_loss_is_measured()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await RunbookGround.PrepareAsync(shop, sealedValues: false);
        using var watch = shop.WatchSecrets();
        var dump = await shop.DumpAsync();
        await shop.RunAsync("run/backend", "stop");
        await shop.PsqlAsync("postgres", "drop database shop");
        var done = (await shop.RepriseAsync(
            "runbook", "run", "database-unavailable", "--yes", "--red-first", "--json",
            "--decide", "cause=data-lost:the database is gone",
            "--decide", "how-much=everything:files belong to it")).MustExit(0).Result("runbook-run");
        Assert.Equal("done", State(done));
        Assert.Equal("pass", Step(done, "bring-back-everything"));
        Assert.True(done.GetProperty("rpoSeconds").GetDouble() > 0);
        Assert.Equal(["application-answers: fail before the act"], Before(done));
        Assert.Equal(dump, await shop.DumpAsync());
        await RunbookGround.AssertNoSecretsAsync(shop, done);
        watch.MustHaveSeenNothing();
    }

    [Fact]
    public async Task A_bad_update_is_taken_back_though_a_point_of_the_damage_is_the_latest_by_then()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await RunbookGround.PrepareAsync(shop, sealedValues: false);
        using var watch = shop.WatchSecrets();
        var dump = await shop.DumpAsync();
        await shop.PsqlAsync("shop", "update orders set item = 'wrong'");
        Assert.NotEqual(dump, await shop.DumpAsync());

        var refused = await shop.RepriseAsync("runbook", "run", "logical-corruption", "--yes", "--json", "--input", "point=latest~7");
        Assert.Contains("point-unknown", refused.MustExit(2).ProblemCodes());

        // The runbook keeps what is there in a point of its own before it goes back: that one must not be what is meant.
        var waiting = (await shop.RepriseAsync(
            "runbook", "run", "logical-corruption", "--yes", "--json", "--input", "point=latest",
            "--decide", "stop-writing=stop:nobody shall add to it",
            "--decide", "how=go-back:all rows are wrong")).MustExit(3).Result("runbook-run");
        Assert.Equal(("waiting", "rows-are-right"), (State(waiting), waiting.GetProperty("at").GetString()));
        Assert.Equal(dump, await shop.DumpAsync());
        var done = (await shop.RepriseAsync(
            "runbook", "resume", "--yes", "--json", "--decide", "rows-are-right=done:Ada looked at ten orders")).MustExit(0);
        Assert.Equal("done", State(done.Result("runbook-resume")));
        Assert.Equal(200, await shop.HealthAsync());
        watch.MustHaveSeenNothing();
    }

    [Fact]
    public async Task A_rotated_key_is_put_back_and_a_login_from_before_works_again()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await RunbookGround.PrepareAsync(shop, sealedValues: true);
        using var watch = shop.WatchSecrets();
        var token = await shop.LoginAsync();
        var former = File.ReadAllText(shop.Application + "/.env");
        var rotated = "rotated/key+" + new string('k', 20) + "=";
        shop.SetVariable("JWT_SECRET", rotated);
        await shop.RunAsync("run/backend", "stop");
        await shop.RunAsync("run/backend", "start");
        Assert.False(await shop.AcceptsAsync(token), "the rotated key refuses nothing");

        var waiting = (await shop.RepriseAsync(
            "runbook", "run", "tokens-invalid", "--yes", "--red-first", "--json",
            "--decide", "why-changed=accident-kept:a deployment wrote a new file")).MustExit(3).Result("runbook-run");

        // The file of secrets is overwritten only once its identity was typed.
        Assert.Equal(("waiting", "put-secrets-back"), (State(waiting), waiting.GetProperty("at").GetString()));
        var confirm = waiting.GetProperty("next").GetString()?.Split(' ')[^1] ?? "";
        Assert.StartsWith("put-secrets-back=", confirm, StringComparison.Ordinal);
        Assert.Equal(rotated, RunbookGround.Value(File.ReadAllText(shop.Application + "/.env"), "JWT_SECRET"));
        waiting = (await shop.RepriseAsync("runbook", "resume", "--yes", "--json", "--confirm", confirm)).MustExit(3).Result("runbook-resume");
        Assert.Equal(("waiting", "sign-in"), (State(waiting), waiting.GetProperty("at").GetString()));
        Assert.Equal(("fail", "pass"), (Step(waiting, "look-secrets"), Step(waiting, "secrets-agree")));
        Assert.Contains("secrets-agree: fail before the act", Before(waiting));
        Assert.True(await shop.AcceptsAsync(token), "a login from before the incident is refused");
        Assert.Equal(RunbookGround.Value(former, "JWT_SECRET"), RunbookGround.Value(File.ReadAllText(shop.Application + "/.env"), "JWT_SECRET"));

        var done = (await shop.RepriseAsync(
            "runbook", "resume", "--yes", "--json", "--decide", "sign-in=done:ada is still signed in")).MustExit(0).Result("runbook-resume");
        Assert.Equal("done", State(done));
        await RunbookGround.AssertNoSecretsAsync(shop, done, rotated);
        watch.MustHaveSeenNothing();
    }

    [Fact]
    public async Task Killed_in_the_middle_of_a_step_it_asks_and_never_starts_it_twice()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: false);
        await RunbookGround.PrepareAsync(shop, sealedValues: false);
        Directory.CreateDirectory(shop.Application + "/runbooks");
        File.WriteAllText(shop.Application + "/runbooks/slow.runbook.md", Slow);
        using (var running = PublishedProgram.Start(shop.Surroundings(), "runbook", "run", "slow", "--yes"))
        {
            var count = shop.Application + "/count";
            for (var i = 0; i < 200 && !File.Exists(count); i++) await Task.Delay(50);
            Assert.True(File.Exists(count), "the slow step did not begin");
            running.Kill();
            await running.EndAsync();
        }

        var resumed = (await shop.RepriseAsync("runbook", "resume", "--yes", "--json")).MustExit(3).Result("runbook-resume");
        Assert.Equal(("waiting", "slow"), (State(resumed), resumed.GetProperty("at").GetString()));
        var done = (await shop.RepriseAsync(
            "runbook", "resume", "--yes", "--json", "--decide", "slow=done:the line is in the file")).MustExit(0).Result("runbook-resume");
        Assert.Equal("done", State(done));
        Assert.Single(File.ReadAllLines(shop.Application + "/count"));
    }

    [Fact]
    public async Task Every_backup_puts_the_runbooks_into_the_repository_once_and_export_puts_them_on_paper()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: false);
        await RunbookGround.PrepareAsync(shop, sealedValues: false);
        var kit = shop.Application + "/recovery/kit/runbooks";
        var written = Directory.GetFiles(kit, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(14, written.Count);
        Assert.Contains("# La base de données ne répond pas", File.ReadAllText(written.Single(
            f => f.Contains("/fr/database-unavailable.", StringComparison.Ordinal))), StringComparison.Ordinal);
        var reader = Assert.Single(Directory.GetDirectories(shop.Application + "/recovery/kit/reader"));
        Assert.Equal(["format.md", "reprise_reader.py"], Directory.GetFiles(reader).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var times = written.Select(File.GetLastWriteTimeUtc).ToList();

        Directory.CreateDirectory(shop.Application + "/runbooks");
        File.WriteAllText(shop.Application + "/runbooks/slow.runbook.md", Slow);
        (await shop.RepriseAsync("backup")).MustExit(0);
        Assert.Equal(times, written.Select(File.GetLastWriteTimeUtc));
        Assert.Single(Directory.GetFiles(kit + "/en", "slow.1-*.runbook.md"));
        (await shop.RepriseAsync("verify")).MustExit(0);

        // A text of somebody's own that holds a secret is not laid open: the kit is not sealed.
        var secret = RunbookGround.Value(File.ReadAllText(shop.Application + "/.env"), "JWT_SECRET");
        File.WriteAllText(
            shop.Application + "/runbooks/leaky.runbook.md",
            Slow.Replace("runbook: slow", "runbook: leaky", StringComparison.Ordinal) + $"\nThe secret is {secret}.\n");
        var warned = (await shop.RepriseAsync("backup", "--json")).MustExit(0);
        Assert.Contains("kit-not-written", warned.ProblemCodes());
        Assert.Empty(Directory.GetFiles(kit + "/en", "leaky.*"));

        var shelf = shop.Path("shelf");
        var exported = (await shop.RepriseAsync(
            "runbook", "export", "--to", shelf, "--format", "print", "--language", "fr", "--json")).MustExit(0).Result("runbook-export");
        Assert.Equal(9, exported.GetProperty("files").GetArrayLength());
        var page = File.ReadAllText(shelf + "/backend-will-not-start.html");
        Assert.Contains($"cd {shop.Application} &amp;&amp; {shop.Application}/run/backend start", page, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, string.Concat(Directory.GetFiles(shelf).Select(File.ReadAllText)), StringComparison.Ordinal);
    }

    private static string? State(JsonElement run) => run.GetProperty("state").GetString();

    private static string? Step(JsonElement run, string id) => run.GetProperty("steps").EnumerateArray()
        .Single(s => s.GetProperty("id").GetString() == id).GetProperty("outcome").GetString();

    private static IEnumerable<string> Before(JsonElement run) => run.GetProperty("timeline").EnumerateArray()
        .Select(m => m.GetProperty("text").GetString() ?? "")
        .Where(t => t.EndsWith("before the act", StringComparison.Ordinal));

    private const string Slow = """
        ---
        runbook: slow
        title: "A slow step"
        incident: [slow]
        symptoms: ["it takes long"]
        escalation: "somebody"
        ---

        # A slow step

        ```act slow
        why: "writes a line, then takes its time"
        run: [sh, -c, "echo once >> count; sleep 20"]
        effect: reversible
        undo: slow-back
        ```

        ```verify written
        why: "the line is there"
        run: [test, -s, count]
        ```

        ```undo slow-back
        why: "takes the line away"
        run: [rm, count]
        verify: { run: [test, "!", -e, count] }
        ```
        """;
}
