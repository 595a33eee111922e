using Reprise.Recovery.Assets;
using Reprise.Recovery.State;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Swaps the assets of an operation, one after another, and back again from wherever they are. What is begun is in the
/// journal before it is begun; how far it came is asked of the asset, so that a <c>kill -9</c> costs nothing.
/// </summary>
internal static class Swapper
{
    /// <summary>Makes what comes back live. A swap is not interrupted: the token is looked at between two assets.</summary>
    public static async Task ForwardAsync(Operation operation, CancellationToken cancellationToken)
    {
        foreach (var asset in operation.Journal.Assets.Where(a => a.Position != SwapPosition.Swapped))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ForwardAsync(operation, asset);
        }
    }

    /// <summary>Makes the former data live again, the last asset first.</summary>
    public static async Task BackAsync(Operation operation)
    {
        foreach (var asset in operation.Journal.Assets.Reverse()) await BackAsync(operation, asset);
    }

    private static async Task ForwardAsync(Operation operation, JournalAsset asset)
    {
        operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.Swapping });
        var restorable = operation.Asset(asset.Name);
        var item = operation.Item(asset);
        var swap = new JournalSwap(asset.Incoming, asset.Outgoing).ToSwap();
        await restorable.SwapAsync(item, swap, CancellationToken.None);

        // From now on the truth is what lies aside, not what seemed to be live before.
        var aside = await restorable.InspectSlotAsync(item, swap.Outgoing, CancellationToken.None);
        operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.Swapped, HadLive = aside.Exists });
    }

    private static async Task BackAsync(Operation operation, JournalAsset asset)
    {
        var back = asset.Position switch
        {
            SwapPosition.Before or SwapPosition.Back => null,
            SwapPosition.SwappingBack => asset.Back,
            SwapPosition.Swapped => Reverse(operation, asset, asset.HadLive),
            SwapPosition.Swapping => await FromHalfWayAsync(operation, asset),
            _ => throw new InvariantException($"a position that nobody knows: {asset.Position}"),
        };
        if (back is not null)
        {
            operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.SwappingBack, Back = back });
            await operation.Asset(asset.Name).SwapAsync(operation.Item(asset), back.ToSwap(), CancellationToken.None);
        }

        if (asset.Position is not (SwapPosition.Before or SwapPosition.Back))
            operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.Back });
    }

    private static JournalSwap Reverse(Operation operation, JournalAsset asset, bool former) =>
        new(former ? asset.Outgoing : null, asset.Incoming ?? JournalSlot.Of(Slot.New(operation.Id)));

    // A swap was begun and did not say that it ended. What lies in the two slots tells how far it came, because a swap
    // sets the live data aside before it brings anything in.
    private static async Task<JournalSwap?> FromHalfWayAsync(Operation operation, JournalAsset asset)
    {
        var restorable = operation.Asset(asset.Name);
        var item = operation.Item(asset);
        if (await ExistsAsync(restorable, item, asset.Outgoing)) return Reverse(operation, asset, former: true);
        if (asset.Incoming is null) return null;
        if (!await ExistsAsync(restorable, item, asset.Incoming)) return Reverse(operation, asset, former: false);
        if (asset.HadLive) return null;

        // There was nothing to set aside, so it is open whether it began. It is finished first, and the question is gone.
        try
        {
            await restorable.SwapAsync(item, new JournalSwap(asset.Incoming, asset.Outgoing).ToSwap(), CancellationToken.None);
        }
        catch (RepriseException)
        {
            // It cannot go on, which is probably why we are here. Nothing was live, so nothing shall be.
            return Reverse(operation, asset, await ExistsAsync(restorable, item, asset.Outgoing));
        }

        return Reverse(operation, asset, await ExistsAsync(restorable, item, asset.Outgoing));
    }

    private static async Task<bool> ExistsAsync(IRestorable restorable, RestoreItem item, JournalSlot slot) =>
        (await restorable.InspectSlotAsync(item, slot.ToSlot(), CancellationToken.None)).Exists;
}
