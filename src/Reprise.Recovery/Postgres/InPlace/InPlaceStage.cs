using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>
/// Builds a server beside the live one and proves it: <c>pg_verifybackup</c> judges its files, then it is started where
/// nobody else reaches it, replays its WAL, and is stopped in good order. Only then it gets the settings of production.
/// </summary>
internal sealed class InPlaceStage(PostgresHost host, PostgresSettings settings, RestoreItem item, ClusterPlace place, InPlaceTarget target)
{
    private const int MaxConfigurationBytes = 1024 * 1024;

    private readonly ClusterFacts cluster = ClusterFacts.Of(item.Record);
    private readonly Slot slot = Slot.New(item.RestoreId);

    private DiskPath Data => place.In(slot);

    /// <summary>Writes the files.</summary>
    public async Task StageAsync(PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var owner = await host.Cpu.RunAsync(Owner, cancellationToken);
        if (item.Moment is not null && settings.Archive is null) throw new InvariantException($"a moment of {item.Record.Name} was found in no archive");
        var files = new PhysicalRestore(host, settings, item.Record, point, progress)
        {
            Staged = new StagedPlace(Data, FolderOf, owner),
            Beyond = item.Moment is { } moment ? (moment, settings.Archive!) : null, // Looked at above.
        };
        await files.RunAsync(place.Folder, cancellationToken);
        if (!files.IsVerified) throw ServerPrograms.Missing(PhysicalRestore.Major(item.Record));
        await host.Cpu.RunAsync(
            () =>
            {
                // Its own file system each.
                foreach (var link in Staged.Tablespaces()) host.Disk.SyncFileSystem(link.Location);
                host.Disk.SyncFileSystem(Data);
            },
            cancellationToken);
    }

    /// <summary>Starts it privately, up to the end of the backup or to the moment.</summary>
    public async Task<IReadOnlyList<CheckOutcome>> VerifyAsync(IProgressSink progress, CancellationToken cancellationToken)
    {
        var began = host.Clock.GetTimestamp();
        var major = PhysicalRestore.Major(item.Record);
        var programs = await ServerPrograms.FindAsync(host, settings, major, cancellationToken) ?? throw ServerPrograms.Missing(major);
        var goal = ReplayTarget.Of(cluster, item.Moment);
        var end = await new PhysicalReplay(host, programs, cluster, goal, progress).RunAsync(Data, item.Moment?.ReplayBytes ?? 0, cancellationToken);
        var control = await host.Cpu.RunAsync(Staged.ControlBytes, cancellationToken);
        var isSound = control is not null && ControlFile.System(control) == cluster.System && ControlFile.IsShutDown(control);
        await host.Cpu.RunAsync(MakeProduction, cancellationToken);
        var commit = end.LastCommit is { } last ? $", last commit {last.UtcDateTime:yyyy-MM-dd HH:mm:ss.ffffff}Z" : "";
        return
        [
            new CheckOutcome
            {
                Name = $"{item.Record.Name}-replay",
                Level = CheckLevel.Engine,
                Outcome = isSound ? Outcome.Pass : Outcome.Fail,
                Expected = $"PostgreSQL replays the WAL of server {cluster.System} up to {goal.At}, and is stopped in good order",
                Actual = isSound
                    ? $"it ended at {end.Lsn}{commit}, and begins timeline {end.Timeline}"
                    : $"{Staged.Control} is not that of a server {cluster.System} that was stopped in good order",
                Elapsed = host.Clock.GetElapsedTime(began),
                Asset = item.Record.Name,
                Reason = isSound ? null : "staged-control-differs",
            },
        ];
    }

    private ClusterTree Staged => new(host.Disk, place, Data);

    private string TablespaceName => ClusterTree.NameOf(PhysicalRestore.Major(item.Record), cluster.Catalog);

    private DiskPath FolderOf(DiskPath number) => SwapPlanning.SlotOf(target.LocationOf(place, number), TablespaceName, slot);

    // Null: they belong to whom they belonged at the source.
    private FileStatus? Owner() => host.Disk.Stat(place.Data) is { Type: FileType.Folder } live ? live : null;

    private void MakeProduction()
    {
        foreach (var link in Staged.Tablespaces().Where(l => l.Location.Name.ToString() == $"{TablespaceName}.{slot}"))
        {
            host.Disk.DeleteFile(link.Link);
            host.Disk.MakeSymbolicLink(link.Link, link.Location.Parent);
        }

        Rewrite(Data / "postgresql.auto.conf", CopySettings.ForProduction);
        if (IsMinimal()) host.Disk.DeleteFile(Data / "postgresql.conf");
        else Rewrite(Data / "postgresql.conf", CopySettings.WithoutPlaces);
        host.Disk.DeleteFile(Data / "postmaster.opts");
        host.Disk.SyncFileSystem(Data);
    }

    private bool IsMinimal()
    {
        using var file = host.Disk.OpenRead(Data / "postgresql.conf");
        return CopySettings.IsMinimal(Read(file));
    }

    private void Rewrite(DiskPath path, Func<string, string> change)
    {
        using var file = host.Disk.OpenWrite(path);
        var text = Read(file);
        var after = change(text);
        if (after == text) return;
        var bytes = Encoding.UTF8.GetBytes(after);
        file.SetLength(bytes.Length);
        file.Write(0, bytes);
    }

    private static string Read(IDiskFile file)
    {
        var bytes = new byte[file.Stat().SizeBytes];
        if (bytes.Length > MaxConfigurationBytes)
            throw new RepriseException(StorageErrors.FileDenied, string.Create(CultureInfo.InvariantCulture, $"a configuration has {bytes.Length} bytes"), "keep it under 1 MiB");
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
    }
}
