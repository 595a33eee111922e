using System.Diagnostics;

namespace Reprise.Acceptance.Wal;

/// <summary>WAL of a server at work into a repository by archive_command, and out of it by restore_command.</summary>
public sealed class WalStoryTests
{
    private readonly ITestOutputHelper output = TestContext.Current.TestOutputHelper!; // xUnit sets it for every test.

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Everything_that_a_server_archives_comes_back_bit_by_bit_and_a_copy_recovers_from_it(int major)
    {
        await using var server = await ArchivedServer.StartAsync(major);
        await server.SqlAsync("create table late(n int)");
        await server.StopServerAsync(server.Data);
        await server.AsServerAsync("cp", "-a", server.Data, server["copy"]);
        await server.StartServerAsync(server.Data);
        await server.BenchAsync(1000);
        await server.SqlAsync("insert into late select generate_series(1, 1000)");
        await server.SwitchAsync();
        Assert.Equal("0", await server.SqlAsync("select failed_count from pg_stat_archiver"));
        var segments = await server.SegmentsAsync();
        Assert.True(segments.Count >= 4, $"{segments.Count} segments");
        foreach (var name in segments)
        {
            (await server.RepriseAsync("wal", "get", name, "fetched")).MustExit(0);
            await server.ToolAsync("cmp", Path.Combine(server.Data, "fetched"), Path.Combine(server.Data, "pg_wal", name));
        }

        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
        var rows = await server.SqlAsync("select count(*), sum(abalance) from pgbench_accounts");
        await server.StopServerAsync(server.Data);
        await server.PrepareRecoveryAsync(server["copy"]);
        await server.StartServerAsync(server["copy"]);
        await server.UntilAsync("select not pg_is_in_recovery()");
        Assert.Equal("1000", await server.SqlAsync("select count(*) from late"));
        Assert.Equal(rows, await server.SqlAsync("select count(*), sum(abalance) from pgbench_accounts"));
        Assert.Equal("2", await server.SqlAsync("select timeline_id from pg_control_checkpoint()"));
    }

    [Fact]
    public async Task A_recovery_stops_at_a_gap_instead_of_promoting()
    {
        await using var server = await ArchivedServer.StartAsync(17);
        await server.StopServerAsync(server.Data);
        await server.AsServerAsync("cp", "-a", server.Data, server["copy"]);
        await server.StartServerAsync(server.Data);
        for (var i = 0; i < 4; i++) await server.SwitchAsync();
        await server.StopServerAsync(server.Data);
        var ranges = server.Ranges();
        File.Delete(ranges[^2]);

        await server.PrepareRecoveryAsync(server["copy"]);
        var log = await server.TryStartServerAsync(server["copy"], TimeSpan.FromSeconds(30));
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(30) && !log.Contains("FATAL", StringComparison.Ordinal); await Task.Delay(200))
            log = await File.ReadAllTextAsync(server["copy"] + ".log");
        Assert.Contains("wal-gap", log, StringComparison.Ordinal);
        Assert.Contains("FATAL", log, StringComparison.Ordinal);
        Assert.DoesNotContain("archive recovery complete", log, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(server["copy"], "pg_wal", "00000002.history")));
        Assert.True(File.Exists(Path.Combine(server["copy"], "recovery.signal")));
    }

    [Fact]
    public async Task While_the_repository_is_away_the_server_keeps_its_segments()
    {
        await using var server = await ArchivedServer.StartAsync(18);
        await server.SwitchAsync();
        Directory.Move(server.Repository, server.Repository + ".away");
        var name = await server.SqlAsync("select pg_walfile_name(pg_switch_wal()) from (select pg_logical_emit_message(true, 'x', 'y')) m");
        var refused = await server.RepriseAsync("wal", "push", $"pg_wal/{name}");
        Assert.Contains("store-unavailable", refused.MustExit(4).Errors, StringComparison.Ordinal);
        (await server.RepriseAsync("wal", "get", name, "fetched")).MustExit(255);
        Assert.True(File.Exists(Path.Combine(server.Data, "pg_wal", "archive_status", name + ".ready")));
        Directory.Move(server.Repository + ".away", server.Repository);
        await server.SwitchAsync();
        (await server.RepriseAsync("wal", "get", name, "fetched")).MustExit(0);
        await server.ToolAsync("cmp", Path.Combine(server.Data, "fetched"), Path.Combine(server.Data, "pg_wal", name));
    }

    [Fact]
    public async Task A_push_that_is_killed_is_simply_done_again()
    {
        await using var server = await ArchivedServer.StartAsync(17, archives: false);
        await server.BenchAsync(300, scale: 10);
        await server.SqlAsync("select pg_switch_wal()");
        var segments = await server.SegmentsAsync();
        var name = segments[^1];
        (await server.RepriseAsync("wal", "push", $"pg_wal/{segments[0]}")).MustExit(0);
        var watch = Stopwatch.StartNew();
        (await server.RepriseAsync("wal", "push", $"pg_wal/{segments[1]}")).MustExit(0);
        var within = watch.Elapsed;
        var struck = 0;
        for (var seed = 0; seed < 40; seed++)
        {
            foreach (var range in server.Ranges().Where(r => r.Contains(Lsn(name), StringComparison.Ordinal))) File.Delete(range);
            using (var push = server.StartReprise("wal", "push", $"pg_wal/{name}"))
            {
                if (await push.KillAtRandomAsync(within * 1.1, seed)) struck++;
            }

            (await server.RepriseAsync("wal", "push", $"pg_wal/{name}")).MustExit(0);
            (await server.RepriseAsync("wal", "get", name, "fetched")).MustExit(0);
            await server.ToolAsync("cmp", Path.Combine(server.Data, "fetched"), Path.Combine(server.Data, "pg_wal", name));
        }

        output.WriteLine($"{struck} of 40 kills struck within {within.TotalMilliseconds:0} ms");
        Assert.InRange(struck, 10, 40);
        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }

    [Fact]
    public async Task A_get_that_did_not_fetch_ends_with_255_whatever_happened()
    {
        await using var server = await ArchivedServer.StartAsync(15);
        var name = await server.SwitchAsync();
        var next = await server.SqlAsync("select pg_walfile_name(pg_current_wal_insert_lsn())");
        (await server.RepriseAsync("wal", "get", next, "x")).MustExit(1);
        (await server.RepriseAsync("wal", "get", "00000002.history", "x")).MustExit(1);
        foreach (var words in (string[][])
        [
            ["wal", "get"],
            ["wal", "get", name],
            ["wal", "get", name, "x", "y"],
            ["wal", "get", name, "x", "--plna"],
            ["wal", "get", name, "x", "--help"],
            ["wal", "get", name, "x", "--config", "/nowhere/reprise.yaml"],
            ["wal", "get", name, "x", "--key-file", "/nowhere/key"],
            ["wal", "get", name, "x", "--lineage", "0123456789abcdef"],
            ["wal", "get", name, "nowhere/x"],
            ["wal", "get", "letter", "x"],
            ["--json", "wal", "get", "letter", "x"],
        ])
        {
            var run = await server.RepriseAsync(words);
            Assert.True(run.Exit == 255, run.ToString());
            Assert.False(File.Exists(Path.Combine(server.Data, "x")), run.ToString());
        }

        (await server.RepriseAsync("wal", "get", "--help")).MustExit(0);
        var json = (await server.RepriseAsync("wal", "get", name, "x", "--json")).Result("wal-get");
        Assert.Equal("fetched", json.GetProperty("answer").GetString());

        // An object of WAL that cannot be read is no end either.
        var range = server.Ranges()[^1];
        var bytes = await File.ReadAllBytesAsync(range);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(range, bytes);
        (await server.RepriseAsync("wal", "get", name, "y")).MustExit(255);
        var verify = await server.RepriseAsync("verify", "--read", "all", "--json");
        verify.MustExit(5);
        Assert.Contains("object-damaged", verify.ProblemCodes());
        Assert.Equal("again", (await server.RepriseAsync("wal", "push", $"pg_wal/{name}", "--json")).MustExit(0).Result("wal-push").GetProperty("stored").GetString());
        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }

    [Fact(Explicit = true)]
    [Trait("kind", "soak")]
    public async Task A_hundred_segments_one_process_each()
    {
        await using var server = await ArchivedServer.StartAsync(17, archives: false);
        await server.BenchAsync(10, scale: 100);
        while ((await server.SegmentsAsync()).Count < 101) await server.BenchAsync(4000);
        var segments = (await server.SegmentsAsync()).Take(100).ToList();
        var watch = Stopwatch.StartNew();
        foreach (var name in segments) (await server.RepriseAsync("wal", "push", $"pg_wal/{name}")).MustExit(0);
        var pushed = watch.Elapsed;
        watch.Restart();
        foreach (var name in segments) (await server.RepriseAsync("wal", "get", name, "fetched")).MustExit(0);
        var stored = server.Ranges().Sum(r => new FileInfo(r).Length);
        output.WriteLine($"100 segments: pushed in {pushed.TotalSeconds:0.0} s, fetched in {watch.Elapsed.TotalSeconds:0.0} s, {stored / 1e6:0} MB stored");
        Assert.Equal(100, server.Ranges().Count);
    }

    private static string Lsn(string segment) =>
        $"{Convert.ToUInt64(segment[8..16], 16) << 32 | Convert.ToUInt64(segment[16..], 16) * 16 * 1024 * 1024:x16}-";
}
