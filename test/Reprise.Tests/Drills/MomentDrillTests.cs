using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Wal;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Drills;

/// <summary>A server that was captured as files is taken on by its WAL in a sandbox, and asked on both sides of the moment.</summary>
public sealed class MomentDrillTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly DrillBench bench = new();
    private readonly PostgresCluster cluster = WalGround.Start(15);

    public MomentDrillTests() =>
        cluster.Sql("postgres", "create database shop; create table marks(i int)");

    public void Dispose()
    {
        cluster.Dispose();
        bench.Dispose();
    }

    [Fact]
    public async Task It_is_taken_to_the_end_of_the_wal_and_what_is_lost_is_what_came_after_the_last_commit()
    {
        await bench.TakeAsync(SigningKeys.None, bench.Cluster(cluster.Connection("shop"), cluster.Data));
        var before = await MarkAsync(1);
        var last = await MarkAsync(2);
        await PushAsync();
        var drill = await bench.DrillNewestAsync();
        Twins.AssertPasses(drill, "orders-moment");
        Twins.AssertPasses(drill, "orders-amcheck");
        var check = drill.Checks.Single(c => c.Check.Name == "orders-moment").Check;
        Assert.Contains($"{before.Transaction} is committed, {last.Transaction} is absent", check.Actual, StringComparison.Ordinal);
        var loss = drill.Rpo.Single(l => l.Asset == "orders");
        Assert.InRange(loss.Moment, before.Time, last.Time);
        Assert.Equal(drill.Moments["T0"] - loss.Moment, loss.Lost);
        var replay = drill.Phases.Single(p => p.Name == "replay");
        Assert.Equal("measured", replay.Kind);
        Assert.True(replay.Elapsed > TimeSpan.Zero);
        Assert.True(drill.Phases.Single(p => p.Name == "restore").Elapsed > TimeSpan.Zero);

        // A fault in between: nothing is lost that was committed before it, and what came after is not there.
        var fault = await bench.DrillNewestAsync(fault: before.Time);
        Twins.AssertPasses(fault, "orders-moment");
        var between = fault.Checks.Single(c => c.Check.Name == "orders-moment").Check;
        Assert.Contains($"{before.Transaction} is committed, {last.Transaction} is absent", between.Actual, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, fault.Rpo.Single(l => l.Asset == "orders").Lost);

        // The twin: a replay that goes past its place is not taken for one that stops there.
        bench.Rehearsed = moment => moment with { Boundary = new MomentBoundary(moment.Boundary!.At, null, before.Transaction) };
        var missed = await bench.DrillNewestAsync();
        Twins.AssertFails(missed, "moment-missed", "orders-moment");
    }

    [Fact]
    public async Task A_gap_in_the_wal_fails_the_drill_that_stops_in_front_of_it()
    {
        await bench.TakeAsync(SigningKeys.None, bench.Cluster(cluster.Connection("shop"), cluster.Data));
        await MarkAsync(1);
        WalGround.Work(cluster, 3);
        await PushAsync(gap: 3);
        var drill = await bench.DrillNewestAsync();
        Assert.Equal(Outcome.Fail, drill.Verdict);
        Assert.Contains(drill.Findings, f => f is { Code: "wal-gap", Severity: "error" });
        Assert.Equal(Outcome.Pass, drill.Checks.Single(c => c.Check.Name == "orders-moment").Check.Outcome);
    }

    [Fact]
    public async Task Wal_that_makes_a_tablespace_leaves_the_moment_unproven_and_the_point_is_drilled_all_the_same()
    {
        await bench.TakeAsync(SigningKeys.None, bench.Cluster(cluster.Connection("shop"), cluster.Data));
        var folder = Directory.CreateDirectory(Path.Combine(bench.Folder, "late")).FullName;
        PostgresCluster.Run("chmod", ["755", bench.Folder, Path.GetDirectoryName(bench.Folder)!]); // A folder of a scratch folder.
        PostgresCluster.Run("chown", ["postgres:", folder]);
        cluster.Sql("postgres", $"create tablespace late location '{folder}'");
        await MarkAsync(1);
        await PushAsync();
        var before = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).ToList();
        var drill = await bench.DrillNewestAsync();
        var check = drill.Checks.Single(c => c.Check.Name == "orders-moment").Check;
        Assert.Equal((Outcome.CouldNotVerify, "tablespace-replay"), (check.Outcome, check.Reason));
        Assert.Equal(Outcome.CouldNotVerify, drill.Verdict);
        Assert.Equal(Outcome.Pass, drill.Checks.Single(c => c.Check.Name == "orders-amcheck").Check.Outcome);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories));
    }

    private async Task<(uint Transaction, DateTimeOffset Time)> MarkAsync(int number)
    {
        var xid = cluster.Sql("postgres", $"begin; insert into marks values ({number}); select pg_current_xact_id()::text; commit");
        await Task.Delay(20);
        var time = DateTimeOffset.UtcNow;
        await Task.Delay(20);
        return (uint.Parse(xid, CultureInfo.InvariantCulture), time);
    }

    // The newest segments but the one that is being written; one of them may be left out.
    private async Task PushAsync(int? gap = null)
    {
        const string message = "select pg_logical_emit_message(false, 'x', 'y');";
        cluster.Sql("postgres", $"{message} select pg_switch_wal(); {message}");
        var current = cluster.Sql("postgres", "select pg_walfile_name(pg_current_wal_insert_lsn())");
        var whole = WalGround.Segments(cluster).Where(f => string.CompareOrdinal(Path.GetFileName(f), current) < 0).ToList();
        var push = new WalPush(await bench.ArchiveAsync(), Disks.OfThisMachine());
        foreach (var file in whole.Where((_, i) => gap is not { } left || i != whole.Count - left))
            await push.RunAsync(new DiskPath(file), new DiskPath(cluster.Data), None);
    }
}
