using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// The data directory as it is seen from here, and the proof that the server that answers really works in it: a clone
/// shares the system identifier, and another server may answer behind the same address.
/// </summary>
internal sealed class DataFolder(PostgresHost host, PostgresSettings settings, ServerFacts server)
{
    private const int MaxPidBytes = 4096;
    private const int FolderLine = 1;
    private const int StartedLine = 2;
    private const int PortLine = 3;
    private const long ToleranceSeconds = 10;

    public ServerFacts Server => server;

    private DiskPath Root => new(settings.DataFolder ?? server.DataFolder);

    /// <summary>The folder; <c>physical-impossible</c> when it cannot be read, or is not that of the server.</summary>
    public DiskPath Demand()
    {
        try
        {
            var control = ControlFile.TryRead(host.Disk, Root / "global" / "pg_control");
            if (control is not null && ControlFile.System(control) != server.System)
                throw Not($"{Root} belongs to another server: its identifier is {ControlFile.System(control)}, the server says {server.System}");
            var lines = PidLines();
            if (lines.Length <= PortLine
                || !long.TryParse(lines[StartedLine], CultureInfo.InvariantCulture, out var started)
                || !int.TryParse(lines[PortLine], CultureInfo.InvariantCulture, out var port)
                || port != server.Port
                || lines[FolderLine] != server.DataFolder
                || Math.Abs(started - server.Started) > ToleranceSeconds)
                throw Not($"{Root / "postmaster.pid"} is not that of the server that answers: it may be a copy of its folder");
            return Root;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            throw Not($"{Root} cannot be read: {e.Problem.Message}", e);
        }
    }

    /// <summary>Who the source is; a standby and a clone share the identifier, so that is not enough.</summary>
    public SortedDictionary<string, string> Identity(ClusterFacts cluster)
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["database"] = "*",
            ["system"] = cluster.System,
            ["timeline"] = cluster.Timeline.ToString(CultureInfo.InvariantCulture),
        };
        if (host.Disk.Stat(Root) is { } status)
            identity["data"] = string.Create(CultureInfo.InvariantCulture, $"{status.Device}:{status.Inode}");
        if (Machine.Fingerprint(host.Disk) is { } machine) identity[Machine.IdentityKey] = machine;
        return identity;
    }

    private string[] PidLines()
    {
        using var file = host.Disk.OpenRead(Root / "postmaster.pid");
        var bytes = new byte[MaxPidBytes];
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes)).Split('\n');
    }

    private static RepriseException Not(string why, Exception? inner = null) => PhysicalErrors.Impossible(
        why, "name the server's own data directory in data:, run as a user who can read it (root, or the server's own), or use method: logical", inner);
}
