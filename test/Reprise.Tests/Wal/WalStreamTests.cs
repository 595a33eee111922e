using Reprise.Recovery.Postgres;
using Reprise.Recovery.Streaming;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Repository;

namespace Reprise.Tests.Wal;

/// <summary>A stream of real servers into a repository in memory.</summary>
public sealed class WalStreamTests : WalRepository
{
    private readonly List<Problem> said = [];

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task It_goes_on_where_it_was_and_small_ranges_become_whole_segments(int major)
    {
        using var cluster = WalGround.Start(major);
        for (var round = 0; round < 2; round++)
        {
            using var stop = new CancellationTokenSource();
            var stream = Stream(cluster).RunAsync(stop.Token);
            WalGround.Work(cluster, 1);
            cluster.Sql("postgres", "select pg_switch_wal(); insert into t(v) values ('x')");
            await UntilAsync(cluster);
            await stop.CancelAsync();
            var tally = await stream;
            Assert.Equal((1, 1u), (tally.Connections, tally.Timeline));
        }

        Assert.All(said, p => Assert.Equal(WalErrors.KeepUnbounded, p.Code));
        var archive = Repository.Wal;
        var listing = Assert.Single(await archive.ListAllAsync(None));
        var stretch = Assert.Single(listing.Stretches);
        Assert.True(Lsn.TryParse(cluster.Sql("postgres", "select pg_current_wal_flush_lsn()"), out var end));
        Assert.InRange(stretch.End.Value, end.Value - 65_536, end.Value + 65_536);
        var whole = listing.Ranges.Where(r => r.LengthBytes == 16 * 1024 * 1024).ToList();
        Assert.True(whole.Count >= 3, $"{whole.Count} whole segments");
        Assert.All(listing.Ranges.Except(whole), r => Assert.True(r.Start >= whole[^1].End, $"{r} is left over"));
        foreach (var range in whole)
        {
            var file = WalGround.PgWal(cluster, WalFile.Segment.NameOf(1, range.Start, 16 * 1024 * 1024));
            Assert.Equal(await File.ReadAllBytesAsync(file), await archive.ReadAsync(listing.Lineage, 1, range, None));
        }

        var state = Assert.Single(await new WalOverview(archive).ReadAsync(None));
        Assert.NotNull(state.LastCommit);
        Assert.InRange(state.LastCommit.Value, DateTimeOffset.UtcNow - TimeSpan.FromMinutes(5), DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1));
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
    }

    [Fact]
    public async Task A_server_that_went_back_is_not_mixed_with_the_one_before()
    {
        using var cluster = WalGround.Start(17);
        WalGround.Work(cluster, 1);
        cluster.Sql("postgres", "select pg_create_physical_replication_slot('mine', true)");
        cluster.Stop();
        PostgresCluster.Run("cp", ["-a", cluster.Data, cluster.Data + ".before"]);
        cluster.StartServer();
        await StreamedAsync("insert into t(v) select md5(random()::text) from generate_series(1, 2000)");

        // The same server from its past, which writes something else now.
        cluster.Stop();
        Directory.Delete(cluster.Data, recursive: true);
        Directory.Move(cluster.Data + ".before", cluster.Data);
        cluster.StartServer();
        var before = Store.Names().Count(n => n.Folder == "wal");
        var refused = await Assert.ThrowsAsync<RepriseException>(() => StreamedAsync("insert into t(v) select md5(random()::text) from generate_series(1, 4000)"));
        Assert.Equal(RepositoryErrors.WalConflict, refused.Code);
        Assert.Equal(before, Store.Names().Count(n => n.Folder == "wal"));

        async Task StreamedAsync(string work)
        {
            using var stop = new CancellationTokenSource();
            var stream = Stream(cluster).RunAsync(stop.Token);
            cluster.Sql("postgres", work);
            for (var i = 0; i < 100 && !stream.IsCompleted; i++)
            {
                await Task.Delay(50);
                if (cluster.Sql("postgres", "select coalesce(bool_or(flush_lsn >= pg_current_wal_flush_lsn()), false) from pg_stat_replication") == "t") break;
            }

            await stop.CancelAsync();
            await stream;
        }
    }

    [Theory]
    [InlineData(15, true)]
    [InlineData(18, false)]
    public async Task What_the_server_has_removed_is_a_gap_that_is_said(int major, bool isDropped)
    {
        using var cluster = WalGround.Start(major, settings: "wal_keep_size = 0\nmax_slot_wal_keep_size = 1MB");
        await OnceAsync(cluster);
        // Somebody dropped the slot, or the server invalidated it because too much had to be kept, and went on without it.
        await UntilGoneAsync(cluster);
        if (isDropped) cluster.Sql("postgres", "select pg_drop_replication_slot('mine')");
        WalGround.Work(cluster, 3);
        cluster.Sql("postgres", "checkpoint; select pg_switch_wal(); checkpoint; insert into t(v) values ('late')");
        if (!isDropped) Assert.Equal("lost", cluster.Sql("postgres", "select wal_status from pg_replication_slots"));
        using var end = new CancellationTokenSource();
        var second = Stream(cluster).RunAsync(end.Token);
        await UntilAsync(cluster);
        await end.CancelAsync();
        await second;
        Assert.Equal([WalErrors.SlotLost, RepositoryErrors.WalGap], said.Select(p => p.Code));
        Assert.Contains(isDropped ? "dropped" : "max_slot_wal_keep_size", said[0].Message, StringComparison.Ordinal);
        Assert.Equal(2, Assert.Single(await Repository.Wal.ListAllAsync(None)).Stretches.Count);
    }

    [Fact]
    public async Task A_server_that_changes_its_timeline_is_followed_without_a_gap()
    {
        using var cluster = WalGround.Start(17);
        using var stop = new CancellationTokenSource();
        var stream = Stream(cluster).RunAsync(stop.Token);
        WalGround.Work(cluster, 1);
        await UntilAsync(cluster);

        // Nobody streams while it writes on, recovers, and becomes timeline 2.
        await stop.CancelAsync();
        await stream;
        WalGround.Work(cluster, 2);
        cluster.Stop();
        await File.WriteAllTextAsync(Path.Combine(cluster.Data, "recovery.signal"), "");
        await File.AppendAllTextAsync(Path.Combine(cluster.Data, "postgresql.conf"), "\nrestore_command = 'false'\n");
        cluster.StartServer();
        for (var i = 0; i < 200 && cluster.Sql("postgres", "select pg_is_in_recovery()") == "t"; i++) await Task.Delay(50);
        Assert.Equal("2", cluster.Sql("postgres", "checkpoint; select timeline_id from pg_control_checkpoint()"));
        using var end = new CancellationTokenSource();
        var second = Stream(cluster).RunAsync(end.Token);
        cluster.Sql("postgres", "insert into t(v) values ('on timeline 2')");
        await UntilAsync(cluster);
        await end.CancelAsync();
        Assert.Equal(2u, (await second).Timeline);
        Assert.DoesNotContain(said, p => p.Code == RepositoryErrors.WalGap);
        var listings = (await Repository.Wal.ListAllAsync(None)).OrderBy(l => l.Timeline).ToList();
        Assert.Equal([1u, 2u], listings.Select(l => l.Timeline));
        var first = Assert.Single(listings[0].Stretches);
        Assert.True(listings[1].HasHistory);
        var history = await File.ReadAllTextAsync(WalGround.PgWal(cluster, "00000002.history"));
        Assert.True(Lsn.TryParse(history.Split('\t')[1], out var left));
        Assert.Equal(left, first.End);
        Assert.True(Assert.Single(listings[1].Stretches).Start <= left);
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_connection_that_breaks_again_and_again_loses_nothing_and_is_one_line_each_time(int major)
    {
        using var cluster = WalGround.Start(major);
        using var proxy = new BreakingProxy(Path.Combine(cluster.Socket, $".s.PGSQL.{cluster.Port}"));
        using var stop = new CancellationTokenSource();
        var stream = Stream(cluster, $"host={proxy.Folder} port={cluster.Port} user=postgres dbname=postgres").RunAsync(stop.Token);
        cluster.Sql("postgres", "alter system set synchronous_standby_names = 'reprise'");
        cluster.Sql("postgres", "select pg_reload_conf()");
        cluster.Sql("postgres", "create table c(n int)");
        for (var n = 0; n < 6; n++)
        {
            // Commits wait until the stream is back: what psql returns from was acknowledged.
            var committing = Task.Run(() => cluster.Sql("postgres", $"insert into c select {n} from generate_series(1, 20000)"));
            await Task.Delay(30 * n);
            proxy.Break();
            await committing;
        }

        await stop.CancelAsync();
        var tally = await stream;
        Assert.InRange(tally.Connections, 3, 20);
        Assert.True(Lsn.TryParse(cluster.Sql("postgres", "select pg_current_wal_flush_lsn()"), out var flushed));
        Assert.True(tally.Confirmed >= flushed.Plus(-8192) || tally.Confirmed >= flushed, $"{tally.Confirmed} of {flushed}");
        Assert.Single(Assert.Single(await Repository.Wal.ListAllAsync(None)).Stretches);
        Assert.Contains(said, p => p.Code == Reprise.Recovery.RecoveryErrors.DatabaseUnavailable);
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
    }

    [Fact]
    public async Task What_is_durable_and_was_not_said_any_more_is_said_by_the_next_connection()
    {
        using var cluster = WalGround.Start(17);
        await OnceAsync(cluster);
        await UntilGoneAsync(cluster);
        using var end = new CancellationTokenSource();
        var second = Stream(cluster).RunAsync(end.Token);
        await UntilAsync(cluster);
        await end.CancelAsync();
        await second;
    }

    private async Task OnceAsync(PostgresCluster cluster)
    {
        using var stop = new CancellationTokenSource();
        var stream = Stream(cluster).RunAsync(stop.Token);
        cluster.Sql("postgres", "create table early(n int)");
        await UntilAsync(cluster);
        await stop.CancelAsync();
        await stream;
    }

    private WalStream Stream(PostgresCluster cluster, string? connection = null) => new(
        Repository.WriteWalAsync,
        new PostgresSettings { ConnectionText = connection ?? cluster.Connection("postgres") },
        WalGround.Host(),
        new WalStreamSettings { Slot = "mine", Name = "reprise", FlushEvery = TimeSpan.FromMilliseconds(100) },
        "machine",
        said.Add);

    private static async Task UntilAsync(PostgresCluster cluster)
    {
        var reached = cluster.Sql("postgres", "select pg_current_wal_flush_lsn()");
        for (var i = 0; i < 600; i++)
        {
            if (cluster.Sql("postgres", $"select coalesce(bool_or(flush_lsn >= '{reached}'), false) from pg_stat_replication") == "t") return;
            await Task.Delay(50);
        }

        Assert.Fail("the stream never confirmed it" + cluster.Log());
    }

    private static async Task UntilGoneAsync(PostgresCluster cluster)
    {
        for (var i = 0; i < 200 && cluster.Sql("postgres", "select count(*) from pg_stat_replication") != "0"; i++) await Task.Delay(50);
    }
}
