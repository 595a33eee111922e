using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Moments;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Postgres;

/// <summary>A server captured as files while it works, and brought back beside itself.</summary>
[Collection(PostgresTests.Name)]
public sealed class PhysicalTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly string place = Directory.CreateTempSubdirectory("rph").FullName;

    public PhysicalTests() => PostgresCluster.Run("chmod", ["755", place]);

    public void Dispose()
    {
        bench.Dispose();
        Directory.Delete(place, recursive: true);
    }

    [Theory]
    [InlineData(15, false)]
    [InlineData(17, false)]
    [InlineData(18, false)]
    [InlineData(15, true)]
    [InlineData(18, true)]
    public async Task A_server_under_load_comes_back_as_it_was_when_the_backup_ended(int major, bool isStreamed)
    {
        using var cluster = ClusterWithChecksums(major);
        var before = Tablespace(cluster, "early");
        cluster.Sql("postgres", """
            create table marks(i int); create unlogged table fleeting as select generate_series(1, 100) i;
            create table spaced tablespace early as select generate_series(1, 20000) i; create index on spaced(i) tablespace early;
            create extension amcheck
            """);
        var (record, point) = await UnderLoadAsync(cluster, isStreamed);
        Assert.Equal(isStreamed, ClusterFacts.Of(record).Streamed);
        Assert.Empty(bench.Problems);
        Assert.Equal("physical", record.Method);
        Assert.Equal(AssetStates.Complete, record.State);
        Assert.Equal("0", cluster.Sql("postgres", "select count(*) from pg_replication_slots"));
        Tablespace(cluster, "late");
        cluster.Sql("postgres", "create table later tablespace late as select 1 as i; checkpoint");
        Clean(cluster, "stop", cluster.Data);
        var production = Fingerprints(cluster.Data, before, before + "/../late");
        var folder = await RestoreAsync(record, point, cluster);
        using (var copy = new StartedCopy(cluster, Path.Combine(folder, "data")))
        {
            Assert.Equal("1", copy.Sql("select string_agg(i::text, ',' order by i) from marks"));
            Assert.Equal("0", copy.Sql("select count(*) from fleeting"));
            Assert.Equal("20000", copy.Sql("select count(*) from spaced where i > 0"));
            Assert.Equal("t", copy.Sql("""
                select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches)
                  and (select sum(abalance) from pgbench_accounts) = (select sum(tbalance) from pgbench_tellers)
                  and (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)
                """));
            Assert.NotEqual("0", copy.Sql("select count(*) from pgbench_history"));
            Assert.Equal("f", copy.Sql("select pg_is_in_recovery()"));
            var check = copy.Tool("pg_amcheck", "--heapallindexed", "-d", "postgres");
            Assert.True(check.Exit == 0, check.Output);
            Assert.Contains("../../tablespaces/", copy.Sql("select pg_tablespace_location(oid) from pg_tablespace where spcname = 'early'"), StringComparison.Ordinal);
        }

        var sums = WalGround.AsServer(cluster, "pg_checksums", "--check", "-D", Path.Combine(folder, "data"));
        Assert.True(sums.Exit == 0, sums.Output);
        Assert.Equal(production, Fingerprints(cluster.Data, before, before + "/../late"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_page_is_named_by_relation_block_and_file_and_makes_the_asset_incomplete(bool isStreamed)
    {
        using var cluster = ClusterWithChecksums(15);
        cluster.Sql("postgres", "create schema shop; create table shop.orders as select i, repeat('x', 200) from generate_series(1, 2000) i; checkpoint");
        var path = cluster.Sql("postgres", "select pg_relation_filepath('shop.orders')");
        Flip(Path.Combine(cluster.Data, path), (3 * 8192) + 5000);
        var (record, point) = await bench.BackupAsync(isStreamed ? Streamed(cluster) : Physical(cluster));
        var problem = Assert.Single(bench.Problems);
        Assert.Equal(RecoveryErrors.PagesDamaged, problem.Code);
        Assert.Equal(ExitCodes.Incomplete, problem.Code.Exit);
        Assert.Contains("block 3 of shop.orders of database postgres", problem.Message, StringComparison.Ordinal);
        Assert.Equal(path, problem.Where);
        Assert.Equal(AssetStates.Incomplete, record.State);

        // The page is kept as it is: what is left of it may be all that there is.
        var folder = await RestoreAsync(record, point, cluster);
        Assert.Equal(Hash(Path.Combine(cluster.Data, path)), Hash(Path.Combine(folder, "data", path)));
    }

    [Fact]
    public async Task A_file_of_holes_costs_nothing_and_comes_back_as_long_as_it_was()
    {
        using var cluster = PostgresCluster.Start(15);
        var database = cluster.Sql("postgres", "select oid from pg_database where datname = 'postgres'");
        var relation = Path.Combine(cluster.Data, "base", database, "999999");
        PostgresCluster.Run("truncate", ["-s", "1G", relation]);
        PostgresCluster.Run("truncate", ["-s", "24576", relation + ".1"]);
        var (record, point) = await bench.BackupAsync(Physical(cluster));
        Assert.InRange(bench.StoredBytes, 1, 30_000_000);
        var folder = await RestoreAsync(record, point, cluster);
        var back = new FileInfo(Path.Combine(folder, "data", "base", database, "999999"));
        Assert.Equal(1L << 30, back.Length);
        Assert.Equal(24576, new FileInfo(back.FullName + ".1").Length);
        Assert.InRange(Disks.OfThisMachine().Stat(new DiskPath(back.FullName))!.AllocatedBytes, 0, 1_000_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_configuration_that_names_places_of_production_starts_in_the_copy(bool isStreamed)
    {
        var hba = Path.Combine(place, "pg_hba.conf");
        await File.WriteAllTextAsync(hba, "local all all trust # of production\n");
        PostgresCluster.Run("chmod", ["644", hba]);
        using var cluster = PostgresCluster.Start(15, settings: $"hba_file = '{hba}'");
        await File.AppendAllTextAsync(
            Path.Combine(cluster.Data, "postgresql.conf"), $"\ndata_directory = '{cluster.Data}'\nexternal_pid_file = '{place}/pid'\n");
        var (record, point) = await bench.BackupAsync(isStreamed ? Streamed(cluster) : Physical(cluster));
        var folder = Directory.CreateDirectory(Path.Combine(place, "out")).FullName;
        await Physical(cluster).MaterialiseAsync(record, point, folder, Survey.Intact, bench.Progress, None);
        Assert.Equal(await File.ReadAllTextAsync(hba), await File.ReadAllTextAsync(Path.Combine(folder, "outside", "pg_hba.conf")));
        using var copy = new StartedCopy(cluster, Path.Combine(folder, "data"));
        Assert.Equal(Path.Combine(folder, "data"), copy.Sql("show data_directory"));
        Assert.Equal(Path.Combine(folder, "data", "pg_hba.conf"), copy.Sql("show hba_file"));
        Assert.Equal("", copy.Sql("show listen_addresses"));
        Assert.Equal("off", copy.Sql("show archive_mode"));
        Assert.False(File.Exists(Path.Combine(place, "pid")));
    }

    [Fact]
    public async Task Only_the_folder_in_which_the_server_works_is_read()
    {
        using var cluster = PostgresCluster.Start(15);
        using var other = PostgresCluster.Start(15);
        var clone = Path.Combine(place, "clone");
        PostgresCluster.Run("cp", ["-r", cluster.Data, clone]);
        File.Delete(Path.Combine(clone, "postmaster.pid"));
        foreach (var folder in new[] { clone, other.Data, Path.Combine(place, "nothing") })
        {
            var error = await Assert.ThrowsAnyAsync<RepriseException>(() => bench.BackupAsync(Physical(cluster, folder)));
            Assert.Equal(RecoveryErrors.PhysicalImpossible, error.Code);
        }

        Assert.Equal(0, await bench.PointsAsync());
        Assert.Equal("0", cluster.Sql("postgres", "select count(*) from pg_replication_slots"));
    }

    [Fact]
    public async Task A_point_whose_wal_makes_a_tablespace_is_not_replayed_beside_production()
    {
        using var cluster = PostgresCluster.Start(15);
        var (record, point) = await bench.BackupAsync(Physical(cluster));
        var facts = ClusterFacts.Of(record) with { ReplaysTablespaces = true };
        var altered = record with { Facts = new SortedDictionary<string, string> { [ClusterFacts.Fact] = facts.Format() } };
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => RestoreAsync(altered, point, cluster));
        Assert.Equal(RecoveryErrors.TablespaceReplay, error.Code);
        Assert.Equal(ExitCodes.Refused, error.Code.Exit);
    }

    private async Task<(AssetRecord Record, PointReader Point)> UnderLoadAsync(PostgresCluster cluster, bool isStreamed)
    {
        Tool(cluster, "pgbench", "-i", "-q", "-s", "3", "postgres");
        var churn = Path.Combine(place, "churn.sql");
        await File.WriteAllTextAsync(churn, "create table c:client_id as select generate_series(1, 500) i;\ndrop table c:client_id;\n");
        var load = Start(cluster, "pgbench", "-n", "-c", "3", "-T", "60", "postgres");
        var drops = Start(cluster, "pgbench", "-n", "-c", "2", "-T", "60", "-f", churn, "postgres");
        try
        {
            await Task.Delay(1500);
            cluster.Sql("postgres", "insert into marks values (1)");
            var taken = await bench.BackupAsync(isStreamed ? Streamed(cluster) : Physical(cluster));
            cluster.Sql("postgres", "insert into marks values (2)");
            await Task.Delay(500);
            return taken;
        }
        finally
        {
            Kill(load);
            Kill(drops);
        }
    }

    private PostgresAsset Streamed(PostgresCluster cluster) =>
        bench.Asset(cluster, "postgres", settings => settings with { Method = PostgresMethod.Physical });

    private PostgresAsset Physical(PostgresCluster cluster, string? data = null) => bench.Asset(
        cluster, "postgres", settings => settings with { Method = PostgresMethod.Physical, DataFolder = data ?? cluster.Data });

    private async Task<string> RestoreAsync(AssetRecord record, PointReader point, PostgresCluster cluster)
    {
        var folder = Directory.CreateDirectory(Path.Combine(place, "out")).FullName;
        var written = await Physical(cluster).MaterialiseAsync(record, point, folder, Survey.Intact, bench.Progress, None);
        Assert.Contains("data", written.Named);
        Assert.Contains("pg_verifybackup", bench.Progress.Steps);
        var verified = PostgresCluster.Run(Path.Combine(cluster.Programs, "pg_verifybackup"), [Path.Combine(folder, "data")]);
        Assert.True(verified.Exit == 0, verified.Output);
        return folder;
    }

    private string Tablespace(PostgresCluster cluster, string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(place, name)).FullName;
        if (Environment.UserName == "root") PostgresCluster.Run("chown", ["postgres:postgres", folder]);
        cluster.Sql("postgres", $"create tablespace {name} location '{folder}'");
        return folder;
    }

    internal static PostgresCluster ClusterWithChecksums(int major)
    {
        var cluster = PostgresCluster.Start(major, settings: "max_wal_size = 64MB");
        if (cluster.Sql("postgres", "show data_checksums") == "on") return cluster;
        Clean(cluster, "stop", cluster.Data);
        var enabled = WalGround.AsServer(cluster, "pg_checksums", "--enable", "-D", cluster.Data);
        Assert.True(enabled.Exit == 0, enabled.Output);
        cluster.StartServer();
        return cluster;
    }

    internal static void Clean(PostgresCluster cluster, string verb, string data)
    {
        var result = WalGround.AsServer(cluster, "pg_ctl", "-D", data, "-m", "fast", "-w", verb);
        Assert.True(result.Exit == 0, result.Output);
    }

    private static string[] Reached(PostgresCluster cluster, string[] arguments) =>
        ["-h", cluster.Socket, "-p", cluster.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", .. arguments];

    internal static void Tool(PostgresCluster cluster, string program, params string[] arguments)
    {
        var result = PostgresCluster.Run(Path.Combine(cluster.Programs, program), Reached(cluster, arguments));
        Assert.True(result.Exit == 0, result.Output);
    }

    internal static Process Start(PostgresCluster cluster, string program, params string[] arguments) => Process.Start(
        new ProcessStartInfo(Path.Combine(cluster.Programs, program), Reached(cluster, arguments))
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;

    internal static void Kill(Process process)
    {
        Assert.False(process.HasExited, "the load ended before the backup did");
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static void Flip(string path, long offset)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 4));
    }

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    // Inode, time and bytes of every file.
    private static SortedDictionary<string, string> Fingerprints(params string[] roots)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var disk = Disks.OfThisMachine();
        foreach (var path in roots.SelectMany(root => Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)))
        {
            var status = disk.Stat(new DiskPath(path))!;
            found[path] = $"{status.Inode} {status.Modified} {Hash(path)}";
        }

        Assert.NotEmpty(found);
        return found;
    }
}
