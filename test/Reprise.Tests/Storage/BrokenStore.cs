using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Storage;
using Reprise.Storage.Memory;

namespace Reprise.Tests.Storage;

/// <summary>The reference with one sentence of the semantics broken, named as the check that must find it.</summary>
internal sealed class BrokenStore(string broken) : IStore
{
    private readonly MemoryStore inner = new();

    public StoreCapabilities Capabilities => inner.Capabilities;

    public ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        if (broken is "create-new-one-winner" or "create-new-refuses" && mode == PutMode.CreateNew)
            mode = PutMode.Replace;
        return inner.PutAsync(name, content, mode, cancellationToken);
    }

    public async ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        if (broken == "truncated-range" && await inner.StatAsync(name, cancellationToken) is { } info)
        {
            var offset = Math.Min(range.OffsetBytes, info.SizeBytes);
            range = new ByteRange(offset, (int)Math.Min(range.LengthBytes, info.SizeBytes - offset));
        }

        var read = await inner.ReadAsync(name, range, cancellationToken);
        if (broken == "put-then-read" && read.Memory.Length > 0) read.Memory.Span[0] ^= 1;
        return read;
    }

    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        inner.StatAsync(name, cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = new List<ObjectInfo>();
        await foreach (var info in inner.ListAsync(prefix, cancellationToken)) found.Add(info);
        if (broken == "list-order") found.Reverse();
        if (broken == "list-after-write" && found.Count > 3) found.RemoveAt(3);
        foreach (var info in found) yield return info;
    }

    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        inner.DeleteAsync(name, cancellationToken);
}
