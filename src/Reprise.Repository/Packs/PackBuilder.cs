using System.Buffers;
using System.Buffers.Binary;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Packs;

/// <summary>
/// Collects encoded chunks and seals them into one pack: header, sealed directory, sealed entries, sealed padding, the
/// same sealed directory again, the same header again. Entries are laid out behind a reserve for the directory, so that
/// the pack is one contiguous piece without copying. Not thread-safe; <see cref="Seal"/> is called once.
/// </summary>
/// <param name="targetBytes">no entry is added that would pass this, unless it is the only one.</param>
internal sealed class PackBuilder(int targetBytes) : IDisposable
{
    // Each entry of a directory takes at most 1 + 4 + 4 + 16 bytes; the count takes 2.
    private const int EntryRoom = 25;
    private const int Reserve = ObjectHeader.Length + 8 + (EntryRoom * (Limits.MaxPackEntries + 1)) + Sealer.TagLength;

    // The largest class of padding above the target, the reserve in front and the same directory behind.
    private readonly byte[] buffer =
        BlockBuffers.Program.Rent(Padding.Class(targetBytes + (2 * Sealer.TagLength) + 1) + (2 * Reserve));

    private readonly List<PackEntry> entries = [];
    private int used;

    /// <summary>The entries so far, in order.</summary>
    public IReadOnlyList<PackEntry> Entries => entries;

    /// <summary>Whether an entry of this encoded size still fits.</summary>
    public bool HasRoom(int encodedBytes) =>
        entries.Count < Limits.MaxPackEntries
        && (used == 0 || used + encodedBytes + Sealer.TagLength <= targetBytes);

    /// <summary>Appends an encoded chunk; returns its entry number and its offset in the data.</summary>
    public (int Entry, int OffsetBytes, int StoredBytes) Add(byte type, ChunkId id, ReadOnlySpan<byte> encoded, int plainBytes)
    {
        var offset = used;
        encoded.CopyTo(buffer.AsSpan(Reserve + used));
        var stored = encoded.Length + Sealer.TagLength;
        used += stored;
        entries.Add(new PackEntry(type, stored, plainBytes, id));
        return (entries.Count - 1, offset, stored);
    }

    /// <summary>Seals everything in place. The memory is valid until this builder is disposed.</summary>
    public (ReadOnlyMemory<byte> Pack, PackFacts Facts) Seal(Sealer sealer)
    {
        Pad();
        var directory = EncodeDirectory(entries);
        var directoryBytes = directory.WrittenCount + Sealer.TagLength;
        var (salt, cipher) = sealer.Fresh(ObjectKind.Pack);
        using (cipher)
        {
            var header = new ObjectHeader(ObjectKind.Pack, sealer.Keys.CurrentEpoch, directoryBytes, salt).Encode();
            SealEntries(sealer, cipher, header);
            var start = Reserve - directoryBytes - header.Length;
            header.CopyTo(buffer, start);
            var front = buffer.AsSpan(start + header.Length, directoryBytes);
            directory.WrittenSpan.CopyTo(front);
            sealer.Seal(cipher, Sealer.Directory, 0, sealer.Bound(header, default), front);
            var end = Reserve + used;
            front.CopyTo(buffer.AsSpan(end));
            header.CopyTo(buffer.AsSpan(end + directoryBytes));
            var pack = buffer.AsMemory(start, end + directoryBytes + header.Length - start);
            return (pack, new PackFacts(PackId.Of(pack.Span), pack.Length, header.Length + directoryBytes));
        }
    }

    /// <inheritdoc />
    public void Dispose() => BlockBuffers.Program.Return(buffer);

    /// <summary>What binds entry <paramref name="number"/> to its place: its type, number and plain length.</summary>
    public static byte[] EntryPlace(byte type, int number, int plainBytes)
    {
        var place = new byte[9];
        place[0] = type;
        BinaryPrimitives.WriteInt32LittleEndian(place.AsSpan(1), number);
        BinaryPrimitives.WriteInt32LittleEndian(place.AsSpan(5), plainBytes);
        return place;
    }

    private static ArrayBufferWriter<byte> EncodeDirectory(List<PackEntry> entries)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, entries.Count);
        foreach (var entry in entries)
        {
            ByteWriter.Byte(writer, entry.Type);
            ByteWriter.Number(writer, entry.StoredBytes);
            ByteWriter.Number(writer, entry.PlainBytes);
            entry.Id.Write(writer.GetSpan(ChunkId.Length));
            writer.Advance(ChunkId.Length);
        }

        return writer;
    }

    private void Pad()
    {
        // The class is that of the data; the directory's own length tells the number of entries within a few, no more.
        var wanted = Padding.Class(used + Sealer.TagLength + 1);
        var plain = wanted - used - Sealer.TagLength;
        buffer.AsSpan(Reserve + used, plain).Clear();
        Add(PackEntry.PaddingType, default, buffer.AsSpan(Reserve + used, plain), plain - 1);
    }

    private void SealEntries(Sealer sealer, System.Security.Cryptography.AesGcm cipher, byte[] header)
    {
        var offset = Reserve;
        for (var number = 0; number < entries.Count; number++)
        {
            var entry = entries[number];
            var bound = sealer.Bound(header, EntryPlace(entry.Type, number, entry.PlainBytes));
            sealer.Seal(cipher, Sealer.Entry, (uint)number, bound, buffer.AsSpan(offset, entry.StoredBytes));
            offset += entry.StoredBytes;
        }
    }
}
