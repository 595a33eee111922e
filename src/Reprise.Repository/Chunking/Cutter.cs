using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Repository.Format;

namespace Reprise.Repository.Chunking;

/// <summary>
/// Content-defined cuts with a gear hash whose table comes from a key, so that lengths of chunks tell nobody without the
/// key which content they are of. Cuts are rarer before the normal size and more frequent after it ("normalised
/// chunking" of Xia et al., "FastCDC", USENIX ATC 2016), which keeps chunks near <see cref="Limits.NormalChunkBytes"/>.
/// Pure: the same bytes and key give the same cuts, wherever the caller's blocks end.
/// </summary>
internal sealed class Cutter
{
    // 19 bits make 512 KiB on average; two more before, two fewer after. High bits: they depend on the last 64 bytes.
    private const ulong BeforeNormal = 0xFFFFF80000000000;
    private const ulong AfterNormal = 0xFFFF800000000000;

    private readonly ulong[] gear = new ulong[256];

    public Cutter(ReadOnlyMemory<byte> key)
    {
        Span<byte> input = stackalloc byte[1];
        Span<byte> hash = stackalloc byte[32];
        for (var i = 0; i < gear.Length; i++)
        {
            input[0] = (byte)i;
            HMACSHA256.HashData(key.Span, input, hash);
            gear[i] = BinaryPrimitives.ReadUInt64LittleEndian(hash);
        }
    }

    /// <summary>
    /// Where the chunk that starts at the first byte ends, or -1 when <paramref name="bytes"/> end before it does.
    /// </summary>
    public int Cut(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Limits.MinChunkBytes) return -1;
        var hash = 0UL;
        var table = gear;
        var normal = Math.Min(bytes.Length, Limits.NormalChunkBytes);
        var end = Math.Min(bytes.Length, Limits.MaxChunkBytes);
        var i = Limits.MinChunkBytes;
        for (; i < normal; i++)
        {
            hash = (hash << 1) + table[bytes[i]];
            if ((hash & BeforeNormal) == 0) return i + 1;
        }

        for (; i < end; i++)
        {
            hash = (hash << 1) + table[bytes[i]];
            if ((hash & AfterNormal) == 0) return i + 1;
        }

        return end == Limits.MaxChunkBytes ? end : -1;
    }
}
