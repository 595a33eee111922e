using System.Collections.Concurrent;
using ZstdNet;

namespace Reprise.Repository.Format;

/// <summary>
/// Compression of bounded blocks with native zstd. A block is stored with one byte in front: 0 stored, 1 zstd.
/// Compressors are kept for reuse, one for each piece of work at once, because making one costs more than a small block.
/// </summary>
internal sealed class Zstd(int level) : IDisposable
{
    /// <summary>A level at which nothing is compressed.</summary>
    public const int StoreOnly = 0;

    private const byte Stored = 0;
    private const byte Compressed = 1;

    private readonly CompressionOptions options = new(level);
    private readonly ConcurrentBag<Compressor> compressors = [];
    private readonly ConcurrentBag<Decompressor> decompressors = [];

    /// <summary>How large the output buffer of <see cref="Encode"/> must be.</summary>
    public static int Bound(int plainBytes) => 1 + Math.Max(plainBytes, Compressor.GetCompressBound(plainBytes));

    /// <summary>Writes the codec byte and the block into <paramref name="to"/>; returns how many bytes.</summary>
    public int Encode(ReadOnlySpan<byte> plain, Span<byte> to)
    {
        var length = level == StoreOnly ? plain.Length : Compress(plain, to[1..]);
        if (length < plain.Length)
        {
            to[0] = Compressed;
            return length + 1;
        }

        to[0] = Stored;
        plain.CopyTo(to[1..]);
        return plain.Length + 1;
    }

    /// <summary>Writes the block into <paramref name="to"/>, which has exactly its plain length.</summary>
    public void Decode(ReadOnlySpan<byte> encoded, Span<byte> to)
    {
        var codec = encoded.IsEmpty ? (byte)255 : encoded[0];
        switch (codec)
        {
            case Stored when encoded.Length - 1 == to.Length:
                encoded[1..].CopyTo(to);
                return;
            case Compressed:
                Unwrap(encoded[1..], to);
                return;
            default:
                throw ByteReader.Broken($"a block has the unknown codec {codec} or a wrong length");
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        while (compressors.TryTake(out var compressor)) compressor.Dispose();
        while (decompressors.TryTake(out var decompressor)) decompressor.Dispose();
        options.Dispose();
    }

    private int Compress(ReadOnlySpan<byte> plain, Span<byte> to)
    {
        if (!compressors.TryTake(out var compressor)) compressor = new Compressor(options);
        var length = compressor.Wrap(plain, to);
        compressors.Add(compressor);
        return length;
    }

    private void Unwrap(ReadOnlySpan<byte> frame, Span<byte> to)
    {
        if (!decompressors.TryTake(out var decompressor)) decompressor = new Decompressor();
        try
        {
            var length = decompressor.Unwrap(frame, to, bufferSizePrecheck: false);
            if (length != to.Length) throw ByteReader.Broken($"a block has {length} bytes instead of {to.Length}");
        }
        catch (ZstdException e)
        {
            throw ByteReader.Broken($"a block does not decompress: {e.Message}");
        }
        finally
        {
            decompressors.Add(decompressor);
        }
    }
}
