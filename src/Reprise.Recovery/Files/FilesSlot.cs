using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// Where a slot lies: a folder of ours in the root of the asset, so that moving is renaming. <c>tree</c> holds what was
/// staged or set aside, under its relative paths; <c>folders</c> the modes, owners and times of its folders, which are
/// open to us alone while they lie here; <c>list</c> all that was staged; <c>plan</c> how far a swap into it is.
/// </summary>
internal sealed record FilesSlot(DiskPath Root, Slot Slot)
{
    public DiskPath Folder => Root / (".reprise-" + Slot);

    public DiskPath Tree => Folder / "tree";

    public DiskPath Folders => Folder / "folders";

    public DiskPath List => Folder / "list";

    public DiskPath Plan => Folder / "plan";

    /// <summary>There when staging ended; before that, nothing of the slot may be used.</summary>
    public DiskPath Staged => Folder / "staged";

    /// <summary>Its name once nothing of it is needed any more, while it is being deleted.</summary>
    public DiskPath Spent => Root / (".reprise-spent-" + Slot);
}

/// <summary>Looks at slots and deletes them.</summary>
internal sealed class FilesSlots(IDisk disk, DiskPath root)
{
    /// <summary>The slot as the files asset keeps it.</summary>
    public FilesSlot this[Slot slot] => new(root, slot);

    /// <summary>Every slot in the root.</summary>
    public IEnumerable<FilesSlot> All()
    {
        foreach (var entry in disk.List(root))
        {
            if (!ExclusionRules.IsOwn(entry.Name.Bytes)) continue;
            if (SlotNamed(entry.Name.ToString()[ExclusionRules.OwnPrefix.Length..]) is { } slot) yield return slot;
        }
    }

    /// <summary>The slot of this name (<c>new-ID</c>, <c>before-ID</c>), or null when it is not one.</summary>
    public FilesSlot? SlotNamed(string name)
    {
        foreach (var kind in Enum.GetValues<SlotKind>())
        {
            var start = new Slot(kind, default).ToString();
            if (name.StartsWith(start, StringComparison.Ordinal) && PointId.TryParse(name[start.Length..], out var id))
                return this[new Slot(kind, id)];
        }

        return null;
    }

    /// <summary>Whether it holds anything that was live or is to be, how much and where.</summary>
    public SlotState Inspect(Slot slot)
    {
        var place = this[slot];
        if (disk.Stat(place.Folder) is null) return new SlotState(false, place.Folder.ToString(), null);
        var (leaves, bytes) = Measure(place.Tree);
        var exists = leaves > 0 || disk.Stat(place.Staged) is not null || HoldsFolders(place);
        return new SlotState(exists, place.Folder.ToString(), bytes)
        {
            SwapIsOpen = SwapPlan.Read(disk, place) is { Phase: not SwapPhase.Done },
        };
    }

    /// <summary>
    /// Deletes a slot: first it gets a name under which nobody looks for it, so that a crash never leaves half of one.
    /// </summary>
    public void Discard(Slot slot)
    {
        var place = this[slot];
        KeepingTime(root, () =>
        {
            if (disk.Stat(place.Folder) is not null)
            {
                DeleteTree(place.Spent);
                disk.Rename(place.Folder, place.Spent);
                disk.SyncFolder(root);
            }

            DeleteTree(place.Spent);
        });
    }

    /// <summary>Deletes a folder of ours with everything in it; an absent one is fine.</summary>
    public void DeleteTree(DiskPath folder)
    {
        if (disk.Stat(folder) is null) return;
        var open = new Stack<(DiskPath Path, bool Emptied)>();
        open.Push((folder, false));
        while (open.TryPop(out var next))
        {
            if (next.Emptied)
            {
                disk.DeleteFolder(next.Path);
                continue;
            }

            open.Push((next.Path, true));
            foreach (var entry in disk.List(next.Path).ToList())
            {
                var path = next.Path / entry.Name;
                if ((entry.Type ?? disk.Stat(path)?.Type) == FileType.Folder) open.Push((path, false));
                else disk.DeleteFile(path);
            }
        }
    }

    /// <summary>
    /// Runs what changes the entries of a folder and gives the folder its time back, so that slots that come and go
    /// leave no trace on it. Where the folder is not ours its time cannot be given back, and nothing depends on it.
    /// </summary>
    public void KeepingTime(DiskPath folder, Action action)
    {
        var before = disk.Stat(folder / ".");
        action();
        if (before is null || disk.Stat(folder / ".")?.Modified == before.Modified) return;
        try
        {
            disk.SetModified(folder / ".", before.Modified);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            // See the summary.
        }
    }

    private (long Leaves, long Bytes) Measure(DiskPath tree)
    {
        var (leaves, bytes) = (0L, 0L);
        if (disk.Stat(tree) is null) return (0, 0);
        var open = new Stack<DiskPath>();
        open.Push(tree);
        while (open.TryPop(out var folder))
        {
            foreach (var entry in disk.List(folder))
            {
                var path = folder / entry.Name;
                if (disk.Stat(path) is not { } status) continue;
                if (status.Type == FileType.Folder)
                {
                    open.Push(path);
                    continue;
                }

                leaves++;
                if (status.Type == FileType.Regular) bytes += Math.Min(status.SizeBytes, status.AllocatedBytes);
            }
        }

        return (leaves, bytes);
    }

    private bool HoldsFolders(FilesSlot place)
    {
        if (disk.Stat(place.Plan) is null || disk.Stat(place.Folders) is null) return false;
        using var folders = new FileListReader(disk, place.Folders, isOurs: true);
        while (folders.Next(FileEntryType.Folder) is { } folder)
        {
            if (folder is { IsAncestor: false, Path.IsEmpty: false }) return true;
        }

        return false;
    }
}
