using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;

namespace Reprise.Storage.Memory;

/// <summary>
/// The reference: what every store does, with nothing that can fail. For tests, the simulator and dry runs.
/// </summary>
public sealed class MemoryStore : IStore
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, byte[]> objects = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public StoreCapabilities Capabilities { get; } = new("memory", "memory");

    /// <inheritdoc />
    public ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        Invariant.Check(
            content.Length <= StoreLimits.MaxObjectBytes, $"object {name} of {content.Length} bytes is too large");
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (mode != PutMode.Replace && objects.TryGetValue(name.Value, out var existing))
            {
                if (mode == PutMode.ContentNamed && existing.Length == content.Length) return default;
                throw new StoreException(
                    new StoreFault.AlreadyExists(),
                    name,
                    $"object {name} exists already with {existing.Length} bytes",
                    "nothing was written; look at what is there");
            }

            objects[name.Value] = content.ToArray();
        }

        return default;
    }

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        Invariant.Check(range.IsValid, $"range {range} is not valid");
        cancellationToken.ThrowIfCancellationRequested();
        byte[]? content;
        lock (gate) objects.TryGetValue(name.Value, out content);
        if (content is null)
            throw new StoreException(
                new StoreFault.NotFound(),
                name,
                $"object {name} does not exist",
                "run `reprise verify` to learn which points need it");
        if (range.OffsetBytes + range.LengthBytes > content.Length)
            throw new StoreException(
                new StoreFault.Truncated(),
                name,
                $"object {name} has {content.Length} bytes, but {range} was asked for",
                "run `reprise verify` to learn which points need it");
        var bytes = new PooledBytes(range.LengthBytes);
        content.AsMemory((int)range.OffsetBytes, range.LengthBytes).CopyTo(bytes.Memory);
        return new ValueTask<IMemoryOwner<byte>>(bytes);
    }

    /// <inheritdoc />
    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            return new ValueTask<ObjectInfo?>(
                objects.TryGetValue(name.Value, out var content) ? new ObjectInfo(name, content.Length) : null);
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ObjectInfo> found = [];
        lock (gate)
        {
            foreach (var (name, content) in objects)
            {
                var info = new ObjectInfo(new ObjectName(name), content.Length);
                if (prefix.Contains(info.Name)) found.Add(info);
            }
        }

        foreach (var info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }

        await ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate) objects.Remove(name.Value);
        return default;
    }
}
