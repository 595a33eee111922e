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
    /// <summary>
    /// Makes what comes back live. A swap is not interrupted: the token is looked at between two assets.
    /// </summary>
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
        var became = await restorable.BecameAsync(item, CancellationToken.None);
        operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.Swapped, HadLive = aside.Exists, Became = became });
    }

    private static async Task BackAsync(Operation operation, JournalAsset asset)
    {
        switch (asset.Position)
        {
            case SwapPosition.Before or SwapPosition.Back:
                return;
            case SwapPosition.SwappingBack when asset.Back is { } back:
                await TakeBackAsync(operation, asset, back);
                return;
            case SwapPosition.Swapped:
                await TakeBackAsync(operation, asset, Opposite(operation, asset, asset.HadLive));
                return;
            default:
                await FromHalfWayAsync(operation, asset);
                return;
        }
    }

    // A swap was begun and did not say that it ended. The asset itself knows how far it came: it is asked for the
    // opposite swap. Only where nothing was live before, that has no former data to name; then the swap is finished
    // first, and what is live is set aside again.
    private static async Task FromHalfWayAsync(Operation operation, JournalAsset asset)
    {
        var isAside = await ExistsAsync(operation, asset, asset.Outgoing);
        if (isAside || (asset.HadLive && await WaitsAsync(operation, asset)))
        {
            await TakeBackAsync(operation, asset, Opposite(operation, asset, former: true));
            return;
        }

        try
        {
            var swap = new JournalSwap(asset.Incoming, asset.Outgoing).ToSwap();
            await operation.Asset(asset.Name).SwapAsync(operation.Item(asset), swap, CancellationToken.None);
        }
        catch (RepriseException)
        {
            // It cannot go on, which is probably why we are here: what lies aside by now tells how far it came.
        }

        var former = await ExistsAsync(operation, asset, asset.Outgoing);
        if (!former && asset.Incoming is null) operation.SaveAsset(
            asset.Name, a => a with { Position = SwapPosition.Back });
        else await TakeBackAsync(operation, asset, Opposite(operation, asset, former));
    }

    private static async Task TakeBackAsync(Operation operation, JournalAsset asset, JournalSwap back)
    {
        operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.SwappingBack, Back = back });
        try
        {
            await RunTwiceAsync(operation, asset, back.ToSwap());
        }
        catch (RepriseException) when (asset.HadLive)
        {
            // Nothing lies aside, and what came in waits again: what is live is what it was. Nothing had to be done.
            if (await ExistsAsync(operation, asset, asset.Outgoing) || !await WaitsAsync(operation, asset)) throw;
        }

        operation.SaveAsset(asset.Name, a => a with { Position = SwapPosition.Back });
    }

    // Now that production is half of this and half of that, a fault that passes is worth a second try.
    private static async Task RunTwiceAsync(Operation operation, JournalAsset asset, Swap swap)
    {
        var restorable = operation.Asset(asset.Name);
        var item = operation.Item(asset);
        try
        {
            await restorable.SwapAsync(item, swap, CancellationToken.None);
        }
        catch (RepriseException)
        {
            await restorable.SwapAsync(item, swap, CancellationToken.None);
        }
    }

    private static JournalSwap Opposite(Operation operation, JournalAsset asset, bool former) =>
        new(former ? asset.Outgoing : null, asset.Incoming ?? JournalSlot.Of(Slot.New(operation.Id)));

    private static async Task<bool> WaitsAsync(Operation operation, JournalAsset asset) =>
        asset.Incoming is { } incoming
        && await InspectAsync(operation, asset, incoming) is { Exists: true, SwapIsOpen: false };

    private static async Task<bool> ExistsAsync(Operation operation, JournalAsset asset, JournalSlot slot) =>
        (await InspectAsync(operation, asset, slot)).Exists;

    private static Task<SlotState> InspectAsync(Operation operation, JournalAsset asset, JournalSlot slot) =>
        operation.Asset(asset.Name).InspectSlotAsync(operation.Item(asset), slot.ToSlot(), CancellationToken.None);
}
