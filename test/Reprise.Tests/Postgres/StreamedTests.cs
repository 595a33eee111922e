using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;
using static Reprise.Tests.Postgres.PhysicalTests;

namespace Reprise.Tests.Postgres;

/// <summary>A server whose files are read through itself: rights, faults, and answers that are none.</summary>
[Collection(PostgresTests.Name)]
public sealed class StreamedTests : IDisposable
{
    private const string Grants =
        """
        create role keeper login replication password 'p w"$''x'; grant pg_monitor, pg_read_server_files to keeper;
        grant execute on function pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_ls_dir(text, boolean, boolean),
          pg_stat_file(text, boolean), pg_read_binary_file(text, bigint, bigint, boolean) to keeper
        """;

    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly string place = Directory.CreateTempSubdirectory("rps").FullName;

    public StreamedTests() => PostgresCluster.Run("chmod", ["755", place]);

    public void Dispose()
    {
        bench.Dispose();
        Directory.Delete(place, recursive: true);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task A_role_with_its_rights_and_a_password_reads_everything_over_tcp(int major)
    {
        using var cluster = PostgresCluster.Start(major, tcp: true);
        cluster.Sql("postgres", Grants);
        WithPassword(cluster);
        var asset = Keeper(cluster);
        Assert.Empty(await asset.DiagnoseAsync(None));
        var (record, point) = await bench.BackupAsync(asset);
        Assert.Empty(bench.Problems);
        Assert.True(ClusterFacts.Of(record).Streamed);
        Assert.Equal("streamed", record.Versions["files"]);

        // Modes, owners and times are the server's.
        var folder = Directory.CreateDirectory(Path.Combine(place, "out")).FullName;
        await asset.MaterialiseAsync(record, point, folder, Survey.Intact, bench.Progress, None);
        foreach (var name in (string[])["PG_VERSION", "base", "global/pg_filenode.map"])
            Assert.Equal(Status(cluster.Data, name), Status(Path.Combine(folder, "data"), name));
        var verified = PostgresCluster.Run(Path.Combine(cluster.Programs, "pg_verifybackup"), [Path.Combine(folder, "data")]);
        Assert.True(verified.Exit == 0, verified.Output);
        Assert.Equal("0", cluster.Sql("postgres", "select count(*) from pg_replication_slots"));
    }

    [Theory]
    [InlineData("alter role keeper noreplication", "alter role keeper replication")]
    [InlineData("revoke pg_monitor from keeper", "grant pg_monitor to keeper")]
    [InlineData("revoke pg_read_server_files from keeper", "grant pg_read_server_files to keeper")]
    [InlineData("revoke execute on function pg_backup_start(text, boolean) from keeper", "pg_backup_start(text,boolean) to keeper")]
    [InlineData("revoke execute on function pg_read_binary_file(text, bigint, bigint, boolean) from keeper", "pg_read_binary_file(text,bigint,bigint,boolean) to keeper")]
    [InlineData("alter system set max_replication_slots = 0", "raise max_replication_slots")]
    public async Task What_is_missing_is_one_error_that_says_how_to_give_it(string change, string remedy)
    {
        using var cluster = PostgresCluster.Start(15);
        cluster.Sql("postgres", Grants);
        cluster.Sql("postgres", change);
        if (change.StartsWith("alter system", StringComparison.Ordinal))
        {
            Clean(cluster, "stop", cluster.Data);
            cluster.StartServer();
        }

        var asset = bench.Asset(cluster, "postgres", s => s with
        {
            Method = PostgresMethod.Physical, ConnectionText = cluster.Connection("postgres", "keeper"),
        });
        var problem = Assert.Single(await asset.DiagnoseAsync(None));
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => bench.BackupAsync(asset));
        Assert.Equal(RecoveryErrors.PhysicalImpossible, error.Code);
        Assert.Contains(remedy, error.Problem.Hint, StringComparison.Ordinal);
        Assert.Equal((error.Code, error.Problem.Hint), (problem.Code, problem.Hint));
        Assert.Equal(0, await bench.PointsAsync());
        Assert.Equal("0", cluster.Sql("postgres", "select count(*) from pg_replication_slots"));
    }

    [Theory]
    [InlineData("-QUIT")]
    [InlineData("-KILL")]
    public async Task A_server_that_is_killed_on_the_way_leaves_no_point(string signal)
    {
        using var cluster = PostgresCluster.Start(15);
        Tool(cluster, "pgbench", "-i", "-q", "-s", "10", "postgres");
        var server = (await File.ReadAllLinesAsync(Path.Combine(cluster.Data, "postmaster.pid"), None))[0];
        var backup = bench.BackupAsync(Streamed(cluster));
        await UnderWayAsync(backup);
        PostgresCluster.Run("sh", ["-c", $"kill {signal} {server} $(cat /proc/{server}/task/{server}/children)"]);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => backup.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(RecoveryErrors.DatabaseUnavailable, error.Code);
        Assert.Equal(0, await bench.PointsAsync());
    }

    [Fact]
    public async Task A_backup_that_is_cancelled_leaves_neither_a_point_nor_a_slot()
    {
        using var cluster = PostgresCluster.Start(17);
        Tool(cluster, "pgbench", "-i", "-q", "-s", "10", "postgres");
        using var ending = new CancellationTokenSource();
        var backup = bench.BackupAsync(Streamed(cluster), null, ending.Token);
        await UnderWayAsync(backup);
        Assert.Equal("1", cluster.Sql("postgres", "select count(*) from pg_replication_slots where temporary"));
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(0, await bench.PointsAsync());
        for (var looks = 0; looks < 100 && Sessions() != "0 0"; looks++) await Task.Delay(100, None);
        Assert.Equal("0 0", Sessions());

        string Sessions() => cluster.Sql(
            "postgres",
            "select (select count(*) from pg_replication_slots) || ' ' || count(*) from pg_stat_activity where application_name like 'reprise%'");
    }

    [Fact]
    public async Task What_was_read_on_another_host_goes_in_place_only_where_somebody_says_that_it_is()
    {
        using var cluster = PostgresCluster.Start(15);
        var (record, _) = await bench.BackupAsync(Streamed(cluster));
        Assert.True(record.Identity.ContainsKey("data"), "its folder is to be seen here");
        var elsewhere = record with
        {
            Identity = new SortedDictionary<string, string>(record.Identity.Where(i => i.Key is not ("data" or "machine")).ToDictionary(), StringComparer.Ordinal),
        };
        Assert.Contains(await CodesAsync(elsewhere, null), code => code == RecoveryErrors.PhysicalInPlace);
        foreach (var (taken, data) in new[] { (record, (string?)null), (elsewhere, cluster.Data) })
            Assert.DoesNotContain(await CodesAsync(taken, data), code => code == RecoveryErrors.PhysicalInPlace);

        async Task<IEnumerable<ErrorCode>> CodesAsync(AssetRecord taken, string? data) =>
            (await bench.Asset(cluster, "postgres", s => s with { Method = PostgresMethod.Physical, DataFolder = data })
                .PreflightAsync(new RestoreItem(PostgresBench.NewId(), taken), None)).Select(p => p.Code);
    }

    [Fact]
    public async Task A_link_that_leads_back_into_its_folder_is_refused_and_a_tablespace_inside_too()
    {
        using var cluster = PostgresCluster.Start(15);
        var link = Path.Combine(cluster.Data, "pg_stat", "round");
        File.CreateSymbolicLink(link, cluster.Data);
        var round = await Assert.ThrowsAnyAsync<RepriseException>(() => bench.BackupAsync(Streamed(cluster)));
        Assert.Equal(RecoveryErrors.PhysicalImpossible, round.Code);
        Assert.Contains("leads back", round.Problem.Hint, StringComparison.Ordinal);
        File.Delete(link);
        cluster.Sql("postgres", "set allow_in_place_tablespaces = on; create tablespace inside location ''");
        var inside = await Assert.ThrowsAnyAsync<RepriseException>(() => bench.BackupAsync(Streamed(cluster)));
        Assert.Contains("tablespace inside lies inside", inside.Message, StringComparison.Ordinal);
        Assert.Equal(0, await bench.PointsAsync());
    }

    [Fact]
    public void A_row_that_is_cut_anywhere_is_refused_and_reads_nothing_behind_its_end()
    {
        byte[] row = [0, 2, 0, 0, 0, 3, 1, 2, 3, 255, 255, 255, 255];
        var whole = new RowReader(row, "here");
        Assert.Equal<byte>([1, 2, 3], whole.Next()!.Value.ToArray());
        Assert.Null(whole.Next());
        Assert.Throws<RepriseException>(() => Third(row));
        for (var length = 0; length < row.Length; length++)
        {
            var error = Assert.Throws<RepriseException>(() => Both(row[..length]));
            Assert.Equal(RecoveryErrors.DatabaseUnavailable, error.Code);
        }

        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var altered = (byte[])row.Clone();
            BinaryPrimitives.WriteInt32BigEndian(altered.AsSpan(2), random.Next(4, int.MaxValue));
            if (BinaryPrimitives.ReadInt32BigEndian(altered.AsSpan(2)) > row.Length - 6) Assert.Throws<RepriseException>(() => Both(altered));
        }

        static void Both(byte[] bytes)
        {
            var reader = new RowReader(bytes, "here");
            reader.Next();
            reader.Next();
        }

        static void Third(byte[] bytes)
        {
            var reader = new RowReader(bytes, "here");
            reader.Next();
            reader.Next();
            reader.Next();
        }
    }

    [Theory]
    [InlineData("base", true)]
    [InlineData("...", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("../etc", false)]
    [InlineData("/etc", false)]
    [InlineData("a\0", false)]
    public void A_name_that_leads_out_of_its_folder_is_none(string name, bool isName)
    {
        Assert.Equal(isName, ServerFiles.IsName(Encoding.UTF8.GetBytes(name)));
        Assert.False(ServerFiles.IsName(new byte[256].Select(_ => (byte)'x').ToArray()));
    }

    [Fact]
    public async Task A_refused_question_is_told_to_its_asker_only_and_silence_ends_all()
    {
        using var cluster = PostgresCluster.Start(15);
        var server = new PostgresServer(new PostgresSettings { ConnectionText = cluster.Connection("postgres") }, bench.Host);
        using var session = await WireSession.OpenAsync(server.Connection, "here", [("database", "postgres")], bench.Host, None);
        await session.AskAsync("prepare divided(int) as select 10 / $1; prepare slow(int) as select pg_sleep($1)", None);
        var questions = new ServerQuestions(session, TimeProvider.System, TimeSpan.FromSeconds(2));
        var answers = new List<string>();
        Task[] asked = [.. ((string[])["5", "0", "2"]).Select(by => Ask("divided", by))];
        await asked[0];
        Assert.Equal("22012", (await Assert.ThrowsAsync<SqlException>(() => asked[1])).State);
        await asked[2];
        Assert.Equal(["2", "5"], answers);
        Task[] later = [Ask("slow", "60"), Ask("divided", "1")];
        foreach (var task in later)
            Assert.Equal(RecoveryErrors.DatabaseUnavailable, (await Assert.ThrowsAnyAsync<RepriseException>(() => task.WaitAsync(TimeSpan.FromSeconds(20)))).Code);

        Task Ask(string statement, string argument) => questions.AskAsync(
            statement, [Encoding.ASCII.GetBytes(argument)], false, Take, None);

        void Take(RowReader row) => answers.Add(Encoding.ASCII.GetString(row.Next()!.Value.Span)); // A number is never null.
    }

    // Reading has begun, and is far from its end.
    private async Task UnderWayAsync(Task backup)
    {
        while (bench.Progress.Bytes < 20_000_000 && !backup.IsCompleted) await Task.Delay(1, None);
        Assert.False(backup.IsCompleted, "the backup was faster than the fault");
    }

    private PostgresAsset Streamed(PostgresCluster cluster) =>
        bench.Asset(cluster, "postgres", settings => settings with { Method = PostgresMethod.Physical });

    private PostgresAsset Keeper(PostgresCluster cluster) => bench.Asset(cluster, "postgres", settings => settings with
    {
        Method = PostgresMethod.Physical,
        ConnectionText = string.Create(
            CultureInfo.InvariantCulture, $"host=127.0.0.1 port={cluster.Port} user=keeper password='p w\"$\\'x' dbname=postgres"),
    });

    // No line for replication: none is needed.
    private static void WithPassword(PostgresCluster cluster)
    {
        File.WriteAllText(Path.Combine(cluster.Data, "pg_hba.conf"), "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        cluster.Sql("postgres", "select pg_reload_conf()");
    }

    private static string Status(string data, string name) =>
        PostgresCluster.Run("stat", ["-c", "%a %u %g %Y", Path.Combine(data, name)]).Output;
}
