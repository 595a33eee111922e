using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// Moves trees that several assets wrote into one, since all of them start at the folder of the configuration. Nothing
/// is overwritten: two different files of one path both stay.
/// </summary>
internal sealed class TreeMerge(IDisk disk, string asset)
{
    private const int OwnerAll = 0x1C0;

    /// <summary>What could not get its own name.</summary>
    public List<Problem> Problems { get; } = [];

    /// <summary>
    /// Moves everything in <paramref name="from"/> into <paramref name="to"/>; <paramref name="from"/> is gone then.
    /// </summary>
    public void Move(DiskPath from, DiskPath to) => Move(from, to, to);

    private void Move(DiskPath from, DiskPath to, DiskPath root)
    {
        var status = disk.Stat(from) ?? throw new InvariantException($"{from} vanished from a private folder");
        var former = disk.Stat(to) ?? throw new InvariantException($"{to} vanished from a private folder");
        disk.SetMode(from, status.Mode | OwnerAll);
        disk.SetMode(to, former.Mode | OwnerAll);
        foreach (var name in disk.List(from).Select(e => e.Name).Order().ToList())
        {
            var (source, target) = (from / name, to / name);
            switch (disk.Stat(source), disk.Stat(target))
            {
                case (_, null):
                    Rename(source, target);
                    break;
                case ({ Type: FileType.Folder }, { Type: FileType.Folder }):
                    Move(source, target, root);
                    break;
                case ({ Type: FileType.Regular }, { Type: FileType.Regular }) when IsSame(source, target):
                    disk.DeleteFile(source);
                    break;
                default:
                    Keep(source, target, root);
                    break;
            }
        }

        disk.DeleteFolder(from);
        if (status.User != former.User || status.Group != former.Group) disk.SetOwner(to, status.User, status.Group);
        disk.SetMode(to, status.Mode);
        disk.SetModified(to, status.Modified);
    }

    private void Keep(DiskPath source, DiskPath target, DiskPath root)
    {
        var free = target.WithSuffix(".from-" + asset);
        for (var number = 2; disk.Stat(free) is not null; number++) free = target.WithSuffix($".from-{asset}-{number}");
        Rename(source, free);
        var path = new DiskPath(target.Bytes[(root.Bytes.Length + 1)..]);
        Problems.Add(new Problem(
            ExportErrors.PathTwice,
            Severity.Error,
            $"asset {asset} holds another {path} than was there already; its own is {free.Name}",
            "compare the two and keep the right one")
        {
            Asset = asset,
            Where = path.ToString(),
        });
    }

    // Moving a folder to another parent writes its own entry "..", for which its owner needs the right to write.
    private void Rename(DiskPath source, DiskPath target)
    {
        var status = disk.Stat(source);
        var isLocked = status is { Type: FileType.Folder } && (status.Mode & OwnerAll) != OwnerAll;
        if (isLocked) disk.SetMode(source, OwnerAll);
        Invariant.Check(disk.RenameNew(source, target), $"{target} is free");
        if (isLocked && status is not null) disk.SetMode(target, status.Mode);
    }

    private bool IsSame(DiskPath one, DiskPath other) => Facts(one) == Facts(other);

    private FileFacts Facts(DiskPath path) => FileFacts.Read(disk, path, _ => { }, CancellationToken.None);
}
