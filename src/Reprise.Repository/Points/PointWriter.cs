#pragma warning disable CA1822 // The bodies are being written.
namespace Reprise.Repository.Points;

/// <summary>Writes one point: content first, the manifest last. Not used by two captures at once.</summary>
public sealed class PointWriter : IAsyncDisposable
{
    /// <summary>The identifier that the point will have.</summary>
    public PointId Id => throw new InvalidOperationException("being written");

    /// <summary>Bytes that this writer added to the repository so far (sealed; what was there already does not count).</summary>
    public long StoredBytes => throw new InvalidOperationException("being written");

    /// <summary>Starts some content. Several may be open, but each is written by one caller.</summary>
    public ContentWriter Begin(Cutting cutting) => throw new InvalidOperationException("being written");

    /// <summary>Commits the point: proves every pack, writes index and manifest. The one commit.</summary>
    public Task<CommittedPoint> CommitAsync(PointManifest manifest, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("being written");

    /// <summary>Gives the session up unless it was committed; what was written is cleaned by a later prune.</summary>
    public ValueTask DisposeAsync() => throw new InvalidOperationException("being written");
}

/// <summary>Takes the bytes of one content in order.</summary>
public sealed class ContentWriter
{
    /// <summary>Bytes taken so far.</summary>
    public long LengthBytes => throw new InvalidOperationException("being written");

    /// <summary>Takes a copy of <paramref name="bytes"/>; returns when there is room for more.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("being written");

    /// <summary>Takes <paramref name="count"/> zero bytes that are stored as a hole.</summary>
    public ValueTask WriteZerosAsync(long count, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("being written");

    /// <summary>Waits until everything is stored and says where it lies.</summary>
    public Task<Content> CompleteAsync(CancellationToken cancellationToken) =>
        throw new InvalidOperationException("being written");
}

/// <summary>A point that is committed.</summary>
/// <param name="Manifest">as it was written.</param>
/// <param name="Sha256">of the sealed object, which the next points carry.</param>
public sealed record CommittedPoint(PointManifest Manifest, Sha256Digest Sha256);
