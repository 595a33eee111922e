using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Storage;
using Reprise.Storage.Memory;

namespace Reprise.Tests.Repository;

/// <summary>A store in which something else happens before an operation, and that can die at a deletion.</summary>
internal sealed class ArrivingStore : IStore
{
    private readonly MemoryStore inner = new();

    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>Called before each operation.</summary>
    public Func<Task>? Before { get; set; }

    /// <summary>Deletions until every later one fails; null: none does.</summary>
    public int? DeletionsUntilDeath { get; set; }

    public async ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken token)
    {
        await ArriveAsync();
        await inner.PutAsync(name, content, mode, token);
    }

    public async ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken token)
    {
        await ArriveAsync();
        return await inner.ReadAsync(name, range, token);
    }

    public async ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken token)
    {
        await ArriveAsync();
        return await inner.StatAsync(name, token);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken token)
    {
        await ArriveAsync();
        await foreach (var info in inner.ListAsync(prefix, token)) yield return info;
    }

    public async ValueTask DeleteAsync(ObjectName name, CancellationToken token)
    {
        await ArriveAsync();
        if (DeletionsUntilDeath is { } left && (DeletionsUntilDeath = left - 1) < 0)
            throw new StoreException(new StoreFault.Failed(), name, "the prune was killed", "");
        await inner.DeleteAsync(name, token);
    }

    private Task ArriveAsync() => Before?.Invoke() ?? Task.CompletedTask;
}
