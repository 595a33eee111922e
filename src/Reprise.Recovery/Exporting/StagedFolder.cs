using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// A folder that comes to be under its name only when it is whole and durable: it is filled as
/// <c>NAME.partial-ID</c> beside it and renamed at the end. A killed run leaves the partial one, never the name.
/// </summary>
internal sealed class StagedFolder
{
    private const string Mark = ".partial-";
    private const int Private = 0x1C0;

    private readonly IDisk disk;
    private readonly DiskPath target;

    private StagedFolder(IDisk disk, DiskPath target, DiskPath path, IReadOnlyList<Problem> problems)
    {
        this.disk = disk;
        this.target = target;
        Path = path;
        Problems = problems;
    }

    /// <summary>Where to write.</summary>
    public DiskPath Path { get; }

    /// <summary>What earlier runs left.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>
    /// Starts one. <c>target-not-empty</c> when <paramref name="target"/> holds anything, <c>file-exists</c> when it is
    /// no folder, <c>crosses-file-systems</c> when it is the root of a file system.
    /// </summary>
    public static StagedFolder Begin(IDisk disk, TimeProvider clock, DiskPath target)
    {
        while (target.Bytes.Length > 1 && target.Bytes[^1] == '/') target = new DiskPath(target.Bytes[..^1]);
        Invariant.Check(target.IsAbsolute, "the target of an export is absolute");
        RequireEmpty(disk, target);
        disk.MakeFolderDurably(target.Parent);
        var problems = Leftovers(disk, target);
        var id = PointId.At(clock.GetUtcNow());
        while (disk.Stat(target.WithSuffix(Mark + id)) is not null) id = id.Next();
        var path = target.WithSuffix(Mark + id);
        disk.MakeFolder(path, Private);
        return new StagedFolder(disk, target, path, problems);
    }

    /// <summary>
    /// Makes <paramref name="whole"/>, a folder at or in <see cref="Path"/>, durable and gives it its name.
    /// </summary>
    public void Publish(DiskPath whole)
    {
        disk.SyncFileSystem(whole);

        // Renaming onto a folder works only while that is empty: whatever appeared there meanwhile stops it.
        disk.Rename(whole, target);
        if (whole != Path) Folders.DeleteTree(disk, Path);
        disk.SyncFolder(target.Parent);
    }

    /// <summary>Removes what was written; says so when that does not work, and lets the first error stand.</summary>
    public void Discard(IProgressSink progress)
    {
        try
        {
            Folders.DeleteTree(disk, Path);
        }
        catch (RepriseException e)
        {
            progress.Note($"{Path} could not be removed: {e.Message}");
        }
    }

    private static void RequireEmpty(IDisk disk, DiskPath target)
    {
        if (disk.Stat(target) is not { } status) return;
        if (status.Type != FileType.Folder)
        {
            throw new RepriseException(
                StorageErrors.FileExists,
                $"{target} exists and is not a folder",
                "name a folder that is empty or does not exist yet");
        }

        if (disk.List(target).Any())
        {
            throw new RepriseException(
                RecoveryErrors.TargetNotEmpty,
                $"{target} is not empty",
                "name a folder that is empty or does not exist yet; nothing is overwritten");
        }

        if (disk.Stat(target.Parent) is { } parent && parent.Device != status.Device)
        {
            throw new RepriseException(
                StorageErrors.CrossesFileSystems,
                $"{target} is the root of a file system, which cannot be put in place in one step",
                $"name a new folder in it, such as {target / "export"}");
        }
    }

    private static Problem Left(string path) => new(
        ExportErrors.PartialLeft,
        Severity.Note,
        $"an earlier run did not finish and left {path}",
        $"delete it when no other export or recovery is running: rm -r {ShellWords.Quote(path)}")
    {
        Where = path,
    };

    private static List<Problem> Leftovers(IDisk disk, DiskPath target)
    {
        var start = target.Name.WithSuffix(Mark);
        return
        [
            .. disk.List(target.Parent)
                .Where(e => e.Name.Bytes.StartsWith(start.Bytes))
                .Select(e => e.Name)
                .Order()
                .Select(name => Left((target.Parent / name).ToString())),
        ];
    }
}
