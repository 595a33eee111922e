using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>
/// Exchanges the files of a server with those in a slot, by renaming alone. Whatever is half-way, no server starts: the
/// <c>pg_control</c> of both sides is held back under another name before anything else moves, and that of what becomes
/// live arrives last. The name of the data directory, or in a mount <c>PG_VERSION</c>, is there at every instant: images of
/// PostgreSQL make a new server where it is missing.
/// <para>All moves are written down before the first one, and each is durable before the next. So they can be done again,
/// or undone from the last to the first, from wherever a <c>kill -9</c> left them.</para>
/// </summary>
internal sealed class ClusterSwap(IDisk disk, ClusterPlace place)
{
    /// <summary>The exchange that was begun and not finished, or null.</summary>
    public SwapMarker? Unfinished() => SwapMarker.Read(disk, place.Marker);

    /// <summary>Whether nothing is left to do.</summary>
    public bool IsDone(Swap swap)
    {
        if (Unfinished() is not null) return false;
        var isLive = Tree(place.Data).Exists;
        if (swap.Incoming is not { } incoming) return !isLive;
        if (Tree(place.In(incoming)).Exists) return false;
        return isLive ? true : throw new RepriseException(
            RecoveryErrors.StagedWrong,
            $"there is neither a server at {place.Data} nor one in {incoming} to take its place",
            "run the restore again");
    }

    /// <summary>
    /// Runs the exchange, or the rest of it; or, when the opposite one is half-way, takes that back. Durable on return.
    /// </summary>
    /// <param name="swap">which.</param>
    /// <param name="refuseWhenRunning">looks, after the first move, whether a server was started meanwhile.</param>
    public void Run(Swap swap, Action refuseWhenRunning)
    {
        if (Unfinished() is { } begun)
        {
            if (begun.Swap != swap && IsOpposite(begun.Swap, swap))
            {
                TakeBack(begun);
                return;
            }

            Finish(begun, () => { });
            if (begun.Swap == swap) return;
        }

        if (IsDone(swap)) return;
        var marker = Plan(swap);
        marker.Write(disk, place.Marker);
        Finish(marker, refuseWhenRunning);
    }

    private static bool IsOpposite(Swap begun, Swap asked) =>
        asked.Incoming == begun.Outgoing || (asked.Incoming is null && asked.Outgoing == begun.Incoming);

    private void Finish(SwapMarker marker, Action refuseWhenRunning)
    {
        Make(marker.Made);
        var first = Applied(marker);
        for (var i = first; i < marker.Moves.Count; i++)
        {
            Do(marker.Moves[i]);
            if (i == 0) Look(marker, refuseWhenRunning);
        }

        foreach (var folder in marker.Emptied) DeleteEmpty(folder);
        End();
    }

    // Whoever started the server between the first look and the first move is seen now; later nobody can start it.
    private void Look(SwapMarker marker, Action refuseWhenRunning)
    {
        try
        {
            refuseWhenRunning();
        }
        catch (RepriseException)
        {
            TakeBack(marker);
            throw;
        }
    }

    private void TakeBack(SwapMarker marker)
    {
        Make(marker.Emptied);
        for (var i = Applied(marker) - 1; i >= 0; i--) Undo(marker.Moves[i]);
        foreach (var folder in marker.Made) DeleteEmpty(folder);
        End();
    }

    private void End()
    {
        disk.DeleteFile(place.Marker);
        disk.SyncFolder(place.Folder);
    }

    // They are done in order, so the last one that is done says how many are.
    private int Applied(SwapMarker marker)
    {
        for (var i = marker.Moves.Count; i > 0; i--)
        {
            var move = marker.Moves[i - 1];
            if (Is(move.IsExchange ? move.From : move.To, move)) return i;
        }

        return 0;
    }

    private bool Is(string path, SwapMove move) =>
        disk.Stat(new DiskPath(path)) is { } status && status.Inode == move.Inode && status.Device == move.Device;

    private void Do(SwapMove move)
    {
        if (!Is(move.IsExchange ? move.To : move.From, move))
        {
            throw new RepriseException(
                RecoveryErrors.StagedWrong,
                $"{(move.IsExchange ? move.To : move.From)} is no longer what was to be moved",
                "look who changes that folder, then 'reprise undo'");
        }

        Rename(new DiskPath(move.From), new DiskPath(move.To), move.IsExchange);
    }

    private void Undo(SwapMove move) => Rename(new DiskPath(move.To), new DiskPath(move.From), move.IsExchange);

    private void Rename(DiskPath from, DiskPath to, bool isExchange)
    {
        if (isExchange) disk.Exchange(from, to);
        else if (!disk.RenameNew(from, to))
        {
            throw new RepriseException(new Problem(
                StorageErrors.FileExists,
                Severity.Error,
                $"{to} exists already, so that {from} cannot be renamed to it",
                $"move {to} to another folder, and continue")
            {
                Where = to.ToString(),
            });
        }

        disk.SyncFolder(from.Parent);
        if (to.Parent != from.Parent) disk.SyncFolder(to.Parent);
    }

    private void Make(IEnumerable<SwapFolder> folders)
    {
        foreach (var folder in folders)
        {
            var path = new DiskPath(folder.Path);
            if (disk.Stat(path) is not null) continue;
            disk.MakeFolder(path, folder.Mode);
            disk.SetMode(path, folder.Mode);
            if (disk.Stat(path) is { } status && (status.User != folder.User || status.Group != folder.Group))
                disk.SetOwner(path, folder.User, folder.Group);
            disk.SyncFolder(path.Parent);
        }
    }

    private void DeleteEmpty(SwapFolder folder)
    {
        var path = new DiskPath(folder.Path);
        if (disk.Stat(path) is null || disk.List(path).Any()) return;
        disk.DeleteFolder(path);
        disk.SyncFolder(path.Parent);
    }

    private ClusterTree Tree(DiskPath folder) => new(disk, place, folder);

    private SwapMarker Plan(Swap swap)
    {
        var live = Tree(place.Data) is { Exists: true } there ? there : null;
        var incoming = swap.Incoming is { } slot ? Tree(place.In(slot)) : null;
        var plan = new SwapPlanning(disk, place, live, incoming, swap);
        plan.Hold();
        plan.MoveTablespaces();
        if (place.IsMount) plan.MoveEntries();
        else plan.MoveFolders();
        plan.Release();
        return plan.Marker;
    }
}
