using System.Globalization;

namespace Reprise.Acceptance.Wal;

/// <summary>WAL of a server at work, streamed into a repository, and what is there when the server is lost.</summary>
public sealed class StreamStoryTests
{
    private readonly ITestOutputHelper output = TestContext.Current.TestOutputHelper!; // xUnit sets it for every test.

    [Theory]
    [InlineData(15, 1)]
    [InlineData(17, 2)]
    [InlineData(18, 3)]
    public async Task No_commit_that_was_acknowledged_is_lost_with_a_server_that_was_killed_under_load(int major, int seed)
    {
        await using var server = await ArchivedServer.StartAsync(major, archives: false);
        await server.SqlAsync("create table kept(worker int, n int, primary key(worker, n))");
        await server.StopServerAsync(server.Data);
        await server.AsServerAsync("cp", "-a", server.Data, server["copy"]);
        await server.StartServerAsync(server.Data);
        using var stream = server.StartReprise("stream");
        await server.UntilAsync("select count(*) = 1 from pg_stat_replication where application_name = 'reprise' and state = 'streaming'");
        await server.SqlAsync("alter system set synchronous_standby_names = 'reprise'");
        await server.SqlAsync("select pg_reload_conf()");
        await server.UntilAsync("select count(*) = 1 from pg_stat_replication where sync_state = 'sync'");

        // Each worker writes down what the server has acknowledged, until the server is gone.
        var workers = Enumerable.Range(1, 4).Select(w => server.CommitUntilItEndsAsync(w)).ToList();
        await server.UntilAsync("select count(*) >= 1000 from kept");
        await Task.Delay(TimeSpan.FromMilliseconds(new Random(seed).Next(1, 1500)));
        await server.KillServerAsync(server.Data);
        var acknowledged = await Task.WhenAll(workers);
        Assert.True(acknowledged.Sum() >= 1000, $"{acknowledged.Sum()} commits");
        await Task.Delay(500);
        stream.Terminate();
        var ended = (await stream.EndAsync()).MustExit(0);
        output.WriteLine($"{string.Join(", ", acknowledged)} commits acknowledged; {ended.Output}");

        // The data directory is lost: what is in the repository is all that there is.
        Directory.Delete(Path.Combine(server.Data, "pg_wal"), recursive: true);
        await server.PrepareRecoveryAsync(server["copy"]);
        await server.StartServerAsync(server["copy"]);
        await server.UntilAsync("select not pg_is_in_recovery()");
        for (var worker = 1; worker <= acknowledged.Length; worker++)
        {
            var kept = await server.SqlAsync(string.Create(CultureInfo.InvariantCulture, $"select count(*), coalesce(max(n), 0) from kept where worker = {worker}"));
            var (count, most) = (int.Parse(kept.Split('|')[0], CultureInfo.InvariantCulture), int.Parse(kept.Split('|')[1], CultureInfo.InvariantCulture));
            Assert.Equal(count, most);
            Assert.True(most >= acknowledged[worker - 1], $"worker {worker}: {acknowledged[worker - 1]} acknowledged, {most} there");
        }

        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }

    [Fact]
    public async Task What_is_streamed_is_what_the_server_has_and_restarts_of_both_leave_no_gap()
    {
        await using var server = await ArchivedServer.StartAsync(17, archives: false, wal: ", wal: { slot: mine, flush: 1s }");
        using (var first = server.StartReprise("stream"))
        {
            await server.UntilAsync("select count(*) = 1 from pg_stat_replication where state = 'streaming'");
            Assert.Equal("mine|physical", await server.SqlAsync("select slot_name, slot_type from pg_replication_slots"));
            await server.BenchAsync(1500);
            await server.StopServerAsync(server.Data);
            await server.StartServerAsync(server.Data);
            await server.BenchAsync(500);
            first.Kill();
            await first.EndAsync();
        }

        await server.BenchAsync(500);
        using var second = server.StartReprise("stream", "ledger", "--json");
        await server.BenchAsync(500);
        var segment = await server.SqlAsync("select pg_walfile_name(pg_current_wal_insert_lsn())");
        await server.SqlAsync("select pg_switch_wal(), pg_logical_emit_message(true, 'x', 'y')");
        var reached = await server.SqlAsync("select pg_current_wal_flush_lsn()");
        await server.UntilAsync($"select restart_lsn >= '{reached}' from pg_replication_slots");
        second.Terminate();
        var ended = (await second.EndAsync()).MustExit(0).Result("stream");
        Assert.Equal(1, ended.GetProperty("connections").GetInt32());
        var segments = (await server.SegmentsAsync()).Where(s => string.CompareOrdinal(s, segment) <= 0).ToList();
        var fetched = 0;
        foreach (var name in segments)
        {
            if ((await server.RepriseAsync("wal", "get", name, "fetched")).Exit != 0) continue;
            fetched++;
            await server.ToolAsync("cmp", Path.Combine(server.Data, "fetched"), Path.Combine(server.Data, "pg_wal", name));
        }

        // The slot was made when the stream began: only the segments before it are not there.
        Assert.InRange(fetched, segments.Count - 1, segments.Count);
        Assert.True(fetched >= 3, $"{fetched} segments");
        var ranges = server.Ranges();
        Assert.True(ranges.Count <= fetched + 40, $"{ranges.Count} ranges of {fetched} segments");
        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }

    [Fact]
    public async Task A_quiet_server_is_made_to_commit_and_a_repository_that_is_away_is_waited_for()
    {
        await using var server = await ArchivedServer.StartAsync(18, archives: false, wal: ", wal: { flush: 1s }", objectives: "objectives: { rpo: 4s }");
        using var stream = server.StartReprise("stream", "--json");
        await server.UntilAsync("select count(*) = 1 from pg_stat_replication where state = 'streaming'");
        await Task.Delay(TimeSpan.FromSeconds(9));
        Directory.Move(server.Repository, server.Repository + ".away");
        await server.SqlAsync("create table away(n int); insert into away values (1)");
        await Task.Delay(TimeSpan.FromSeconds(6));
        var behind = await server.SqlAsync("select coalesce(bool_or(flush_lsn < pg_current_wal_flush_lsn())::text, 'gone') from pg_stat_replication");
        Assert.Contains(behind, (string[])["true", "gone"]);
        Directory.Move(server.Repository + ".away", server.Repository);
        var reached = await server.SqlAsync("select pg_current_wal_flush_lsn()");
        await server.UntilAsync($"select coalesce(bool_or(flush_lsn >= '{reached}'), false) from pg_stat_replication", 90);
        stream.Terminate();
        var result = (await stream.EndAsync()).MustExit(0).Result("stream");
        Assert.InRange(result.GetProperty("heartbeats").GetInt32(), 2, 60);
        (await server.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }
}
