using System.Collections.Concurrent;

namespace Reprise.Storage.Runtime;

/// <summary>
/// Arrays for chunks, for what becomes of them and for packs, used again. The shared pool keeps arrays of every power of
/// two for each thread and each core, which came to more than 100 MiB beside half a dozen threads, and gives twice what a
/// chunk needs that is a little longer than a power of two. Here idle arrays take at most <see cref="MostIdleBytes"/>,
/// whatever the number of threads. Safe from several threads.
/// </summary>
public sealed class BlockBuffers
{
    private const int Unit = 1024 * 1024;

    // The longest chunk, and what compression may make of it.
    private const int Chunk = (2 * Unit) + (16 * 1024);
    private const int Share = 5 * Unit;

    // Packs of the usual size and of large points. Four or two of them fit into a region of the collector's heap, which has
    // 32 MiB; with a little more they would not.
    private const int Pack = (8 * Unit) - (64 * 1024);
    private const int LargePack = (16 * Unit) - (64 * 1024);

    private static readonly (int Length, int Kept)[] Sizes =
    [
        (4 * 1024, 256), (16 * 1024, 128), (64 * 1024, 32), (256 * 1024, 16), (Unit, 16), (Chunk, 12), (Share, 4), (Pack, 4), (LargePack, 2),
    ];

    private readonly ConcurrentQueue<byte[]>[] idle = [.. Sizes.Select(_ => new ConcurrentQueue<byte[]>())];

    /// <summary>The one of this program.</summary>
    public static BlockBuffers Program { get; } = new();

    /// <summary>What idle arrays take at the most.</summary>
    public static long MostIdleBytes => Sizes.Sum(size => (long)size.Length * size.Kept);

    /// <summary>What idle arrays take now.</summary>
    public long IdleBytes => idle.Select((queue, size) => (long)queue.Count * Sizes[size].Length).Sum();

    /// <summary>An array with any content that has at least the length asked for; one that is longer than a pack is new.</summary>
    public byte[] Rent(int minimumLength)
    {
        if (minimumLength == 0) return [];
        var size = SizeOf(minimumLength);
        if (size < 0) return GC.AllocateUninitializedArray<byte>(minimumLength);
        return idle[size].TryDequeue(out var array) ? array : GC.AllocateUninitializedArray<byte>(Sizes[size].Length);
    }

    /// <summary>Gives it back, once; it is not used after that.</summary>
    public void Return(byte[] array)
    {
        var size = SizeOf(array.Length);
        if (size >= 0 && Sizes[size].Length == array.Length && idle[size].Count < Sizes[size].Kept) idle[size].Enqueue(array);
    }

    private static int SizeOf(int length)
    {
        for (var size = 0; size < Sizes.Length; size++)
        {
            if (length <= Sizes[size].Length) return size;
        }

        return -1;
    }
}
