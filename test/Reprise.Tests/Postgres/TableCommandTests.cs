using System.Diagnostics;
using System.Text.Json;
using Reprise.Tests.Cli;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Json;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Postgres;

/// <summary><c>restore --table</c> as it is typed, with the documents that it prints, and killed at its worst moments.</summary>
[Collection(PostgresTests.Name)]
public sealed class TableCommandTests(PostgresRoom room) : IDisposable
{
    private readonly string place = Directory.CreateTempSubdirectory("rtc").FullName;
    private readonly CommandBench bench = new();

    public void Dispose() => Directory.Delete(place, recursive: true);

    [Fact]
    public async Task A_table_is_planned_refused_confirmed_and_written()
    {
        room.Cluster.Sql("postgres", "drop database if exists typed with (force)");
        room.Cluster.Sql("postgres", "create database typed");
        room.Cluster.Sql("typed", "create table public.orders(id int primary key); insert into orders select generate_series(1, 30)");
        Begin(room.Cluster, "typed", "");
        await RunAsync(0, "init");
        await RunAsync(0, "backup");
        var before = room.Cluster.Dump("typed");
        var plan = await RunAsync(0, "restore", "--table", "public.orders", "--plan");
        Assert.Equal("planned", plan.GetProperty("verdict").GetString());
        Assert.Equal(30, plan.GetProperty("tables")[0].GetProperty("rows").GetInt32());
        Assert.Equal(3, plan.GetProperty("sentences").GetArrayLength());
        await RunAsync(3, "restore", "--table", "public.orders");
        await RunAsync(2, "restore", "--table", "public.ordres", "--yes");
        await RunAsync(2, "restore", "--table", "public.orders", "--salvage");
        await RunAsync(2, "restore", "--database", "typed");
        await RunAsync(2, "restore", "--table", "public.orders", "--time", "2h ago");
        Assert.Equal(before, room.Cluster.Dump("typed"));
        bench.Typed = "ship\n";
        bench.Operations = Composition.Operations(bench.Host);
        Assert.Equal(3, await bench.RunAsync("restore", "--table", "public.orders"));
        Assert.Equal(before, room.Cluster.Dump("typed"));
        bench.Typed = "shop\n";
        Assert.Equal(0, await bench.RunAsync("restore", "--table", "public.orders"));
        Assert.Contains("drop table public.orders_restored_", bench.Out + bench.Error, StringComparison.Ordinal);
        bench.Typed = null;
        var made = await RunAsync(0, "restore", "--table", "public.orders", "--yes");
        Assert.Equal("beside", made.GetProperty("verdict").GetString());
        var name = made.GetProperty("tables")[0].GetProperty("target").GetString();
        Assert.Equal("30", room.Cluster.Sql("typed", $"select count(*) from {name}"));
        var folder = Path.Combine(place, "out");
        var written = await RunAsync(0, "restore", "--table", "orders", "--to", folder);
        Assert.Equal(Path.Combine(folder, "public.orders.sql"), written.GetProperty("written")[0].GetString());
        await RunAsync(3, "restore", "--table", "orders", "--to", folder);
        Assert.Equal(0, await bench.RunAsync("restore", "--table", "public.orders", "--yes"));
        Assert.Contains("beside the live ones", bench.Out, StringComparison.Ordinal);
        using var other = PostgresCluster.Start(17); // Those of one version are clones of one.
        other.Sql("postgres", "create database typed");
        Write(other, "typed", "");
        var refused = await RunAsync(3, "restore", "--table", "public.orders", "--yes");
        Assert.Equal("target-identity", Code());
        Assert.Equal("", other.Sql("typed", "select relname from pg_class where relname like 'orders%'"));
        Assert.Equal(JsonValueKind.Null, refused.ValueKind);
    }

    [Theory]
    [InlineData("copy of the server")]
    [InlineData("rows")]
    public async Task Killed_it_leaves_no_half_table_and_the_next_command_leaves_neither_server_nor_folder(string moment)
    {
        using var server = WalGround.Start(15, 16, "");
        server.Sql("postgres", "create table public.orders(id int, t text); insert into orders select i, repeat('x', 400) from generate_series(1, 100000) i");
        PostgresCluster.Run("chmod", ["755", place]);
        Begin(server, "postgres", $", method: physical, data: {server.Data}");
        await SpawnAsync(0, "init");
        await SpawnAsync(0, "backup");
        var before = server.Dump("postgres");

        // What holds a lock on the new table's schema makes the load wait where it is to be killed.
        using var locked = moment == "rows" ? new Holder(server, "begin; create table public.block(i int); lock pg_catalog.pg_class in exclusive mode; select pg_sleep(600)") : null;
        using var killed = Start("restore", "--table", "public.orders", "--yes", "--json");
        var scratch = await LeftAsync(killed, moment == "rows" ? () => server.Sql("postgres", "select count(*) from pg_stat_activity where application_name = 'reprise' and wait_event_type = 'Lock'") != "0" : null);
        killed.Kill();
        killed.WaitForExit();
        locked?.Dispose();
        Assert.NotEqual("", PostgresCluster.Run("pgrep", ["-f", scratch]).Output);
        var said = await SpawnAsync(0, "restore", "--continue", "--yes");
        Assert.Equal("unchanged", said.GetProperty("verdict").GetString());
        Assert.False(Directory.Exists(scratch));
        Assert.Equal("", PostgresCluster.Run("pgrep", ["-f", scratch]).Output);
        for (var i = 0; i < 100 && server.Sql("postgres", "select count(*) from pg_stat_activity where application_name = 'reprise'") != "0"; i++) await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(before, server.Dump("postgres"));
        var made = await SpawnAsync(0, "restore", "--table", "public.orders", "--yes");
        Assert.Equal(100000, made.GetProperty("tables")[0].GetProperty("rows").GetInt32());
    }

    private void Begin(PostgresCluster server, string database, string more)
    {
        bench.Operations = Composition.Operations(bench.Host);
        bench.WorkingFolder = place;
        bench.Environment["HOME"] = place;
        bench.Environment["TMPDIR"] = place;
        bench.Environment["PATH"] = $"{server.Programs}:/usr/bin:/bin";
        Write(server, database, more);
    }

    private void Write(PostgresCluster server, string database, string more) => File.WriteAllText(
        Path.Combine(place, "reprise.yaml"),
        $$"""
        application: shop
        repository: { location: ./recovery, key: { file: ./keys/shop.key } }
        assets:
          orders: { postgres: { connection: "{{server.Connection(database)}}"{{more}} } }
        """);

    private string? Code() => bench.Document().GetProperty("problems")[0].GetProperty("code").GetString();

    private async Task<JsonElement> RunAsync(int exit, params string[] arguments)
    {
        var ended = await bench.RunAsync([.. arguments, "--json"]);
        Assert.True(ended == exit, $"{string.Join(' ', arguments)}: {ended}\n{bench.Out}\n{bench.Error}");
        return bench.Document().GetProperty("result");
    }

    // A server is waited for by the clock of the machine.
    private async Task<JsonElement> SpawnAsync(int exit, params string[] arguments)
    {
        using var process = Start([.. arguments, "--json"]);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == exit, $"{string.Join(' ', arguments)}: {process.ExitCode}\n{output}\n{await errors}");
        var document = JsonDocument.Parse(output).RootElement;
        Assert.Empty(SchemaValidator.Faults(document, SchemaValidator.SchemaOf(document)));
        return document.GetProperty("result");
    }

    private Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "reprise.dll"), .. arguments])
        {
            WorkingDirectory = place, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in bench.Environment) start.Environment[name] = name == "PATH" ? $"{value}:{Environment.GetEnvironmentVariable("PATH")}" : value;
        return Process.Start(start)!;
    }

    // The copy of the server answers, and the load waits if it is to.
    private async Task<string> LeftAsync(Process running, Func<bool>? also)
    {
        for (var i = 0; i < 1200 && !running.HasExited; i++)
        {
            var scratch = Directory.GetDirectories(place, "reprise-table-*").SingleOrDefault();
            if (scratch is not null && Directory.GetDirectories(scratch, "reprise-*").Any(d => File.Exists(Path.Combine(d, ".s.PGSQL.5432"))) && also?.Invoke() != false) return scratch;
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Fail("it never came there: " + (running.HasExited ? running.StandardOutput.ReadToEnd() + running.StandardError.ReadToEnd() : ""));
        return "";
    }

    /// <summary>A session that holds something until it is ended.</summary>
    private sealed class Holder : IDisposable
    {
        private readonly PostgresCluster server;
        private readonly Task run;

        public Holder(PostgresCluster server, string sql)
        {
            this.server = server;
            run = Task.Run(() => PostgresCluster.Run(Path.Combine(server.Programs, "psql"), ["-h", server.Socket, "-U", "postgres", "-d", "dbname=postgres application_name=holder", "-c", sql]));
        }

        public void Dispose()
        {
            server.Sql("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'");
            run.Wait();
        }
    }
}
