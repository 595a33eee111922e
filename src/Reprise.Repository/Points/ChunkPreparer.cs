using System.Security.Cryptography;
using Reprise.Repository.Chunking;
using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Points;

/// <summary>What is done to bytes before they have a place: cutting, naming, compressing. Safe from several threads.</summary>
internal sealed class ChunkPreparer(Sealer sealer, Zstd zstd, ChunkIndex index, Cutter cutter)
{
    /// <summary>Prepares short contents; the caller returns the room.</summary>
    public PreparedShare PrepareShare(IReadOnlyList<ReadOnlyMemory<byte>> contents)
    {
        // Everything that is compressed for one piece of work lies in one buffer: hundreds of small ones would be garbage.
        var room = BlockBuffers.Program.Rent(contents.Sum(content => RoomFor(content.Length)));
        try
        {
            var free = room.AsMemory();
            return new PreparedShare([.. contents.Select(content => PrepareContent(content.Span, ref free))], room);
        }
        catch
        {
            BlockBuffers.Program.Return(room);
            throw;
        }
    }

    // What every cut of a content may need; only its last chunk is shorter than the shortest.
    private static int RoomFor(int length) =>
        Zstd.Bound(length) + (Zstd.Bound(0) * (1 + (length / Limits.MinChunkBytes)));

    // The same cuts as if the content had come in pieces.
    private PreparedContent PrepareContent(ReadOnlySpan<byte> plain, ref Memory<byte> free)
    {
        var chunks = new List<(PreparedChunk Chunk, int Length)>(1);
        var whole = plain;
        while (!plain.IsEmpty)
        {
            var scan = default(CutScan);
            var end = cutter.Cut(plain, ref scan);
            if (end < 0) end = plain.Length;
            var chunk = Prepare(PackEntry.DataType, plain[..end], free);
            chunks.Add((chunk, end));
            free = free[chunk.Encoded.Length..];
            plain = plain[end..];
        }

        var sha256 = chunks is [var only] ? only.Chunk.Sha256 : new Sha256Digest(SHA256.HashData(whole));
        return new PreparedContent(whole.Length, sha256, chunks);
    }

    /// <summary>Prepares a chunk in a rented buffer, which is given back.</summary>
    public PreparedChunk PrepareOwned(byte type, byte[] rented, int length)
    {
        var room = BlockBuffers.Program.Rent(Zstd.Bound(length));
        PreparedChunk? prepared = null;
        try
        {
            prepared = Prepare(type, rented.AsSpan(0, length), room) with { Room = room };
            return prepared;
        }
        finally
        {
            if (prepared is null) BlockBuffers.Program.Return(room);
            BlockBuffers.Program.Return(rented);
        }
    }

    private PreparedChunk Prepare(byte type, ReadOnlySpan<byte> plain, Memory<byte> room)
    {
        var length = plain.Length;
        Span<byte> name = stackalloc byte[32];
        var sha256 = new Sha256Digest(SHA256.HashData(plain));
        sealer.Keys.NameChunk(type, sha256.Bytes, name);
        var id = ChunkId.Read(name);
        if (index.Contains(id)) return new PreparedChunk(id, sha256, default);

        var encoded = room[..zstd.Encode(plain, room.Span)];

        // A bit that flips in memory now would be sealed and authenticated for ever: what was compressed is
        // decompressed and compared once, before anything relies on it.
        var again = BlockBuffers.Program.Rent(length);
        zstd.Decode(encoded.Span, again.AsSpan(0, length));
        var same = again.AsSpan(0, length).SequenceEqual(plain);
        BlockBuffers.Program.Return(again);
        if (same) return new PreparedChunk(id, sha256, encoded);
        throw new RepriseException(
            RepositoryErrors.MemoryUnsound,
            "a chunk came out of compression different from what went in",
            "run a memory test on this machine; nothing was committed");
    }
}

/// <summary>A content and its chunks, in their order.</summary>
internal sealed record PreparedContent(
    int LengthBytes, Sha256Digest Sha256, IReadOnlyList<(PreparedChunk Chunk, int Length)> Chunks);

/// <summary>The contents of one piece of work, and the rented buffer with what was compressed of them.</summary>
internal sealed record PreparedShare(IReadOnlyList<PreparedContent> Contents, byte[] Room);

/// <summary>A chunk as it will be stored; nothing when it is stored already. May own its rented buffer.</summary>
internal sealed record PreparedChunk(ChunkId Id, Sha256Digest Sha256, ReadOnlyMemory<byte> Encoded) : IDisposable
{
    public byte[]? Room { get; init; }

    public void Dispose()
    {
        if (Room is not null) BlockBuffers.Program.Return(Room);
    }
}
