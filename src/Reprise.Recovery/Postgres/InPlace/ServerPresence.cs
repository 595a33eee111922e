using System.Globalization;
using System.Text;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>Whether a server works in a data directory.</summary>
internal abstract record ServerState
{
    private ServerState()
    {
    }

    /// <summary>None does: it is proven.</summary>
    public sealed record Stopped : ServerState;

    /// <summary>One does.</summary>
    /// <param name="Who">as a person looks for it.</param>
    public sealed record Running(string Who) : ServerState;

    /// <summary>Nobody here can say.</summary>
    /// <param name="Why">what was seen, and what was not.</param>
    public sealed record Unknown(string Why) : ServerState;
}

/// <summary>
/// Finds out whether a server works in a data directory: a process whose working folder it is, by device and inode, so
/// that neither another name nor a container hides it; its <c>postmaster.pid</c>; and who answers at the connection. None
/// of these alone is proof: the pid file may be of another pid namespace or of a server that crashed, and behind the
/// address there may be another server.
/// </summary>
/// <param name="host">this machine.</param>
/// <param name="server">the connection.</param>
/// <param name="place">where the live files lie.</param>
/// <param name="restored">the identifier of the server that comes back: one that answers with it works somewhere.</param>
internal sealed class ServerPresence(PostgresHost host, PostgresServer server, ClusterPlace place, string restored)
{
    private const int MaxProcesses = 100_000;
    private const int MaxTextBytes = 4096;

    // Of the namespace that sees every process of the machine, as the kernel numbers it.
    private const string FirstNamespace = "pid:[4026531836]";
    private static readonly DiskPath Processes = new("/proc");

    /// <summary>Looks at processes, pid file and connection.</summary>
    public async Task<ServerState> FindAsync(CancellationToken cancellationToken)
    {
        var seen = await host.Cpu.RunAsync(Look, cancellationToken);
        if (seen is not ServerState.Stopped) return seen;
        var system = await host.Cpu.RunAsync(System, cancellationToken);
        return await AnswersAsync([system ?? restored, restored], cancellationToken) ? new ServerState.Unknown(
            $"a server with the same identifier answers at {server.Connection.Server}, but no process works in that folder: it runs elsewhere, or data: names another one") : seen;
    }

    /// <summary>The same without asking the connection, for moments in which nothing may wait.</summary>
    public ServerState Look()
    {
        if (host.Disk.Stat(place.Data) is not { Type: FileType.Folder } status) return new ServerState.Stopped();
        if (host.Disk.Stat(Processes) is null) return new ServerState.Unknown("this system does not show its processes");
        var (holder, hidden) = Holder(status);
        if (holder is not null) return new ServerState.Running(holder);
        if (hidden > 0) return new ServerState.Unknown($"{hidden} PostgreSQL processes of other users may not be looked at; run as root, or as the server's user");
        var pid = place.Data / "postmaster.pid";
        if (host.Disk.Stat(pid) is null || SeesAll()) return new ServerState.Stopped();
        return new ServerState.Unknown($"{pid} is there, and its process is not to be seen from here: it crashed, or runs in another container or machine");
    }

    private string? System() =>
        new ClusterTree(host.Disk, place, place.Data).ControlBytes() is { } control ? ControlFile.System(control) : null;

    private async Task<bool> AnswersAsync(HashSet<string> systems, CancellationToken cancellationToken)
    {
        try
        {
            await using var session = await server.OpenAsync(server.Connection.Database, SessionUse.Ours, cancellationToken);
            var system = await session.ScalarAsync(CatalogSql.SystemIdentifier, cancellationToken);
            return system is not null && systems.Contains(system);
        }
        catch (RepriseException)
        {
            // It does not answer, or not to us. No process works in the folder, so it is another one that refuses us.
            return false;
        }
    }

    private (string? Holder, int Hidden) Holder(FileStatus data)
    {
        var hidden = 0;
        foreach (var entry in host.Disk.List(Processes).Take(MaxProcesses))
        {
            if (!int.TryParse(entry.Name.ToString(), CultureInfo.InvariantCulture, out var id) || id == Environment.ProcessId) continue;
            var process = Processes / entry.Name;
            try
            {
                if (host.Disk.Stat(process / "cwd" / ".") is { } folder && folder.Inode == data.Inode && folder.Device == data.Device
                    && Name(process) is { } name && name.StartsWith("postgres", StringComparison.Ordinal))
                    return ($"{name} (pid {id})", 0);
            }
            catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
            {
                if (Name(process)?.StartsWith("postgres", StringComparison.Ordinal) == true) hidden++;
            }
            catch (RepriseException) when (host.Disk.Stat(process / "comm") is null)
            {
                // It ended while it was looked at.
                continue;
            }
        }

        return (null, hidden);
    }

    private string? Name(DiskPath process)
    {
        try
        {
            using var file = host.Disk.OpenRead(process / "comm");
            var bytes = new byte[MaxTextBytes];
            return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes)).Trim();
        }
        catch (RepriseException) when (host.Disk.Stat(process / "comm") is null)
        {
            return null;
        }
    }

    // As root of the machine's own namespace: what is not to be seen is not there.
    private bool SeesAll() =>
        Environment.IsPrivilegedProcess && host.Disk.ReadSymbolicLink(Processes / "self" / "ns" / "pid").ToString() == FirstNamespace;
}
