using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Storage;
using Reprise.Storage.Memory;

namespace Reprise.Tests.Repository;

/// <summary>
/// A store in which something else happens before an operation, which dies at a write or a deletion, and which counts what is
/// read of packs and what is written.
/// </summary>
internal sealed class ArrivingStore : IStore
{
    private readonly MemoryStore inner = new();
    private long readBytes;
    private long reads;
    private long writtenBytes;

    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>Called before each operation.</summary>
    public Func<Task>? Before { get; set; }

    /// <summary>Writes until every later write and deletion fails; null: none does.</summary>
    public int? DiesAfter { get; set; }

    /// <summary>Deletions until every later one fails; null: none does.</summary>
    public int? DeletionsUntilDeath { get; set; }

    public long ReadBytes => Interlocked.Read(ref readBytes);

    public long Reads => Interlocked.Read(ref reads);

    public long WrittenBytes => Interlocked.Read(ref writtenBytes);

    public void Reset()
    {
        Interlocked.Exchange(ref readBytes, 0);
        Interlocked.Exchange(ref reads, 0);
        Interlocked.Exchange(ref writtenBytes, 0);
    }

    public async ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken token)
    {
        await ArriveAsync();
        if (DiesAfter is { } left && (DiesAfter = left - 1) < 0) throw Killed(name);
        await inner.PutAsync(name, content, mode, token);
        Interlocked.Add(ref writtenBytes, content.Length);
    }

    public async ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken token)
    {
        await ArriveAsync();
        if (name.Value.StartsWith("packs/", StringComparison.Ordinal))
        {
            Interlocked.Add(ref readBytes, range.LengthBytes);
            Interlocked.Increment(ref reads);
        }

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
        if (DiesAfter < 0 || (DeletionsUntilDeath is { } left && (DeletionsUntilDeath = left - 1) < 0)) throw Killed(name);
        await inner.DeleteAsync(name, token);
    }

    private Task ArriveAsync() => Before?.Invoke() ?? Task.CompletedTask;

    private static StoreException Killed(ObjectName name) => new(new StoreFault.Failed(), name, "whoever asked was killed", "");
}
