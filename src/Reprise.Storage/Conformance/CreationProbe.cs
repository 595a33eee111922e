using Reprise.Storage.Runtime;

namespace Reprise.Storage.Conformance;

/// <summary>
/// Asks a store whether it keeps what prune stands on: that a name which exists is not created again. A server that
/// ignores the condition answers success, so that only trying shows it.
/// </summary>
public static class CreationProbe
{
    /// <summary>Whether a second creation of the same name was refused, and left the first as it was.</summary>
    public static async ValueTask<bool> IsRefusedAsync(IStore store, Entropy entropy, CancellationToken cancellationToken)
    {
        var name = new ObjectName("conformance-" + Convert.ToHexStringLower(entropy.Bytes(8)) + "/probe");
        byte[] first = [1, 2, 3], second = [4, 5, 6];
        await store.PutAsync(name, first, PutMode.CreateNew, cancellationToken);
        try
        {
            await store.PutAsync(name, second, PutMode.CreateNew, cancellationToken);
            return false;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            using var there = await store.ReadAsync(name, new ByteRange(0, first.Length), cancellationToken);
            return there.Memory.Span.SequenceEqual(first);
        }
        finally
        {
            await store.DeleteAsync(name, cancellationToken);
        }
    }
}
