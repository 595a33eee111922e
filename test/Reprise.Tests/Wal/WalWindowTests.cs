using System.Globalization;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Streaming;
using Reprise.Recovery.Wal;
using Reprise.Recovery.Windows;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Wal;

/// <summary>What can be brought back, and whether WAL still comes: real servers, and their WAL in a repository in memory.</summary>
public sealed class WalWindowTests : WalRepository
{

    // As long as nothing is in a segment, PostgreSQL calls the one before it the current one; a commit makes the file.
    private const string Begun = "select pg_logical_emit_message(true, 'x', 'y')";
    private readonly IDisk disk = Disks.OfThisMachine();
    private ulong identifier;

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task A_window_goes_from_a_point_to_the_last_commit_before_a_gap_and_begins_anew_with_the_next_point(int major)
    {
        using var cluster = WalGround.Start(major);
        WalGround.Work(cluster, 1);
        var first = Base(cluster, "first");
        WalGround.Work(cluster, 2);
        var between = Base(cluster, "second");
        var before = DateTimeOffset.UtcNow;
        cluster.Sql("postgres", $"insert into t(v) values ('the last one'); select pg_switch_wal(); {Begun}");
        var after = DateTimeOffset.UtcNow;
        var whole = WalGround.Segments(cluster)[..^1];
        foreach (var file in whole) await PushAsync(cluster, file);

        // Two points on one stretch of WAL are one window, up to the commit.
        var window = Assert.Single(await ReadAsync(first, between));
        Assert.Equal((first, 1u, (Lsn?)null), (window.Base, window.Timeline, window.Resumes));
        Assert.Equal(first.Moment, window.From);
        Assert.InRange(window.To, before - TimeSpan.FromMilliseconds(50), after + TimeSpan.FromMilliseconds(50));

        // A segment that never came ends it; what lies behind can be brought back from the next point only.
        WalGround.Work(cluster, 1);
        cluster.Sql("postgres", $"select pg_switch_wal(); insert into t(v) values ('missing'); select pg_switch_wal(); insert into t(v) values ('behind'); select pg_switch_wal(); {Begun}");
        var later = WalGround.Segments(cluster)[..^1].Except(whole).ToList();
        Assert.True(later.Count >= 3, $"{later.Count} segments");
        foreach (var file in later.Where(f => f != later[1])) await PushAsync(cluster, file);
        var broken = Assert.Single(await ReadAsync(first, between));
        Assert.Equal(StartOf(cluster, later[1]), broken.End);
        Assert.Equal(StartOf(cluster, later[2]), broken.Resumes);
        Assert.True(broken.LaterCommit > broken.To, $"{broken.LaterCommit} {broken.To}");
        Assert.True(broken.To > window.To, $"{broken.To} {window.To}");
        var anew = Base(cluster, "third");
        cluster.Sql("postgres", $"insert into t(v) values ('anew'); select pg_switch_wal(); {Begun}");
        foreach (var file in WalGround.Segments(cluster)[..^1].Except(whole).Except(later)) await PushAsync(cluster, file);
        var windows = await ReadAsync(first, between, anew);
        Assert.Equal([first, anew], windows.Select(w => w.Base));
        Assert.Null(windows[1].Resumes);
        Assert.True(windows[1].To >= anew.Moment && windows[1].End > broken.Resumes, $"{windows[1]}");

        // The gap is closed: one window again.
        await PushAsync(cluster, later[1]);
        var healed = Assert.Single(await ReadAsync(first, between, anew));
        Assert.Equal((first, windows[1].End, windows[1].To), (healed.Base, healed.End, healed.To));
    }

    [Fact]
    public async Task A_point_without_WAL_or_of_another_server_claims_nothing()
    {
        using var cluster = WalGround.Start(17);
        WalGround.Work(cluster, 1);
        var alone = Base(cluster, "alone");
        Assert.Null(Assert.Single(await ReadAsync(alone)).Lineage);
        foreach (var file in WalGround.Segments(cluster)[..^1]) await PushAsync(cluster, file);

        // The point ends in the segment that is not there yet.
        var window = Assert.Single(await ReadAsync(alone));
        Assert.Equal(alone.Moment, window.To);
        var foreign = alone with { Identifier = alone.Identifier + 1 };
        Assert.Null(Assert.Single(await ReadAsync(foreign)).Lineage);
    }

    [Fact]
    public async Task A_window_goes_on_across_a_switch_of_timelines()
    {
        using var cluster = WalGround.Start(18);
        WalGround.Work(cluster, 1);
        var from = Base(cluster, "first");
        WalGround.Work(cluster, 1);
        cluster.Stop();
        await File.WriteAllTextAsync(Path.Combine(cluster.Data, "recovery.signal"), "");
        await File.AppendAllTextAsync(Path.Combine(cluster.Data, "postgresql.conf"), "\nrestore_command = 'false'\n");
        cluster.StartServer();
        for (var i = 0; i < 200 && cluster.Sql("postgres", "select pg_is_in_recovery()") == "t"; i++) await Task.Delay(50);
        cluster.Sql("postgres", $"insert into t(v) values ('on timeline 2'); select pg_switch_wal(); {Begun}");
        foreach (var file in WalGround.Segments(cluster, started: false).Where(f => Path.GetFileName(f)[7] == '1')) await PushIfWholeAsync(cluster, file);
        await PushAsync(cluster, WalGround.PgWal(cluster, "00000002.history"));
        foreach (var file in WalGround.Segments(cluster)[..^1].Where(f => Path.GetFileName(f)[7] == '2')) await PushAsync(cluster, file);
        var window = Assert.Single(await ReadAsync(from));
        Assert.Equal((2u, (Lsn?)null), (window.Timeline, window.Resumes));
        Assert.True(window.To > from.Moment);
        Assert.True(window.End > from.Stop.Plus(16 << 20), $"{window.End} {from.Stop}");
    }

    [Fact]
    public async Task That_archiving_has_stopped_is_seen_however_it_stopped()
    {
        using var cluster = WalGround.Start(17, settings: "archive_mode = on\narchive_command = '/bin/false'");

        // Nothing of ours was ever meant to bring it.
        Assert.Null((await LookAsync(cluster)).State);
        WalGround.Work(cluster, 1);
        foreach (var file in WalGround.Segments(cluster)[..^1]) await PushAsync(cluster, file);
        await UntilAsync(cluster, "select failed_count > 0 from pg_stat_archiver");
        await SeesAsync(cluster, "cannot archive");

        // It answers 0 and archives nothing.
        cluster.Sql("postgres", "alter system set archive_command = '/bin/true'");
        cluster.Sql("postgres", "select pg_reload_conf()");
        await UntilAsync(cluster, "select last_archived_time > coalesce(last_failed_time, '-infinity') from pg_stat_archiver");
        cluster.Sql("postgres", "insert into t(v) values ('x')");
        var name = cluster.Sql("postgres", "select pg_walfile_name(pg_switch_wal())");
        cluster.Sql("postgres", Begun);
        await UntilAsync(cluster, $"select last_archived_wal >= '{name}' from pg_stat_archiver");
        var lost = await SeesAsync(cluster, "does not hold it");
        Assert.True(lost.BehindBytes > 0);

        // The segment comes after all: it is well again.
        foreach (var file in WalGround.Segments(cluster)[..^1]) await PushAsync(cluster, file);
        var (well, nothing) = await LookAsync(cluster);
        Assert.Empty(nothing);
        Assert.Equal((WalFlow.Flowing, "archive-command"), (well!.Flow, well.By));
        cluster.Sql("postgres", "alter system set archive_command = ''");
        cluster.Sql("postgres", "select pg_reload_conf()");
        await UntilAsync(cluster, "select current_setting('archive_command') in ('', '(disabled)')");
        await SeesAsync(cluster, "nothing brings WAL");

        // The server is gone; its files are there.
        cluster.Sql("postgres", $"insert into t(v) values ('y'); select pg_switch_wal(); {Begun}");
        cluster.Stop();
        var (away, said) = await LookAsync(cluster);
        Assert.Equal(WalFlow.ServerAway, away!.Flow);
        Assert.True(away.Waiting >= 1, $"{away.Waiting}");
        Assert.Contains("pg_wal", Assert.Single(said).Message, StringComparison.Ordinal);
        var (blind, silent) = await LookAsync(cluster, folder: "/nonexistent");
        Assert.Null(blind!.Waiting);
        Assert.Empty(silent);
    }

    [Fact]
    public async Task That_a_stream_has_stopped_is_seen()
    {
        using var cluster = WalGround.Start(18);
        using (var stop = new CancellationTokenSource())
        {
            var stream = new WalStream(
                Repository.WriteWalAsync,
                new PostgresSettings { ConnectionText = cluster.Connection("postgres") },
                WalGround.Host(),
                new WalStreamSettings { Slot = "mine", Name = "reprise", FlushEvery = TimeSpan.FromMilliseconds(100) },
                "machine",
                _ => { }).RunAsync(stop.Token);
            cluster.Sql("postgres", "create table s(n int)");
            await UntilAsync(cluster, "select coalesce(bool_or(flush_lsn >= pg_current_wal_flush_lsn()), false) from pg_stat_replication");
            var (flowing, nothing) = await LookAsync(cluster);
            Assert.Empty(nothing);
            Assert.Equal((WalFlow.Flowing, "stream"), (flowing!.Flow, flowing.By));
            await stop.CancelAsync();
            await stream;
        }

        await UntilAsync(cluster, "select not active from pg_replication_slots");
        await SeesAsync(cluster, "nothing streams from the slot mine");
        cluster.Sql("postgres", "select pg_drop_replication_slot('mine')");
        await SeesAsync(cluster, "the slot mine of the stream is gone");
    }

    private async Task<WalFlowState> SeesAsync(PostgresCluster cluster, string what)
    {
        var (state, problems) = await LookAsync(cluster);
        Assert.Equal(WalFlow.Stopped, state!.Flow);
        var problem = Assert.Single(problems);
        Assert.Equal((WalErrors.ArchivingStopped, Severity.Error), (problem.Code, problem.Severity));
        Assert.Contains(what, problem.Message, StringComparison.Ordinal);
        Assert.NotEmpty(problem.Hint ?? "");
        return state;
    }

    private Task<(WalFlowState? State, IReadOnlyList<Problem> Problems)> LookAsync(PostgresCluster cluster, string? folder = null) => new WalWatch(
        Archive,
        new PostgresSettings { ConnectionText = cluster.Connection("postgres"), DataFolder = folder ?? cluster.Data },
        WalGround.Host(),
        "orders").LookAsync([Base(identifier, "any", 1, default)], None);

    private Task<IReadOnlyList<WalWindow>> ReadAsync(params WalBase[] bases) => new WalWindows(Archive).ReadAsync(bases, None);

    private WalBase Base(PostgresCluster cluster, string point)
    {
        // A commit in front of it, so that times tell them apart.
        cluster.Sql("postgres", "create table if not exists b(n int); insert into b values (1)");
        Assert.True(Lsn.TryParse(cluster.Sql("postgres", "select pg_current_wal_flush_lsn()"), out var stop));
        return Base(ClusterFolder.Read(disk, new DiskPath(cluster.Data)).Identifier, point, 1, stop);
    }

    private static WalBase Base(ulong of, string point, uint timeline, Lsn stop) => new(
        PointId.TryParse($"20260101T000000Z-{point.Length:x4}", out var id) ? id : throw new InvalidOperationException(point),
        "orders",
        DateTimeOffset.UtcNow,
        of,
        timeline,
        stop,
        new WalOwner("machine", "place"),
        "/nonexistent");

    private static Lsn StartOf(PostgresCluster cluster, string file)
    {
        _ = cluster;
        return ((WalFile.Segment)WalFile.Parse(Path.GetFileName(file))!).Start(16 << 20)!.Value;
    }

    private async Task PushAsync(PostgresCluster cluster, string file)
    {
        identifier = ClusterFolder.Read(disk, new DiskPath(cluster.Data)).Identifier;
        await new WalPush(Archive, disk).RunAsync(new DiskPath(file), new DiskPath(cluster.Data), None);
    }

    // The last segment of a timeline that was left is not whole.
    private async Task PushIfWholeAsync(PostgresCluster cluster, string file)
    {
        try
        {
            await PushAsync(cluster, file);
        }
        catch (RepriseException e) when (e.Code == WalErrors.Invalid)
        {
            Assert.Contains("refused", e.Message, StringComparison.Ordinal);
        }
    }

    private static async Task UntilAsync(PostgresCluster cluster, string question)
    {
        for (var i = 0; i < 600; i++)
        {
            if (cluster.Sql("postgres", question) == "t") return;
            await Task.Delay(50);
        }

        Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"never: {question}{cluster.Log()}"));
    }
}
