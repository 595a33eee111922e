using System.Buffers;

namespace Reprise.Storage.Wrapping;

/// <summary>A store that refuses to change: for commands that only look.</summary>
public sealed class ReadOnlyStore(IStore inner) : IStore
{
    /// <inheritdoc />
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <inheritdoc />
    public void Expect(ObjectName name, IReadOnlyList<ByteRange> ranges) => inner.Expect(name, ranges);

    /// <inheritdoc />
    public ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken) =>
        throw Refused(name, "written");

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken) =>
        inner.ReadAsync(name, range, cancellationToken);

    /// <inheritdoc />
    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        inner.StatAsync(name, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectInfo> ListAfterAsync(
        ObjectPrefix prefix, ObjectName after, CancellationToken cancellationToken) =>
        inner.ListAfterAsync(prefix, after, cancellationToken);

    /// <inheritdoc />
    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        throw Refused(name, "deleted");

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectVersion> VersionsAsync(ObjectPrefix prefix, CancellationToken cancellationToken) =>
        inner.VersionsAsync(prefix, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectVersion> VersionsAfterAsync(
        ObjectPrefix prefix, ObjectVersion after, CancellationToken cancellationToken) =>
        inner.VersionsAfterAsync(prefix, after, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadVersionAsync(
        ObjectVersion version, ByteRange range, CancellationToken cancellationToken) =>
        inner.ReadVersionAsync(version, range, cancellationToken);

    /// <inheritdoc />
    public ValueTask ProtectAsync(ObjectVersion version, CancellationToken cancellationToken) =>
        throw Refused(version.Name, "locked");

    /// <inheritdoc />
    public ValueTask UncoverAsync(ObjectVersion deletion, CancellationToken cancellationToken) =>
        throw Refused(deletion.Name, "uncovered");

    private static StoreException Refused(ObjectName name, string what) => new(
        new StoreFault.Denied(),
        name,
        $"object {name} cannot be {what}: the repository is open for reading only",
        "use a command that is meant to change the repository");
}
