#pragma warning disable CA1822 // The bodies are being written.
namespace Reprise.Repository.Points;

/// <summary>Reads one committed point; needs nothing but the point and its packs.</summary>
public sealed class PointReader
{
    /// <summary>What the point says of itself.</summary>
    public PointManifest Manifest => throw new InvalidOperationException("being written");

    /// <summary>
    /// The bytes of <paramref name="content"/> in order, in blocks of at most 1 MiB that are valid until the next one
    /// is asked for. Length and SHA-256 are compared at the end: damage is an exception (exit 5), so nothing read may
    /// be published before the enumeration has ended.
    /// </summary>
    public IAsyncEnumerable<ContentBlock> ReadAsync(Content content, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("being written");
}

/// <summary>A run of bytes of some content.</summary>
/// <param name="OffsetBytes">where it stands in the content.</param>
/// <param name="Bytes">the bytes; empty for a hole.</param>
/// <param name="HoleBytes">how many zeros it stands for, when <paramref name="Bytes"/> is empty.</param>
public readonly record struct ContentBlock(long OffsetBytes, ReadOnlyMemory<byte> Bytes, long HoleBytes);
