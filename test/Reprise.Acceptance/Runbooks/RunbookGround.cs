using System.Text;
using System.Text.Json;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks;

/// <summary>What every test of runbooks on the shop needs before and after.</summary>
internal static class RunbookGround
{
    /// <summary>Says how the server and its log are reached, and takes a first point.</summary>
    public static async Task PrepareAsync(ShopHost shop, bool sealedValues)
    {
        var server = shop.Path("pg");
        var file = shop.Application + "/reprise.yaml";
        var text = File.ReadAllText(file)
            .Replace(
                "      method: auto\n",
                $"      method: auto\n      control: {{ stop: [run/postgres, stop, {server}], start: [run/postgres, start, {server}],"
                    + $" log: [tail, -n, \"25\", {server}/log] }}\n",
                StringComparison.Ordinal)
            .Replace("values: none", sealedValues ? "values: sealed" : "values: none", StringComparison.Ordinal);
        File.WriteAllText(file, text);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        (await shop.RepriseAsync("runbook", "check", "--json")).MustExit(0).Json("runbook-check");
    }

    /// <summary>
    /// No secret is in the journal, the report and everything that was printed: plain, in Base64 or escaped.
    /// </summary>
    public static Task AssertNoSecretsAsync(ShopHost shop, JsonElement run, params string[] further) =>
        AssertNoSecretsAsync(shop, run, [], further);

    /// <summary>The same for a run that is found again with further options.</summary>
    public static async Task AssertNoSecretsAsync(
        ShopHost shop, JsonElement run, IReadOnlyList<string> options, IReadOnlyList<string> further)
    {
        var report = shop.Path("report.html");
        var said = await shop.RepriseAsync(["runbook", "report", "--to", report, .. options]);
        said.MustExit(0);
        var everything = string.Join(
            '\n',
            run.GetRawText(),
            said.Output,
            said.Errors,
            File.ReadAllText(report),
            File.ReadAllText(run.GetProperty("journal").GetString() ?? ""));
        Assert.Contains("What went well", everything, StringComparison.Ordinal);
        var environment = File.ReadAllText(shop.Application + "/.env");
        var password = shop.DatabaseUrl.Split(':')[2].Split('@')[0];
        foreach (var secret in new[] { Value(environment, "JWT_SECRET"), shop.DatabaseUrl, password }.Concat(further))
        {
            Assert.DoesNotContain(secret, everything, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.EscapeDataString(secret), everything, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)), everything, StringComparison.Ordinal);
        }
    }

    /// <summary>The value of a variable in the text of a .env.</summary>
    public static string Value(string environment, string name) =>
        environment.Split('\n').Last(l => l.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];
}
