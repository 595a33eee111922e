using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Pages;

/// <summary>
/// Stores a tree by pages into a point: entries in the order of <see cref="PageOrder"/>, each file block by block. Pages
/// of zeros are stored nowhere; all others lie end to end, whatever file they are of, so that many small files compress
/// together. Memory: the extents of one file and the buffers of the point's writer.
/// </summary>
public sealed class PagesWriter
{
    private readonly PointWriter writer;
    private readonly int pageBytes;
    private readonly CrcShift pageShift;
    private readonly ContentWriter pages;
    private readonly ContentWriter marks;
    private readonly ContentWriter map;
    private readonly PageOrder order = new();
    private readonly ArrayBufferWriter<byte> buffer = new(1024);
    private readonly byte[] padding;
    private ulong records;
    private PagedEntry? open;
    private List<PageExtent> extents = [];
    private long length;
    private long stored;
    private uint crc;

    /// <summary>Starts the streams.</summary>
    /// <param name="writer">of the point; between calls of this one, others may use it.</param>
    /// <param name="pageBytes">a power of two from 512 to 65,536.</param>
    public PagesWriter(PointWriter writer, int pageBytes)
    {
        Invariant.Check(PageLimits.IsPageSize(pageBytes), $"a page has no {pageBytes} bytes");
        this.writer = writer;
        this.pageBytes = pageBytes;
        pageShift = new CrcShift(pageBytes);
        padding = new byte[pageBytes];
        pages = writer.Begin(Cutting.Every(PageLimits.RunBytes), hashedByPart: true);
        marks = writer.Begin(Cutting.ContentDefined, isList: true);
        map = writer.Begin(Cutting.ContentDefined, isList: true);
    }

    /// <summary>Marks pages for this writer; one for each thread that does so, disposed of by the caller.</summary>
    public PageHasher NewHasher() => new(writer.PagesKey.Span, pageBytes);

    /// <summary>Adds a folder, or begins a file: blocks follow, then <see cref="EndAsync"/>.</summary>
    public async ValueTask AddAsync(PagedEntry entry, CancellationToken cancellationToken)
    {
        Invariant.Check(open is null, $"'{open?.Path}' has not ended");
        order.Take(entry);
        if (entry.Type != PagedEntryType.File)
        {
            await RecordAsync(entry, cancellationToken);
            return;
        }

        open = entry;
        extents = [];
        (length, crc) = (0, 0);
    }

    /// <summary>The next pages of the file that is open. Only its last block may end within a page.</summary>
    public async ValueTask AppendAsync(PageBlock block, CancellationToken cancellationToken)
    {
        Invariant.Check(open is not null && length % pageBytes == 0, "pages follow a whole page of an open file");
        for (var page = 0; page < block.Marks.Length;)
        {
            var zero = IsHole(block, page);
            var end = page + 1;
            while (end < block.Marks.Length && IsHole(block, end) == zero) end++;
            for (var i = page; i < end; i++) Join(block, i);
            if (!zero) await StoreAsync(block, page, end, cancellationToken);
            page = end;
        }

        length += block.Bytes.Length;
    }

    /// <summary>The next pages of the open file are zeros, and need not be read.</summary>
    public void AppendZeros(long count)
    {
        Invariant.Check(open is not null && length % pageBytes == 0 && count >= 0, "pages follow a whole page of an open file");
        var bytes = checked(count * pageBytes);
        crc = new CrcShift(bytes).Join(crc, Crc32C.OfZeros(bytes));
        length += bytes;
    }

    /// <summary>Ends the open file and returns its entry as it stands in the map.</summary>
    public async ValueTask<PagedEntry> EndAsync(CancellationToken cancellationToken)
    {
        var entry = (open ?? throw new InvariantException("no file is open")) with
        {
            LengthBytes = length, Crc32C = crc, Extents = extents,
        };
        open = null;
        await RecordAsync(entry, cancellationToken);
        return entry;
    }

    /// <summary>Ends the map. Called once, last.</summary>
    public async Task<PagedContents> CompleteAsync(CancellationToken cancellationToken)
    {
        Invariant.Check(open is null, $"'{open?.Path}' has not ended");
        if (records == 0) PageMapCodec.WriteHeader(buffer, pageBytes);
        PageMapCodec.WriteEnd(buffer, records);
        await map.WriteAsync(buffer.WrittenMemory, cancellationToken);
        var source = await pages.CompleteAsync(cancellationToken);
        var marked = await marks.CompleteAsync(cancellationToken);
        return new PagedContents(await map.CompleteAsync(cancellationToken), marked, [source]);
    }

    // A file with very many holes gets zeros instead of more extents, so that its record stays within its bound.
    private bool IsHole(PageBlock block, int page) => block.IsZero[page] && extents.Count < PageLimits.MaxExtents - 1;

    private void Join(PageBlock block, int page)
    {
        var mark = block.Marks[page];
        var bytes = Math.Min(pageBytes, block.Bytes.Length - (page * pageBytes));
        crc = (bytes == pageBytes ? pageShift : new CrcShift(bytes)).Join(crc, mark.Crc32C);
    }

    private async ValueTask StoreAsync(PageBlock block, int from, int end, CancellationToken cancellationToken)
    {
        var (first, count) = ((length / pageBytes) + from, end - from);
        if (extents is [.., var last] && last.FirstPage + last.Pages == first && last.Position + last.Pages == stored)
            extents[^1] = last with { Pages = last.Pages + count };
        else
            extents.Add(new PageExtent(first, count, 0, stored));
        stored += count;

        var at = from * pageBytes;
        var bytes = block.Bytes[at..Math.Min(end * pageBytes, block.Bytes.Length)];
        await pages.WriteAsync(bytes, cancellationToken);
        await pages.WriteAsync(padding.AsMemory(0, (count * pageBytes) - bytes.Length), cancellationToken);

        buffer.ResetWrittenCount();
        for (var page = from; page < end; page++)
        {
            block.Marks[page].Write(buffer.GetSpan(PageMark.EncodedBytes));
            buffer.Advance(PageMark.EncodedBytes);
        }

        await marks.WriteAsync(buffer.WrittenMemory, cancellationToken);
        buffer.ResetWrittenCount();
    }

    private async ValueTask RecordAsync(PagedEntry entry, CancellationToken cancellationToken)
    {
        buffer.ResetWrittenCount();
        PageMapCodec.Write(buffer, entry);
        var bytes = buffer.WrittenCount;
        Invariant.Check(bytes is > 0 and <= PageLimits.MaxRecordBytes, $"the record of '{entry.Path}' has {bytes} bytes");
        var head = new ArrayBufferWriter<byte>(32);
        if (records++ == 0) PageMapCodec.WriteHeader(head, pageBytes);
        ByteWriter.UInt32(head, (uint)bytes);
        await map.WriteAsync(head.WrittenMemory, cancellationToken);
        await map.WriteAsync(buffer.WrittenMemory, cancellationToken);
        buffer.ResetWrittenCount();
    }
}
