namespace Reprise.Repository.Format;

/// <summary>
/// Every bound of the format and of its memory, in one table. Buffers of a backup: chunks in flight, once as they came and
/// once compressed (<see cref="ChunksInFlight"/> × 2 × <see cref="MaxChunkBytes"/>), an open pack each for data and lists,
/// and <see cref="PacksInFlight"/> being sealed and stored: 24 + 8 + 5 + 2 × 8 = 53 MiB, and 61 MiB of a point with so many
/// packs that they are large. Of a restore: <see cref="PacksCached"/> packs, as many that batches of files still need, what
/// these need of other packs, and for each of two long files the chunks in flight and two buffers of 2 MiB: 88 MiB, and 136
/// MiB when the packs are large and the chunks as long as they can be. To this come idle
/// buffers that are kept for the next turn (<see cref="Storage.Runtime.BlockBuffers"/>), what the collector has not yet taken
/// back, and the index.
/// </summary>
public static class Limits
{
    /// <summary>The largest pack, padding included.</summary>
    public const int MaxPackBytes = 16 * 1024 * 1024;

    /// <summary>A pack of lists is closed when its entries would pass this.</summary>
    public const int ListPackTargetBytes = 15 * 256 * 1024;

    /// <summary>So many packs are small: half the memory, and less to read for one file or to lose with one object.</summary>
    private const int SmallPacks = 10_000;

    /// <summary>The most entries of a pack.</summary>
    public const int MaxPackEntries = 4096;

    /// <summary>The largest chunk before compression.</summary>
    public const int MaxChunkBytes = 2 * 1024 * 1024;

    /// <summary>The smallest content-defined chunk, but for the last one.</summary>
    public const int MinChunkBytes = 128 * 1024;

    /// <summary>The size around which content-defined chunks lie; a power of two.</summary>
    public const int NormalChunkBytes = 512 * 1024;

    /// <summary>Every object but packs.</summary>
    public const int MaxObjectBytes = 4 * 1024 * 1024;

    /// <summary>The largest decompressed size of an object that is not a pack.</summary>
    public const int MaxObjectPlainBytes = 64 * 1024 * 1024;

    /// <summary>The longest range of WAL in one object: a segment of the usual size.</summary>
    public const int MaxWalRangeBytes = 16 * 1024 * 1024;

    /// <summary>A range of WAL, sealed: one that does not compress is stored as it is.</summary>
    public const int MaxWalObjectBytes = MaxWalRangeBytes + 1024;

    /// <summary>A history or backup file of WAL.</summary>
    public const int MaxWalFileBytes = 1024 * 1024;

    /// <summary>Chunks that are hashed and compressed at once.</summary>
    public const int ChunksInFlight = 6;

    /// <summary>Packs that a reader keeps.</summary>
    public const int PacksCached = 2;

    /// <summary>Packs that a check reads at once: one more than two cores prove, so that none of them waits for the disk.</summary>
    public const int PacksChecked = 3;

    /// <summary>Entries of one index object.</summary>
    public const int IndexEntries = 50_000;

    /// <summary>
    /// A pack is closed when its entries would pass this: 7.5 MiB, or twice that of a point that has many packs already,
    /// whose number is limited.
    /// </summary>
    public static int PackTargetBytes(int packs) => packs < SmallPacks ? 15 * 512 * 1024 : MaxPackBytes - (1024 * 1024);

    /// <summary>Packs that are sealed and stored while the next one fills.</summary>
    public static int PacksInFlight(int packs) => packs < SmallPacks ? 2 : 1;
}
