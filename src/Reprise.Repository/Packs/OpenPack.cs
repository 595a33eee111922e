using System.Collections.Concurrent;
using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Packs;

/// <summary>
/// Opens entries of a pack, or of the ranges of it that were read. The header and the directory are read from the front, or
/// from the end when the front is damaged. AES-GCM takes one call at a time, so each opening at once has a cipher of its
/// own; the pack's key is derived once for each of them, which costs more than opening a small file.
/// </summary>
internal sealed class OpenPack : IDisposable
{
    private readonly Sealer sealer;
    private readonly IReadOnlyList<PackRange> ranges;
    private readonly byte[] header;
    private readonly ObjectHeader decoded;
    private readonly ConcurrentBag<AesGcm> ciphers = [];

    /// <summary>Takes all of it.</summary>
    public OpenPack(Sealer sealer, ReadOnlyMemory<byte> pack)
    {
        this.sealer = sealer;
        ranges = [new PackRange(0, pack)];
        if (pack.Length < 2 * ObjectHeader.Length) throw ByteReader.Broken($"a pack of {pack.Length} bytes is too short");
        header = pack.Span[..ObjectHeader.Length].ToArray();
        try
        {
            decoded = ObjectHeader.Decode(header, ObjectKind.Pack);
        }
        catch (Storage.Errors.RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            header = pack.Span[^ObjectHeader.Length..].ToArray();
            decoded = ObjectHeader.Decode(header, ObjectKind.Pack);
        }
    }

    /// <summary>Takes its first header, and what was read of it behind that.</summary>
    public OpenPack(Sealer sealer, byte[] header, IReadOnlyList<PackRange> ranges)
    {
        this.sealer = sealer;
        this.header = header;
        this.ranges = ranges;
        decoded = ObjectHeader.Decode(header, ObjectKind.Pack);
    }

    /// <summary>Where the entries begin.</summary>
    public int DataOffsetBytes => ObjectHeader.Length + decoded.DirectoryBytes;

    /// <summary>The directory, authenticated.</summary>
    public PackEntry[] Directory()
    {
        using var cipher = sealer.Cipher(decoded);
        var length = decoded.DirectoryBytes;
        var pack = ranges is [{ OffsetBytes: 0 } all] ? all.Bytes : default;
        if (length <= Sealer.TagLength || pack.Length < (2 * (ObjectHeader.Length + length)))
            throw ByteReader.Broken("a directory is longer than its pack");
        var plain = new byte[length - Sealer.TagLength];
        var bound = sealer.Bound(header, default);
        var front = pack.Span.Slice(ObjectHeader.Length, length);
        var back = pack.Span.Slice(pack.Length - ObjectHeader.Length - length, length);
        if (!Sealer.Open(cipher, Sealer.Directory, 0, bound, front, plain)
            && !Sealer.Open(cipher, Sealer.Directory, 0, bound, back, plain))
            throw ByteReader.Broken("both directories of a pack were altered");
        return Decode(plain);
    }

    /// <summary>Opens one entry into a rented buffer that is at least as long as its plain length; the caller returns it.</summary>
    public byte[] Entry(Part part, byte type, Zstd zstd)
    {
        var plain = BlockBuffers.Program.Rent(part.PlainBytes);
        var opened = false;
        try
        {
            Entry(part, type, zstd, plain.AsSpan(0, part.PlainBytes));
            opened = true;
            return plain;
        }
        finally
        {
            if (!opened) BlockBuffers.Program.Return(plain);
        }
    }

    /// <summary>Opens one entry into <paramref name="plain"/>, which has exactly its plain length.</summary>
    public void Entry(Part part, byte type, Zstd zstd, Span<byte> plain)
    {
        var stored = part.StoredBytes > Sealer.TagLength ? Stored((long)DataOffsetBytes + part.OffsetBytes, part.StoredBytes) : default;
        if (stored.IsEmpty) throw ByteReader.Broken("an entry lies outside its pack");
        var cipher = ciphers.TryTake(out var idle) ? idle : sealer.Cipher(decoded);
        var encoded = BlockBuffers.Program.Rent(part.StoredBytes);
        try
        {
            var room = encoded.AsSpan(0, part.StoredBytes - Sealer.TagLength);
            var bound = sealer.Bound(header, PackBuilder.EntryPlace(type, part.Entry, part.PlainBytes));
            if (!Sealer.Open(cipher, Sealer.Entry, (uint)part.Entry, bound, stored, room))
                throw ByteReader.Broken($"entry {part.Entry} of a pack was altered");
            zstd.Decode(room, plain);
        }
        finally
        {
            BlockBuffers.Program.Return(encoded);
            ciphers.Add(cipher);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        while (ciphers.TryTake(out var cipher)) cipher.Dispose();
    }

    private ReadOnlySpan<byte> Stored(long offset, int length)
    {
        foreach (var range in ranges)
        {
            if (offset >= range.OffsetBytes && offset + length <= range.OffsetBytes + range.Bytes.Length)
                return range.Bytes.Span.Slice((int)(offset - range.OffsetBytes), length);
        }

        return default;
    }

    private static PackEntry[] Decode(ReadOnlySpan<byte> directory)
    {
        var reader = new ByteReader(directory);
        var entries = new PackEntry[(int)reader.Number(Limits.MaxPackEntries + 1)];
        for (var i = 0; i < entries.Length; i++)
        {
            var type = reader.Byte();
            var stored = (int)reader.Number(Limits.MaxPackBytes);
            var plain = (int)reader.Number(Limits.MaxPackBytes);
            entries[i] = new PackEntry(type, stored, plain, ChunkId.Read(reader.Bytes(ChunkId.Length)));
        }

        reader.End();
        return entries;
    }
}

/// <summary>Bytes of a pack from somewhere on.</summary>
internal readonly record struct PackRange(long OffsetBytes, ReadOnlyMemory<byte> Bytes);
