using System.Text.Json;
using Microsoft.Data.Sqlite;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Drills;

/// <summary>Backups that are broken, each in its own way: a drill fails for that reason, and its sound twin passes.</summary>
public sealed class BrokenBackupTests : IDisposable
{
    private readonly Lazy<PostgresCluster> server;
    private readonly DrillBench bench = new();

    public BrokenBackupTests()
    {
        server = new Lazy<PostgresCluster>(StartShop);
        Directory.CreateDirectory(bench.Folder + "/uploads");
        File.WriteAllText(bench.Folder + "/uploads/a.txt", "a");
        File.WriteAllText(bench.Folder + "/uploads/b.txt", "b");
        Execute("create table sessions(id int primary key, name text); create index by_name on sessions(name);"
            + "insert into sessions values (1, 'uploads/a.txt'), (2, 'uploads/b.txt')");
    }

    private PostgresCluster Cluster => server.Value;

    private static PostgresCluster StartShop()
    {
        var cluster = PostgresCluster.Start(15);
        cluster.Sql("postgres", "create role keeper login");
        cluster.Sql("postgres", "create database shop");
        cluster.Sql(
            "shop",
            """
            create table orders(id serial primary key, note text not null, at timestamptz default now(), raw bytea);
            insert into orders(note, raw) select md5(i::text), decode(md5(i::text), 'hex') from generate_series(1, 500) i;
            create table gone(id int); insert into gone values (1), (2);
            alter table orders owner to keeper;
            """);
        return cluster;
    }

    private string SessionsFile => bench.Folder + "/sessions.db";

    private PostgresAsset Shop => bench.Database(Cluster.Connection("shop"));

    public void Dispose()
    {
        bench.Dispose();
        if (server.IsValueCreated) server.Value.Dispose();
    }

    [Fact]
    public async Task A_sound_backup_passes_and_nothing_is_left_of_the_sandbox()
    {
        bench.Secrets = [new SecretOutcome("JWT_SECRET", SecretState.Same, "it is the one", false)];
        bench.Checks = [Set];
        var record = await bench.DrillAsync(Shop, bench.Sqlite(SessionsFile), bench.Files(bench.Folder));
        Assert.True(record.Verdict == Outcome.Pass, string.Join('\n', record.Findings));
        Assert.Equal(4, record.Level);
        Assert.Equal(Outcome.Pass, record.CleanUp.Outcome);
        Assert.Equal(Outcome.CouldNotVerify, record.Separation.Outcome);
        Assert.True(record.Checks.Single(c => c.Check.Name == "uploads-are-there").Discriminates);
        Assert.True(record.Checks.Single(c => c.Check.Name == "orders-content").Discriminates);
        Assert.False(record.Checks.Single(c => c.Check.Name == "orders-amcheck").Discriminates);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"reprise-drill-{record.Id}*"));
    }

    [Fact]
    public async Task A_table_that_was_read_beside_the_dump_is_compared_too()
    {
        var large = new PostgresSettings { ConnectionText = Cluster.Connection("shop"), LargeTableBytes = 1 };
        var record = await bench.DrillAsync(new PostgresAsset("orders", large, bench.PostgresHost));
        Assert.True(record.Verdict == Outcome.Pass, string.Join('\n', record.Findings));
        Assert.Equal(Outcome.Pass, record.Checks.Single(c => c.Check.Name == "orders-content").Check.Outcome);
    }

    [Fact]
    public async Task A_dump_whose_end_is_missing()
    {
        var record = await bench.DrillAsync(Tampered(async (made, context) =>
        {
            var database = PostgresRecord.Databases(made)[0];
            var streams = new SortedDictionary<string, Content>(made.Streams.ToDictionary(), StringComparer.Ordinal);
            streams["tables"] = await WriteAsync(context, DumpTables.Encode([]).ToArray());
            Assert.Equal("", database.Prefix);
            return made with { Streams = streams };
        }));
        AssertFails(record, "dump-invalid", "orders-restore");
    }

    [Fact]
    public async Task A_dump_of_another_database()
    {
        var rows = await RowsAsync();
        Cluster.Sql("postgres", "create database other");
        Cluster.Sql("other", "create table elsewhere(id int); insert into elsewhere values (1)");
        AssertFails(await bench.DrillAsync(Hooked(Cluster.Connection("other"), made => made with { Rows = rows })), "another-database", "orders-rows");
    }

    [Fact]
    public async Task An_empty_database()
    {
        var rows = await RowsAsync();
        Cluster.Sql("postgres", "create database hollow");
        AssertFails(await bench.DrillAsync(Hooked(Cluster.Connection("hollow"), made => made with { Rows = rows })), "database-empty", "orders-rows");
    }

    [Fact]
    public async Task One_table_too_few()
    {
        var rows = await RowsAsync();
        Cluster.Sql("shop", "drop table gone");
        AssertFails(await bench.DrillAsync(Hooked(Cluster.Connection("shop"), made => made with { Rows = rows })), "table-missing", "orders-rows");
    }

    [Fact]
    public async Task A_role_that_owns_and_is_not_in_the_point()
    {
        var record = await bench.DrillAsync(Tampered(async (made, context) =>
        {
            var streams = new SortedDictionary<string, Content>(made.Streams.ToDictionary(), StringComparer.Ordinal);
            streams["roles"] = await WriteAsync(context, "[]"u8.ToArray());
            return made with { Streams = streams };
        }));
        AssertFails(record, "role-missing", "orders-restore");
    }

    [Fact]
    public async Task An_extension_that_is_not_there() => AssertFails(
        await bench.DrillAsync(Facts(d => d with { Extensions = [new CatalogExtension("postgis", "3.3")] })),
        "extension-missing",
        "orders-extensions");

    [Fact]
    public async Task A_sequence_that_is_behind() => AssertFails(
        await bench.DrillAsync(Facts(d => d with { Sequences = new SortedDictionary<string, long> { ["public.orders_id_seq"] = 900 } })),
        "sequence-behind",
        "orders-sequences");

    [Fact]
    public async Task Rows_that_changed_and_kept_their_number()
    {
        bench.Changed = (asset, places) => asset.Name != "orders" ? asset : new HookedDatabase(asset)
        {
            Swapped = () => PostgresCluster.Run(
                Path.Combine(Cluster.Programs, "psql"),
                ["-X", "-h", places.Servers["orders"].Socket, "-U", PostgresThrowaway.Superuser, "-d", "shop",
                    "-c", "update orders set note = 'altered' where id = 7"]),
        };
        AssertFails(await bench.DrillAsync(Shop), "content-differs", "orders-content");
    }

    [Fact]
    public async Task A_database_that_was_copied_without_its_write_ahead_log()
    {
        using var writer = new SqliteConnection($"Data Source={SessionsFile};Pooling=False");
        await writer.OpenAsync();
        Execute(writer, "pragma journal_mode = wal; pragma wal_autocheckpoint = 0; insert into sessions values (3, 'late')");
        File.Copy(SessionsFile, bench.Folder + "/copy.db");
        var rows = new SortedDictionary<string, long> { ["sessions"] = 3 };
        var record = await bench.DrillAsync(new HookedDatabase(bench.Sqlite(bench.Folder + "/copy.db"))
        {
            Captured = (made, _) => Task.FromResult(made with { Rows = rows }),
        });
        AssertFails(record, "staged-rows-differ", "sessions-rows");
    }

    [Fact]
    public async Task An_index_that_does_not_fit_its_table()
    {
        Execute("pragma writable_schema = 1; update sqlite_schema set sql = 'CREATE INDEX by_name ON sessions(id)' where name = 'by_name'");
        AssertFails(await bench.DrillAsync(bench.Sqlite(SessionsFile)), "staged-integrity-differ", "sessions-integrity");
    }

    [Theory]
    [InlineData("file-missing", "runtime-files")]
    [InlineData("file-altered", "runtime-content")]
    public async Task A_file_that_is_gone_or_altered(string reason, string check)
    {
        bench.Changed = (asset, places) => asset.Name != "runtime" ? asset : new HookedAsset(asset)
        {
            Staged = _ => Break(reason, places.Of("runtime").ToString()),
        };
        AssertFails(await bench.DrillAsync(bench.Files(bench.Folder)), reason, check);
    }

    private static void Break(string reason, string folder)
    {
        var file = Directory.EnumerateFiles(folder, "a.txt", SearchOption.AllDirectories).Single();
        var time = File.GetLastWriteTimeUtc(file);
        if (reason == "file-missing") File.Delete(file);
        else File.WriteAllText(file, "A");
        if (File.Exists(file)) File.SetLastWriteTimeUtc(file, time);
    }

    [Fact]
    public async Task A_row_that_points_to_a_file_that_is_not_there()
    {
        bench.Checks = [Set];
        Execute("insert into sessions values (3, 'uploads/nowhere.txt')");
        AssertFails(
            await bench.DrillAsync(bench.Sqlite(SessionsFile), bench.Files(bench.Folder)), "file-missing", "uploads-are-there");
    }

    [Fact]
    public async Task A_secret_that_is_another_one_now()
    {
        bench.Secrets = [new SecretOutcome("JWT_SECRET", SecretState.Differs, "secret JWT_SECRET differs", false)];
        AssertFails(await bench.DrillAsync(bench.Files(bench.Folder)), "secret-differs", "secret-JWT_SECRET");
    }

    [Fact]
    public async Task A_question_that_nothing_answers_as_well_is_named()
    {
        bench.Checks = [new CheckDefinition.Sqlite { Name = "anything", Asset = "sessions", Query = "select 1", Expect = null }];
        var record = await bench.DrillAsync(bench.Sqlite(SessionsFile));
        Assert.Equal(Outcome.Pass, record.Verdict);
        Assert.False(record.Checks.Single(c => c.Check.Name == "anything").Discriminates);
        Assert.Equal("note", record.Findings.Single(f => f.Code == "check-not-discriminating").Severity);
    }

    private static CheckDefinition.Set Set => new()
    {
        Name = "uploads-are-there", Asset = "sessions", Query = "select name from sessions", Files = "runtime",
    };

    private HookedDatabase Tampered(Func<AssetRecord, CaptureContext, Task<AssetRecord>> captured) => new(Shop) { Captured = captured };

    private HookedDatabase Hooked(string connection, Func<AssetRecord, AssetRecord> captured) =>
        new(bench.Database(connection)) { Captured = (made, _) => Task.FromResult(captured(made)) };

    private HookedDatabase Facts(Func<CatalogDatabase, CatalogDatabase> change) => Hooked(Cluster.Connection("shop"), made =>
    {
        var facts = new SortedDictionary<string, string>(made.Facts.ToDictionary(), StringComparer.Ordinal);
        facts["databases"] = JsonSerializer.Serialize(
            (IReadOnlyList<CatalogDatabase>)[change(PostgresRecord.Databases(made)[0])],
            CatalogJson.Default.IReadOnlyListCatalogDatabase);
        return made with { Facts = facts };
    });

    private Task<SortedDictionary<string, long>> RowsAsync() => Task.FromResult(
        new SortedDictionary<string, long>(StringComparer.Ordinal) { ["public.gone"] = 2, ["public.orders"] = 500 });

    private static async Task<Content> WriteAsync(CaptureContext context, byte[] bytes)
    {
        var content = context.Writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(bytes, CancellationToken.None);
        return await content.CompleteAsync(CancellationToken.None);
    }

    // For its own reason: the question that must fail fails with it, and nothing else of that level failed first.
    private static void AssertFails(DrillRecord record, string reason, string check)
    {
        Assert.Equal(Outcome.Fail, record.Verdict);
        var failed = record.Checks.Select(c => c.Check).Where(c => c.Outcome == Outcome.Fail && c.Required).ToList();
        Assert.True(
            failed.Exists(c => c.Name == check && c.Reason == reason),
            string.Join('\n', failed.Select(c => $"{c.Name} {c.Reason} {c.Actual}")));
        Assert.Contains(record.Findings, f => f.Code == reason && f.Severity == "error");
        Assert.Equal(Outcome.Pass, record.CleanUp.Outcome);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={SessionsFile};Pooling=False");
        connection.Open();
        Execute(connection, sql);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
