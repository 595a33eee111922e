using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    /// Where the chunk that starts at the first byte ends, or -1 when <paramref name="bytes"/> end before it does; then
    /// <paramref name="scan"/> remembers how far they were looked at, for a call with the same bytes and more.
    /// </summary>
    public int Cut(ReadOnlySpan<byte> bytes, ref CutScan scan)
    {
        var end = Math.Min(bytes.Length, Limits.MaxChunkBytes);
        var found = Scan(bytes, Math.Min(end, Limits.NormalChunkBytes), BeforeNormal, ref scan);
        if (found < 0) found = Scan(bytes, end, AfterNormal, ref scan);
        if (found < 0 && end == Limits.MaxChunkBytes) found = end;
        if (found > 0) scan = default;
        return found;
    }

    // Two bytes at a time: what the second adds to the hash does not wait for the first. The loop runs over every byte
    // of every backup, so that the bounds, which its conditions keep, are not checked again.
    private int Scan(ReadOnlySpan<byte> bytes, int end, ulong mask, ref CutScan scan)
    {
        ref var first = ref MemoryMarshal.GetReference(bytes);
        ref var table = ref MemoryMarshal.GetArrayDataReference(gear);
        var hash = scan.Hash;
        var i = Math.Max(scan.Looked, Limits.MinChunkBytes);
        for (; i + 1 < end; i += 2)
        {
            var one = Unsafe.Add(ref table, Unsafe.Add(ref first, i));
            var two = Unsafe.Add(ref table, Unsafe.Add(ref first, i + 1));
            if ((((hash << 1) + one) & mask) == 0) return i + 1;
            hash = (hash << 2) + ((one << 1) + two);
            if ((hash & mask) == 0) return i + 2;
        }

        for (; i < end; i++)
        {
            hash = (hash << 1) + Unsafe.Add(ref table, Unsafe.Add(ref first, i));
            if ((hash & mask) == 0) return i + 1;
        }

        scan = new CutScan(Math.Max(i, scan.Looked), hash);
        return -1;
    }
}

/// <summary>How far a chunk that has no end yet was looked at.</summary>
/// <param name="Looked">bytes from its start; 0: none.</param>
/// <param name="Hash">the hash after them.</param>
internal readonly record struct CutScan(int Looked, ulong Hash);
