using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reprise.Tests.Fixtures;

/// <summary>
/// A PostgreSQL server of a test's own: cloned from a cluster that is made once for each major and run, with a private
/// socket folder, and stopped at the end by its own pid. Superuser <c>postgres</c>, no password over the socket.
/// A major that is not installed skips the test; 15 may not be missing where CI=true.
/// </summary>
public sealed class PostgresCluster : IDisposable
{
    private static readonly Lock Templates = new();
    private static readonly Dictionary<int, string> TemplateOf = [];

    private readonly string folder;
    private bool running;

    private PostgresCluster(int major, string programs, string folder, int port, bool tcp)
    {
        Major = major;
        Programs = programs;
        Port = port;
        IsTcp = tcp;
        this.folder = folder;
    }

    public int Major { get; }

    /// <summary>Folder of its programs.</summary>
    public string Programs { get; }

    public int Port { get; }

    /// <summary>Whether it listens on 127.0.0.1 too.</summary>
    public bool IsTcp { get; }

    /// <summary>Folder of its socket.</summary>
    public string Socket => Path.Combine(folder, "s");

    public string Data => Path.Combine(folder, "d");

    public string LogFile => Path.Combine(folder, "log");

    /// <summary>A prefix as an operator would write it for a container: only inside it the socket is known.</summary>
    public IReadOnlyList<string> Via =>
    [
        .. IsRoot ? (string[])["runuser", "-u", "postgres", "--"] : [],
        "env", $"PGHOST={Socket}", $"PGPORT={Port.ToString(CultureInfo.InvariantCulture)}", $"PATH={Programs}:/usr/bin:/bin",
    ];

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>The folder of a major's programs, or null.</summary>
    public static string? Find(int major)
    {
        string[] roots = ["/usr/lib/postgresql", Environment.GetEnvironmentVariable("REPRISE_PG_ROOT") ?? "/nonexistent"];
        return roots.Select(root => Path.Combine(root, major.ToString(CultureInfo.InvariantCulture), "bin"))
            .FirstOrDefault(bin => File.Exists(Path.Combine(bin, "postgres")));
    }

    /// <summary>Starts a server; <paramref name="settings"/> are lines of <c>name = value</c>.</summary>
    public static PostgresCluster Start(int major, bool tcp = false, string settings = "")
    {
        var programs = Find(major);
        if (programs is null)
        {
            Assert.False(major == 15 && Environment.GetEnvironmentVariable("CI") == "true", "CI needs PostgreSQL 15");
            Assert.Skip($"PostgreSQL {major} is not installed");
        }

        var home = Directory.CreateTempSubdirectory("rpg").FullName;
        var cluster = new PostgresCluster(major, programs!, home, tcp ? FreePort() : 5432, tcp);
        Directory.CreateDirectory(cluster.Socket);
        Run("cp", ["-r", Template(major, programs!), cluster.Data]);
        File.AppendAllText(Path.Combine(cluster.Data, "postgresql.conf"), string.Create(CultureInfo.InvariantCulture, $"""

            listen_addresses = '{(tcp ? "127.0.0.1" : "")}'
            port = {cluster.Port}
            unix_socket_directories = '{cluster.Socket}'
            fsync = off
            full_page_writes = off
            restart_after_crash = off
            max_connections = 40
            shared_buffers = 64MB
            log_line_prefix = '%m [%p] %d '
            {settings}

            """));
        Own(home);
        cluster.StartServer();
        return cluster;
    }

    /// <summary>Starts it again after <see cref="Stop"/>.</summary>
    public void StartServer()
    {
        var result = AsServer(Path.Combine(Programs, "pg_ctl"), ["-D", Data, "-l", LogFile, "-w", "-t", "60", "start"]);
        running = result.Exit == 0;
        Assert.True(running, $"PostgreSQL {Major} did not start: {result.Output}{Log()}");
    }

    public void Stop()
    {
        if (running) AsServer(Path.Combine(Programs, "pg_ctl"), ["-D", Data, "-m", "immediate", "-w", "stop"]);
        running = false;
    }

    /// <summary>A connection text for the socket.</summary>
    public string Connection(string database, string user = "postgres") =>
        $"host={Socket} port={Port.ToString(CultureInfo.InvariantCulture)} user={user} dbname='{database.Replace("'", "\\'", StringComparison.Ordinal)}'";

    /// <summary>Runs SQL with psql and returns what it prints, unaligned and without headings.</summary>
    public string Sql(string database, string sql)
    {
        var result = Run(
            Path.Combine(Programs, "psql"),
            ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", Socket, "-p", Port.ToString(CultureInfo.InvariantCulture),
                "-U", "postgres", "-d", $"dbname='{database.Replace("'", "\\'", StringComparison.Ordinal)}'", "-f", "-"],
            sql);
        Assert.True(result.Exit == 0, $"psql: {result.Output}{Log()}");
        return result.Output.TrimEnd('\n');
    }

    /// <summary>The whole database as SQL, with its own properties, comparable between two moments.</summary>
    public string Dump(string database, string program = "pg_dump")
    {
        var result = Run(
            Path.Combine(Programs, program),
            ["-C", "--restrict-key=x", "-h", Socket, "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d",
                $"dbname='{database.Replace("'", "\\'", StringComparison.Ordinal)}'"]);
        Assert.True(result.Exit == 0, $"pg_dump: {result.Output}{Log()}");
        return result.Output;
    }

    /// <summary>Names of all databases but templates, in order, separated by commas.</summary>
    public string Databases() =>
        Sql("postgres", "select string_agg(datname, ',' order by datname) from pg_database where not datistemplate");

    /// <summary>The end of the server's log, for messages of failed tests.</summary>
    public string Log() => File.Exists(LogFile)
        ? "\n--- log of PostgreSQL ---\n" + string.Join('\n', File.ReadLines(LogFile).TakeLast(40))
        : "";

    public void Dispose()
    {
        Stop();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Runs a program to its end.</summary>
    public static (int Exit, string Output) Run(string program, IReadOnlyList<string> arguments, string? input = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment["PGCLIENTENCODING"] = "UTF8";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }

    private static string Template(int major, string programs)
    {
        lock (Templates)
        {
            if (TemplateOf.TryGetValue(major, out var made)) return made;
            var template = Directory.CreateTempSubdirectory("rpg").FullName;
            AppDomain.CurrentDomain.ProcessExit += (_, _) =>
            {
                if (Directory.Exists(template)) Directory.Delete(template, recursive: true);
            };
            Own(template);
            var data = Path.Combine(template, "d");
            var result = AsServer(
                Path.Combine(programs, "initdb"),
                ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
            Assert.True(result.Exit == 0, $"initdb of {major}: {result.Output}");
            return TemplateOf[major] = data;
        }
    }

    private static (int Exit, string Output) AsServer(string program, string[] arguments) =>
        IsRoot ? Run("runuser", ["-u", "postgres", "--", program, .. arguments]) : Run(program, arguments);

    private static void Own(string folder)
    {
        if (IsRoot) Run("chown", ["-R", "postgres:postgres", folder]);
        Run("chmod", ["755", folder]);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
