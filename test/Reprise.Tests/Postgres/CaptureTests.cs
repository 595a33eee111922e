using System.Globalization;
using Npgsql;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>What a capture holds: one instant, few bytes, and a dump that needs nothing of ours.</summary>
[Collection(PostgresTests.Name)]
public sealed class CaptureTests(PostgresRoom room) : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly PostgresCluster cluster = room.Cluster;

    public void Dispose() => bench.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Under_writers_everything_is_of_one_instant(bool via, bool large)
    {
        var name = $"written{via}{large}";
        cluster.Sql("postgres", $"create database \"{name}\"");
        cluster.Sql(name, """
            create table debit(i int);
            create table credit(i int);
            create table filler as select g, md5(g::text) from generate_series(1, 200000) g;
            """);
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(name, stop.Token);
        await Task.Delay(200);
        var asset = bench.Asset(
            cluster, name, s => (via ? s with { Via = cluster.Via, ConnectionText = $"dbname={name}" } : s) with
            {
                LargeTableBytes = large ? 0 : s.LargeTableBytes,
                PieceBytes = large ? 256 * 1024 : s.PieceBytes,
            });
        var (record, point) = await bench.BackupAsync(asset);
        stop.Cancel();
        var written = await writing;

        var rows = record.Rows;
        Assert.Equal(rows["public.debit"], rows["public.credit"]);
        Assert.InRange(rows["public.debit"], 1, written - 1);
        Assert.Equal(200000, rows["public.filler"]);
        Assert.Equal(large ? "3" : "0", record.Facts[PostgresRecord.CopiedTablesFact]);
        var observed = DateTimeOffset.Parse(record.Facts["observed"], CultureInfo.InvariantCulture);
        Assert.InRange((record.Moment - observed).TotalSeconds, -60, 60);
        await bench.RestoreAsync(asset, record, point);
        Assert.Equal(
            rows["public.debit"].ToString(CultureInfo.InvariantCulture),
            cluster.Sql(name, "select count(*) from debit join credit using (i)"));
    }

    [Fact]
    public async Task A_second_capture_after_a_contiguous_hundredth_changed_stores_little()
    {
        cluster.Sql("postgres", "create database hundredth");
        cluster.Sql("hundredth", """
            create table accounts as
              select g as aid, g % 10 as bid, 0 as balance, md5(g::text) || md5((g * 7)::text) as filler
              from generate_series(1, 300000) g;
            alter table accounts add primary key (aid);
            """);
        var asset = bench.Asset(cluster, "hundredth");
        var (first, _) = await bench.BackupAsync(asset);
        var whole = bench.StoredBytes;
        var (same, _) = await bench.BackupAsync(asset);
        var nothing = bench.StoredBytes - whole;
        cluster.Sql("hundredth", "update accounts set balance = aid where aid between 100000 and 103000");
        var (second, _) = await bench.BackupAsync(asset);
        var changed = bench.StoredBytes - whole - nothing;

        TestContext.Current.TestOutputHelper?.WriteLine($"{whole} first, {nothing} again, {changed} after 1 %");
        Assert.True(first.StoredBytes > 5_000_000, $"{first.StoredBytes} bytes");
        Assert.Equal(first.Rows, same.Rows);
        Assert.True(nothing < whole / 50, $"{nothing} of {whole} bytes when nothing changed");

        // The change touches the chunks at its place and at the end of the table, where the new rows went. In a dump this
        // small, chunks of up to 2 MiB weigh more than the hundredth itself, and where they are cut depends on the key;
        // the 15 % of the acceptance are measured on 1 GB.
        Assert.True(changed < whole * 35 / 100, $"{changed} of {whole} bytes when a hundredth changed");
        Assert.InRange(second.StoredBytes, 1, changed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_dump_of_a_point_is_one_that_the_tools_take_as_their_own(bool large)
    {
        OddDatabase.Create(cluster, "exported");
        var before = cluster.Dump("exported");
        var genuine = Path.Combine(bench.Folder, "genuine.dump");
        Tool("pg_dump", "-Fc", "-Z0", "-f", genuine, "exported");
        var asset = bench.Asset(cluster, "exported", s => large ? s with { LargeTableBytes = 0, PieceBytes = 1 } : s);
        var (record, point) = await bench.BackupAsync(asset);
        Assert.Equal(large, record.Facts[PostgresRecord.CopiedTablesFact] != "0");
        var folder = Directory.CreateDirectory(Path.Combine(bench.Folder, "out")).FullName;
        var written = await asset.MaterialiseAsync(record, point, folder, Survey.Intact, bench.Progress, None);
        Assert.Equal(["orders.dump", "orders.globals.sql"], written.Named);
        var globals = await File.ReadAllTextAsync(Path.Combine(folder, "orders.globals.sql"));
        Assert.Contains("CREATE ROLE \"shop owner\"", globals, StringComparison.Ordinal);
        Assert.DoesNotContain("PASSWORD", globals, StringComparison.Ordinal);

        // Every block has its place in the table of contents: this is what lets pg_restore seek.
        var dump = Path.Combine(folder, "orders.dump");
        var bytes = await File.ReadAllBytesAsync(dump);
        var parser = new DumpHeadParser();
        parser.Take(bytes);
        Assert.All(parser.Head!.Data, entry =>
        {
            Assert.Equal(2, bytes[entry.OffsetAt]);
            var at = BitConverter.ToInt64(bytes, entry.OffsetAt + 1);
            Assert.Equal(entry.Id, BitConverter.ToInt32(bytes, (int)at + 2));
        });

        Assert.Equal(Entries(genuine), Entries(dump));
        Tool("dropdb", "--force", "exported");
        var restored = PostgresCluster.Run(
            Path.Combine(cluster.Programs, "pg_restore"),
            ["-h", cluster.Socket, "-U", "postgres", "-d", "postgres", "-C", "-j2", "--exit-on-error", dump]);
        Assert.True(restored.Exit == 0, restored.Output);
        Assert.Equal(before, cluster.Dump("exported"));
        Tool("dropdb", "--force", "exported");
    }

    [Fact]
    public async Task A_table_that_was_rewritten_since_the_snapshot_is_not_read_beside_the_dump()
    {
        cluster.Sql("postgres", "create database motion");
        cluster.Sql("motion", "create table still as select 1 as i; create table moving as select 1 as i;");
        var server = new PostgresServer(
            new PostgresSettings { ConnectionText = cluster.Connection("motion"), ClientFolder = cluster.Programs },
            bench.Host);
        await using var session = await server.OpenAsync("motion", SessionUse.Ours, None);
        var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, None);
        var found = await CopiedTables.LookAsync(server, facts, "motion", 0, None);
        Assert.NotNull(found);
        Assert.Equal(["moving", "still"], found.Select(c => c.Name).Order());

        await session.ExecuteAsync(CatalogSql.BeginSnapshot, None);
        var snapshot = await session.AskAsync(CatalogSql.Snapshot(facts), CatalogJson.Default.CatalogSnapshot, None);
        Assert.All(await LockAsync(server, snapshot.Snapshot, found), f => Assert.True(f.Same));
        cluster.Sql("motion", "truncate moving");
        await Assert.ThrowsAsync<TablesInMotionException>(() => LockAsync(server, snapshot.Snapshot, found));
        CopyCandidate[] still = [found.Single(c => c.Name == "still")];
        Assert.All(await LockAsync(server, snapshot.Snapshot, still), f => Assert.True(f.Same));

        // Somebody has begun to alter it: nobody waits for him.
        await using var altering = await server.OpenAsync("motion", SessionUse.Ours, None);
        await altering.ExecuteAsync("begin; alter table public.still add column j int", None);
        await Assert.ThrowsAsync<TablesInMotionException>(() => LockAsync(server, snapshot.Snapshot, still));
        await altering.ExecuteAsync("rollback", None);
        cluster.Sql("motion", "drop table still");
        await Assert.ThrowsAsync<TablesInMotionException>(() => LockAsync(server, snapshot.Snapshot, still));
    }

    [Fact]
    public async Task Thousands_of_tables_fit()
    {
        cluster.Sql("postgres", "create database many");
        for (var batch = 0; batch < 4; batch++)
        {
            cluster.Sql("many", $"""
                do $$ begin
                  for i in {batch * 500}..{(batch * 500) + 499} loop
                    execute format('create table t%s(i int); insert into t%1$s values (1), (2)', i);
                  end loop;
                end $$
                """);
        }

        var asset = bench.Asset(cluster, "many");
        var (record, point) = await bench.BackupAsync(asset);
        Assert.Equal(2000, record.Rows.Count);
        Assert.All(record.Rows.Values, rows => Assert.Equal(2, rows));
        Assert.Equal(4, record.Streams.Count);
        var contents = new List<string>();
        await foreach (var (path, _) in PostgresRecord.ContentsAsync(record, point, None)) contents.Add(path);
        Assert.Equal(2004, contents.Count);
        Assert.Contains("table public.t1999", contents);
        var folder = Directory.CreateDirectory(Path.Combine(bench.Folder, "out")).FullName;
        await asset.MaterialiseAsync(record, point, folder, Survey.Intact, bench.Progress, None);
        var script = PostgresCluster.Run(
            Path.Combine(cluster.Programs, "pg_restore"), ["-a", "-f", "-", Path.Combine(folder, "orders.dump")]);
        Assert.Equal(2000, script.Output.Split("\n1\n2\n\\.\n").Length - 1);
        cluster.Sql("postgres", "drop database many");
    }

    [Fact]
    public async Task What_is_there_is_looked_at_without_touching_it()
    {
        cluster.Sql("postgres", "create database looked");
        var asset = bench.Asset(cluster, "looked");
        var state = await asset.InspectAsync(None);
        Assert.Equal((Presence.Readable, false), (state.Presence, state.HasData));

        cluster.Sql("looked", """
            create extension citext;
            create table empty(i int);
            create table alembic_version(version_num text);
            insert into alembic_version values ('x');
            """);
        state = await asset.InspectAsync(None);
        Assert.False(state.HasData, "migrations that have run are nobody's data");
        Assert.Equal("alembic:x", await asset.AskMigrationAsync(None));

        cluster.Sql("looked", "create table orders as select g, repeat('x', 200) as filler from generate_series(1, 300000) g; analyze orders;");
        state = await asset.InspectAsync(None);
        Assert.True(state.HasData);
        Assert.False(state.RowsAreEstimates);
        Assert.Equal(300000, state.Rows["public.orders"]);
        Assert.True(state.SizeBytes > 5_000_000);
        Assert.Equal("looked", state.Identity["database"]);
        Assert.Equal(
            cluster.Sql("postgres", "select system_identifier from pg_control_system()"), state.Identity["system"]);
        Assert.DoesNotContain("postgres@", state.Where, StringComparison.Ordinal);

        var hurried =
            await bench.Asset(cluster, "looked", s => s with { InspectWithin = TimeSpan.FromMilliseconds(1) })
                .InspectAsync(None);
        Assert.True(hurried.RowsAreEstimates);
        Assert.Equal(300000, hurried.Rows["public.orders"]);
        Assert.True(hurried.HasData);
    }

    [Fact]
    public async Task Counting_rows_on_the_server_can_be_left_out_and_rows_are_known_all_the_same()
    {
        cluster.Sql("postgres", "create database uncounted");
        cluster.Sql("uncounted", "create table t(i int); insert into t select generate_series(1, 77);");
        var (record, _) = await bench.BackupAsync(bench.Asset(cluster, "uncounted", s => s with { CountRows = false }));
        Assert.Equal(77, record.Rows["public.t"]);
    }

    [Theory]
    [InlineData("alembic_version", "version_num text", "('b'), ('a')", "alembic:a,b")]
    [InlineData(
        "flyway_schema_history",
        "installed_rank int, version text, success bool",
        "(1, '1', true), (2, '2', true), (3, '3', false)",
        "flyway:2")]
    [InlineData(
        "\"__EFMigrationsHistory\"",
        "\"MigrationId\" text, \"ProductVersion\" text",
        "('2025_a', '9'), ('2026_b', '10')",
        "efcore:2026_b")]
    [InlineData(
        "django_migrations",
        "id int, app text, name text",
        "(1, 'shop', '0001'), (2, 'auth', '0012'), (3, 'shop', '0002')",
        "django:auth.0012,shop.0002")]
    [InlineData("alembic_version", "version_num text", null, null)]
    [InlineData("nothing_of_the_kind", "i int", "(1)", null)]
    public async Task The_migration_is_known_whatever_tool_keeps_it(
        string table, string columns, string? rows, string? expected)
    {
        cluster.Sql("postgres", "drop database if exists migrated; create database migrated;");
        cluster.Sql("migrated", $"create schema \"odd Schema\"; create table \"odd Schema\".{table}({columns});");
        if (rows is not null) cluster.Sql("migrated", $"insert into \"odd Schema\".{table} values {rows}");
        var asset = bench.Asset(cluster, "migrated");
        Assert.Equal(expected, (await bench.BackupAsync(asset)).Record.Migration);
        Assert.Equal(expected, (await asset.InspectAsync(None)).Migration);
    }

    [Fact]
    public async Task Clients_of_the_servers_own_major_are_found()
    {
        cluster.Sql("postgres", "create database searched");
        bench.Variables["PATH"] = PostgresCluster.Find(18) + ":/usr/bin:/bin";
        var (record, _) = await bench.BackupAsync(
            bench.Asset(cluster, "searched", s => s with { ClientFolder = null }));
        Assert.StartsWith("15.", record.Versions["client"], StringComparison.Ordinal);
        Assert.Equal(record.Versions["server"].Split(' ')[0], record.Versions["client"]);
    }

    [Fact]
    public void Files_of_a_server_that_is_reached_through_a_prefix_are_refused()
    {
        var e = Assert.Throws<RepriseException>(
            () => bench.Asset(cluster, "x", s => s with { Method = PostgresMethod.Physical, Via = ["docker", "exec", "-i", "db"] }));
        Assert.Equal(RecoveryErrors.ConnectionInvalid, e.Code);
    }

    private async Task<IReadOnlyList<CopyFacts>> LockAsync(
        PostgresServer server, string snapshot, IReadOnlyList<CopyCandidate> tables)
    {
        using var copied = await CopiedTables.OpenAsync(server, "motion", snapshot, tables, 2, 1, None);
        Assert.NotNull(copied);
        return await copied.LockAsync(tables, None);
    }

    // What the tool lists, without the numbers that the entries have and in an order of their own.
    private IReadOnlyList<string> Entries(string dump)
    {
        var listed = PostgresCluster.Run(Path.Combine(cluster.Programs, "pg_restore"), ["-l", dump]);
        Assert.True(listed.Exit == 0, listed.Output);
        return [.. listed.Output.Split('\n').Where(line => !line.StartsWith(';') && line.Length > 0)
            .Select(line => line[(line.IndexOf(';') + 1)..]).Order(StringComparer.Ordinal)];
    }

    private void Tool(string program, params string[] arguments)
    {
        var result = PostgresCluster.Run(
            Path.Combine(cluster.Programs, program), ["-h", cluster.Socket, "-U", "postgres", .. arguments]);
        Assert.True(result.Exit == 0, result.Output);
    }

    // Every transaction adds one row to each of two tables.
    private async Task<int> WriteAsync(string database, CancellationToken stop)
    {
        await using var connection = new NpgsqlConnection(
            $"Host={cluster.Socket};Port={cluster.Port};Username=postgres;Database={database};Pooling=false");
        await connection.OpenAsync(None);
        var written = 0;
        while (!stop.IsCancellationRequested)
        {
            await using var command = new NpgsqlCommand(
                $"begin; insert into debit values ({written}); insert into credit values ({written}); commit",
                connection);
            await command.ExecuteNonQueryAsync(None);
            written++;
        }

        return written;
    }
}
