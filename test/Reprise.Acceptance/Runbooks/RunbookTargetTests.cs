using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// Whoever typed the identity of one server or one machine did not mean another one that answers under the same address:
/// it is refused before anything final, nothing changes, and the right one then passes.
/// </summary>
public partial class RunbookTargetTests
{
    // How each shipped step that is final is reached: a step that is not here yet has no proof, and fails below.
    private static readonly Dictionary<string, Func<ShopHost, Task<string[]>>> Ways = new(StringComparer.Ordinal)
    {
        ["after-incident/forget-former"] = async shop =>
        {
            var restore = (await shop.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0).Result("restore");
            return
            [
                "--input", $"restore={restore.GetProperty("restoreId").GetString()}",
                "--decide", "former-data=delete:it must not stay",
                .. Done("remove-temporary-access", "alerts-and-jobs", "archive-report", "rehearse-again"),
            ];
        },
    };

    public static TheoryData<string> FinalSteps => new(
        from file in Directory.GetFiles(House.Root + "/runbooks", "*.runbook.md", SearchOption.AllDirectories)
        from Match step in Act().Matches(File.ReadAllText(file))
        where step.Value.Contains("effect: irreversible", StringComparison.Ordinal)
        let name = $"{Path.GetFileName(file).Split('.')[0]}/{step.Groups["name"].Value}"
        group name by name into same
        select same.Key);

    [Theory]
    [MemberData(nameof(FinalSteps))]
    public async Task Another_server_or_machine_is_refused_and_nothing_changes(string final)
    {
        if (!Ways.TryGetValue(final, out var way)) throw new XunitException($"nobody wrote how {final} is reached");
        var (runbook, step) = (final.Split('/')[0], final.Split('/')[1]);
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var waiting = await shop.RepriseAsync(["runbook", "run", runbook, "--yes", "--json", .. await way(shop)]);
        Assert.Equal(step, waiting.MustExit(3).Result("runbook-run").GetProperty("at").GetString());
        var code = CodeOf(waiting);
        var before = await StateAsync(shop);

        // The same address, database, role and password, and another server behind it.
        var password = new Uri(shop.DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal)).UserInfo.Split(':')[1];
        var port = new Uri(shop.DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal)).Port;
        await shop.RunAsync("run/postgres", "stop", shop.Path("pg"));
        Directory.Move(shop.Path("pg"), shop.Path("pg-first"));
        await shop.ProgramAsync("env", $"SHOP_DB_PORT={port}", "run/postgres", "start", shop.Path("pg"));
        await SuperAsync(shop, port, $"alter role shop password '{password}'");
        var other = await SuperAsync(shop, port, "select system_identifier from pg_control_system()");
        await RefusedAsync(shop, step, code, await shop.RepriseAsync("runbook", "resume", "--yes", "--json", "--confirm", $"{step}={code}"));
        await shop.RunAsync("run/postgres", "stop", shop.Path("pg"));

        // Nobody answers there: who it is cannot be told, which is no permission.
        var dead = await shop.RepriseAsync("runbook", "resume", "--yes", "--json", "--confirm", $"{step}={code}");
        Assert.Equal("waiting", dead.MustExit(3).Result("runbook-resume").GetProperty("state").GetString());
        Directory.Move(shop.Path("pg"), shop.Path("pg-other"));
        Directory.Move(shop.Path("pg-first"), shop.Path("pg"));
        await shop.RunAsync("run/postgres", "start", shop.Path("pg"));
        Assert.NotEqual(other, await SuperAsync(shop, port, "select system_identifier from pg_control_system()"));

        // The same disk and server in a machine with another identity.
        await RefusedAsync(shop, step, code, await Elsewhere.RunAsync(
            shop.Surroundings(),
            new Elsewhere { MachineId = "0123456789abcdef0123456789abcdef" },
            "runbook", "resume", "--yes", "--json", "--confirm", $"{step}={code}"));
        Assert.Equal(before, await StateAsync(shop));

        var done = await shop.RepriseAsync("runbook", "resume", "--yes", "--json", "--confirm", $"{step}={code}");
        Assert.Equal("done", done.MustExit(0).Result("runbook-resume").GetProperty("state").GetString());
        Assert.NotEqual(before, await StateAsync(shop));
    }

    private static async Task RefusedAsync(ShopHost shop, string step, string code, ProgramRun run)
    {
        var result = run.MustExit(3).Result("runbook-resume");
        Assert.Equal(("waiting", step), (result.GetProperty("state").GetString(), result.GetProperty("at").GetString()));
        Assert.NotEqual(code, CodeOf(run));
        Assert.NotEmpty((await shop.RepriseAsync("runbook", "report", "--json")).Result("runbook-report").GetProperty("timeline").EnumerateArray());
    }

    private static string CodeOf(ProgramRun run) => Code().Match(run.Output) is { Success: true } found
        ? found.Groups["code"].Value
        : throw new XunitException($"it does not say what must be typed:\n{run}");

    // Everything that something final could take: databases, files, and what is remembered of the restore.
    private static async Task<string> StateAsync(ShopHost shop)
    {
        var files = Directory.EnumerateFileSystemEntries(shop.Application, "*", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/var/", StringComparison.Ordinal) && !f.Contains("/recovery/", StringComparison.Ordinal))
            .Where(f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal));
        var remembered = Directory.EnumerateFiles(shop.Path("state") + "/restores", "*.json")
            .Select(f => $"{f} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))}");
        return string.Join('\n', files.Concat(remembered).Order(StringComparer.Ordinal))
            + "\n" + await shop.PsqlAsync("postgres", "select datname from pg_database order by 1")
            + await shop.DumpAsync();
    }

    // On its socket everybody is trusted.
    private static Task<string> SuperAsync(ShopHost shop, int port, string sql) =>
        shop.ProgramAsync("psql", "-X", "-q", "-At", "-h", shop.Path("pg"), "-p", $"{port}", "-U", "postgres", "-c", sql);

    private static IEnumerable<string> Done(params string[] steps) => steps.SelectMany(s => new[] { "--decide", s + "=done:it is done" });

    [GeneratedRegex("^```act (?<name>[a-z0-9-]+)\n.*?^```", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.Singleline, 10_000)]
    private static partial Regex Act();

    [GeneratedRegex("identity of its target: (?<code>[0-9a-f]{8}) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();
}
