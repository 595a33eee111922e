using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Index;

/// <summary>
/// A hash table from chunks to places in buckets of one page. As long as it is small it lies in memory; beyond that in a
/// file of this process alone, so that millions of chunks take no memory that the kernel cannot have back. Identifiers
/// are keyed hashes, so that their own bits choose the bucket. When one is full, the table doubles. Safe from several
/// threads.
/// </summary>
/// <param name="spill">makes the file; null when everything may lie in memory.</param>
internal sealed class ChunkTable(Func<IDiskFile>? spill) : IDisposable
{
    /// <summary>The most buckets in memory: 8 MiB, about 150,000 chunks.</summary>
    public const int MemoryBuckets = 2048;

    private const int BucketBytes = 4096;

    // A bucket: CRC-32C of what follows it, number of slots, their identifiers, their places.
    private const int HeadBytes = 2 * sizeof(uint);
    private const int PlaceBytes = 5 * sizeof(int);
    private const int Slots = (BucketBytes - HeadBytes) / (ChunkId.Length + PlaceBytes);
    private const int PlacesOffset = HeadBytes + (Slots * ChunkId.Length);

    private readonly Lock gate = new();
    private byte[][] inMemory = [new byte[BucketBytes]];
    private IDiskFile? file;
    private byte[] read = [];
    private long buckets = 1;

    /// <summary>How many chunks it knows.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the table lies in a file by now.</summary>
    public bool IsSpilled => file is not null;

    /// <summary>Where the chunk lies.</summary>
    public bool TryFind(ChunkId id, out ChunkPlace place)
    {
        lock (gate)
        {
            var bucket = Load(Choose(id, buckets));
            var slot = Find(bucket, id);
            place = slot < 0 ? default : PlaceAt(bucket, slot);
            return slot >= 0;
        }
    }

    /// <summary>Notes where a chunk lies; false when it has a place already, which stays.</summary>
    public bool TryAdd(ChunkId id, ChunkPlace place)
    {
        lock (gate)
        {
            while (true)
            {
                var number = Choose(id, buckets);
                var bucket = Load(number);
                if (Find(bucket, id) >= 0) return false;
                if (CountOf(bucket) < Slots)
                {
                    Append(bucket, id, place);
                    Store(file, number, bucket);
                    Count++;
                    return true;
                }

                Double();
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => file?.Dispose();

    private static long Choose(ChunkId id, long buckets) => (long)(ulong)id.Value & (buckets - 1);

    private static int CountOf(ReadOnlySpan<byte> bucket) => BinaryPrimitives.ReadInt32LittleEndian(bucket[sizeof(uint)..]);

    private static ReadOnlySpan<UInt128> Ids(ReadOnlySpan<byte> bucket) =>
        MemoryMarshal.Cast<byte, UInt128>(bucket.Slice(HeadBytes, CountOf(bucket) * ChunkId.Length));

    private static int Find(ReadOnlySpan<byte> bucket, ChunkId id) => Ids(bucket).IndexOf(id.Value);

    private static ChunkPlace PlaceAt(ReadOnlySpan<byte> bucket, int slot) =>
        MemoryMarshal.Read<ChunkPlace>(bucket[(PlacesOffset + (slot * PlaceBytes))..]);

    private static void Append(Span<byte> bucket, ChunkId id, in ChunkPlace place)
    {
        var count = CountOf(bucket);
        MemoryMarshal.Write(bucket[(HeadBytes + (count * ChunkId.Length))..], id.Value);
        MemoryMarshal.Write(bucket[(PlacesOffset + (count * PlaceBytes))..], place);
        BinaryPrimitives.WriteInt32LittleEndian(bucket[sizeof(uint)..], count + 1);
    }

    private static uint Check(ReadOnlySpan<byte> bucket) => Crc32C.Of(bucket[sizeof(uint)..]);

    private byte[] Load(long number)
    {
        if (file is null) return inMemory[number];
        Read(file, number, read);
        return read;
    }

    // A bucket that comes back as something else would make points that name wrong places.
    private static void Read(IDiskFile file, long number, byte[] bucket)
    {
        var length = file.Read(number * BucketBytes, bucket);
        if (length != BucketBytes || BinaryPrimitives.ReadUInt32LittleEndian(bucket) != Check(bucket) || CountOf(bucket) > Slots)
            throw ByteReader.Broken("a private copy of the index was read back as something else");
    }

    private static void Store(IDiskFile? file, long number, byte[] bucket)
    {
        if (file is null) return;
        BinaryPrimitives.WriteUInt32LittleEndian(bucket, Check(bucket));
        file.Write(number * BucketBytes, bucket);
    }

    // Each bucket falls into itself and the one that is as far behind it as the table was long.
    private void Double()
    {
        var former = file;
        if (former is null && (spill is null || buckets * 2 <= MemoryBuckets))
        {
            var twice = new byte[buckets * 2][];
            for (var number = 0L; number < buckets; number++)
                (twice[number], twice[number + buckets]) = Split(inMemory[number], buckets);
            inMemory = twice;
            buckets *= 2;
            return;
        }

        var larger = spill!();
        try
        {
            larger.Reserve(buckets * 2 * BucketBytes);
            var bucket = new byte[BucketBytes];
            for (var number = 0L; number < buckets; number++)
            {
                if (former is null) bucket = inMemory[number];
                else Read(former, number, bucket);
                var (stays, goes) = Split(bucket, buckets);
                Store(larger, number, stays);
                Store(larger, number + buckets, goes);
            }
        }
        catch
        {
            larger.Dispose();
            throw;
        }

        file = larger;
        former?.Dispose();
        inMemory = [];
        read = new byte[BucketBytes];
        buckets *= 2;
    }

    private static (byte[] Stays, byte[] Goes) Split(byte[] bucket, long buckets)
    {
        var (stays, goes) = (new byte[BucketBytes], new byte[BucketBytes]);
        var ids = Ids(bucket);
        for (var slot = 0; slot < ids.Length; slot++)
        {
            var id = new ChunkId(ids[slot]);
            Append(((ulong)id.Value & (ulong)buckets) == 0 ? stays : goes, id, PlaceAt(bucket, slot));
        }

        return (stays, goes);
    }
}
