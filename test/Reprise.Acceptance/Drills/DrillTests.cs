using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Drills;

/// <summary>A rehearsal beside a running shop: everything comes back elsewhere, and the shop never notices.</summary>
public class DrillTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_shop_comes_back_beside_itself_and_production_is_untouched(bool postgres)
    {
        await using var shop = await ShopHost.StartAsync(postgres);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);

        // What came after the point is not to come back.
        await shop.RunAsync("run/shop", "seed", "--append", "--orders", "30", "--uploads", "2", "--seed", "5");
        if (postgres) await shop.PsqlAsync("shop", "vacuum analyze");
        var (dump, files) = (await shop.DumpAsync(), await FilesAsync(shop, postgres));
        using var secrets = shop.WatchSecrets();
        var watch = Stopwatch.StartNew();
        var drill = (await shop.RepriseAsync("drill", "--json")).MustExit(0).Result("drill");
        watch.Stop();
        secrets.MustHaveSeenNothing();

        Assert.Equal("pass", drill.GetProperty("verdict").GetString());
        Assert.Equal(5, drill.GetProperty("level").GetInt32());
        Assert.Equal("pass", drill.GetProperty("separation").GetProperty("outcome").GetString());
        Assert.Equal("pass", drill.GetProperty("cleanUp").GetProperty("outcome").GetString());
        Assert.Contains(Facts(drill, "separation"), f => f.Contains("tried from inside: not reached", StringComparison.Ordinal));
        Assert.DoesNotContain(Facts(drill, "separation"), f => f.Contains("it answered", StringComparison.Ordinal));
        Assert.Equal(dump, await shop.DumpAsync());
        Assert.Equal(files, await FilesAsync(shop, postgres));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"reprise-drill-{drill.GetProperty("id").GetString()}*"));
        AssertTimes(drill, watch.Elapsed);

        var status = (await shop.RepriseAsync("status", "--json")).Result("status");
        Assert.Equal("drill", status.GetProperty("lastProof").GetProperty("by").GetString());
        Assert.Empty(status.GetProperty("stale").EnumerateArray());
        File.AppendAllText(shop.Application + "/reprise.yaml", "\n# changed\n");
        var changed = (await shop.RepriseAsync("status", "--json")).Result("status").GetProperty("stale").EnumerateArray();
        Assert.Contains("configuration was changed", Assert.Single(changed).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_there_before_the_point_is_there_and_what_came_after_is_not()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        (await shop.RepriseAsync("init")).MustExit(0);
        await File.WriteAllTextAsync(shop.Application + "/uploads/before.txt", "before");
        (await shop.RepriseAsync("backup")).MustExit(0);
        await File.WriteAllTextAsync(shop.Application + "/uploads/after.txt", "after");
        var then = await shop.PsqlAsync("shop", "select count(*) from orders");
        await shop.RunAsync("run/shop", "seed", "--append", "--orders", "30", "--seed", "5");

        Assert.Contains("point-unknown", (await shop.RepriseAsync("points", "show", "proven", "--json")).MustExit(2).ProblemCodes());
        var drill = (await shop.RepriseAsync(
            "drill", "--level", "4", "--keep", "--report", "drill.html", "--json")).MustExit(0).Result("drill");
        var kept = drill.GetProperty("keptAt").GetString()!; // asked for
        try
        {
            Assert.True(File.Exists(kept + "/a/runtime/uploads/before.txt"));
            Assert.False(File.Exists(kept + "/a/runtime/uploads/after.txt"));
            Assert.Equal(then.Trim(), Check(drill, "orders-readable").GetProperty("actual").GetString());

            // Whatever is taken since, what was proven stays what is called so.
            (await shop.RepriseAsync("backup")).MustExit(0);
            var proven = (await shop.RepriseAsync("points", "show", "proven", "--json")).MustExit(0).Result("points-show");
            Assert.Equal(
                drill.GetProperty("point").GetString(), proven.GetProperty("point").GetProperty("id").GetString());
            Assert.Contains("</html>", await File.ReadAllTextAsync(shop.Application + "/drill.html"), StringComparison.Ordinal);
            Assert.Equal(shop.Application + "/drill.html", drill.GetProperty("report").GetString());
            var evidence = (await shop.RepriseAsync("evidence", "verify", "--json")).MustExit(0).Result("evidence-verify");
            Assert.Equal(2, evidence.GetProperty("places").GetArrayLength());
        }
        finally
        {
            Directory.Delete(kept, recursive: true);
            if (Directory.Exists(kept + "-pg")) Directory.Delete(kept + "-pg", recursive: true);
        }
    }

    [Fact]
    public async Task A_drill_that_is_killed_leaves_no_process_and_the_next_one_removes_its_folder()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: true);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var before = LeftOvers();
        using (var killed = PublishedProgram.Start(shop.Surroundings(), "drill", "--json"))
        {
            await UntilAsync(() => LeftOvers().Except(before).Any(f => File.Exists(f + "-pg/0/data/postmaster.pid") || File.Exists(f + "/pg/0/data/postmaster.pid")));
            killed.Kill();
            await killed.EndAsync();
        }

        var left = LeftOvers().Except(before).First(f => !f.EndsWith("-pg", StringComparison.Ordinal));
        await UntilAsync(() => Commands().All(c => !c.Contains(left, StringComparison.Ordinal)));
        var drill = (await shop.RepriseAsync("drill", "--level", "2", "--json")).MustExit(0).Result("drill");
        Assert.Contains(
            drill.GetProperty("findings").EnumerateArray(),
            f => f.GetProperty("code").GetString() == "left-over-removed"
                && f.GetProperty("message").GetString()!.Contains(left, StringComparison.Ordinal)); // the schema demands it
        Assert.False(Directory.Exists(left) || Directory.Exists(left + "-pg"));
    }

    [Fact]
    public async Task A_point_after_the_fault_is_not_taken_and_an_objective_that_is_missed_fails()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: false);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var early = await shop.RepriseAsync("drill", "--fault-at", "1h ago", "--json");
        Assert.Equal("fault-before-point", Assert.Single(early.MustExit(2).ProblemCodes()));

        var file = shop.Application + "/reprise.yaml";
        await File.WriteAllTextAsync(
            file, (await File.ReadAllTextAsync(file)).Replace("rpo: 1h", "rpo: 1s", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(1.2));
        var late = (await shop.RepriseAsync("drill", "--level", "4", "--json")).MustExit(6).Result("drill");
        Assert.Equal("fail", late.GetProperty("verdict").GetString());
        Assert.Contains(late.GetProperty("findings").EnumerateArray(), f => f.GetProperty("code").GetString() == "objective-rpo-missed");
    }

    [Fact]
    public async Task With_another_key_or_a_forged_point_nothing_is_drilled_and_the_reason_is_named()
    {
        await using var shop = await ShopHost.StartAsync(onPostgres: false);
        (await shop.RepriseAsync("init")).MustExit(0);
        (await shop.RepriseAsync("backup")).MustExit(0);
        var key = shop.Home + "/.config/reprise/shop.key";
        var right = await File.ReadAllTextAsync(key);
        var (recovery, away) = (shop.Application + "/recovery", shop.Application + "/away");

        Directory.Move(recovery, away);
        File.Delete(key);
        File.Delete(shop.Application + "/shop-recovery-sheet.txt");
        (await shop.RepriseAsync("init")).MustExit(0);
        Directory.Delete(recovery, recursive: true);
        Directory.Move(away, recovery);
        Assert.Contains("key-wrong", (await shop.RepriseAsync("drill", "--json")).MustExit(4).ProblemCodes());

        await File.WriteAllTextAsync(key, right);
        (await shop.RepriseAsync("drill", "--level", "1", "--json")).MustExit(0);
        var point = Directory.EnumerateFiles(recovery + "/points").Single();
        var bytes = await File.ReadAllBytesAsync(point);
        bytes[bytes.Length / 2] ^= 1;
        File.SetUnixFileMode(point, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(point, bytes);
        (await shop.RepriseAsync("drill", "--json")).MustExit(5);
    }

    private static void AssertTimes(JsonElement drill, TimeSpan whole)
    {
        var technical = drill.GetProperty("technicalRecoverySeconds").GetDouble();
        Assert.InRange(technical, 0.1, whole.TotalSeconds);
        var moments = drill.GetProperty("moments");
        var span = moments.GetProperty("T7").GetDateTimeOffset() - moments.GetProperty("T3").GetDateTimeOffset();
        Assert.InRange(technical - span.TotalSeconds, -0.01, 0.01);
        var measured = drill.GetProperty("phases").EnumerateArray()
            .Where(p => p.GetProperty("kind").GetString() == "measured").Sum(p => p.GetProperty("seconds").GetDouble());
        Assert.InRange(technical - measured, -0.1, 1);
        Assert.All(
            drill.GetProperty("rpo").EnumerateArray(),
            l => Assert.InRange(
                (moments.GetProperty("T0").GetDateTimeOffset() - l.GetProperty("moment").GetDateTimeOffset()).TotalSeconds
                    - l.GetProperty("lostSeconds").GetDouble(),
                -0.01,
                0.01));
    }

    // Inode, time and content of everything of production that lies in files, the tables of PostgreSQL included.
    private static async Task<string> FilesAsync(ShopHost shop, bool postgres)
    {
        // A drill adds its evidence to the repository, and the first one makes its key; nothing else is new anywhere.
        var lines = new List<string> { shop.Tree("uploads", "config", "data", "backend") };
        lines.Add(await shop.ProgramAsync(
            "sh",
            "-c",
            "find . -path ./var -prune -o -path ./recovery/evidence -prune -o -name '*.evidence.key' -prune"
            + " -o -type f -printf '%p %i %T@\\n' | sort"));
        if (!postgres) return string.Join('\n', lines);
        var data = shop.Path("pg") + "/data/";
        var port = new Uri(shop.DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal)).Port;
        var relations = await shop.ProgramAsync(
            "psql", "-X", "-At", "-q", "-h", shop.Path("pg"), "-p", $"{port}", "-U", "postgres", "-d", "shop", "-c", "checkpoint", "-c",
            "select pg_relation_filepath(oid) from pg_class where relnamespace = 'public'::regnamespace and relfilenode <> 0 order by 1");
        foreach (var name in relations.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(n => n.StartsWith("base/", StringComparison.Ordinal)))
        {
            var status = await shop.ProgramAsync("stat", "-c", "%n %i %Y %s", data + name);
            lines.Add(status + Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(data + name))));
        }

        return string.Join('\n', lines);
    }

    private static IEnumerable<string> Facts(JsonElement drill, string part) =>
        drill.GetProperty(part).GetProperty("facts").EnumerateArray().Select(f => f.GetString() ?? "");

    private static JsonElement Check(JsonElement drill, string name) =>
        drill.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);

    private static List<string> LeftOvers() => [.. Directory.EnumerateDirectories(Path.GetTempPath(), "reprise-drill-*")];

    private static IEnumerable<string> Commands()
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(p => char.IsAsciiDigit(Path.GetFileName(p)[0])))
        {
            string text;
            try
            {
                text = File.ReadAllText(process + "/cmdline");
            }
            catch (IOException)
            {
                continue;
            }

            yield return text;
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "it did not come to pass within 30 s");
            await Task.Delay(50);
        }
    }
}
