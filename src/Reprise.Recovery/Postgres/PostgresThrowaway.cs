using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A server of ours for a while: made empty in a folder, reached by a socket in it only, and thrown away afterwards. It
/// syncs its files like any other, so that what takes time there takes the same time elsewhere.
/// </summary>
public sealed class PostgresThrowaway : IAsyncDisposable
{
    /// <summary>Its superuser, who is nobody's role.</summary>
    public const string Superuser = "reprise_drill";

    /// <summary>A database in which nothing is.</summary>
    public const string EmptyDatabase = "reprise_empty";

    /// <summary>Its port when it is the only one.</summary>
    public const int FirstPort = 5432;

    // At low priority beside a machine that is busy otherwise, initdb was seen to need more than a minute.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly PostgresHost host;
    private readonly DiskPath folder;
    private readonly ClientSet set;
    private readonly Func<ChildCommand, ChildCommand> enter;
    private readonly CancellationTokenSource ending = new();
    private Task<ChildResult> server = Task.FromResult(new ChildResult(0, "", "", TimeSpan.Zero));

    private PostgresThrowaway(
        PostgresHost host, DiskPath folder, ClientSet set, Func<ChildCommand, ChildCommand> enter, int? tcpPort)
    {
        TcpPort = tcpPort;
        this.host = host;
        this.folder = folder;
        this.set = set;
        this.enter = enter;
    }

    /// <summary>Whether it was made of the files of a point.</summary>
    public bool IsRestored { get; private init; }

    /// <summary>Whether <c>pg_verifybackup</c> accepted these files before the first start.</summary>
    public bool IsVerified { get; private init; }

    /// <summary>What was seen of the moment to which it was taken on; null: it is as the point has it.</summary>
    public MomentSeen? Moment { get; private init; }

    /// <summary>The release, as <c>15.13</c>.</summary>
    public string Version => set.Version;

    /// <summary>Its major version.</summary>
    public int Major => set.Major;

    /// <summary>The folder of its socket.</summary>
    public string Socket => folder.ToString();

    /// <summary>Where it listens on 127.0.0.1 of the network in which it runs, or null: it does not.</summary>
    public int? TcpPort { get; }

    /// <summary>Its port, which is in the name of its socket too.</summary>
    public int Port => TcpPort ?? FirstPort;

    /// <summary>The folder of the programs that suit it.</summary>
    public string ProgramFolder => set.Folder ?? "";

    /// <summary>How to connect to a database of it as superuser.</summary>
    public string Connection(string database) => Connection(database, Superuser);

    private string Connection(string database, string user) =>
        ConnectionKeywords.Socket(Socket, Port, user, database);

    /// <summary>Makes and starts one of <paramref name="major"/>, or of the next newer one that is installed here.</summary>
    /// <param name="host">this machine.</param>
    /// <param name="major">of the server that the data is from.</param>
    /// <param name="folder">exists, is empty and belongs to whom the server runs as.</param>
    /// <param name="enter">puts a program to where the server runs, as whom it runs.</param>
    /// <param name="tcpPort">where it listens on 127.0.0.1 too, for a network that is nobody else's; else null.</param>
    /// <param name="cancellationToken">ends the making.</param>
    public static async Task<PostgresThrowaway> StartAsync(
        PostgresHost host,
        int major,
        DiskPath folder,
        Func<ChildCommand, ChildCommand> enter,
        int? tcpPort,
        CancellationToken cancellationToken)
    {
        var made = new PostgresThrowaway(host, folder, await FindAsync(host, major, cancellationToken), enter, tcpPort);
        await made.InitAsync(cancellationToken);
        return await made.ServeAsync(Superuser, cancellationToken);
    }

    /// <summary>Makes one of the files of a point and starts it: recovery ends where the backup ended.</summary>
    /// <param name="host">this machine.</param>
    /// <param name="record">of a physical capture.</param>
    /// <param name="point">which holds it.</param>
    /// <param name="progress">hears how far it is.</param>
    /// <param name="moment">a moment behind that of the point, or null.</param>
    /// <param name="place">as of <see cref="StartAsync"/>: folder, how to enter, and where to listen.</param>
    /// <param name="cancellationToken">ends the making.</param>
    public static async Task<PostgresThrowaway> StartRestoredAsync(
        PostgresHost host,
        AssetRecord record,
        PointReader point,
        IProgressSink progress,
        RehearsedMoment? moment,
        (DiskPath Folder, Func<ChildCommand, ChildCommand> Enter, int? TcpPort) place,
        CancellationToken cancellationToken)
    {
        var (cluster, major) = (ClusterFacts.Of(record), PhysicalRestore.Major(record));
        var programs = (await ServersAsync(host, cancellationToken)).FirstOrDefault(s => s.Major == major) ?? throw new RepriseException(
            RecoveryErrors.ClientMissing,
            $"the files are of PostgreSQL {major}, and no server of that version is installed on this machine",
            $"install postgresql-{major} (the server, not only its clients), or drill on a machine that has it");
        var settings = new PostgresSettings { ConnectionText = "", ClientFolder = programs.Folder };
        var files = new PhysicalRestore(host, settings, record, point, progress)
        {
            IsSandbox = true, Beyond = moment is null ? null : (moment.Moment, moment.Archive),
        };
        await files.RunAsync(place.Folder, cancellationToken);
        var seen = moment is null
            ? null
            : await new MomentRehearsal(host, programs, record, moment, progress).RunAsync(place.Folder, place.Enter, files, cancellationToken);
        var made = new PostgresThrowaway(host, place.Folder, programs, place.Enter, place.TcpPort)
        {
            IsRestored = true, IsVerified = files.IsVerified, Moment = seen,
        };
        return await made.ServeAsync(cluster.Superuser, cancellationToken);
    }

    /// <summary>How it is started anew when it was stopped, in the background; as whom it runs is not in it.</summary>
    public IReadOnlyList<string> StartCommand =>
    [
        PathOf("pg_ctl"), "-D", Data, "-w", "-s", "-l", (folder / "server.log").ToString(),
        "-o", string.Join(' ', Options.Select(o => "'" + o.Replace("'", "'\\''", StringComparison.Ordinal) + "'")), "start",
    ];

    /// <summary>How it is stopped like any other server; as whom it runs is not in it.</summary>
    public IReadOnlyList<string> StopCommand => [PathOf("pg_ctl"), "-D", Data, "-w", "-s", "-m", "fast", "stop"];

    /// <summary>Stops it and deletes everything that it holds.</summary>
    public async Task LoseAsync(CancellationToken cancellationToken)
    {
        await RunAsync("pg_ctl", [.. StopCommand.Skip(1)], cancellationToken);
        Folders.DeleteTree(host.Disk, new DiskPath(Data));
    }

    /// <summary>Makes it anew, with nothing in it, and starts it, unless there is one.</summary>
    public async Task RemakeAsync(CancellationToken cancellationToken)
    {
        if (host.Disk.Stat(new DiskPath(Data)) is not null) return;
        await InitAsync(cancellationToken);
        await RunAsync("pg_ctl", [.. StartCommand.Skip(1)], cancellationToken);
    }

    /// <summary>Runs SQL in a database of it as superuser.</summary>
    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        var settings = new PostgresSettings { ConnectionText = Connection(database) };
        await using var session = await new PostgresServer(settings, host).OpenAsync(database, SessionUse.Ours, cancellationToken);
        await session.ExecuteAsync(sql, cancellationToken);
    }

    /// <summary>Stops it at once; what it holds is thrown away.</summary>
    public async ValueTask DisposeAsync()
    {
        // It may have been stopped and started again meanwhile, by somebody who is no child of ours.
        if (!server.IsCompleted || host.Disk.Stat(new DiskPath(Data) / "postmaster.pid") is not null)
        {
            try
            {
                // Killed it would leave shared memory behind.
                await RunAsync("pg_ctl", ["-D", Data, "-m", "immediate", "-w", "-s", "stop"], CancellationToken.None);
                await server.WaitAsync(StopLimit, host.Clock);
            }
            catch (Exception e) when (e is RepriseException or TimeoutException)
            {
                // It is killed below.
            }
        }

        ending.Cancel();
        try
        {
            await server;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }

        ending.Dispose();
    }

    private string Data => (folder / "data").ToString();

    private string[] Options =>
    [
        "-p", $"{Port}", "-c", $"listen_addresses={(TcpPort is null ? "" : "127.0.0.1")}",
        "-c", $"unix_socket_directories={folder}",
        "-c", "unix_socket_permissions=0777", "-c", "dynamic_shared_memory_type=mmap", "-c", "restart_after_crash=off",
    ];

    private string PathOf(string program) => set.PathOf(program);

    private Task InitAsync(CancellationToken cancellationToken) => RunAsync(
        "initdb",
        ["-D", Data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
        cancellationToken);

    private async Task<PostgresThrowaway> ServeAsync(string user, CancellationToken cancellationToken)
    {
        server = host.Children.RunAsync(
            enter(new ChildCommand([PathOf("postgres"), "-D", Data, .. Options]) { Folder = "/", Environment = ConnectionKeywords.NoVariables }), ending.Token);
        try
        {
            await AwaitAsync(user, cancellationToken);
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private static async Task<ClientSet> FindAsync(PostgresHost host, int major, CancellationToken cancellationToken)
    {
        var servers = await ServersAsync(host, cancellationToken);
        return servers.FirstOrDefault(s => s.Major >= major) ?? throw new RepriseException(
            RecoveryErrors.ClientMissing,
            $"no server of PostgreSQL {major} or newer is installed on this machine",
            $"install postgresql-{major} (the server, not only its clients), or drill on a machine that has it");
    }

    private static async Task<IReadOnlyList<ClientSet>> ServersAsync(PostgresHost host, CancellationToken cancellationToken)
    {
        var clients = new Clients(host.Disk, host.Children, host.Variable, null);
        return
        [
            .. (await clients.AllAsync(cancellationToken))
                .Where(s => s.Folder is { } bin && Has(host, bin, "initdb") && Has(host, bin, "postgres")),
        ];
    }

    private static bool Has(PostgresHost host, string folder, string program) =>
        host.Disk.Stat(new DiskPath(Path.Combine(folder, program))) is not null;

    private async Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        var command = new ChildCommand([PathOf(program), .. arguments])
        {
            Folder = "/",
            Within = StartLimit,
            Environment = ConnectionKeywords.NoVariables,
        };
        var result = await host.Children.RunAsync(enter(command), cancellationToken);
        if (result.Exit == 0) return;
        throw new RepriseException(
            RecoveryErrors.ChildFailed,
            $"{program} ended with exit {result.Exit}: {result.LastError}",
            "correct what it says, then run the command again");
    }

    private async Task AwaitAsync(string user, CancellationToken cancellationToken)
    {
        const string database = "template1";
        var began = host.Clock.GetTimestamp();
        var settings = new PostgresSettings { ConnectionText = Connection(database, user) };
        while (true)
        {
            try
            {
                await using var session = await new PostgresServer(settings, host).OpenAsync(
                    database, SessionUse.Ours, cancellationToken);
                if (user != Superuser) await session.ExecuteAsync($"create role {Superuser} superuser login", cancellationToken);
                await session.ExecuteAsync($"create database {Sql.Name(EmptyDatabase)} template template0", cancellationToken);
                return;
            }
            catch (RepriseException e) when (e.Code == RecoveryErrors.DatabaseUnavailable)
            {
                if (server.IsCompleted || host.Clock.GetElapsedTime(began) >= StartLimit) throw await DeadAsync(e);
            }

            await Task.Delay(Glance, host.Clock, cancellationToken);
        }
    }

    private async Task<RepriseException> DeadAsync(RepriseException last)
    {
        var why = server.IsCompleted ? (await server).LastError : $"it did not answer within {StartLimit.TotalMinutes:0} min";
        return new RepriseException(
            RecoveryErrors.ChildFailed,
            $"PostgreSQL {Version} did not start in the sandbox: {why}",
            "correct what it says, then run the command again",
            last);
    }
}
