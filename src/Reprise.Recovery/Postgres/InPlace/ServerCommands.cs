using Reprise.Recovery.Postgres.Physical;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>Stops and starts the server of a data directory, and believes no exit code: it looks whether it is so.</summary>
internal sealed class ServerCommands(
    PostgresHost host, PostgresServer server, PostgresSettings settings, ClusterPlace place, ServerPresence presence)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CommandLimit = TimeSpan.FromHours(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Sees to it that no server works in the data directory; <c>target-in-use</c> when that cannot be had.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var state = await presence.FindAsync(cancellationToken);
        if (state is ServerState.Running && settings.Control is { } control)
        {
            await RunAsync(await CommandAsync(control, "stop", cancellationToken), cancellationToken);
            state = await WaitAsync(cancellationToken);
        }

        if (Refusal(state, settings, place) is { } refusal) throw new RepriseException(refusal);
    }

    /// <summary>Refuses when a server works there now.</summary>
    public void RefuseWhenRunning()
    {
        if (presence.Look() is ServerState.Running running) throw new RepriseException(InUse(place, running.Who));
    }

    /// <summary>Why a server in this state stands in the way, or null.</summary>
    public static Problem? Refusal(ServerState state, PostgresSettings settings, ClusterPlace place) => state switch
    {
        ServerState.Running running => InUse(place, running.Who),
        ServerState.Unknown unknown when !settings.ServerIsStopped => new Problem(
            RecoveryErrors.TargetInUse,
            Severity.Error,
            $"nobody can say whether a server works in {place.Data}: {unknown.Why}",
            "make sure that it is stopped, then add --server-is-stopped")
        {
            Where = place.Data.ToString(),
        },
        _ => null,
    };

    /// <summary>Starts it, when somebody said how, and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Control is not { } control || await presence.FindAsync(cancellationToken) is ServerState.Running) return;
        var command = await CommandAsync(control, "start", cancellationToken);
        await RunAsync(command, cancellationToken);
        var system = await host.Cpu.RunAsync(
            () => new ClusterTree(host.Disk, place, place.Data).ControlBytes() is { } bytes ? ControlFile.System(bytes) : null, cancellationToken);
        var began = host.Clock.GetTimestamp();
        Problem? last = null;
        while (host.Clock.GetElapsedTime(began) < Patience)
        {
            last = await AskAsync(system, cancellationToken);
            if (last is null && await host.Cpu.RunAsync(presence.Look, cancellationToken) is ServerState.Stopped)
                last = new Problem(RecoveryErrors.TargetIdentity, Severity.Error, $"one answers at {server.Connection.Server}, but no process works there", "correct connection: or data:");
            if (last is null) return;
            await Task.Delay(Glance, host.Clock, cancellationToken);
        }

        throw new RepriseException(
            RecoveryErrors.ChildFailed, $"'{command}' ended with 0, but the server in {place.Data} does not answer: {last?.Message}", "look into its log");
    }

    // Null: it is there. Whoever refuses our password is there too; what it is then, the checks find out.
    private async Task<Problem?> AskAsync(string? system, CancellationToken cancellationToken)
    {
        try
        {
            await using var session = await server.OpenAsync(server.Connection.Database, SessionUse.Ours, cancellationToken);
            var answers = await session.ScalarAsync(CatalogSql.SystemIdentifier, cancellationToken);
            return answers is null || system is null || answers == system ? null : new Problem(
                RecoveryErrors.TargetIdentity, Severity.Error, $"server {answers} answers instead of {system}", "correct connection: or data:");
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.DatabaseUnavailable)
        {
            return e.Problem;
        }
        catch (RepriseException e) when (e.Code != RecoveryErrors.ConnectionInvalid)
        {
            return null;
        }
    }

    private async Task<ServerState> WaitAsync(CancellationToken cancellationToken)
    {
        var began = host.Clock.GetTimestamp();
        while (true)
        {
            var state = await presence.FindAsync(cancellationToken);
            if (state is ServerState.Stopped || host.Clock.GetElapsedTime(began) > Patience) return state;
            await Task.Delay(Glance, host.Clock, cancellationToken);
        }
    }

    private async Task RunAsync(ChildCommand command, CancellationToken cancellationToken)
    {
        var result = await host.Children.RunAsync(command with { Within = CommandLimit }, cancellationToken);
        if (result.Exit == 0) return;
        throw new RepriseException(
            RecoveryErrors.ChildFailed, $"'{command}' ended with {result.Exit}: {result.LastError}", "see to it that this command ends with 0");
    }

    private async Task<ChildCommand> CommandAsync(ServerControl control, string verb, CancellationToken cancellationToken)
    {
        if (control is ServerControl.Commands commands) return verb == "stop" ? commands.Stop : commands.Start;
        var tree = new ClusterTree(host.Disk, place, place.Data);
        var major = tree.Major() ?? throw ClusterTree.Cannot(place.Data, $"{tree.Version} cannot be read, so that nobody knows whose pg_ctl it needs");
        var programs = await ServerPrograms.FindAsync(host, settings, major, cancellationToken)
            ?? throw ServerPrograms.Missing(major);

        // Its messages go into a file: a server that keeps our pipe open would never let us go on.
        string[] log = verb == "start" ? ["-l", place.Data + ".log"] : ["-m", "fast"];
        return ServerPrograms.AsOwner(
            host.Disk.Stat(place.Data)!, // PG_VERSION was read in it.
            [programs.PathOf("pg_ctl"), "-D", place.Data.ToString(), "-w", "-t", "3600", .. log, verb]);
    }

    private static Problem InUse(ClusterPlace place, string who) => new(
        RecoveryErrors.TargetInUse,
        Severity.Error,
        $"a server works in {place.Data}: {who}",
        "stop it, or say under control: of this asset how Reprise stops and starts it")
    {
        Where = place.Data.ToString(),
    };
}

/// <summary>How the server of an asset is stopped and started.</summary>
public abstract record ServerControl
{
    private ServerControl()
    {
    }

    /// <summary>With <c>pg_ctl</c> of its own version, as the owner of the files.</summary>
    public sealed record PgCtl : ServerControl;

    /// <summary>With programs of the user's; each ends with 0 when it is so.</summary>
    /// <param name="Stop">stops it.</param>
    /// <param name="Start">starts it.</param>
    public sealed record Commands(ChildCommand Stop, ChildCommand Start) : ServerControl;
}
