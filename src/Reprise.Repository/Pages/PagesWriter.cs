using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Pages;

/// <summary>
/// Stores a tree by pages into a point: entries in the order of <see cref="PageOrder"/>, each file block by block. Pages
/// of zeros are stored nowhere; all others lie end to end, whatever file they are of, so that many small files compress
/// together. Beside a <see cref="KnownTree"/>, pages that it holds are carried over: the new tree names its streams, less what
/// nobody needs of them any more, and one more stream with the other pages. Memory: the extents of one file and the buffers of
/// the point's writer.
/// </summary>
public sealed class PagesWriter
{
    private readonly PointWriter writer;
    private readonly int pageBytes;
    private readonly CrcShift pageShift;
    private readonly KnownTree? known;
    private readonly IReadOnlyList<(Content Source, Content Digests)> adopted;
    private readonly ContentWriter pages;
    private readonly ContentWriter digests;
    private readonly ContentWriter marks;
    private readonly ContentWriter map;
    private readonly PageOrder order = new();
    private readonly ArrayBufferWriter<byte> buffer = new(1024);
    private readonly ArrayBufferWriter<byte> newMarks = new(1024);
    private readonly ArrayBufferWriter<byte> newDigests = new(1024);
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
        : this(writer, pageBytes, null, [])
    {
    }

    private PagesWriter(
        PointWriter writer, int pageBytes, KnownTree? known, IReadOnlyList<(Content Source, Content Digests)> adopted)
    {
        Invariant.Check(PageLimits.IsPageSize(pageBytes), $"a page has no {pageBytes} bytes");
        this.writer = writer;
        this.pageBytes = pageBytes;
        pageShift = new CrcShift(pageBytes);
        padding = new byte[pageBytes];
        this.known = known;
        this.adopted = adopted;
        pages = writer.BeginPages(Cutting.Every(PageLimits.RunBytes), sha256 => newDigests.Write(sha256.Bytes));
        digests = writer.Begin(Cutting.ContentDefined, isList: true);
        marks = writer.Begin(Cutting.ContentDefined, isList: true);
        map = writer.Begin(Cutting.ContentDefined, isList: true);
    }

    /// <summary>
    /// Starts the streams beside those of an earlier tree, which goes on to belong to the caller. Called before anything else
    /// of the asset is written.
    /// </summary>
    public static async Task<PagesWriter> BesideAsync(PointWriter writer, KnownTree known, CancellationToken cancellationToken)
    {
        writer.KeepListsApart();
        return new PagesWriter(writer, known.PageBytes, known, await known.AdoptAsync(writer, cancellationToken));
    }

    /// <summary>Pages that were carried over.</summary>
    public long CarriedPages { get; private set; }

    /// <summary>Pages that were stored.</summary>
    public long StoredPages => stored;

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
        if (known is not null) await known.SeekAsync(entry.Path);
    }

    /// <summary>The next pages of the file that is open. Only its last block may end within a page.</summary>
    public async ValueTask AppendAsync(PageBlock block, CancellationToken cancellationToken)
    {
        Invariant.Check(open is not null && length % pageBytes == 0, "pages follow a whole page of an open file");
        var from = 0;
        for (var page = 0; page < block.Marks.Length; page++)
        {
            Join(block, page);
            var isHole = IsHole(block, page);
            var place = isHole ? null : await PlaceAsync(block, page);
            if (!isHole && place is null) continue;
            await StoreAsync(block, from, page, cancellationToken);
            if (place is { } there) Carry(block, page, there);
            from = page + 1;
        }

        await StoreAsync(block, from, block.Marks.Length, cancellationToken);
        await FlushAsync(cancellationToken);
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
        await FlushAsync(cancellationToken);
        var listed = await digests.CompleteAsync(cancellationToken);
        var marked = await marks.CompleteAsync(cancellationToken);
        if (known is not null) await known.EndAsync();
        List<(Content Source, Content Digests)> all = [.. adopted];
        if (source.LengthBytes > 0 || all.Count == 0) all.Add((source, listed));
        return new PagedContents(await map.CompleteAsync(cancellationToken), marked, [.. all.Select(s => s.Source)])
        {
            Digests = [.. all.Select(s => s.Digests)],
        };
    }

    // A file with very many holes gets zeros instead of more extents, and one whose pages lie in very many places gets them
    // stored anew, so that its record stays within its bound.
    private bool IsHole(PageBlock block, int page) => block.IsZero[page] && HasRoom;

    private bool HasRoom => extents.Count < PageLimits.MaxExtents - 1;

    private async ValueTask<PagePlace?> PlaceAsync(PageBlock block, int page) =>
        known is null || !HasRoom ? null : await known.FindAsync((length / pageBytes) + page, block.Marks[page]);

    private void Carry(PageBlock block, int page, PagePlace place)
    {
        Extend((length / pageBytes) + page, 1, place.Source, place.Position);
        Mark(block, page, page + 1);
        CarriedPages++;
    }

    private void Extend(long first, long count, int source, long position)
    {
        if (extents is [.., var last] && last.Source == source
            && last.FirstPage + last.Pages == first && last.Position + last.Pages == position)
            extents[^1] = last with { Pages = last.Pages + count };
        else
            extents.Add(new PageExtent(first, count, source, position));
    }

    private void Mark(PageBlock block, int from, int end)
    {
        for (var page = from; page < end; page++)
        {
            block.Marks[page].Write(newMarks.GetSpan(PageMark.EncodedBytes));
            newMarks.Advance(PageMark.EncodedBytes);
        }
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await marks.WriteAsync(newMarks.WrittenMemory, cancellationToken);
        newMarks.ResetWrittenCount();

        // While they are written, more of them may come.
        var placed = newDigests.WrittenSpan.ToArray();
        newDigests.ResetWrittenCount();
        await digests.WriteAsync(placed, cancellationToken);
    }

    private void Join(PageBlock block, int page)
    {
        var mark = block.Marks[page];
        var bytes = Math.Min(pageBytes, block.Bytes.Length - (page * pageBytes));
        crc = (bytes == pageBytes ? pageShift : new CrcShift(bytes)).Join(crc, mark.Crc32C);
    }

    private async ValueTask StoreAsync(PageBlock block, int from, int end, CancellationToken cancellationToken)
    {
        if (from == end) return;
        var (first, count) = ((length / pageBytes) + from, end - from);
        Extend(first, count, adopted.Count, stored);
        Mark(block, from, end);
        stored += count;

        var at = from * pageBytes;
        var bytes = block.Bytes[at..Math.Min(end * pageBytes, block.Bytes.Length)];
        await pages.WriteAsync(bytes, cancellationToken);
        await pages.WriteAsync(padding.AsMemory(0, (count * pageBytes) - bytes.Length), cancellationToken);
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
