using Reprise.Repository.Points;

namespace Reprise.Repository.Pages;

/// <summary>
/// One stream of pages of an earlier point: of each of its chunks in which pack it lies, how much of it is still in use, and
/// where it goes. Memory: 14 bytes for each 256 KiB of pages.
/// </summary>
internal sealed class StoredStream(int pagesPerChunk)
{
    private readonly List<int> packs = [];
    private readonly List<int> storedBytes = [];
    private readonly List<ushort> live = [];
    private int[] places = [];

    public int Chunks => packs.Count;

    /// <summary>Pages that the map of that point names.</summary>
    public long LivePages { get; private set; }

    /// <summary>Chunks that are carried on.</summary>
    public int Kept { get; private set; }

    public void Add(Part part)
    {
        packs.Add(part.Pack);
        storedBytes.Add(part.StoredBytes);
        live.Add(0);
    }

    /// <summary>Notes that a file consists of these pages.</summary>
    public void Use(long position, long pages)
    {
        LivePages += pages;
        for (var (at, end) = (position, position + pages); at < end;)
        {
            var chunk = (int)(at / pagesPerChunk);
            var until = Math.Min(end, (chunk + 1L) * pagesPerChunk);

            // Nothing forbids a map to name a page twice.
            live[chunk] = (ushort)Math.Min(pagesPerChunk, live[chunk] + (until - at));
            at = until;
        }
    }

    /// <summary>Number of the pack of a chunk in the earlier point.</summary>
    public int Pack(int chunk) => packs[chunk];

    /// <summary>Bytes of a chunk in its pack that are still in use; its pages are taken for equally long.</summary>
    public long LiveBytes(int chunk) => (long)storedBytes[chunk] * live[chunk] / pagesPerChunk;

    /// <summary>Decides which chunks go on; called once.</summary>
    public void Keep(Func<int, bool> isKept)
    {
        places = new int[packs.Count];
        for (var chunk = 0; chunk < places.Length; chunk++)
            places[chunk] = live[chunk] > 0 && isKept(packs[chunk]) ? Kept++ : -1;
    }

    /// <summary>Whether a chunk goes on.</summary>
    public bool Keeps(int chunk) => places[chunk] >= 0;

    /// <summary>Where a page is in what goes on of the stream, or null: its chunk does not.</summary>
    public long? Place(long position)
    {
        var place = places[(int)(position / pagesPerChunk)];
        return place < 0 ? null : ((long)place * pagesPerChunk) + (position % pagesPerChunk);
    }
}
