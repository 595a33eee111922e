using System.Text.Json;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// Runbooks rehearsed beside a running shop: each is broken in the sandbox, followed there by the program itself, and
/// proven; the shop never notices. Many in one shop, because making one takes longer than a rehearsal.
/// </summary>
public class RehearsalTests
{
    [Fact]
    public async Task Runbooks_are_rehearsed_in_the_sandbox_and_production_is_untouched()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await PrepareAsync(shop);
        var before = await ProductionAsync(shop);
        var stopped = await RehearseAsync(shop, "database-unavailable", "database-stopped");
        Assert.Equal(["pass", "pass"], [Check(stopped, "runbook-database-answers"), Check(stopped, "runbook-application-answers")]);
        Assert.Contains("decision cause: stopped was given beforehand", NotExercised(stopped));
        await RehearseAsync(shop, "logical-corruption", "rows-deleted");
        await RehearseAsync(shop, "backend-will-not-start", "files-deleted");
        var everything = await RehearseAsync(shop, "host-lost", "everything-lost");
        Assert.Equal("pass", Check(everything, "runbook-configuration-is-there"));
        Assert.Contains("step set-secrets: the sandbox did what a person would do", NotExercised(everything));
        Assert.Contains("step old-host-is-off: it was only said to be done", NotExercised(everything));
        Assert.Equal(before, await ProductionAsync(shop));
        Assert.Equal(200, await shop.HealthAsync());

        (await shop.RepriseAsync("evidence", "verify", "--json")).MustExit(0);
        var status = (await shop.RepriseAsync("status", "--json")).Result("status");
        Assert.Equal("database-stopped", Proof(status, "database-unavailable").GetProperty("incident").GetString());
        Assert.Empty(Proof(status, "host-lost").GetProperty("stale").EnumerateArray());
        Assert.Equal("never rehearsed", Assert.Single(Proof(status, "tokens-invalid").GetProperty("stale").EnumerateArray()).GetString());
        Assert.Equal(JsonValueKind.String, Proof(status, "after-incident").GetProperty("notRehearsed").ValueKind);
        Assert.Equal(JsonValueKind.String, (await LastProvenAsync(shop, "host-lost")).ValueKind);
        Assert.Equal(JsonValueKind.Null, (await LastProvenAsync(shop, "tokens-invalid")).ValueKind);

        File.AppendAllText(shop.Application + "/reprise.yaml", "\n# changed\n");
        status = (await shop.RepriseAsync("status", "--json")).Result("status");
        Assert.Contains(
            "configuration was changed",
            Assert.Single(Proof(status, "host-lost").GetProperty("stale").EnumerateArray()).GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_secret_is_rehearsed_and_a_runbook_that_proves_nothing_fails_with_its_reason()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        await PrepareAsync(shop);
        Directory.CreateDirectory(shop.Application + "/runbooks");
        File.WriteAllText(shop.Application + "/runbooks/hollow.runbook.md", Hollow);
        var before = await ProductionAsync(shop);
        var secrets = File.ReadAllText(shop.Application + "/.env");
        var tokens = await RehearseAsync(shop, "tokens-invalid", "secret-changed", "secrets-agree");
        foreach (var secret in secrets.Split('\n').Where(l => l.Contains('=')).Select(l => l[(l.IndexOf('=', StringComparison.Ordinal) + 1)..]).Where(v => v.Length > 8))
            Assert.DoesNotContain(secret, tokens.GetRawText(), StringComparison.Ordinal);

        var failed = await shop.RepriseAsync("drill", "--runbook", "hollow", "--json");
        Assert.Contains("drill-failed", failed.MustExit(6).ProblemCodes());
        var hollow = failed.Result("drill");
        Assert.Equal(("fail", "fail"), (hollow.GetProperty("verdict").GetString(), Check(hollow, "runbook-nothing")));
        Assert.Contains(hollow.GetProperty("findings").EnumerateArray(), f => f.GetProperty("code").GetString() == "verify-green-before-act");
        Assert.Equal("pass", hollow.GetProperty("cleanUp").GetProperty("outcome").GetString());
        Assert.Equal(before, await ProductionAsync(shop));
        Assert.Equal(secrets, File.ReadAllText(shop.Application + "/.env"));

        var refused = await shop.RepriseAsync("drill", "--runbook", "after-incident", "--json");
        Assert.Contains("rehearsal-impossible", refused.MustExit(2).ProblemCodes());
        Assert.Equal(JsonValueKind.Null, (await LastProvenAsync(shop, "hollow")).ValueKind);
    }

    private static async Task<JsonElement> RehearseAsync(
        ShopHost shop, string runbook, string incident, string verify = "application-answers")
    {
        var drill = (await shop.RepriseAsync("drill", "--runbook", runbook, "--json")).MustExit(0).Result("drill");
        Assert.Equal(("pass", 5), (drill.GetProperty("verdict").GetString(), drill.GetProperty("level").GetInt32()));
        Assert.Equal(incident, drill.GetProperty("runbook").GetProperty("incident").GetString());
        Assert.Equal("pass", Check(drill, "runbook-" + verify));
        Assert.Equal(["pass", "pass"], [Check(drill, "rehearsal-well-before"), Check(drill, "rehearsal-well-after")]);
        Assert.All(
            drill.GetProperty("checks").EnumerateArray().Where(c => c.GetProperty("expected").GetString()?.StartsWith("red before", StringComparison.Ordinal) == true),
            c => Assert.True(c.GetProperty("discriminates").GetBoolean()));
        Assert.True(drill.GetProperty("technicalRecoverySeconds").GetDouble() > 0);
        Assert.Equal("pass", drill.GetProperty("separation").GetProperty("outcome").GetString());
        Assert.Contains(
            drill.GetProperty("separation").GetProperty("facts").EnumerateArray(), f => f.GetString() == "nothing else can be written there");
        Assert.Equal("pass", drill.GetProperty("cleanUp").GetProperty("outcome").GetString());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"reprise-drill-{drill.GetProperty("id").GetString()}*"));
        return drill;
    }

    private static async Task PrepareAsync(ShopHost shop)
    {
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
    }

    // A drill adds its evidence, and the first one makes its key; nothing else is new anywhere.
    private static async Task<string> ProductionAsync(ShopHost shop) => string.Join(
        '\n',
        await shop.DumpAsync(),
        await shop.ProgramAsync(
            "sh",
            "-c",
            "find . ../home -path ./var -prune -o -path ./recovery/evidence -prune -o -name '*.evidence.key' -prune"
            + " -o -type f -printf '%p %i %T@ %s\\n' | sort"));

    private static string? Check(JsonElement drill, string name) => drill.GetProperty("checks").EnumerateArray()
        .Single(c => c.GetProperty("name").GetString() == name).GetProperty("outcome").GetString();

    private static IEnumerable<string?> NotExercised(JsonElement drill) =>
        drill.GetProperty("runbook").GetProperty("notExercised").EnumerateArray().Select(n => n.GetString());

    private static JsonElement Proof(JsonElement status, string runbook) => status.GetProperty("runbooks").EnumerateArray()
        .Single(r => r.GetProperty("id").GetString() == runbook);

    private static async Task<JsonElement> LastProvenAsync(ShopHost shop, string runbook) =>
        (await shop.RepriseAsync("runbook", "list", "--json")).MustExit(0).Result("runbook-list").GetProperty("runbooks")
            .EnumerateArray().Single(r => r.GetProperty("id").GetString() == runbook).GetProperty("lastProven");

    private const string Hollow = """
        ---
        runbook: hollow
        title: "It proves nothing"
        incident: [hollow]
        symptoms: ["it is down"]
        escalation: "somebody"
        rehearsal: { incident: application-stopped }
        ---

        # It proves nothing

        ```act start-application
        why: "starts it"
        builtin: start
        effect: reversible
        on: application
        undo: stop-again
        ```

        ```verify nothing
        why: "is green whatever happens"
        run: ["true"]
        ```

        ```undo stop-again
        why: "stops it"
        builtin: stop
        verify: { builtin: silent, with: { url: "{health-url}" } }
        ```
        """;
}
