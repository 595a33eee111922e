using Reprise.Recovery.Assets;
using Reprise.Recovery.State;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>The data that finished operations keep beside the live data.</summary>
internal static class FormerSlots
{
    /// <summary>
    /// What one operation keeps; an asset that cannot be asked now is a note of the operation, not its failure.
    /// </summary>
    public static async Task<IReadOnlyList<FormerData>> OfAsync(Operation operation)
    {
        try
        {
            return await ListAsync(operation.Application, operation.Journal, CancellationToken.None);
        }
        catch (RepriseException e)
        {
            operation.Problems.Add(e.Problem with { Severity = Severity.Warning });
            return [];
        }
    }

    /// <summary>What one operation keeps; nothing while it is open.</summary>
    public static async Task<IReadOnlyList<FormerData>> ListAsync(
        RestoreApplication application, OperationJournal journal, CancellationToken cancellationToken)
    {
        var former = new List<FormerData>();
        if (journal.Forgotten || journal.IsOpen) return former;
        foreach (var (asset, slot) in Slots(journal))
        {
            var until = journal.FormerUntil ?? journal.Started;
            if (Operation.Restorable(application, asset.Name) is not { } restorable)
            {
                var lost = $"{slot} of {asset.Name}, which is no longer configured";
                former.Add(new FormerData(journal.Id, asset.Name, lost, null, until));
                continue;
            }

            var item = new RestoreItem(journal.Id, asset.Record);
            var state = await restorable.InspectSlotAsync(item, slot, cancellationToken);
            if (state.Exists) former.Add(new FormerData(journal.Id, asset.Name, state.Where, state.SizeBytes, until));
        }

        return former;
    }

    /// <summary>Deletes what one operation keeps.</summary>
    public static async Task DiscardAsync(
        RestoreApplication application, OperationJournal journal, CancellationToken cancellationToken)
    {
        foreach (var (asset, slot) in Slots(journal))
        {
            if (Operation.Restorable(application, asset.Name) is { } restorable)
                await restorable.DiscardAsync(new RestoreItem(journal.Id, asset.Record), slot, cancellationToken);
        }
    }

    // Kept: what was live before. Rolled back: what had been restored; of an undo that lies in the slot of another
    // operation, which lists it.
    private static IEnumerable<(JournalAsset Asset, Slot Slot)> Slots(OperationJournal journal) => journal.State switch
    {
        OperationState.Kept => journal.Assets.Select(a => (a, a.Outgoing.ToSlot())),
        OperationState.RolledBack when journal.Kind == OperationKind.Restore =>
            journal.Assets.Select(a => (a, Slot.New(journal.Id))),
        _ => [],
    };
}
