using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;
using Xunit.Sdk;

namespace Reprise.Acceptance.Drills;

/// <summary>
/// The example from end to end, watched by <c>observe.py</c>, which has a clock of its own, looks into what was kept with
/// programs of the system, and tries production's doors from inside.
/// </summary>
public class ObservedDrillTests
{
    private const double Tolerance = 1;
    private const string Programs = "/usr/lib/postgresql/15/bin";

    private static string Script => House.Root + "/test/Reprise.Acceptance/Drills/observe.py";

    [Fact]
    public async Task What_a_drill_says_agrees_with_a_witness_who_does_not_know_the_program()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        var sandboxes = Directory.CreateDirectory(shop.Path("t")).FullName;
        shop.Variables["TMPDIR"] = sandboxes;
        var (doors, dial) = Doors(shop);
        (await shop.RepriseAsync("init")).MustExit(0);
        await ConfigureAsync(shop, doors);
        await shop.PsqlAsync("shop", "create table heartbeat(at double precision); create table marks(what text)");
        await SqliteAsync(shop, "create table heartbeat(at real); create table marks(what text)");

        var orders = (await shop.PsqlAsync("shop", "select count(*) from orders")).Trim();
        await BackupWhileItBeatsAsync(shop, dial);
        await MarkAsync(shop, "after");
        await shop.RunAsync("run/shop", "seed", "--append", "--orders", "30", "--seed", "5");
        Assert.All(Answers(await shop.ProgramAsync(["python3", Script, "try", .. doors])), a => Assert.Equal("connected", a.Value));

        var drill = await DrillAsync(shop, sandboxes);
        Assert.Equal("pass", drill.GetProperty("verdict").GetString());
        Assert.Equal(5, drill.GetProperty("level").GetInt32());
        var kept = drill.GetProperty("keptAt").GetString()!; // asked for
        Assert.Equal(sandboxes, Path.GetDirectoryName(kept));
        using var seen = JsonDocument.Parse(await File.ReadAllTextAsync(shop.Path("seen.json")));
        using var found = JsonDocument.Parse(await shop.ProgramAsync("python3", Script, "found", kept, Programs));

        AssertContent(found.RootElement, int.Parse(orders, System.Globalization.CultureInfo.InvariantCulture));
        AssertTimes(drill, seen.RootElement, found.RootElement);
        var inside = Answers(found.RootElement.GetProperty("inside").GetRawText());
        Assert.Equal(doors.Order(StringComparer.Ordinal), inside.Keys.Order(StringComparer.Ordinal));
        Assert.All(inside, answer => Assert.Equal("ConnectionRefusedError", answer.Value));
        foreach (var door in doors)
        {
            Assert.Contains(
                drill.GetProperty("separation").GetProperty("facts").EnumerateArray().Select(f => f.GetString() ?? ""),
                fact => fact.Contains($"({door}) tried from inside: not reached", StringComparison.Ordinal));
        }
    }

    private static void AssertContent(JsonElement found, int orders)
    {
        foreach (var asset in (string[])["orders", "sessions"])
            Assert.Equal("before", found.GetProperty(asset).GetProperty("marks").GetString());
        Assert.Equal("mark-before", found.GetProperty("runtime").GetProperty("marks").GetString());
        Assert.Equal(orders, found.GetProperty("orders").GetProperty("rows").GetInt32());
    }

    // What was lost is what happened between the last beat that came back and the drill; it took from the first trace of
    // the recovery to the last answer.
    private static void AssertTimes(JsonElement drill, JsonElement seen, JsonElement found)
    {
        var fault = seen.GetProperty("t0").GetDouble();
        var most = 0.0;
        foreach (var asset in (string[])["orders", "sessions", "runtime"])
        {
            var lost = fault - found.GetProperty(asset).GetProperty("beat").GetDouble();
            var said = drill.GetProperty("rpo").EnumerateArray().Single(l => l.GetProperty("asset").GetString() == asset);
            Assert.InRange(said.GetProperty("lostSeconds").GetDouble() - lost, -Tolerance, Tolerance);
            most = Math.Max(most, lost);
        }

        Assert.InRange(drill.GetProperty("rpoOfSetSeconds").GetDouble() - most, -Tolerance, Tolerance);
        var took = found.GetProperty("answered").GetDouble() - seen.GetProperty("t3").GetDouble();
        Assert.InRange(drill.GetProperty("technicalRecoverySeconds").GetDouble() - took, -Tolerance, Tolerance);
    }

    // Production by port and by socket, the database and the application.
    private static (string[] Doors, string Dial) Doors(ShopHost shop)
    {
        var dial = shop.DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal);
        var port = new Uri(dial).Port;
        return ([$"127.0.0.1:{port}", $"{shop.Path("pg")}/.s.PGSQL.{port}", $"127.0.0.1:{shop.Port}"], dial);
    }

    // The application is started by the witness, reaches its database by TCP, and the last question is the witness's own.
    private static async Task ConfigureAsync(ShopHost shop, string[] doors)
    {
        var file = shop.Application + "/reprise.yaml";
        var tries = string.Join(", ", doors.Select(d => $"\"{d}\""));
        var text = (await File.ReadAllTextAsync(file))
            .Replace("run: [run/backend, serve]", $"run: [python3, {Script}, inside, {tries}, --, run/backend, serve]", StringComparison.Ordinal)
            .Replace("{orders.url}", "{orders.tcp-url}", StringComparison.Ordinal)
            .Replace(
                "\nretention:",
                $"  last-answer:\n    command: {{ run: [python3, {Script}, note] }}\n    when: app\n\nretention:",
                StringComparison.Ordinal);
        Assert.Contains("tcp-url", text, StringComparison.Ordinal);
        Assert.Contains("last-answer", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, text);
    }

    private static async Task BackupWhileItBeatsAsync(ShopHost shop, string dial)
    {
        using var beating = RunningProgram.Start(
            new Surroundings { Folder = shop.Application, Within = TimeSpan.FromMinutes(3) },
            ["python3", Script, "beat", dial, shop.Application + "/data/sessions.db", shop.Application + "/uploads"]);
        await MarkAsync(shop, "before");
        await Task.Delay(TimeSpan.FromSeconds(1));
        (await shop.RepriseAsync("backup")).MustExit(0);
        Assert.False(beating.HasEnded);

        // Beats go on after the point, or the last one would be in it whatever the point is.
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.False(beating.HasEnded);
        beating.Terminate();
        await beating.EndAsync();
    }

    private static async Task MarkAsync(ShopHost shop, string what)
    {
        await shop.PsqlAsync("shop", $"insert into marks values ('{what}')");
        await SqliteAsync(shop, $"insert into marks values ('{what}')");
        await File.WriteAllTextAsync($"{shop.Application}/uploads/mark-{what}.txt", what);
    }

    private static async Task<JsonElement> DrillAsync(ShopHost shop, string sandboxes)
    {
        using var running = RunningProgram.Start(
            shop.Surroundings() with { Within = TimeSpan.FromMinutes(10) },
            ["python3", Script, "drill", shop.Path("seen.json"), sandboxes, "--", PublishedProgram.File, "drill", "--keep", "--json"]);
        return (await running.EndAsync()).MustExit(0).Result("drill");
    }

    private static Dictionary<string, string> Answers(string json) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? throw new XunitException($"no answers in {json}");

    private static Task<string> SqliteAsync(ShopHost shop, string sql) =>
        shop.ProgramAsync("sqlite3", "-cmd", ".timeout 10000", shop.Application + "/data/sessions.db", sql);
}
