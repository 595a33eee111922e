using System.Buffers;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository;

/// <summary>A store in which each name shows the version that was chosen for it, whatever it shows now. For reading only.</summary>
internal sealed class VersionView(IStore store) : IStore
{
    private readonly SortedDictionary<ObjectName, ObjectVersion> chosen = [];

    /// <inheritdoc />
    public StoreCapabilities Capabilities => store.Capabilities;

    /// <summary>Shows this version under its name.</summary>
    public void Show(ObjectVersion version) => chosen[version.Name] = version;

    /// <summary>Shows nothing under the name.</summary>
    public void Hide(ObjectName name) => chosen.Remove(name);

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        if (!chosen.TryGetValue(name, out var version))
            throw new StoreException(new StoreFault.NotFound(), name, $"object {name} has no version", "nothing can bring it back");
        return version.IsCurrent
            ? store.ReadAsync(name, range, cancellationToken)
            : store.ReadVersionAsync(version, range, cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        new(chosen.TryGetValue(name, out var version) ? new ObjectInfo(name, version.SizeBytes) : (ObjectInfo?)null);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var version in chosen.Values.Where(v => prefix.Contains(v.Name)).ToList())
            yield return new ObjectInfo(version.Name, version.SizeBytes);
    }

    /// <inheritdoc />
    public ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken) =>
        throw new InvariantException($"{name} is written to a view");

    /// <inheritdoc />
    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        throw new InvariantException($"{name} is deleted from a view");
}
