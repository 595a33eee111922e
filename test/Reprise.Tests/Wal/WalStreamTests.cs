using Reprise.Recovery.Processes;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Repository;

namespace Reprise.Tests.Wal;

/// <summary>A stream of real servers into a repository in memory.</summary>
public sealed class WalStreamTests : IAsyncLifetime, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();
    private readonly List<Problem> said = [];
    private PointRepository repository = null!; // InitializeAsync sets it before any test.

    public async ValueTask InitializeAsync()
    {
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        repository = (await PointRepository.CreateAsync(host, None)).Repository;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => repository.Dispose();

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
        var archive = repository.Wal;
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
        Assert.Empty((await repository.CheckWalAsync(null, _ => { }, None)).Problems);
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
        var before = store.Names().Count(n => n.Folder == "wal");
        var refused = await Assert.ThrowsAsync<RepriseException>(() => StreamedAsync("insert into t(v) select md5(random()::text) from generate_series(1, 4000)"));
        Assert.Equal(RepositoryErrors.WalConflict, refused.Code);
        Assert.Equal(before, store.Names().Count(n => n.Folder == "wal"));

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
        using (var stop = new CancellationTokenSource())
        {
            var stream = Stream(cluster).RunAsync(stop.Token);
            cluster.Sql("postgres", "create table early(n int)");
            await UntilAsync(cluster);
            await stop.CancelAsync();
            await stream;
        }

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
        Assert.Equal(RepositoryErrors.WalGap, Assert.Single(said).Code);
        Assert.Equal(2, Assert.Single(await repository.Wal.ListAllAsync(None)).Stretches.Count);
    }

    private WalStream Stream(PostgresCluster cluster) => new(
        repository.WriteWalAsync,
        new PostgresSettings { ConnectionText = cluster.Connection("postgres") },
        new PostgresHost
        {
            Disk = Disks.OfThisMachine(),
            Children = new ChildProcesses(TimeProvider.System),
            Clock = TimeProvider.System,
            Entropy = Entropy.System,
            Cpu = Cpu.OfThisMachine(),
            Variable = _ => null,
            Home = "/nonexistent",
            UserName = "postgres",
            TemporaryFolder = Path.GetTempPath(),
        },
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
