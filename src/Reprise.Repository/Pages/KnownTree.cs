using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Pages;

/// <summary>
/// The tree of an earlier point, walked beside the files of a new one, which have the same order: says of which pages the
/// bytes are stored already. A page is carried over when its hash and its CRC-32C are those that the earlier tree remembers,
/// and for no other reason; and only from packs that are there, that nobody condemned, and that are not worn
/// (<see cref="StreamWear"/>). Not thread-safe.
/// </summary>
public sealed class KnownTree : IAsyncDisposable
{
    private readonly PointReader point;
    private readonly PagedContents contents;
    private readonly IReadOnlyList<StoredStream> streams;
    private readonly int[] numbers;
    private readonly MarkCursor marks;
    private readonly IAsyncEnumerator<PagedEntry> entries;
    private PagedEntry? entry;
    private long marksBefore;
    private bool isFound;
    private int extent;
    private long extentMarks;

    private KnownTree(
        PointReader point, PagedContents contents, IReadOnlyList<StoredStream> streams, int pageBytes, CancellationToken cancellationToken)
    {
        this.point = point;
        this.contents = contents;
        this.streams = streams;
        PageBytes = pageBytes;
        numbers = new int[streams.Count];
        var next = 0;
        for (var i = 0; i < numbers.Length; i++) numbers[i] = streams[i].Kept > 0 ? next++ : -1;
        marks = new MarkCursor(point, contents.Marks, cancellationToken);
        entries = new PagesReader(point, contents).EntriesAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }

    /// <summary>The size of a page.</summary>
    public int PageBytes { get; }

    /// <summary>Why nothing more is carried over: the earlier tree turned out to be damaged on the way; null: it is whole so far.</summary>
    public Problem? Damage { get; private set; }

    /// <summary>How many streams go on.</summary>
    internal int Sources => numbers.Count(n => n >= 0);

    /// <summary>
    /// Reads the whole map and says what goes on; null when the tree is not one that another can go on from (pages of another
    /// size, cut otherwise, no digests). Damage is thrown: then everything has to be stored.
    /// </summary>
    public static async Task<KnownTree?> OpenAsync(
        PointWriter writer, PointReader point, PagedContents contents, int pageBytes, CancellationToken cancellationToken)
    {
        if (contents.Digests.Count == 0) return null;
        var reader = new PagesReader(point, contents);
        if (await reader.PageBytesAsync(cancellationToken) != pageBytes) return null;
        var packs = new Dictionary<int, long>();
        var known = new List<StoredStream>();
        foreach (var source in contents.Sources)
        {
            var stream = new StoredStream(PageLimits.RunBytes / pageBytes);
            var (last, length) = (PageLimits.RunBytes, 0L);
            await foreach (var part in point.PartsOfAsync(source, cancellationToken))
            {
                if (part.IsHole || last != PageLimits.RunBytes || part.PlainBytes > PageLimits.RunBytes) return null;
                last = part.PlainBytes;
                length += last;
                stream.Add(part);
                if (!packs.ContainsKey(part.Pack)) packs[part.Pack] = writer.IsUsable(point, part) ? point.PackBytes(part) : 0;
            }

            if (length != source.LengthBytes) throw ByteReader.Broken("a stream of pages has another length than its parts");
            known.Add(stream);
        }

        await foreach (var file in reader.EntriesAsync(cancellationToken))
        {
            foreach (var run in file.Extents) known[run.Source].Use(run.Position, run.Pages);
        }

        StreamWear.Judge(known, pack => packs[pack]);
        return new KnownTree(point, contents, known, pageBytes, cancellationToken);
    }

    /// <summary>
    /// Makes what goes on part of a new point: streams, and the digests of their parts. Called once, before anything else is
    /// written into the point, so that its packs have the same numbers each time and its lists are the same.
    /// </summary>
    internal async Task<IReadOnlyList<(Content Source, Content Digests)>> AdoptAsync(PointWriter writer, CancellationToken cancellationToken)
    {
        var adopted = new List<(Content Source, Content Digests)>();
        for (var number = 0; number < streams.Count; number++)
        {
            if (streams[number].Kept == 0) continue;
            var source = writer.Begin(Cutting.Every(PageLimits.RunBytes), hashedByPart: true);
            var digests = writer.Begin(Cutting.ContentDefined, isList: true);
            await using var known = new DigestCursor(point, contents.Digests[number], cancellationToken);
            var chunk = 0;
            await foreach (var part in point.PartsOfAsync(contents.Sources[number], cancellationToken))
            {
                var sha256 = await known.NextAsync();
                if (!streams[number].Keeps(chunk++)) continue;
                await source.AddAsync(writer.Adopt(point, part), sha256, cancellationToken);
                await digests.WriteAsync(known.Bytes, cancellationToken);
            }

            // Digests that are not those of the parts would make a stream that nobody can read.
            if (await known.EndAsync() != contents.Sources[number].Sha256)
                throw ByteReader.Broken("the digests of a stream of pages are not those of its parts");
            adopted.Add((await source.CompleteAsync(cancellationToken), await digests.CompleteAsync(cancellationToken)));
        }

        return adopted;
    }

    /// <summary>The file that comes next. Paths are asked for in the order of a map.</summary>
    internal async ValueTask SeekAsync(DiskPath path)
    {
        isFound = false;
        if (Damage is not null) return;
        try
        {
            while (entry is null || entry.Type != PagedEntryType.File || DiskPath.CompareInTree(entry.Path, path) < 0)
            {
                if (entry is not null) marksBefore += entry.Extents.Sum(e => e.Pages);
                if (!await entries.MoveNextAsync())
                {
                    entry = null;
                    return;
                }

                entry = entries.Current;
            }

            (isFound, extent, extentMarks) = (entry.Path == path, 0, marksBefore);
        }
        catch (RepriseException e) when (IsDamage(e))
        {
            Give(e);
        }
    }

    /// <summary>Where a page of the current file is stored already, or null. Pages are asked for in ascending order.</summary>
    internal async ValueTask<PagePlace?> FindAsync(long page, PageMark mark)
    {
        if (!isFound || entry is not { } known || Damage is not null) return null;
        while (extent < known.Extents.Count && known.Extents[extent] is var passed && passed.FirstPage + passed.Pages <= page)
        {
            extentMarks += passed.Pages;
            extent++;
        }

        if (extent == known.Extents.Count || known.Extents[extent].FirstPage > page) return null;
        var found = known.Extents[extent];
        var inside = page - found.FirstPage;
        if (streams[found.Source].Place(found.Position + inside) is not { } position) return null;
        try
        {
            return await marks.AtAsync(extentMarks + inside) == mark ? new PagePlace(numbers[found.Source], position) : null;
        }
        catch (RepriseException e) when (IsDamage(e))
        {
            Give(e);
            return null;
        }
    }

    /// <summary>Reads the rest, so that the hashes over all marks and the whole map are compared. Called once, last.</summary>
    internal async Task EndAsync()
    {
        if (Damage is not null) return;
        try
        {
            while (await entries.MoveNextAsync())
            {
            }

            await marks.EndAsync();
        }
        catch (RepriseException e) when (IsDamage(e))
        {
            // What was carried over relied on them: nobody may be told that it is right.
            throw new RepriseException(
                e.Problem with { Hint = "run 'reprise backup --force', which stores everything anew, and 'reprise verify'" }, e);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await entries.DisposeAsync();
        await marks.DisposeAsync();
    }

    // What was carried over before was proven block by block; what cannot be read tells of no later page.
    private void Give(RepriseException e) => Damage = e.Problem;

    private static bool IsDamage(RepriseException e) => e.Code.Exit == ExitCodes.Damaged;
}

/// <summary>Where a page lies in the new tree.</summary>
internal readonly record struct PagePlace(int Source, long Position);
