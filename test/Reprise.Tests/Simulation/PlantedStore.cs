using System.Buffers;
using Reprise.Storage;
using Reprise.Storage.Memory;

namespace Reprise.Tests.Simulation;

/// <summary>A store with one planted defect, which none of its answers admits.</summary>
internal sealed class PlantedStore(IStore inner, StoreDefect defect) : IStore
{
    // What a store that writes back late has acknowledged and not written; it dies with the process.
    private readonly MemoryStore late = new();
    private int reads;

    public StoreCapabilities Capabilities => inner.Capabilities;

    public async ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        switch (defect)
        {
            case StoreDefect.ForgetsInACrash when name.Value.StartsWith("packs/", StringComparison.Ordinal):
                await late.PutAsync(name, content, mode, cancellationToken);
                break;
            case StoreDefect.CreatesOverAnother when mode == PutMode.CreateNew:
                await inner.PutAsync(name, content, PutMode.Replace, cancellationToken);
                break;
            case StoreDefect.DeniesWhatItDid when name.Value.StartsWith("points/", StringComparison.Ordinal):
                await DenyAsync(name, content, mode, cancellationToken);
                break;
            default:
                await inner.PutAsync(name, content, mode, cancellationToken);
                break;
        }
    }

    public async ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        if (await late.StatAsync(name, cancellationToken) is not null)
            return await late.ReadAsync(name, range, cancellationToken);
        var read = await inner.ReadAsync(name, range, cancellationToken);
        var lies = defect == StoreDefect.GivesOtherBytes && name.Value.StartsWith("packs/", StringComparison.Ordinal);
        if (lies && ++reads % 3 == 0) read.Memory.Span[range.LengthBytes / 3] ^= 1;
        return read;
    }

    public async ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        await late.StatAsync(name, cancellationToken) ?? await inner.StatAsync(name, cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = new SortedDictionary<string, ObjectInfo>(StringComparer.Ordinal);
        await foreach (var info in inner.ListAsync(prefix, cancellationToken)) found[info.Name.Value] = info;
        await foreach (var info in late.ListAsync(prefix, cancellationToken)) found[info.Name.Value] = info;
        foreach (var info in found.Values) yield return info;
    }

    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        inner.DeleteAsync(name, cancellationToken);

    private async ValueTask DenyAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        try
        {
            await inner.PutAsync(name, content, mode, cancellationToken);
        }
        catch (StoreException e) when (e.Fault is StoreFault.Failed)
        {
            throw new StoreException(new StoreFault.Unreachable(), name, "said to have done nothing", "none", e);
        }
    }
}

/// <summary>What is wrong with a store.</summary>
public enum StoreDefect
{
    /// <summary>Now and then a read gives one other bit, as success.</summary>
    GivesOtherBytes,

    /// <summary>It acknowledges packs before they are durable.</summary>
    ForgetsInACrash,

    /// <summary>Creation overwrites what is there.</summary>
    CreatesOverAnother,

    /// <summary>A lost answer is reported as "nothing happened".</summary>
    DeniesWhatItDid,
}
