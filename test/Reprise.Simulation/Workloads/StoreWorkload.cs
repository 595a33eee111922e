using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// Puts, replaces, reads and deletes objects, and compares the store with a model of what it promised: what it
/// acknowledged is there, whole; what failed "without effect" has had none; everything else is there whole or not at
/// all; a listing names exactly what is there, in order.
/// </summary>
public sealed class StoreWorkload(ulong seed, int calls) : IWorkload
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly string[] Names = ["points/a", "points/b", "packs/00/c", "packs/01/d", "packs/01/e", "f"];

    private readonly Chance chance = Chance.For(seed, "calls");

    // What may lie under each name; null stands for nothing.
    private readonly Dictionary<string, List<byte[]?>> legal = Names.ToDictionary(
        name => name, _ => new List<byte[]?> { null }, StringComparer.Ordinal);

    /// <inheritdoc />
    public string Name => $"store x{calls}";

    /// <inheritdoc />
    /// <remarks>A bit that flips while reading is found by whoever reads: no store promises otherwise.</remarks>
    public IReadOnlyList<FaultKind> Faults(World world) =>
        [.. (world.FaultsOnDisk ? FaultKinds.OfDisks : FaultKinds.OfStores).Where(k => k != FaultKind.FlippedRead)];

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        try
        {
            var store = (await life.ConnectAsync()).Store;
            for (var i = 0; i < calls; i++) await CallAsync(store, chance.Pick(Names));
        }
        catch (StoreException e)
        {
            life.Loop.Log.Notable($"gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        var store = (await life.ConnectAsync()).Store;
        await CompareAsync(store);
        foreach (var name in Names)
        {
            await CallAsync(store, name);
            await store.PutAsync(new ObjectName(name), Content(name), PutMode.Replace, None);
        }

        await CompareAsync(store);
    }

    private async Task CallAsync(IStore store, string name)
    {
        switch (chance.Below(6))
        {
            case 0: await PutAsync(store, name, PutMode.CreateNew); break;
            case 1: await PutAsync(store, name, PutMode.ContentNamed); break;
            case 2: await PutAsync(store, name, PutMode.Replace); break;
            case 3: await DeleteAsync(store, name); break;
            default: await ReadAsync(store, name); break;
        }
    }

    private byte[] Content(string name)
    {
        var content = chance.Bytes(chance.Between(0, 5000));
        legal[name] = [content];
        return content;
    }

    private async Task PutAsync(IStore store, string name, PutMode mode)
    {
        var before = legal[name];
        var content = Content(name);
        legal[name] = [.. before, content];
        try
        {
            await store.PutAsync(new ObjectName(name), content, mode, None);

            // Under a content name the bytes that were there already are kept.
            if (mode == PutMode.ContentNamed)
                legal[name] = [.. legal[name].Where(l => l?.Length == content.Length)];
            else
                legal[name] = [content];
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            if (before.All(l => l is null)) throw new SimulationFailureException($"{name} is said to exist, but cannot", e);
            legal[name] = [.. before.Where(l => l is not null)];
        }
        catch (StoreException e)
        {
            if (!e.Fault.MayHaveTakenEffect) legal[name] = before;
            throw;
        }
    }

    private async Task DeleteAsync(IStore store, string name)
    {
        var before = legal[name];
        legal[name] = [.. before, null];
        try
        {
            await store.DeleteAsync(new ObjectName(name), None);
            legal[name] = [null];
        }
        catch (StoreException e) when (!e.Fault.MayHaveTakenEffect)
        {
            legal[name] = before;
            throw;
        }
    }

    private async Task ReadAsync(IStore store, string name)
    {
        var seen = await FindAsync(store, name);
        if (legal[name].All(l => !Same(l, seen)))
            throw new SimulationFailureException($"{name} holds {Say(seen)}, not {string.Join(" or ", legal[name].Select(Say))}");
    }

    private async Task CompareAsync(IStore store)
    {
        var listed = new List<string>();
        await foreach (var info in store.ListAsync(ObjectPrefix.All, None)) listed.Add($"{info.Name}={info.SizeBytes}");
        var found = new List<string>();
        foreach (var name in Names.Order(StringComparer.Ordinal))
        {
            await ReadAsync(store, name);
            var seen = await FindAsync(store, name);
            legal[name] = [seen];
            if (seen is not null) found.Add($"{name}={seen.Length}");
        }

        if (!listed.SequenceEqual(found, StringComparer.Ordinal))
            throw new SimulationFailureException($"the listing is {string.Join(' ', listed)}, not {string.Join(' ', found)}");
    }

    private static async Task<byte[]?> FindAsync(IStore store, string name)
    {
        if (await store.StatAsync(new ObjectName(name), None) is not { } info) return null;
        using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), None);
        return bytes.Memory.ToArray();
    }

    private static bool Same(byte[]? one, byte[]? other) =>
        one is null || other is null ? one == other : one.AsSpan().SequenceEqual(other);

    private static string Say(byte[]? bytes) => bytes is null ? "nothing" : $"{bytes.Length} bytes";
}
