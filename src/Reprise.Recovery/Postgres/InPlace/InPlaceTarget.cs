using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>Looks at the server whose files a restore would replace, and at what would stop it. Read-only.</summary>
internal sealed class InPlaceTarget(PostgresHost host, PostgresServer server, PostgresSettings settings, RestoreItem item)
{
    private readonly ClusterFacts cluster = ClusterFacts.Of(item.Record);

    /// <summary>Where the live files lie.</summary>
    public ClusterPlace Locate() => ClusterPlace.Resolve(host.Disk, new DiskPath(settings.DataFolder ?? cluster.DataFolder));

    /// <summary>Whether a server works there.</summary>
    public ServerPresence Processes(ClusterPlace place) => new(host, server, place, cluster.System);

    public async Task<TargetState> InspectAsync(CancellationToken cancellationToken)
    {
        var place = await host.Cpu.RunAsync(Locate, cancellationToken);
        var live = new ClusterTree(host.Disk, place, place.Data);
        var absent = new TargetState { Presence = Presence.Absent, HasData = false, Where = place.Data.ToString() };
        if (!live.Exists) return absent;
        var users = await UsersAsync(place, cancellationToken);
        var state = absent with { Presence = Presence.Readable, Users = users, IsKeptWhole = true };

        // A server without a table of anybody's may still be another one: its files say nothing of what is in it.
        return live.IsCluster
            ? state with { HasData = true, Identity = await host.Cpu.RunAsync(() => IdentityOf(place, live), cancellationToken) }
            : state with { HasData = live.Entries().Any() };
    }

    /// <summary>Whether the data directory of a record was on another host, or in a container: its path says nothing here.</summary>
    public static bool IsElsewhere(AssetRecord record, ClusterFacts cluster) => cluster.Streamed && !record.Identity.ContainsKey("data");

    public async Task<IReadOnlyList<Problem>> PreflightAsync(CancellationToken cancellationToken)
    {
        var problems = new List<Problem>();
        try
        {
            if (settings.Via is not null)
                throw ClusterTree.Cannot(new DiskPath(cluster.DataFolder), "the server is reached through via:, where its files are not to be seen");
            if (settings.DataFolder is null && IsElsewhere(item.Record, cluster))
            {
                throw ClusterTree.Cannot(
                    new DiskPath(cluster.DataFolder), "its files were read through the server, and nobody said where they are on this machine (data:)");
            }

            if (cluster.ReplaysTablespaces) throw PhysicalRestore.ReplaysTablespaces(item.Record.Name);
            var place = await host.Cpu.RunAsync(Locate, cancellationToken);
            if (host.Disk.Stat(place.Data) is { Type: not FileType.Folder })
                throw ClusterTree.Cannot(place.Data, "it is not a folder");
            problems.AddRange(await host.Cpu.RunAsync(() => Files(place).ToList(), cancellationToken));
            await ServerAsync(place, problems, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit is ExitCodes.Refused or ExitCodes.Unavailable)
        {
            problems.Add(e.Problem);
        }

        return [.. problems.Select(p => p with { Asset = item.Record.Name })];
    }

    /// <summary>Where the files of a tablespace belong: where the live server of the same identifier has it, else where the source had it.</summary>
    public DiskPath LocationOf(ClusterPlace place, DiskPath number)
    {
        var live = new ClusterTree(host.Disk, place, place.Data);
        if (live.ControlBytes() is { } control && ControlFile.System(control) == cluster.System
            && live.Tablespaces().FirstOrDefault(t => t.Link.Name == number) is { Link.IsEmpty: false } found)
            return found.Location;
        var known = cluster.Tablespaces.FirstOrDefault(t => t.Oid.ToString(CultureInfo.InvariantCulture) == number.ToString())
            ?? throw ClusterTree.Cannot(place.Data, $"the point does not say where tablespace {number} lies");
        var location = new DiskPath(known.Location);
        return ClusterPlace.Normal(location.IsAbsolute ? location : place.Data / "pg_tblspc" / location);
    }

    /// <summary>All of them, but those in the data directory itself.</summary>
    public IReadOnlyList<DiskPath> Locations(ClusterPlace place) =>
        [.. cluster.Tablespaces.Where(t => t.Location.StartsWith('/') || t.Location.StartsWith("../", StringComparison.Ordinal))
            .Select(t => LocationOf(place, new DiskPath(t.Oid.ToString(CultureInfo.InvariantCulture)))).Distinct()];

    // Where we may not stop the server, it is itself in the way; else those are who would be cut off.
    private async Task<IReadOnlyList<string>> UsersAsync(ClusterPlace place, CancellationToken cancellationToken)
    {
        if (await Processes(place).FindAsync(cancellationToken) is not ServerState.Running running) return [];
        if (settings.Control is null) return [running.Who];
        try
        {
            await using var session = await server.OpenAsync(settings.Maintenance, SessionUse.Ours, cancellationToken);
            return await session.AskAsync(CatalogSql.Sessions(null), CatalogJson.Default.IReadOnlyListString, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            return [$"nobody knows whom: {running.Who} does not say it ({e.Message})"];
        }
    }

    // As DataFolder.Identity says it of a source, asked of the files: the server need not run.
    private SortedDictionary<string, string> IdentityOf(ClusterPlace place, ClusterTree live)
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["database"] = "*" };
        if (live.ControlBytes() is { } control)
        {
            identity["system"] = ControlFile.System(control);
            identity["timeline"] = ControlFile.Timeline(control).ToString(CultureInfo.InvariantCulture);
            if (ControlFile.IsRecovering(control) || host.Disk.Stat(place.Data / "standby.signal") is not null) identity["recovery"] = "standby";
        }
        else identity["system"] = "unreadable";
        if (host.Disk.Stat(place.Data) is { } status)
            identity["data"] = string.Create(CultureInfo.InvariantCulture, $"{status.Device}:{status.Inode}");
        if (Machine.Fingerprint(host.Disk) is { } machine) identity[Machine.IdentityKey] = machine;
        return identity;
    }

    private async Task ServerAsync(ClusterPlace place, List<Problem> problems, CancellationToken cancellationToken)
    {
        var major = PhysicalRestore.Major(item.Record);
        var programs = await ServerPrograms.FindAsync(host, settings, major, cancellationToken);
        if (programs?.Folder is not { } bin || host.Disk.Stat(new DiskPath(bin) / "pg_verifybackup") is null)
            problems.Add(ServerPrograms.Missing(major).Problem);
        var state = await Processes(place).FindAsync(cancellationToken);
        var isStoppedByUs = state is ServerState.Running && settings.Control is not null;
        if (!isStoppedByUs && ServerCommands.Refusal(state, settings, place) is { } refusal) problems.Add(refusal);
    }

    private IEnumerable<Problem> Files(ClusterPlace place)
    {
        if (host.Disk.Stat(place.Folder) is null)
            throw ClusterTree.Cannot(place.Data, $"{place.Folder} is not there");
        yield return new Problem(
            RecoveryErrors.ArchivingOff,
            Severity.Note,
            $"what comes back to {place.Data} archives no WAL: it leaves the timeline of the server that does",
            "afterwards: 'reprise wal adopt', delete the lines of Reprise in postgresql.auto.conf, restart the server, 'reprise backup'");
        if (Room(place) is { } room) yield return room;
        if (CannotWrite(place, place.Folder) is { } denied) yield return denied;
        foreach (var location in Locations(place))
        {
            if (location.IsWithin(place.Data)) throw ClusterTree.Cannot(location, "a tablespace lies in the data directory, and is reached through a link");
            if (CannotWrite(place, location) is { } closed) yield return closed;
        }

        if (host.Disk.Stat(place.Data / "pg_wal") is { Type: FileType.SymbolicLink })
        {
            yield return new Problem(
                RecoveryErrors.PhysicalInPlace,
                Severity.Warning,
                $"{place.Data / "pg_wal"} is a link; after the restore it is a folder in the data directory",
                "stop the server afterwards, move the folder to where it shall be, and link to it");
        }
    }

    private Problem? Room(ClusterPlace place)
    {
        var needed = item.Record.SourceBytes + (item.Moment?.ReplayBytes ?? 0) + (3 * cluster.WalSegmentBytes);
        var spaces = Locations(place).Append(place.Folder).Select(p => host.Disk.Space(p)).DistinctBy(s => s.Device).ToList();
        var free = spaces.Sum(s => s.FreeBytes);
        return free >= needed ? null : new Problem(
            RecoveryErrors.TargetTooSmall,
            Severity.Error,
            $"beside {place.Data} {free:N0} bytes are free; the files need {needed:N0}",
            "make room there, or restore with --to FOLDER on another disk")
        {
            Where = place.Data.ToString(),
        };
    }

    // The honest way to know it is to do it. What another user than the server's wrote, the server could not read.
    private Problem? CannotWrite(ClusterPlace place, DiskPath folder)
    {
        if (host.Disk.Stat(folder / ".") is null) return null;
        try
        {
            using var probe = host.Disk.CreateUnnamed(folder / $"reprise.{Slot.New(item.RestoreId)}.probe");
            return Environment.IsPrivilegedProcess || host.Disk.Stat(place.Data) is not { } data || data.User == probe.Stat().User ? null : new Problem(
                StorageErrors.FileDenied, Severity.Error, $"{place.Data} belongs to another user", "run as root, or as the server's user")
            {
                Where = place.Data.ToString(),
            };
        }
        catch (RepriseException e)
        {
            return e.Problem;
        }
    }
}
