using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// Exchanges what is live with what is in a slot, name by name, so that folders that are mounted or watched stay what
/// they are. A plan in the outgoing slot says which phase is under way; every phase may be repeated from its start, for
/// it asks each name where it is. The next phase begins when everything before it is durable. What stands in the way is
/// set aside with the rest; nothing is ever deleted but folders that are empty.
/// </summary>
internal sealed class TreeSwap(IDisk disk, RestoreScope scope, MetadataTally tally)
{
    private const int PrivateFolder = 0x1C0;

    private readonly FilesSlots slots = new(disk, scope.Root);
    private readonly LeafMover mover = new(disk);
    private readonly EntryMetadata metadata = new(disk, tally);
    private DiskPath lastOwn;

    /// <summary>
    /// Does <paramref name="swap"/>, or what is left of it. Once something has moved it is not interrupted: half a swap
    /// is worse than a late one. When the incoming slot is itself that of an unfinished swap, that one is taken back.
    /// </summary>
    public void Run(Swap swap)
    {
        if (swap.Incoming is null && disk.Stat(scope.Root / ".") is null) return;
        var outgoing = slots[swap.Outgoing];
        var incoming = swap.Incoming is { } slot ? slots[slot] : null;
        var plan = SwapPlan.Read(disk, outgoing);
        if (plan is { Phase: SwapPhase.BackIn or SwapPhase.BackOut })
        {
            TakeBack(outgoing, plan);
            Spend(outgoing);
            plan = null;
        }

        // What a finished swap set aside comes back here when the one that was bringing it live is taken back.
        if (plan is null or { Phase: SwapPhase.Done } && incoming is not null && Unfinished(incoming) is { } other)
        {
            if (other.Incoming != SwapPlan.NameOf(swap.Outgoing)) throw Taken(incoming, other);
            TakeBack(incoming, other);
            MarkDone(outgoing, swap.Incoming);
            Spend(incoming);
            return;
        }

        if (plan is not null && plan.Incoming != SwapPlan.NameOf(swap.Incoming)) throw Taken(outgoing, plan);
        plan ??= Begin(outgoing, incoming, swap);
        if (plan.Phase == SwapPhase.Out) plan = MoveOut(outgoing, plan);
        if (plan.Phase == SwapPhase.In) plan = MoveIn(incoming, outgoing, plan);
        if (plan.Phase == SwapPhase.Folders) Finish(incoming, outgoing, plan);
        if (incoming is not null) slots.KeepingTime(scope.Root, () => slots.DeleteTree(incoming.Spent));
    }

    /// <summary>
    /// The plan of a swap into <paramref name="slot"/> that was begun and neither ended nor taken back.
    /// </summary>
    public SwapPlan? Unfinished(FilesSlot slot) =>
        SwapPlan.Read(disk, slot) is { Phase: not SwapPhase.Done } plan ? plan : null;

    private SwapPlan Begin(FilesSlot outgoing, FilesSlot? incoming, Swap swap)
    {
        if (incoming is not null) DemandStaged(incoming);
        lastOwn = default;
        if (disk.Stat(outgoing.Tree) is not null && HoldsLeaves(outgoing.Tree)) throw NotEmpty(outgoing);
        slots.KeepingTime(scope.Root, () =>
        {
            slots.DeleteTree(outgoing.Folder);
            disk.MakeFolder(outgoing.Tree, PrivateFolder);
        });
        using (var folders = new FileListWriter(disk, outgoing.Folders))
        {
            foreach (var walked in scope.Walker().Walk())
            {
                if (walked.Fault is { } fault) throw fault;
                if (walked.Status is not { Type: FileType.Folder } status) continue;
                folders.Add(FileEntry.Of(FileEntryType.Folder, walked.Path, status) with
                {
                    Flags = walked.IsAncestor ? FileEntryFlags.Ancestor : FileEntryFlags.None,
                    Attributes = [.. disk.ReadAttributes(walked.FullPath).Where(a => CaptureScan.IsKept(a.Name))],
                });
                if (!walked.Path.IsEmpty) disk.MakeFolder(outgoing.Tree / walked.Path, PrivateFolder);
            }

            folders.Complete();
        }

        // A name that is durable in a folder that is not is lost in a power failure, and the file with it: whatever
        // is renamed goes into folders that are durable before.
        SyncAll();
        var plan = SwapPlan.For(swap.Incoming).Write(disk, outgoing);
        disk.SyncFolder(scope.Root);
        return plan;
    }

    private SwapPlan MoveOut(FilesSlot outgoing, SwapPlan plan)
    {
        foreach (var walked in scope.Walker().Walk())
        {
            if (walked.Fault is { } fault) throw fault;
            if (walked.Status is { Type: FileType.Folder }) continue;
            SetAside(walked.Path, outgoing);
        }

        return Advance(outgoing, plan, SwapPhase.In);
    }

    private SwapPlan MoveIn(FilesSlot? incoming, FilesSlot outgoing, SwapPlan plan)
    {
        if (incoming is not null) MoveAllIn(incoming, path => SetAside(path, outgoing));
        return Advance(outgoing, plan, SwapPhase.Folders);
    }

    private void Finish(FilesSlot? incoming, FilesSlot outgoing, SwapPlan plan)
    {
        // Without its folder the incoming slot was spent by an attempt that ended just before it said so.
        if (incoming is null || disk.Stat(incoming.Folder) is not null)
        {
            Settle(incoming, outgoing, path => SetAside(path, outgoing), isBack: false);
            SyncAll();
        }

        if (incoming is not null) slots.KeepingTime(scope.Root, () => Retire(incoming));
        (plan with { Phase = SwapPhase.Done }).Write(disk, outgoing);
    }

    /// <summary>Undoes as much of an unfinished swap into <paramref name="slot"/> as it had done.</summary>
    private void TakeBack(FilesSlot slot, SwapPlan plan)
    {
        var origin = slots.SlotNamed(plan.Incoming);
        if (origin is not null && disk.Stat(origin.Folder) is null && disk.Stat(origin.Spent) is not null)
            disk.Rename(origin.Spent, origin.Folder);
        if (plan.Phase is SwapPhase.In or SwapPhase.Folders)
            plan = (plan with { Phase = SwapPhase.BackIn }).Write(disk, slot);
        if (plan.Phase == SwapPhase.BackIn && origin is not null)
        {
            foreach (var walked in scope.Walker().Walk())
            {
                if (walked.Fault is { } fault) throw fault;
                if (walked.Status is not { Type: FileType.Folder }) SetAside(walked.Path, origin);
            }
        }

        if (plan.Phase != SwapPhase.BackOut) Advance(slot, plan, SwapPhase.BackOut);
        MoveAllIn(slot, Refuse);
        Settle(slot, origin, Refuse, isBack: true);
        SyncAll();
    }

    private SwapPlan Advance(FilesSlot slot, SwapPlan plan, SwapPhase next)
    {
        SyncAll();
        return (plan with { Phase = next }).Write(disk, slot);
    }

    private void MarkDone(FilesSlot slot, Slot? incoming)
    {
        slots.KeepingTime(scope.Root, () => disk.MakeFolder(slot.Tree, PrivateFolder));
        new SwapPlan(SwapPlan.NameOf(incoming), SwapPhase.Done).Write(disk, slot);
        disk.SyncFolder(scope.Root);
    }

    private void Spend(FilesSlot slot) => slots.KeepingTime(scope.Root, () =>
    {
        Retire(slot);
        slots.DeleteTree(slot.Spent);
    });

    private void Retire(FilesSlot slot)
    {
        if (disk.Stat(slot.Folder) is null) return;
        slots.DeleteTree(slot.Spent);
        disk.Rename(slot.Folder, slot.Spent);
        disk.SyncFolder(scope.Root);
    }

    /// <summary>Moves a live leaf into a slot.</summary>
    private void SetAside(DiskPath path, FilesSlot slot)
    {
        var live = scope.Root / path;
        if (scope.Rules.Names(path)) throw InTheWay(live, "belongs to another asset");
        MakeOwn((slot.Tree / path).Parent);
        if (!mover.Move(live, slot.Tree / path)) throw Appeared(live);
    }

    private void MoveAllIn(FilesSlot slot, Action<DiskPath> setAside)
    {
        var made = false;
        foreach (var walked in RestoreScope.Everything(disk, slot.Tree).Walk())
        {
            if (walked.Fault is { } fault) throw fault;
            if (walked.Status is { Type: FileType.Folder }) made |= MakeLive(walked.Path, setAside);
        }

        if (made) SyncAll();
        foreach (var walked in RestoreScope.Everything(disk, slot.Tree).Walk())
        {
            if (walked.Fault is { } fault) throw fault;
            if (walked.Status is not { Type: FileType.Folder }) MoveIn(walked, setAside);
        }
    }

    private void MoveIn(Walked leaf, Action<DiskPath> setAside)
    {
        var live = scope.Root / leaf.Path;
        if (mover.Move(leaf.FullPath, live)) return;
        if (disk.Stat(live) is { Type: FileType.Folder }) RemoveEmptied(live);
        else setAside(leaf.Path);
        if (!mover.Move(leaf.FullPath, live)) throw Appeared(live);
    }

    /// <summary>
    /// Makes sure that a real folder is live: a link that leads elsewhere is set aside, not followed. True when it had
    /// to be made, and is not yet durable.
    /// </summary>
    private bool MakeLive(DiskPath path, Action<DiskPath> setAside)
    {
        if (path.IsEmpty) return false;
        var live = scope.Root / path;
        var status = disk.Stat(live);
        if (status is { Type: FileType.Folder }) return false;
        if (status is not null)
        {
            setAside(path);
            SyncAll();
        }

        disk.MakeFolder(live, PrivateFolder);
        return true;
    }

    /// <summary>Makes a folder of a slot durably; nearly all were made when the swap began.</summary>
    private void MakeOwn(DiskPath folder)
    {
        if (folder == lastOwn) return;
        if (disk.Stat(folder) is null)
        {
            disk.MakeFolder(folder, PrivateFolder);
            SyncAll();
        }

        lastOwn = folder;
    }

    /// <summary>Where a leaf is to be, a folder may only be removed when no file is left below it.</summary>
    private void RemoveEmptied(DiskPath folder)
    {
        if (HoldsLeaves(folder))
            throw InTheWay(folder, "is a folder that holds files of others, where a file is to be");
        slots.DeleteTree(folder);
        disk.SyncFolder(folder.Parent);
    }

    private bool HoldsLeaves(DiskPath tree) =>
        RestoreScope.Everything(disk, tree).Walk().Any(walked => walked.Status is not { Type: FileType.Folder });

    /// <summary>
    /// Brings the folders to what <paramref name="want"/> says, children before parents: makes what is missing, removes
    /// what only <paramref name="was"/> has when it is empty, and gives modes, owners and times. A folder that is only
    /// kept for what is below it keeps what it was before the swap. The two lists have one order, so that one pass over
    /// both is enough.
    /// </summary>
    private void Settle(FilesSlot? want, FilesSlot? was, Action<DiskPath> setAside, bool isBack)
    {
        using var wanted = OpenFolders(want);
        using var former = OpenFolders(was);
        var open = new Stack<(FileEntry? Want, FileEntry? Was, DiskPath Path)>();
        var (next, old) = (wanted?.Next(FileEntryType.Folder), former?.Next(FileEntryType.Folder));
        while (next is not null || old is not null)
        {
            var order = next is null ? 1 : old is null ? -1 : FileListCodec.Compare(next.Path, old.Path);
            var (mine, its) = (order <= 0 ? next : null, order >= 0 ? old : null);
            var path = (mine ?? its)?.Path ?? default;
            Leave(open, path, isBack);
            if (mine is not null) _ = MakeLive(path, setAside);
            open.Push((mine, its, path));
            if (mine is not null) next = wanted?.Next(FileEntryType.Folder);
            if (its is not null) old = former?.Next(FileEntryType.Folder);
        }

        Leave(open, null, isBack);
    }

    private void Leave(Stack<(FileEntry? Want, FileEntry? Was, DiskPath Path)> open, DiskPath? next, bool isBack)
    {
        while (open.TryPeek(out var folder))
        {
            if (next is { } path && (folder.Path.IsEmpty || path.IsWithin(folder.Path))) return;
            open.Pop();
            var live = folder.Path.IsEmpty ? scope.Root / "." : scope.Root / folder.Path;
            if (folder.Want is null && !folder.Path.IsEmpty && RemoveWhenEmpty(live)) continue;
            var keeps = folder.Want is null || (folder.Want.IsAncestor && !isBack);
            var entry = keeps ? folder.Was ?? folder.Want : folder.Want;
            if (entry is not null && disk.Stat(live) is { Type: FileType.Folder } now)
                metadata.ApplyToLive(live, entry, now);
        }
    }

    private bool RemoveWhenEmpty(DiskPath folder)
    {
        if (disk.Stat(folder) is not { Type: FileType.Folder }) return true;
        try
        {
            disk.DeleteFolder(folder);
            return true;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileExists || e.Code == StorageErrors.FileDenied)
        {
            // It holds what is not of this asset, is a mount point, or is not ours to remove: it stays.
            return false;
        }
    }

    private FileListReader? OpenFolders(FilesSlot? slot) =>
        slot is not null && disk.Stat(slot.Folders) is not null
            ? new FileListReader(disk, slot.Folders, isOurs: true)
            : null;

    private void SyncAll()
    {
        try
        {
            disk.SyncFileSystem(scope.Root);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.DiskUnsupported)
        {
            // There the order of renames is kept by the file system's own journal, which is all that can be had.
        }
    }

    private void DemandStaged(FilesSlot incoming)
    {
        var needed = incoming.Slot.Kind == SlotKind.New ? incoming.Staged : incoming.Tree;
        if (disk.Stat(needed) is not null || SwapPlan.Read(disk, incoming) is { Phase: SwapPhase.Done }) return;
        throw Problem(StorageErrors.FileMissing, incoming.Folder, "holds nothing that could become live");
    }

    private void Refuse(DiskPath path) => throw Appeared(scope.Root / path);

    private static RepriseException Taken(FilesSlot slot, SwapPlan plan) => Problem(
        RecoveryErrors.OperationInterrupted, slot.Folder, $"is the target of another swap, with {plan.Incoming}");

    private static RepriseException NotEmpty(FilesSlot slot) =>
        Problem(RecoveryErrors.OperationInterrupted, slot.Folder, "holds files, but no journal says why");

    private static RepriseException Appeared(DiskPath path) =>
        Problem(RecoveryErrors.TargetInUse, path, "appeared while files were swapped: something still writes there");

    private static RepriseException InTheWay(DiskPath path, string why) =>
        Problem(StorageErrors.FileExists, path, why);

    private static RepriseException Problem(ErrorCode code, DiskPath path, string what) => new(
        new Problem(code, Severity.Error, $"{path} {what}", "stop what uses it, or move it away, then continue")
        {
            Where = path.ToString(),
        });
}
