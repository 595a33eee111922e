using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>
/// Puts a server that was captured as files in the place of the live one, and back: staged beside it, proven there,
/// exchanged by renaming. What is set aside is the safety copy.
/// </summary>
internal sealed class InPlaceRestore(PostgresHost host, PostgresServer server, PostgresSettings settings, RestoreItem item)
{
    private readonly InPlaceTarget target = new(host, server, settings, item);

    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) => target.InspectAsync(cancellationToken);

    public Task<IReadOnlyList<Problem>> PreflightAsync(CancellationToken cancellationToken) => target.PreflightAsync(cancellationToken);

    public async Task StageAsync(PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        await DiscardAsync(Slot.New(item.RestoreId), cancellationToken);
        await Stage().StageAsync(point, progress, cancellationToken);
    }

    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(IProgressSink progress, CancellationToken cancellationToken) =>
        Stage().VerifyAsync(progress, cancellationToken);

    /// <summary>Stops the server, exchanges the files, and starts it on what is live then.</summary>
    public async Task SwapAsync(Swap swap, CancellationToken cancellationToken)
    {
        var place = target.Locate();
        var commands = new ServerCommands(host, server, settings, place, target.Processes(place));
        var exchange = new ClusterSwap(host.Disk, place);
        if (!await host.Cpu.RunAsync(() => exchange.IsDone(swap), cancellationToken))
        {
            await commands.StopAsync(cancellationToken);
            await host.Cpu.RunAsync(() => exchange.Run(swap, commands.RefuseWhenRunning), cancellationToken);
        }

        var live = new ClusterTree(host.Disk, place, place.Data);
        if (await host.Cpu.RunAsync(() => IsToStart(live, swap), cancellationToken)) await commands.StartAsync(cancellationToken);
    }

    public Task<SlotState> InspectSlotAsync(Slot slot, CancellationToken cancellationToken) => host.Cpu.RunAsync(
        () =>
        {
            var place = target.Locate();
            var (folder, open) = (place.In(slot), new ClusterSwap(host.Disk, place).Unfinished());

            // What is on its way into a slot counts as being there: it is no longer what is live.
            var isOpen = open is not null && (open.Swap.Incoming == slot || open.Swap.Outgoing == slot);
            var isLeaving = isOpen && open is { HadLive: true } && open.Swap.Outgoing == slot;
            var exists = isLeaving || host.Disk.Stat(folder) is { Type: FileType.Folder };
            return new SlotState(exists, folder.ToString(), null) { SwapIsOpen = isOpen };
        },
        cancellationToken);

    public Task DiscardAsync(Slot slot, CancellationToken cancellationToken) => host.Cpu.RunAsync(
        () =>
        {
            var place = target.Locate();
            RefuseWhileSwapping(place, slot);
            var tree = new ClusterTree(host.Disk, place, place.In(slot));
            foreach (var folder in TablespaceFolders(place, tree, slot)) Folders.DeleteTree(host.Disk, folder);
            if (!tree.Exists) return;
            Folders.DeleteTree(host.Disk, tree.Folder);
            host.Disk.SyncFolder(place.Folder);
        },
        cancellationToken);

    // What was put back is started again only when it had been stopped in good order, as we do it: else it was not running.
    private static bool IsToStart(ClusterTree live, Swap swap) =>
        live.IsCluster && (swap.Outgoing.Kind != SlotKind.New || (live.ControlBytes() is { } control && ControlFile.IsShutDown(control)));

    private InPlaceStage Stage() => new(host, settings, item, target.Locate(), target);

    // A slot that was half staged has no links yet.
    private HashSet<DiskPath> TablespaceFolders(ClusterPlace place, ClusterTree tree, Slot slot)
    {
        var locations = tree.Tablespaces().SelectMany(l => (DiskPath[])[l.Location, l.Location.Parent]).ToList();
        if (slot.Kind == SlotKind.New) locations.AddRange(target.Locations(place));
        var suffix = "." + slot;
        return
        [
            .. locations.Distinct().Where(l => host.Disk.Stat(l / ".") is { Type: FileType.Folder })
                .SelectMany(l => host.Disk.List(l).Select(e => l / e.Name).ToList())
                .Where(p => p.Name.ToString() is var name && name.StartsWith("PG_", StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal)),
        ];
    }

    private void RefuseWhileSwapping(ClusterPlace place, Slot slot)
    {
        if (new ClusterSwap(host.Disk, place).Unfinished() is not { } open || (open.Swap.Incoming != slot && open.Swap.Outgoing != slot)) return;
        throw new RepriseException(
            RecoveryErrors.OperationInterrupted,
            $"an exchange of {place.Data} with {open.Incoming ?? "nothing"} was interrupted",
            "run 'reprise restore --continue' or 'reprise undo' first");
    }
}
