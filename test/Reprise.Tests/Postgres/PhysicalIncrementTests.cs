using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Pages;
using Reprise.Repository.Points;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Moments;
using Reprise.Tests.Wal;
using static Reprise.Tests.Postgres.PhysicalTests;

namespace Reprise.Tests.Postgres;

/// <summary>Servers whose files are captured beside those of the last point, and come back whole from the newest one alone.</summary>
[Collection(PostgresTests.Name)]
public sealed class PhysicalIncrementTests : IDisposable
{
    private const long Megabyte = 1024 * 1024;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly string place = Directory.CreateTempSubdirectory("rpi").FullName;

    public PhysicalIncrementTests() => PostgresCluster.Run("chmod", ["755", place]);

    public void Dispose()
    {
        bench.Dispose();
        Directory.Delete(place, recursive: true);
    }

    [Theory]
    [InlineData(15, false)]
    [InlineData(17, false)]
    [InlineData(18, false)]
    [InlineData(17, true)]
    public async Task An_increment_under_load_comes_back_from_the_newest_point(int major, bool isStreamed)
    {
        using var cluster = ClusterWithChecksums(major);
        var folder = Directory.CreateDirectory(Path.Combine(place, "space")).FullName;
        if (Environment.UserName == "root") PostgresCluster.Run("chown", ["postgres:postgres", folder]);
        cluster.Sql("postgres", $"create tablespace space location '{folder}'");
        cluster.Sql("postgres", """
            create extension amcheck;
            create table spaced tablespace space as select generate_series(1, 20000) i; create index on spaced(i) tablespace space;
            create table shrinking(i int, t text) with (autovacuum_enabled = off);
            insert into shrinking select i, repeat('s', 300) from generate_series(1, 20000) i;
            create table gone as select generate_series(1, 5000) i
            """);
        Tool(cluster, "pgbench", "-i", "-q", "-s", "3", "postgres");
        var last = await bench.BackupAsync(Physical(cluster, isStreamed));
        for (var increment = 1; increment <= 4; increment++)
        {
            var load = Start(cluster, "pgbench", "-n", "-c", "3", "-T", "120", "postgres");
            try
            {
                Disturb(cluster, increment);

                // One of them is read another way than the others.
                last = await bench.BackupAsync(Physical(cluster, isStreamed && increment != 2), last);
            }
            finally
            {
                Kill(load);
            }
        }

        Assert.Empty(bench.Problems);
        Assert.Equal(isStreamed ? 4 : 0, bench.Progress.Notes.Count(note => note.StartsWith("every page came over the connection", StringComparison.Ordinal)));
        Clean(cluster, "stop", cluster.Data);
        await AssertComesBackAsync(cluster, last, copy =>
        {
            Assert.Equal("20400", copy.Sql("select count(*) from spaced where i > 0"));
            Assert.Equal("2000 20000", copy.Sql("select count(*) filter (where i <= 2000) || ' ' || count(*) from shrinking"));
            Assert.Equal("5000", copy.Sql("select count(*) from later"));
            Assert.Equal("t", copy.Sql("select to_regclass('gone') is null"));
            Assert.Equal("t", copy.Sql("""
                select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches)
                  and (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)
                """));
        });
    }

    [Fact]
    public async Task What_is_stored_is_what_changed()
    {
        using var cluster = ClusterWithChecksums(15);
        Tool(cluster, "pgbench", "-i", "-q", "-s", "4", "postgres");
        cluster.Sql("postgres", "vacuum freeze; checkpoint");
        var (full, first) = await StoredAsync(cluster, null);
        cluster.Sql("postgres", "checkpoint");
        var (unchanged, second) = await StoredAsync(cluster, first);
        cluster.Sql("postgres", "update pgbench_accounts set abalance = abalance + 1 where aid between 100001 and 104000; checkpoint");
        var (one, third) = await StoredAsync(cluster, second);
        Assert.InRange(unchanged, 1, 1 * Megabyte);

        // 4,000 rows of 61 a page, old and new, their entries in the index, and the lists.
        Assert.InRange(one, 50_000, full / 10);
        await AssertComesBackAsync(cluster, third, copy => Assert.Equal("4000", copy.Sql("select sum(abalance) from pgbench_accounts")));
    }

    [Fact]
    public async Task A_hint_bit_is_stored_though_the_page_says_that_nothing_changed_it()
    {
        using var cluster = PostgresCluster.Start(15);
        cluster.Sql("postgres", """
            create table hints(i int) with (autovacuum_enabled = off); insert into hints select generate_series(1, 1000); checkpoint
            """);
        var file = cluster.Sql("postgres", "select pg_relation_filepath('hints')");
        var first = await bench.BackupAsync(Physical(cluster));
        var before = await File.ReadAllBytesAsync(Path.Combine(cluster.Data, file), None);

        // Reading sets them; with neither checksums nor wal_log_hints nothing is logged, and the LSN of the page stays.
        cluster.Sql("postgres", "select count(*) from hints; checkpoint");
        Clean(cluster, "stop", cluster.Data);
        var after = await File.ReadAllBytesAsync(Path.Combine(cluster.Data, file), None);
        Assert.False(before.AsSpan().SequenceEqual(after));
        Assert.Equal(before[..8], after[..8]);
        cluster.StartServer();
        var second = await bench.BackupAsync(Physical(cluster), first);
        var folder = await RestoreAsync(cluster, second);
        Assert.Equal(after, await File.ReadAllBytesAsync(Path.Combine(folder, "data", file), None));
    }

    [Fact]
    public async Task A_table_that_a_vacuum_cut_off_and_that_grew_again_is_what_it_became()
    {
        using var cluster = ClusterWithChecksums(17);
        cluster.Sql("postgres", """
            create extension amcheck; create extension pg_visibility;
            create table t(i int, t text) with (autovacuum_enabled = off);
            insert into t select i, repeat('x', 500) from generate_series(1, 30000) i
            """);
        cluster.Sql("postgres", "vacuum (freeze) t; checkpoint");
        var last = await bench.BackupAsync(Physical(cluster));
        cluster.Sql("postgres", "delete from t where i > 1000");
        cluster.Sql("postgres", "vacuum t");
        last = await bench.BackupAsync(Physical(cluster), last);
        cluster.Sql("postgres", "insert into t select i, repeat('y', 500) from generate_series(1001, 30000) i; checkpoint");
        last = await bench.BackupAsync(Physical(cluster), last);
        await AssertComesBackAsync(cluster, last, copy =>
        {
            Assert.Equal("30000 29000", copy.Sql("select count(*) || ' ' || count(*) filter (where t like 'y%') from t"));
            Assert.Equal("0", copy.Sql("select count(*) from pg_check_visible('t')"));
            Assert.Equal("0", copy.Sql("select count(*) from pg_check_frozen('t')"));
        });
    }

    [Fact]
    public async Task A_last_point_that_cannot_be_read_is_told_and_everything_is_stored()
    {
        using var cluster = PostgresCluster.Start(15);
        var first = await bench.BackupAsync(Physical(cluster));
        var streams = new SortedDictionary<string, Content>(first.Record.Streams.ToDictionary(), StringComparer.Ordinal)
        {
            ["data/map"] = first.Record.Streams["data/marks"],
        };
        var second = await bench.BackupAsync(Physical(cluster), (first.Record with { Streams = streams }, first.Point));
        var problem = Assert.Single(bench.Problems);
        Assert.Equal(Reprise.Storage.Errors.Severity.Warning, problem.Severity);
        Assert.Contains(first.Point.Manifest.Id.Value, problem.Message, StringComparison.Ordinal);
        Assert.Single(PagedContents.Of(second.Record.Streams, ClusterFacts.DataTree).Sources);
        await RestoreAsync(cluster, second);
    }

    // What breaks increments that believe the LSN or the size: files cut off and grown again, new and vanished ones, a table rewritten.
    private static void Disturb(PostgresCluster cluster, int increment)
    {
        System.Threading.Thread.Sleep(700);
        cluster.Sql("postgres", $"insert into spaced select generate_series({increment}, {increment + 99}); select count(*) from spaced");
        switch (increment)
        {
            case 1:
                cluster.Sql("postgres", "delete from shrinking where i > 2000");
                cluster.Sql("postgres", "vacuum shrinking");
                break;
            case 2:
                cluster.Sql("postgres", "insert into shrinking select i, repeat('g', 300) from generate_series(2001, 20000) i");
                cluster.Sql("postgres", "drop table gone; create table later as select generate_series(1, 5000) i");
                break;
            case 3:
                cluster.Sql("postgres", "vacuum full later");
                break;
            default:
                cluster.Sql("postgres", "vacuum freeze shrinking");
                break;
        }
    }

    private async Task<(long Bytes, (AssetRecord Record, PointReader Point) Taken)> StoredAsync(
        PostgresCluster cluster, (AssetRecord Record, PointReader Point)? last)
    {
        var before = bench.StoredBytes;
        var taken = await bench.BackupAsync(Physical(cluster), last);
        return (bench.StoredBytes - before, taken);
    }

    // In the order in which they tell most: what was written, before anything changes it; start; rows; structure; checksums.
    private async Task AssertComesBackAsync(PostgresCluster cluster, (AssetRecord Record, PointReader Point) taken, Action<StartedCopy> ask)
    {
        var data = Path.Combine(await RestoreAsync(cluster, taken), "data");
        using (var copy = new StartedCopy(cluster, data))
        {
            ask(copy);
            copy.Sql("create extension if not exists amcheck");
            var check = copy.Tool("pg_amcheck", "--heapallindexed", "-d", "postgres");
            Assert.True(check.Exit == 0, check.Output);
        }

        var sums = WalGround.AsServer(cluster, "pg_checksums", "--check", "-D", data);
        Assert.True(sums.Exit == 0, sums.Output);
    }

    private async Task<string> RestoreAsync(PostgresCluster cluster, (AssetRecord Record, PointReader Point) taken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(place, "out")).FullName;
        await Physical(cluster).MaterialiseAsync(taken.Record, taken.Point, folder, Survey.Intact, bench.Progress, None);
        var verified = PostgresCluster.Run(Path.Combine(cluster.Programs, "pg_verifybackup"), [Path.Combine(folder, "data")]);
        Assert.True(verified.Exit == 0, verified.Output);
        return folder;
    }

    private PostgresAsset Physical(PostgresCluster cluster, bool isStreamed = false) => bench.Asset(
        cluster, "postgres", settings => settings with { Method = PostgresMethod.Physical, DataFolder = isStreamed ? null : cluster.Data });
}
