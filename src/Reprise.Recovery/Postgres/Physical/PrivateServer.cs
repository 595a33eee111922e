using System.Globalization;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Where a server replays.</summary>
/// <param name="Room">a folder for the one in which its socket lies, short enough for it.</param>
/// <param name="Enter">puts a program there, as whom it runs.</param>
internal sealed record ReplayPlace(DiskPath Room, Func<ChildCommand, ChildCommand> Enter);

/// <summary>What a server said before it ended.</summary>
/// <param name="Log">the end of its log.</param>
/// <param name="Why">the line that says why.</param>
internal sealed record LastWords(string Log, string Why);

/// <summary>
/// A server on a restored data directory that nobody but us can reach: its socket lies in a folder of its own, and who may
/// enter is said in a file there. It ends with us.
/// </summary>
internal sealed class PrivateServer : IAsyncDisposable
{
    private const int PrivateFolder = 0x1C0;
    private const int PrivateFile = 0x180;
    private const int Port = 5432;
    private static readonly TimeSpan ProgramLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopLimit = TimeSpan.FromHours(24);

    private readonly PostgresHost host;
    private readonly ClientSet programs;
    private readonly DiskPath data;
    private readonly FileStatus owner;
    private readonly DiskPath room;
    private readonly PostgresServer server;
    private readonly Func<ChildCommand, ChildCommand>? enter;
    private readonly CancellationTokenSource ending = new();
    private Task<ChildResult> running = Task.FromResult(new ChildResult(0, "", "", TimeSpan.Zero));

    private PrivateServer(
        PostgresHost host, ClientSet programs, DiskPath data, FileStatus owner, DiskPath room, string user, Func<ChildCommand, ChildCommand>? enter)
    {
        this.enter = enter;
        (this.host, this.programs, this.data, this.owner, this.room) = (host, programs, data, owner, room);
        var text = ConnectionKeywords.Socket(room.ToString(), Port, user, "template1");
        server = new PostgresServer(new PostgresSettings { ConnectionText = text, ClientFolder = programs.Folder }, host);
    }

    /// <summary>The way to it, with the client programs of its own release.</summary>
    public PostgresServer Server => server;

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasEnded => running.IsCompleted;

    /// <summary>What it said until it ended.</summary>
    public async Task<LastWords> EndAsync()
    {
        var result = await running;
        var why = result.Errors.Split('\n').LastOrDefault(l => l.Contains("FATAL", StringComparison.Ordinal) || l.Contains("PANIC", StringComparison.Ordinal));
        return new LastWords(result.Errors, why?.Trim() ?? result.LastError);
    }

    /// <summary>Starts it; it may not answer yet.</summary>
    /// <param name="host">this machine.</param>
    /// <param name="programs">of its version.</param>
    /// <param name="data">the data directory.</param>
    /// <param name="user">its superuser.</param>
    /// <param name="isWatched">whether it answers while it replays, and waits at the end until it is promoted.</param>
    /// <param name="place">where it runs, or null: as the owner of the files, here.</param>
    /// <param name="cancellationToken">ends the starting.</param>
    public static async Task<PrivateServer> StartAsync(
        PostgresHost host, ClientSet programs, DiskPath data, string user, bool isWatched, ReplayPlace? place, CancellationToken cancellationToken)
    {
        var status = host.Disk.Stat(data) ?? throw new InvariantException($"{data} was just written");
        var folder = (place?.Room ?? new DiskPath(host.TemporaryFolder)) / $"reprise-{Convert.ToHexStringLower(host.Entropy.Bytes(4))}";
        var made = new PrivateServer(host, programs, data, status, folder, user, place?.Enter);
        try
        {
            made.MakeRoom();
            string[] watched = isWatched
                ? ["-c", "hot_standby=on", "-c", "recovery_target_action=pause", .. await made.LimitsAsync(cancellationToken)]
                : ["-c", "hot_standby=off", "-c", "recovery_target_action=promote"];
            made.running = host.Children.RunAsync(
                made.AsOwner(["postgres", "-D", data.ToString(), .. made.Options, .. watched]), made.ending.Token);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>A session, or null: it does not answer now.</summary>
    public async Task<ISqlSession?> TryOpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await server.OpenAsync("template1", SessionUse.Ours, cancellationToken);
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.DatabaseUnavailable)
        {
            return null;
        }
    }

    /// <summary>Stops it in good order.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(["pg_ctl", "-D", data.ToString(), "-m", "fast", "-w", "-s", "-t", "86400", "stop"], StopLimit, cancellationToken);
        var end = result.Exit == 0 ? await running : result;
        if (end.Exit == 0) return;
        throw new RepriseException(
            RecoveryErrors.ChildFailed, $"PostgreSQL {programs.Version} did not stop: {end.LastError}", "correct what it says, then run the command again");
    }

    /// <summary>Ends it at once, if it runs, and removes its room.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // Killed it would leave shared memory behind.
            if (!running.IsCompleted)
                await RunAsync(["pg_ctl", "-D", data.ToString(), "-m", "immediate", "-w", "-s", "stop"], ProgramLimit, CancellationToken.None);
        }
        finally
        {
            ending.Cancel();
            try
            {
                await running;
            }
            catch (OperationCanceledException)
            {
                // As asked.
            }

            ending.Dispose();
            Assets.Folders.DeleteTree(host.Disk, room);
        }
    }

    // Nothing of production is preloaded less, but its memory and its certificates may not be here.
    private string[] Options =>
    [
        "-p", $"{Port}", "-c", "listen_addresses=", "-c", $"unix_socket_directories={room}", "-c", "unix_socket_permissions=0700",
        "-c", $"hba_file={room}/hba", "-c", $"ident_file={room}/ident", "-c", "ssl=off", "-c", "archive_mode=off", "-c", "logging_collector=off",
        "-c", "log_destination=stderr", "-c", "log_min_messages=log", "-c", "shared_buffers=128MB", "-c", "huge_pages=off",
        "-c", "dynamic_shared_memory_type=mmap", "-c", "primary_conninfo=", "-c", "synchronous_standby_names=", "-c", "autovacuum=off",
        "-c", "max_logical_replication_workers=0",
    ];

    private void MakeRoom()
    {
        host.Disk.MakeFolder(room, PrivateFolder);
        foreach (var (name, text) in (ReadOnlySpan<(string, string)>)[("hba", "local all all trust\n"), ("ident", "")])
        {
            using (var file = host.Disk.CreateNew(room / name)) file.Write(0, System.Text.Encoding.ASCII.GetBytes(text));
            host.Disk.SetMode(room / name, PrivateFile);
            if (Environment.IsPrivilegedProcess) host.Disk.SetOwner(room / name, owner.User, owner.Group);
        }

        if (Environment.IsPrivilegedProcess) host.Disk.SetOwner(room, owner.User, owner.Group);
    }

    // A server that answers while it replays must have room for as much as the source had; that may have been said on a
    // command line, and then stands in no file.
    private async Task<string[]> LimitsAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(["pg_controldata", data.ToString()], ProgramLimit, cancellationToken);
        if (result.Exit != 0)
        {
            throw new RepriseException(
                RecoveryErrors.ChildFailed, $"pg_controldata: {result.LastError}", "see to it that the server's user can enter the folder, then run the command again");
        }

        const string setting = " setting:";
        return
        [
            .. result.Output.Split('\n')
                .Select(l => (At: l.IndexOf(setting, StringComparison.Ordinal), Line: l))
                .Where(l => l.At > 0 && l.Line.StartsWith("max_", StringComparison.Ordinal))
                .SelectMany(l => (string[])["-c", $"{Known(l.Line[..l.At])}={long.Parse(l.Line.AsSpan(l.At + setting.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture)}"]),
        ];
    }

    private static string Known(string name) => name switch
    {
        "max_prepared_xacts" => "max_prepared_transactions",
        "max_locks_per_xact" => "max_locks_per_transaction",
        _ => name,
    };

    private Task<ChildResult> RunAsync(string[] command, TimeSpan within, CancellationToken cancellationToken) =>
        host.Children.RunAsync(AsOwner(command) with { Within = within }, cancellationToken);

    private ChildCommand AsOwner(string[] command)
    {
        string[] direct = [programs.PathOf(command[0]), .. command.Skip(1)];
        return enter is null ? ServerPrograms.AsOwner(owner, direct) : enter(new ChildCommand(direct) { Folder = "/", Environment = ServerPrograms.Clean });
    }
}
