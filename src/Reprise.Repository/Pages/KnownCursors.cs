using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Points;

namespace Reprise.Repository.Pages;

/// <summary>Records of one length, read from a content in ascending order.</summary>
internal sealed class RecordCursor : IAsyncDisposable
{
    private readonly PointReader reader;
    private readonly IAsyncEnumerator<ContentBlock> blocks;
    private readonly byte[] record;
    private ReadOnlyMemory<byte> block;
    private long at;

    public RecordCursor(PointReader point, Content content, int recordBytes, CancellationToken cancellationToken)
    {
        reader = point.Another();
        blocks = reader.ReadAsync(content, cancellationToken).GetAsyncEnumerator(cancellationToken);
        record = new byte[recordBytes];
    }

    /// <summary>The record with a number; valid until the next one is asked for.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> AtAsync(long number)
    {
        var from = number * record.Length;
        for (var filled = 0; filled < record.Length;)
        {
            if (block.IsEmpty)
            {
                if (!await blocks.MoveNextAsync()) throw ByteReader.Broken("what belongs to a page map is shorter than the map says");
                block = blocks.Current.HoleBytes == 0 ? blocks.Current.Bytes : throw ByteReader.Broken("what belongs to a page map has a hole");
                continue;
            }

            var wanted = from + filled;
            var take = (int)Math.Min(block.Length, at < wanted ? wanted - at : record.Length - filled);
            if (at == wanted)
            {
                block[..take].CopyTo(record.AsMemory(filled));
                filled += take;
            }

            (at, block) = (at + take, block[take..]);
        }

        return record;
    }

    /// <summary>Reads on to the end, where hash and length are compared; returns whether nothing was left.</summary>
    public async ValueTask<bool> EndAsync()
    {
        var isWhole = block.IsEmpty;
        while (await blocks.MoveNextAsync()) isWhole = false;
        return isWhole;
    }

    public async ValueTask DisposeAsync()
    {
        await blocks.DisposeAsync();
        reader.Dispose();
    }
}

/// <summary>The marks of a tree.</summary>
internal sealed class MarkCursor(PointReader point, Content content, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly RecordCursor records = new(point, content, PageMark.EncodedBytes, cancellationToken);

    /// <summary>A mark by its number; numbers ascend.</summary>
    public async ValueTask<PageMark> AtAsync(long number) => PageMark.Read((await records.AtAsync(number)).Span);

    /// <summary>Reads on to the end, where the hash over all of them is compared.</summary>
    public async ValueTask EndAsync() => _ = await records.EndAsync();

    public ValueTask DisposeAsync() => records.DisposeAsync();
}

/// <summary>The SHA-256 of each part of a stream.</summary>
internal sealed class DigestCursor(PointReader point, Content content, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly RecordCursor records = new(point, content, Sha256Digest.Length, cancellationToken);
    private readonly IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long next;

    /// <summary>The last one; valid until the next one is asked for.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public async ValueTask<Sha256Digest> NextAsync()
    {
        Bytes = await records.AtAsync(next++);
        all.AppendData(Bytes.Span);
        return new Sha256Digest(Bytes.Span);
    }

    /// <summary>The SHA-256 over all of them, which is that of the stream.</summary>
    public async ValueTask<Sha256Digest> EndAsync()
    {
        if (!await records.EndAsync()) throw ByteReader.Broken("there are more digests than parts of a stream of pages");
        return new Sha256Digest(all.GetHashAndReset());
    }

    public ValueTask DisposeAsync()
    {
        all.Dispose();
        return records.DisposeAsync();
    }
}
