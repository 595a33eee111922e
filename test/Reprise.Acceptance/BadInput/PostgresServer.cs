using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>
/// A PostgreSQL server of a test's own, with a role <c>shop</c> that has to show its password. It runs as the user
/// postgres when the tests run as root, which PostgreSQL refuses.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>What the role has to show.</summary>
    public const string Password = "s3cret-Of-The-Shop";

    private readonly TemporaryFolder folder = new();
    private int databases;

    private PostgresServer(int major) => Programs = ProgramsOf(major);

    /// <summary>The folder of the programs of its version.</summary>
    public string Programs { get; }

    /// <summary>Where it listens on 127.0.0.1.</summary>
    public int Port { get; } = FreePort();

    private static bool IsRoot => Environment.UserName == "root";

    private string Socket => folder["s"];

    /// <summary>The folder of the programs of a version; not installed is a failure, never a skip.</summary>
    public static string ProgramsOf(int major)
    {
        string?[] roots = ["/usr/lib/postgresql", Environment.GetEnvironmentVariable("REPRISE_PG_ROOT")];
        var version = major.ToString(CultureInfo.InvariantCulture);
        return roots.OfType<string>().Select(root => Path.Combine(root, version, "bin"))
            .FirstOrDefault(bin => File.Exists(Path.Combine(bin, "postgres")))
            ?? throw new InvalidOperationException($"PostgreSQL {version} is not installed, see REPRISE_PG_ROOT");
    }

    /// <summary>Makes and starts one; <paramref name="data"/> is an empty folder for its data, or null.</summary>
    public static async Task<PostgresServer> StartAsync(int major, string? data = null)
    {
        var server = new PostgresServer(major);
        File.SetUnixFileMode(server.folder.Root, (UnixFileMode)0b111_101_101);
        server.folder.Folder("s");
        server.Data = data ?? server.folder.Folder("d");
        if (IsRoot) await ToolAsync(["chown", "-R", "postgres:", server.folder.Root, server.Data]);
        // The log of changes lies elsewhere, so that a full disk of data ends a statement and not the server.
        await server.AsServerAsync(
            "initdb", "-D", server.Data, "-X", server.folder["wal"], "-U", "postgres", "--auth-local=trust",
            "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        await File.AppendAllTextAsync(Path.Combine(server.Data, "postgresql.conf"), string.Create(
            CultureInfo.InvariantCulture,
            $"""

            listen_addresses = '127.0.0.1'
            port = {server.Port}
            unix_socket_directories = '{server.Socket}'
            fsync = off

            """));
        await server.AsServerAsync("pg_ctl", "-D", server.Data, "-l", server.folder["log"], "-w", "start");
        await server.SqlAsync("postgres", $"create role shop login createdb password '{Password}'");
        return server;
    }

    /// <summary>Makes a database of the shop with <paramref name="rows"/> orders and returns its name.</summary>
    public async Task<string> MakeDatabaseAsync(int rows, string? name = null)
    {
        name ??= string.Create(CultureInfo.InvariantCulture, $"shop{Interlocked.Increment(ref databases)}");
        await SqlAsync("postgres", $"create database {name} owner shop");
        await SqlAsync(name, "set role shop; create table orders(id int primary key, what text)");
        await AddOrdersAsync(name, rows);
        return name;
    }

    /// <summary>Adds orders that nobody has seen before.</summary>
    public Task<string> AddOrdersAsync(string database, int rows) => SqlAsync(
        database,
        "insert into orders select coalesce(max, 0) + i, encode(sha256(random()::text::bytea), 'hex')"
            + $" from (select max(id) from orders) m, generate_series(1, {rows}) i");

    /// <summary>The address of a database as the application has it.</summary>
    public string Url(string database, string password = Password) =>
        string.Create(CultureInfo.InvariantCulture, $"postgresql://shop:{password}@127.0.0.1:{Port}/{database}");

    /// <summary>Runs SQL as the superuser.</summary>
    public async Task<string> SqlAsync(string database, string sql) => (await ToolAsync(Psql(database, sql))).Trim();

    /// <summary>Starts a session of the shop that stays for a minute.</summary>
    public RunningProgram StartSession(string database) =>
        RunningProgram.Start(
            new Surroundings(),
            [Path.Combine(Programs, "psql"), "-X", "-d", Url(database), "-c", "select pg_sleep(60)"]);

    /// <summary>How many orders there are, and their hash.</summary>
    public Task<string> OrdersAsync(string database) =>
        SqlAsync(database, "select count(*), md5(string_agg(id || what, ',' order by id)) from orders");

    /// <summary>The names of all databases of the server.</summary>
    public Task<string> DatabasesAsync() =>
        SqlAsync("postgres", "select string_agg(datname, ' ' order by datname) from pg_database");

    /// <summary>The databases of the server and the shop's orders: what must not change.</summary>
    public async Task<string> StateAsync(string database) =>
        await DatabasesAsync() + '\n' + await OrdersAsync(database);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await AsServerAsync("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        folder.Dispose();
    }

    private string Data { get; set; } = "";

    private string[] Psql(string database, string sql) =>
    [
        Path.Combine(Programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", Socket,
        "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", database, "-c", sql,
    ];

    private Task<string> AsServerAsync(string program, params string[] arguments)
    {
        string[] user = IsRoot ? ["runuser", "-u", "postgres", "--"] : [];
        return ToolAsync([.. user, Path.Combine(Programs, program), .. arguments]);
    }

    // The server would hold our pipe for as long as it runs.
    private static async Task<string> ToolAsync(string[] command)
    {
        string[] silent = ["sh", "-c", "\"$@\" >/dev/null 2>&1", "sh", .. command];
        using var running = RunningProgram.Start(new Surroundings(), command.Contains("start") ? silent : command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A server of the oldest and one of the newest version that is tested, for all tests of a class.</summary>
public sealed class PostgresServers : IAsyncLifetime
{
    private PostgresServer? old;
    private PostgresServer? recent;

    /// <summary>PostgreSQL 15.</summary>
    public PostgresServer Old => old ?? throw new InvalidOperationException("not started");

    /// <summary>PostgreSQL 18.</summary>
    public PostgresServer Recent => recent ?? throw new InvalidOperationException("not started");

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        old = await PostgresServer.StartAsync(15);
        recent = await PostgresServer.StartAsync(18);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (old is not null) await old.DisposeAsync();
        if (recent is not null) await recent.DisposeAsync();
    }
}
