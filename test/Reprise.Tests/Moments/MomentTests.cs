using System.Diagnostics;
using System.Globalization;
using Reprise.Recovery.Moments;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Postgres;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Moments;

/// <summary>A server that comes back as it was at a moment behind its point.</summary>
[Collection(PostgresTests.Name)]
public sealed class MomentTests
{
    // Each kind of moment meets increments and fulls, or two versions; each version meets both. Two read the files through the server.
    [Theory]
    [InlineData(15, "time", false, false)]
    [InlineData(15, "name", true, false)]
    [InlineData(15, "latest", true, false)]
    [InlineData(17, "lsn", false, false)]
    [InlineData(17, "latest", false, false)]
    [InlineData(17, "xid", true, false)]
    [InlineData(18, "xid", false, false)]
    [InlineData(18, "time", true, false)]
    [InlineData(18, "lsn", true, false)]
    [InlineData(15, "lsn", true, true)]
    [InlineData(18, "latest", false, true)]
    public async Task The_row_before_the_moment_is_there_and_the_one_after_is_not(int major, string kind, bool isIncrement, bool isStreamed)
    {
        using var ground = new MomentGround(major) { IsStreamed = isStreamed };
        var server = ground.Server;
        PhysicalTests.Tool(server, "pgbench", "-i", "-q", "-s", "1", "postgres");
        var full = isIncrement ? await ground.PointAsync() : null;
        using var load = new Load(server);
        var point = await ground.PointAsync(beside: full);
        ground.Fill();
        var before = ground.Write(1);
        if (kind != "latest") ground.Write(2);
        ground.Fill();
        await ground.PushAsync();
        if (kind == "latest") ground.Write(2); // What is not archived cannot come back.
        var wish = Wish(kind, before);
        var (data, reached) = await ground.RestoreAsync(wish);
        Assert.Equal(point.Id, (await ground.FindAsync(wish)).Point);
        Assert.True(reached.Replayed);
        Assert.Equal((1u, 2u), (reached.Timeline, reached.NewTimeline));
        Assert.True(reached.LastCommit <= before.Time || kind is "latest" or "name", $"{reached.LastCommit:O}, {before.Time:O}");
        if (kind == "xid") Assert.Equal(before.Transaction, reached.Transaction);
        load.MustStillRun();
        var steps = ground.Bench.Progress.Steps;
        Assert.True(steps.IndexOf("pg_verifybackup") < steps.FindIndex(s => s.StartsWith("replay", StringComparison.Ordinal)), string.Join('\n', steps));
        var stopped = WalGround.AsServer(server, "pg_controldata", data);
        Assert.Contains("shut down", stopped.Output, StringComparison.Ordinal);
        using (var copy = new StartedCopy(server, data))
        {
            Assert.Equal("1", copy.Sql("select string_agg(i::text, ',' order by i) from marks"));
            Assert.Equal("t", copy.Sql("""
                select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches)
                  and (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)
                """));
            Assert.Equal("f|off|2", copy.Sql("select pg_is_in_recovery(), current_setting('archive_mode'), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)::int"));
            Assert.Equal("|", copy.Sql("select current_setting('recovery_target_lsn'), current_setting('restore_command')"));
            var check = copy.Tool("pg_amcheck", "--heapallindexed", "-d", "postgres");
            Assert.True(check.Exit == 0, check.Output);
        }

        if (server.Sql("postgres", "show data_checksums") != "on") return;
        var sums = WalGround.AsServer(server, "pg_checksums", "--check", "-D", data);
        Assert.True(sums.Exit == 0, sums.Output);
    }

    [Fact]
    public async Task A_moment_before_the_end_of_the_point_names_the_points_on_both_sides()
    {
        using var ground = new MomentGround(15);
        var mark = ground.Write(1);
        var first = await ground.PointAsync();
        ground.Fill();
        var second = await ground.PointAsync();
        await ground.PushAsync();
        foreach (var wish in new MomentWish[] { new MomentWish.Time(mark.Time), new MomentWish.Place(Lsn.Parse(mark.Lsn)) })
        {
            var refused = await RefusedAsync(ground, wish, named: null);
            Assert.Contains(first.Id.Value, refused, StringComparison.Ordinal);
            Assert.Contains("no earlier point", refused, StringComparison.Ordinal);
        }

        var between = await RefusedAsync(ground, new MomentWish.Time(first.Assets[0].Moment), second);
        Assert.Contains(first.Id.Value, between, StringComparison.Ordinal);
        Assert.Contains(second.Id.Value, between, StringComparison.Ordinal);

        // Left to us, the first one is taken.
        Assert.Equal(first.Id, (await ground.FindAsync(new MomentWish.Time(first.Assets[0].Moment))).Point);
    }

    [Fact]
    public async Task A_moment_after_the_last_commit_is_reached_only_where_the_server_says_that_it_was_quiet()
    {
        using var ground = new MomentGround(17);
        await ground.PointAsync();
        var mark = ground.Write(1);
        await ground.PushAsync();
        var quiet = DateTimeOffset.UtcNow.AddMilliseconds(50);
        var refused = await RefusedAsync(ground, new MomentWish.Time(quiet), null);
        Assert.Contains("nothing in it is later", refused, StringComparison.Ordinal);
        Assert.Contains("--lsn", refused, StringComparison.Ordinal);
        Assert.Contains("ends at", await RefusedAsync(ground, new MomentWish.Place(new Lsn(1UL << 40)), null), StringComparison.Ordinal);
        await RefusedAsync(ground, new MomentWish.Transaction(uint.Parse(mark.Transaction, CultureInfo.InvariantCulture) + 1000), null);
        await RefusedAsync(ground, new MomentWish.Named("never"), null);

        // No transaction ends any more; a checkpoint says that it is later.
        await Task.Delay(1200);
        ground.Server.Sql("postgres", "checkpoint");
        await ground.PushAsync();
        var (data, reached) = await ground.RestoreAsync(new MomentWish.Time(quiet));
        Assert.InRange(reached.LastCommit!.Value, mark.Time.AddSeconds(-1), quiet); // There was one.
        using var copy = new StartedCopy(ground.Server, data);
        Assert.Equal("1", copy.Sql("select count(*) from marks"));
    }

    [Theory]
    [InlineData("first")]
    [InlineData("middle")]
    [InlineData("last")]
    public async Task Where_a_segment_is_missing_the_gap_is_named_with_the_nearest_moments(string missing)
    {
        using var ground = new MomentGround(15);
        var point = await ground.PointAsync();
        ground.Fill(2);
        ground.Fill(3);
        ground.Server.Sql("postgres", "select pg_logical_emit_message(true, 'x', 'y'); select pg_switch_wal(); select pg_logical_emit_message(true, 'x', 'y')");
        var stop = Lsn.Parse(Recovery.Postgres.Physical.ClusterFacts.Of(point.Assets[0]).StopLsn);
        var needed = ground.Whole().Where(f => string.CompareOrdinal(Path.GetFileName(f), stop.SegmentName(1, 16 << 20)) >= 0).ToList();
        Assert.True(needed.Count >= 6, $"{needed.Count} segments");
        var gone = missing switch { "first" => needed[0], "middle" => needed[needed.Count / 2], _ => needed[^1] };
        await ground.PushAsync(without: f => f == gone, ends: false);
        var end = Lsn.Parse(ground.Server.Sql("postgres", "select pg_current_wal_insert_lsn()"));
        if (missing == "last")
        {
            Assert.Empty((await ground.FindAsync(new MomentWish.Latest())).Notes);
            Assert.Contains("the WAL in the repository ends at", await RefusedAsync(ground, new MomentWish.Time(DateTimeOffset.UtcNow), null), StringComparison.Ordinal);
            return;
        }

        var refused = await RefusedAsync(ground, new MomentWish.Place(end), null);
        Assert.Contains("is missing", refused, StringComparison.Ordinal);
        if (missing == "first") Assert.Contains($"{point.Id}", refused, StringComparison.Ordinal);
        else Assert.Contains("--lsn", refused, StringComparison.Ordinal);
        var latest = await ground.FindAsync(new MomentWish.Latest());
        Assert.Equal("wal-gap", Assert.Single(latest.Notes).Code.Name);
        if (missing == "first") Assert.Null(latest.Moment);
        else Assert.NotNull(latest.Moment);
    }

    [Fact]
    public async Task Settings_that_were_raised_meanwhile_pause_the_replay_and_it_reaches_the_moment_all_the_same()
    {
        using var ground = new MomentGround(18);
        await ground.PointAsync();
        ground.Server.Sql("postgres", "alter system set max_connections = 90");
        ground.Server.Stop();
        ground.Server.StartServer();
        var mark = ground.Write(1);
        ground.Write(2);
        await ground.PushAsync();
        var (data, reached) = await ground.RestoreAsync(new MomentWish.Time(mark.Time));
        Assert.True(reached.Replayed);
        Assert.Contains(ground.Bench.Progress.Notes, n => n.Contains("raised", StringComparison.Ordinal));
        using var copy = new StartedCopy(ground.Server, data);
        Assert.Equal("1", copy.Sql("select string_agg(i::text, ',') from marks"));
    }

    [Fact]
    public async Task Wal_that_makes_a_tablespace_is_not_replayed_beside_production_and_nothing_of_it_is_touched()
    {
        using var ground = new MomentGround(15);
        await ground.PointAsync();
        var folder = Directory.CreateDirectory(ground["late"]).FullName;
        PostgresCluster.Run("chown", ["postgres:", folder]);
        var early = ground.Write(1);
        ground.Server.Sql("postgres", $"create tablespace late location '{folder}'");
        var late = ground.Write(2);
        ground.Write(3);
        await ground.PushAsync();
        var before = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).ToList();
        var refused = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(new MomentWish.Time(late.Time)));
        Assert.Equal("tablespace-replay", refused.Code.Name);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories));
        var (data, _) = await ground.RestoreAsync(new MomentWish.Time(early.Time));
        using var copy = new StartedCopy(ground.Server, data);
        Assert.Equal("1", copy.Sql("select string_agg(i::text, ',') from marks"));
    }

    [Theory]
    [InlineData(17, 1)]
    [InlineData(15, 64)]
    public async Task A_server_that_was_promoted_is_followed_across_the_switch_of_timelines(int major, int megabytes)
    {
        using var ground = new MomentGround(major, megabytes);
        var point = await ground.PointAsync();
        ground.Fill();
        var old = ground.Write(1);
        await ground.PushAsync();
        await ground.PromoteAsync();
        var mark = ground.Write(2);
        ground.Write(3);
        ground.Fill();
        await ground.PushAsync();
        var (data, reached) = await ground.RestoreAsync(new MomentWish.Time(mark.Time));
        Assert.Equal((2u, 3u), (reached.Timeline, reached.NewTimeline));
        using (var copy = new StartedCopy(ground.Server, data)) Assert.Equal("1,2", copy.Sql("select string_agg(i::text, ',' order by i) from marks"));

        // Before the switch too, and on the old timeline alone.
        foreach (var path in new[] { new MomentPath(null, null), new MomentPath(null, 1) })
        {
            var (early, there) = await ground.RestoreAsync(new MomentWish.Place(Lsn.Parse(old.Lsn)), null, path);
            Assert.Equal(3u, there.NewTimeline);
            using var copy = new StartedCopy(ground.Server, early);
            Assert.Equal("1", copy.Sql("select string_agg(i::text, ',' order by i) from marks"));
        }

        await Assert.ThrowsAnyAsync<RepriseException>(() => ground.FindAsync(new MomentWish.Time(mark.Time), null, new MomentPath(null, 1)));

        // A point of the new timeline comes back by itself, and from its own history.
        var later = await ground.PointAsync();
        var last = ground.Write(4);
        ground.Write(5);
        await ground.PushAsync();
        var found = await ground.FindAsync(new MomentWish.Time(last.Time));
        Assert.Equal((later.Id, 2u), (found.Point, found.Moment!.Timeline));
        var (newest, _) = await ground.RestoreAsync(new MomentWish.Time(last.Time));
        using (var copy = new StartedCopy(ground.Server, newest)) Assert.Equal("4", copy.Sql("select max(i) from marks"));
        var own = await ground.RestoreOwnAsync(later);
        using (var copy = new StartedCopy(ground.Server, own)) Assert.Equal("3", copy.Sql("select max(i) from marks"));
        Assert.NotEqual(point.Id, later.Id);
    }

    private static MomentWish Wish(string kind, Mark mark) => kind switch
    {
        "time" => new MomentWish.Time(mark.Time),
        "lsn" => new MomentWish.Place(Lsn.Parse(mark.Lsn)),
        "xid" => new MomentWish.Transaction(uint.Parse(mark.Transaction, CultureInfo.InvariantCulture)),
        "name" => new MomentWish.Named("after-1"),
        _ => new MomentWish.Latest(),
    };

    private static async Task<string> RefusedAsync(MomentGround ground, MomentWish wish, Reprise.Repository.Points.PointManifest? named)
    {
        var refused = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.FindAsync(wish, named));
        Assert.Equal(MomentErrors.Unreachable, refused.Code);
        Assert.Equal(ExitCodes.Refused, refused.Code.Exit);
        return refused.Problem.Message + " " + refused.Problem.Hint;
    }

    /// <summary>Two sessions that commit fifty times a second for as long as it lives.</summary>
    private sealed class Load(PostgresCluster server) : IDisposable
    {
        private readonly Process process = PhysicalTests.Start(server, "pgbench", "-n", "-c", "2", "-R", "50", "-T", "600", "postgres");

        public void MustStillRun() => Assert.False(process.HasExited, "the load ended before the recovery did");

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
