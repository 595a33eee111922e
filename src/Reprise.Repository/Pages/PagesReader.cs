using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Reprise.Repository.Format;
using Reprise.Repository.Points;

namespace Reprise.Repository.Pages;

/// <summary>Bytes of one file.</summary>
/// <param name="Entry">which file.</param>
/// <param name="OffsetBytes">where they stand in it.</param>
/// <param name="Bytes">at most 256 KiB; valid until the next ones are asked for.</param>
public readonly record struct PageRun(PagedEntry Entry, long OffsetBytes, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Reads a tree that is kept by pages: the map once for what there is, then each stream of pages once, from its
/// beginning to its end, so that every pack is fetched once whatever file its pages are of. What was read is right when
/// the enumeration has ended, not before.
/// </summary>
public sealed class PagesReader(PointReader point, PagedContents contents)
{
    /// <summary>How many streams of pages there are.</summary>
    public int Sources => contents.Sources.Count;

    /// <summary>The entries of the map in order: folders before what they hold.</summary>
    public async IAsyncEnumerable<PagedEntry> EntriesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = point.Another();
        var (order, records, pageBytes, ended) = (new PageOrder(), 0UL, 0, false);
        var rest = new MapBuffer();
        await foreach (var block in reader.ReadAsync(contents.Map, cancellationToken))
        {
            if (block.HoleBytes > 0) throw ByteReader.Broken("a page map has a hole");
            rest.Add(block.Bytes.Span);
            if (pageBytes == 0 && rest.TryTake(PageMapCodec.HeaderBytes) is { } header) pageBytes = PageMapCodec.ReadHeader(header.Span);
            while (pageBytes > 0 && !ended && rest.TryTakeRecord() is { } record)
            {
                if (record.Length == 0)
                {
                    ended = true;
                    continue;
                }

                var entry = PageMapCodec.Read(record.Span, pageBytes);
                order.Take(entry);
                CheckSources(entry, pageBytes);
                records++;
                yield return entry;
            }
        }

        if (!ended) throw ByteReader.Broken("a page map ends in the middle");
        if (rest.TryTake(sizeof(ulong)) is not { } count || BinaryPrimitives.ReadUInt64LittleEndian(count.Span) != records)
            throw ByteReader.Broken($"a page map has {records} entries and says another number");
        if (!rest.IsEmpty) throw ByteReader.Broken("something follows the end of a page map");
    }

    /// <summary>The size of a page.</summary>
    public async Task<int> PageBytesAsync(CancellationToken cancellationToken)
    {
        using var reader = point.Another();
        await foreach (var block in reader.ReadAsync(contents.Map, cancellationToken))
        {
            if (block.Bytes.Length < PageMapCodec.HeaderBytes) break;
            return PageMapCodec.ReadHeader(block.Bytes.Span[..PageMapCodec.HeaderBytes]);
        }

        throw ByteReader.Broken("a page map has no beginning");
    }

    /// <summary>The pages of one stream, file by file in the order of the map.</summary>
    public async IAsyncEnumerable<PageRun> RunsAsync(int source, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pageBytes = await PageBytesAsync(cancellationToken);
        using var reader = point.Another();
        await using var blocks = reader.ReadAsync(contents.Sources[source], cancellationToken).GetAsyncEnumerator(cancellationToken);
        var (at, block) = (0L, ReadOnlyMemory<byte>.Empty);
        await foreach (var entry in EntriesAsync(cancellationToken))
        {
            foreach (var extent in entry.Extents)
            {
                if (extent.Source != source) continue;
                if (extent.Position * pageBytes < at) throw ByteReader.Broken($"the pages of '{entry.Path}' lie out of their order");
                var (offset, left) = (extent.FirstPage * pageBytes, extent.Pages * pageBytes);
                while (left > 0)
                {
                    // Pages that no file needs any more are passed over.
                    var skip = (int)Math.Min((extent.Position * pageBytes) + (extent.Pages * pageBytes) - left - at, block.Length);
                    (at, block) = (at + skip, block[skip..]);
                    if (block.IsEmpty)
                    {
                        block = await NextAsync(blocks) ?? throw ByteReader.Broken("a stream of pages is shorter than its map says");
                        continue;
                    }

                    var take = (int)Math.Min(left, block.Length);
                    yield return new PageRun(entry, offset, block[..(int)Math.Min(take, entry.LengthBytes - offset)]);
                    (at, block, offset, left) = (at + take, block[take..], offset + take, left - take);
                }
            }
        }

        // Its hash is compared at its end.
        while (await NextAsync(blocks) is not null)
        {
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> NextAsync(IAsyncEnumerator<ContentBlock> blocks)
    {
        if (!await blocks.MoveNextAsync()) return null;
        return blocks.Current.HoleBytes == 0 ? blocks.Current.Bytes : throw ByteReader.Broken("a stream of pages has a hole");
    }

    private void CheckSources(PagedEntry entry, int pageBytes)
    {
        foreach (var extent in entry.Extents)
        {
            if (extent.Source >= contents.Sources.Count
                || extent.Position + extent.Pages > contents.Sources[extent.Source].LengthBytes / pageBytes)
                throw ByteReader.Broken($"'{entry.Path}' has pages where none are stored");
        }
    }

    /// <summary>What of a map was read and not yet taken; at most a record and a block.</summary>
    private sealed class MapBuffer
    {
        private byte[] bytes = [];
        private int start;
        private int end;

        public bool IsEmpty => start == end;

        public void Add(ReadOnlySpan<byte> more)
        {
            var left = end - start;
            var target = left + more.Length > bytes.Length ? new byte[left + more.Length] : bytes;
            bytes.AsSpan(start, left).CopyTo(target);
            more.CopyTo(target.AsSpan(left));
            (bytes, start, end) = (target, 0, left + more.Length);
        }

        /// <summary>Valid until <see cref="Add"/>; null: more has to come first.</summary>
        public ReadOnlyMemory<byte>? TryTake(int count)
        {
            if (end - start < count) return null;
            start += count;
            return bytes.AsMemory(start - count, count);
        }

        public ReadOnlyMemory<byte>? TryTakeRecord()
        {
            if (end - start < sizeof(uint)) return null;
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(start));
            if (length > PageLimits.MaxRecordBytes) throw ByteReader.Broken($"a record of {length} bytes is too long");
            if (end - start < sizeof(uint) + length) return null;
            start += sizeof(uint);
            return TryTake((int)length);
        }
    }
}
