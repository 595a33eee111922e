namespace Reprise.Repository.Pages;

/// <summary>
/// Keeps a tree of many increments nearly as quick to read as one that was stored at once. A reader fetches packs whole,
/// and each stream from its beginning to its end; so what counts is how many streams there are, and how many bytes of their
/// packs nobody needs. What is worn is not carried on: its pages are stored anew, which costs no reading, because all
/// files are read anyhow.
/// <list type="bullet">
/// <item>A tree goes on with fewer than <see cref="MaxStreams"/> streams of earlier ones: when there are so many, the
/// <see cref="MergedStreams"/> with the fewest pages in use are stored anew. So each page is stored a number of times that
/// grows with the logarithm of the number of increments.</item>
/// <item>Bytes of packs that nobody needs are at most a quarter (<see cref="SpareFraction"/>) of those that are needed: the
/// packs with the smallest share in use are stored anew until that holds. What the increment itself replaces comes on top
/// until the next one.</item>
/// </list>
/// </summary>
internal static class StreamWear
{
    public const int MaxStreams = 8;
    public const int MergedStreams = 5;
    public const int SpareFraction = 4;

    /// <summary>Decides for each stream which chunks go on.</summary>
    /// <param name="streams">of the earlier tree.</param>
    /// <param name="packBytes">size of a pack by its number; 0: it cannot be relied on.</param>
    public static void Judge(IReadOnlyList<StoredStream> streams, Func<int, long> packBytes)
    {
        var inUse = streams.Where(s => s.LivePages > 0).ToList();
        var merged = inUse.Count >= MaxStreams
            ? inUse.OrderBy(s => s.LivePages).Take(MergedStreams).ToHashSet()
            : [];
        var kept = Packs([.. streams.Where(s => !merged.Contains(s))], packBytes);
        foreach (var stream in streams) stream.Keep(pack => !merged.Contains(stream) && kept.Contains(pack));
    }

    private static HashSet<int> Packs(IReadOnlyList<StoredStream> streams, Func<int, long> packBytes)
    {
        var live = new Dictionary<int, long>();
        foreach (var stream in streams)
        {
            for (var chunk = 0; chunk < stream.Chunks; chunk++)
            {
                var pack = stream.Pack(chunk);
                if (packBytes(pack) > 0) live[pack] = live.GetValueOrDefault(pack) + stream.LiveBytes(chunk);
            }
        }

        // A chunk that stands in two places of the streams is needed once.
        var packs = live.Where(p => p.Value > 0)
            .Select(p => (Number: p.Key, Live: Math.Min(p.Value, packBytes(p.Key)), Size: packBytes(p.Key)))
            .OrderByDescending(p => (double)p.Live / p.Size)
            .ThenBy(p => p.Number)
            .ToList();
        var kept = new HashSet<int>();
        var (needed, spare) = (packs.Sum(p => p.Live), 0L);
        foreach (var (number, used, size) in packs)
        {
            spare += size - used;
            if (spare > needed / SpareFraction) break;
            kept.Add(number);
        }

        return kept;
    }
}
