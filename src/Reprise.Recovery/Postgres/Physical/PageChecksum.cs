using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// The checksum of a page of a relation, as PostgreSQL computes it (32 interleaved FNV-1a sums over the words of the
/// page), and what else a page says of itself.
/// </summary>
internal static class PageChecksum
{
    private const int Sums = 32;
    private const int Lanes = 8;
    private const uint Prime = 16777619;
    private const int Shift = 17;
    private const int ChecksumOffset = 8;
    private const int UpperOffset = 14;

    private static ReadOnlySpan<uint> Bases =>
    [
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
        0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
        0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
        0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
    ];

    /// <summary>
    /// Whether a page is as it must be in a backup that began at <paramref name="start"/>: new, or changed since then
    /// (the WAL brings it back whole), or with the checksum of its bytes.
    /// </summary>
    public static bool IsSound(ReadOnlySpan<byte> page, uint block, Lsn start) =>
        IsNew(page) || ChangedAt(page) >= start || BinaryPrimitives.ReadUInt16LittleEndian(page[ChecksumOffset..]) == Of(page, block);

    /// <summary>Whether it was never used: nothing in it means anything then.</summary>
    public static bool IsNew(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[UpperOffset..]) == 0;

    /// <summary>The end of the WAL record that changed it last.</summary>
    public static Lsn ChangedAt(ReadOnlySpan<byte> page) => new(
        ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(page) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(page[4..]));

    /// <summary>The checksum of <paramref name="page"/> as block <paramref name="block"/> of its relation.</summary>
    public static ushort Of(ReadOnlySpan<byte> page, uint block)
    {
        // The words are read as this machine has them, and PostgreSQL does the same.
        var words = MemoryMarshal.Cast<byte, uint>(page);
        var (a, b) = (Vector256.Create(Bases), Vector256.Create(Bases[Lanes..]));
        var (c, d) = (Vector256.Create(Bases[(2 * Lanes)..]), Vector256.Create(Bases[(3 * Lanes)..]));
        var first = Vector256.Create(words);
        for (var i = 0; i < words.Length; i += Sums)
        {
            // The checksum itself counts as zero; its word holds two bytes of flags behind it.
            a = Mix(a, i == 0 ? first.WithElement(2, first.GetElement(2) & 0xFFFF0000) : Vector256.Create(words[i..]));
            b = Mix(b, Vector256.Create(words[(i + Lanes)..]));
            c = Mix(c, Vector256.Create(words[(i + (2 * Lanes))..]));
            d = Mix(d, Vector256.Create(words[(i + (3 * Lanes))..]));
        }

        for (var round = 0; round < 2; round++)
        {
            (a, b) = (Mix(a, Vector256<uint>.Zero), Mix(b, Vector256<uint>.Zero));
            (c, d) = (Mix(c, Vector256<uint>.Zero), Mix(d, Vector256<uint>.Zero));
        }

        var folded = a ^ b ^ c ^ d;
        var sum = block;
        for (var lane = 0; lane < Lanes; lane++) sum ^= folded.GetElement(lane);
        return (ushort)((sum % 65535) + 1);
    }

    private static Vector256<uint> Mix(Vector256<uint> sum, Vector256<uint> word)
    {
        var mixed = sum ^ word;
        return (mixed * Vector256.Create(Prime)) ^ (mixed >>> Shift);
    }
}
