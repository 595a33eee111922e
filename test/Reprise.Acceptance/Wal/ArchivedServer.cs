using System.Diagnostics;
using System.Globalization;
using Reprise.Acceptance.BadInput;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Wal;

/// <summary>
/// A PostgreSQL server whose WAL goes into a repository of its own, by the published program and as the server's user. The
/// server, the program, key and repository lie in one folder that this user can use.
/// </summary>
public sealed class ArchivedServer : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string programs;
    private readonly Dictionary<string, bool> running = [];

    private ArchivedServer(int major)
    {
        Major = major;
        programs = PostgresServer.ProgramsOf(major);
    }

    public int Major { get; }

    /// <summary>The data directory of the first server.</summary>
    public string Data => folder["d"];

    public string Repository => folder["recovery"];

    public string Configuration => folder["app/reprise.yaml"];

    public string Program => folder["program/reprise"];

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>A path beside everything else.</summary>
    public string this[string name] => folder[name];

    /// <summary>Makes the server, its repository, and starts it. <paramref name="archives"/>: with <c>wal push</c>.</summary>
    public static async Task<ArchivedServer> StartAsync(int major, bool archives = true, string settings = "", string wal = "", string objectives = "")
    {
        var server = new ArchivedServer(major);
        File.SetUnixFileMode(server.folder.Root, (UnixFileMode)0b111_101_101);
        foreach (var name in (string[])["app/uploads", "home", "program", "s"]) server.folder.Folder(name);
        foreach (var file in Directory.EnumerateFiles(PublishedProgram.Folder))
            File.Copy(file, Path.Combine(server.folder["program"], Path.GetFileName(file)));
        server.folder.File("app/reprise.yaml", $$"""
            application: ledger
            repository:
              location: ../recovery
              key: { file: ../home/ledger.key }
            assets:
              ledger:  { postgres: { connection: "host={{server.folder["s"]}} user=postgres dbname=postgres"{{wal}} } }
              uploads: { files: { include: ["uploads/**"] } }
            {{objectives}}

            """);
        if (IsRoot) await server.ToolAsync("chown", "-R", "postgres:", server.folder.Root);
        (await server.RepriseAsync("init")).MustExit(0);
        await server.PgAsync("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        await server.ConfigureAsync(server.Data, $"""
            listen_addresses = ''
            unix_socket_directories = '{server.folder["s"]}'
            fsync = off
            wal_keep_size = 3GB
            max_wal_size = 2GB
            {(archives ? $"archive_mode = on\narchive_command = '{server.Program} wal push %p --config {server.Configuration}'" : "")}
            {settings}
            """);
        await server.StartServerAsync(server.Data);
        return server;
    }

    /// <summary>Adds lines to <c>postgresql.conf</c> of a data directory.</summary>
    public async Task ConfigureAsync(string data, string settings) =>
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"\n{settings}\n");

    public async Task StartServerAsync(string data)
    {
        await AsServerAsync("sh", "-c", $"exec '{programs}/pg_ctl' -D '{data}' -l '{data}.log' -w -t 60 start >/dev/null 2>&1");
        running[data] = true;
    }

    /// <summary>Starts it and does not care whether it comes up: the log tells.</summary>
    public async Task<string> TryStartServerAsync(string data, TimeSpan within)
    {
        running[data] = true;
        using var run = RunningProgram.Start(
            new Surroundings { Within = within + TimeSpan.FromSeconds(20) },
            AsServer("sh", "-c", $"'{programs}/pg_ctl' -D '{data}' -l '{data}.log' -w -t {(int)within.TotalSeconds} start >/dev/null 2>&1; true"));
        await run.EndAsync();
        return await File.ReadAllTextAsync(data + ".log");
    }

    public async Task StopServerAsync(string data, string mode = "fast")
    {
        await PgAsync("pg_ctl", "-D", data, "-m", mode, "-w", "stop");
        running[data] = false;
    }

    /// <summary>Ends the server as a power cut would end its processes.</summary>
    public async Task KillServerAsync(string data)
    {
        var pid = (await File.ReadAllLinesAsync(Path.Combine(data, "postmaster.pid")))[0];
        var children = (await ToolAsync("pgrep", "-P", pid)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await ToolAsync(["kill", "-9", pid, .. children]);
        running[data] = false;

        // Until somebody has asked how it ended it counts as alive, and another server refuses to use its socket.
        for (var watch = Stopwatch.StartNew(); Directory.Exists($"/proc/{pid}"); await Task.Delay(50))
            if (watch.Elapsed > TimeSpan.FromSeconds(60)) throw new InvalidOperationException($"process {pid} does not go away");
    }

    public async Task<string> SqlAsync(string sql) => (await ToolAsync(Psql(sql))).Trim();

    /// <summary>Runs pgbench for so many transactions on each of two connections, after making its tables when there are none.</summary>
    public async Task BenchAsync(int transactions, int scale = 5)
    {
        string[] where = ["-h", folder["s"], "-U", "postgres", "postgres"];
        if (await SqlAsync("select to_regclass('pgbench_accounts') is null") == "t")
            await ToolAsync([Path.Combine(programs, "pgbench"), "-i", "-q", "-s", scale.ToString(CultureInfo.InvariantCulture), .. where]);
        await ToolAsync([Path.Combine(programs, "pgbench"), "-n", "-c", "2", "-t", transactions.ToString(CultureInfo.InvariantCulture), .. where]);
    }

    /// <summary>Ends the segment and waits until it is archived; returns its name.</summary>
    public async Task<string> SwitchAsync()
    {
        var name = await SqlAsync("select pg_walfile_name(pg_current_wal_insert_lsn()) from (select pg_logical_emit_message(true, 'x', 'y')) m");
        await SqlAsync("select pg_switch_wal()");
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(50))
            if (string.CompareOrdinal(await SqlAsync("select coalesce(last_archived_wal, '') from pg_stat_archiver"), name) >= 0) return name;
        throw new InvalidOperationException($"{name} was not archived:\n{await File.ReadAllTextAsync(Data + ".log")}");
    }

    /// <summary>The whole segments of the server, in order.</summary>
    public async Task<IReadOnlyList<string>> SegmentsAsync()
    {
        var current = await SqlAsync("select pg_walfile_name(pg_current_wal_insert_lsn())");
        return
        [
            .. Directory.EnumerateFiles(Path.Combine(Data, "pg_wal")).Select(f => Path.GetFileName(f))
                .Where(f => f.Length == 24 && string.CompareOrdinal(f, current) < 0).Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Waits until a question is answered with yes.</summary>
    public async Task UntilAsync(string question, int seconds = 60)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(seconds); await Task.Delay(100))
        {
            using var run = RunningProgram.Start(new Surroundings(), Psql(question));
            if ((await run.EndAsync()).Output.Trim() == "t") return;
        }

        throw new InvalidOperationException($"never: {question}\n{await File.ReadAllTextAsync(Data + ".log")}");
    }

    /// <summary>Commits one row after the other until the server is gone; returns how many it has acknowledged.</summary>
    public async Task<int> CommitUntilItEndsAsync(int worker)
    {
        // psql prints a line behind each commit that was acknowledged.
        var script = folder.File(
            string.Create(CultureInfo.InvariantCulture, $"commits{worker}.sql"),
            string.Concat(Enumerable.Range(1, 20_000).Select(n => string.Create(
                CultureInfo.InvariantCulture, $"insert into kept values ({worker}, {n});\n\\echo {n}\n"))));
        using var run = RunningProgram.Start(
            new Surroundings { Within = TimeSpan.FromSeconds(180) }, [.. Psql(null), "-f", script]);
        var lines = (await run.EndAsync()).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? 0 : int.Parse(lines[^1], CultureInfo.InvariantCulture);
    }

    /// <summary>Commits the time, again and again, until the server is gone.</summary>
    public async Task TickUntilItEndsAsync()
    {
        var script = folder.File("ticks.sql", string.Concat(Enumerable.Repeat("insert into ticks values (clock_timestamp());\nselect pg_sleep(0.002);\n", 30_000)));
        using var run = RunningProgram.Start(new Surroundings { Within = TimeSpan.FromSeconds(180) }, [.. Psql(null), "-o", "/dev/null", "-f", script]);
        await run.EndAsync();
    }

    /// <summary>Lets a copy recover from the repository.</summary>
    public async Task PrepareRecoveryAsync(string data)
    {
        await ConfigureAsync(data, $"archive_mode = off\nrestore_command = '{Program} wal get %f %p --config {Configuration}'");
        await AsServerAsync("touch", Path.Combine(data, "recovery.signal"));
    }

    /// <summary>The files of the ranges in the repository.</summary>
    public List<string> Ranges() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository, "wal"), "*-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
    ];

    /// <summary>Runs the program as the server's user, in a data directory.</summary>
    public async Task<ProgramRun> RepriseAsync(params string[] arguments)
    {
        using var run = StartReprise(arguments);
        return await run.EndAsync();
    }

    /// <summary>Starts the program as the server's user.</summary>
    public RunningProgram StartReprise(params string[] arguments) => RunningProgram.Start(
        new Surroundings
        {
            Folder = Directory.Exists(Data) ? Data : folder["app"],
            Home = folder["home"],
            Variables = new Dictionary<string, string> { ["REPRISE_STATE"] = folder["state"], ["REPRISE_CONFIG"] = Configuration },
            Within = TimeSpan.FromSeconds(120),
        },
        DirectlyAsServer([Program, .. arguments]));

    public async Task<string> ToolAsync(params string[] command)
    {
        using var run = RunningProgram.Start(new Surroundings { Within = TimeSpan.FromSeconds(120) }, command);
        return (await run.EndAsync()).MustExit(0).Output;
    }

    public Task<string> PgAsync(string program, params string[] arguments) => AsServerAsync([Path.Combine(programs, program), .. arguments]);

    public Task<string> AsServerAsync(params string[] command) => ToolAsync(AsServer(command));

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var data in running.Where(r => r.Value).Select(r => r.Key))
        {
            using var run = RunningProgram.Start(
                new Surroundings(), AsServer(Path.Combine(programs, "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"));
            await run.EndAsync();
        }

        folder.Dispose();
    }

    private string[] Psql(string? sql) =>
    [
        Path.Combine(programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", folder["s"], "-U", "postgres", "-d", "postgres",
        .. sql is null ? (string[])[] : ["-c", sql],
    ];

    private static string[] AsServer(params string[] command) => IsRoot ? ["runuser", "-u", "postgres", "--", .. command] : command;

    // So that a signal reaches the program itself: setpriv becomes it.
    private static string[] DirectlyAsServer(string[] command) =>
        IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command] : command;
}
