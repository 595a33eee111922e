using System.Buffers.Binary;
using System.Numerics;

namespace Reprise.Storage.Runtime;

/// <summary>
/// CRC-32C (Castagnoli), which PostgreSQL uses for WAL, <c>pg_control</c> and <c>backup_manifest</c>. Two of them join
/// without their bytes, so that the CRC of a file follows from those of its pages.
/// </summary>
public static class Crc32C
{
    /// <summary>The CRC of <paramref name="bytes"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Continue(0, bytes);

    /// <summary>The CRC of what had <paramref name="crc"/>, followed by <paramref name="bytes"/>; 0 of nothing.</summary>
    public static uint Continue(uint crc, ReadOnlySpan<byte> bytes) => ~Feed(~crc, bytes);

    /// <summary>The CRC of <paramref name="count"/> zero bytes.</summary>
    public static uint OfZeros(long count) => ~new CrcShift(count).Apply(uint.MaxValue);

    /// <summary>What <paramref name="register"/>, without the inversions of a CRC, becomes by <paramref name="bytes"/>.</summary>
    internal static uint Feed(uint register, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes) register = BitOperations.Crc32C(register, b);
        return register;
    }
}

/// <summary>
/// What a number of bytes does to the CRC of what came before them: a linear map over bits (as in zlib's
/// <c>crc32_combine</c>), worked out once for each length.
/// </summary>
public sealed class CrcShift
{
    private const int Bits = 32;
    private readonly uint[] columns;

    /// <summary>The map of <paramref name="count"/> bytes.</summary>
    public CrcShift(long count)
    {
        Errors.Invariant.Check(count >= 0, "a number of bytes is not negative");
        columns = [.. Enumerable.Range(0, Bits).Select(bit => 1u << bit)];
        var power = Enumerable.Range(0, Bits).Select(bit => Crc32C.Feed(1u << bit, [0])).ToArray();
        for (var left = count; left > 0; left >>= 1)
        {
            if ((left & 1) != 0) columns = [.. columns.Select(column => Apply(power, column))];
            power = [.. power.Select(column => Apply(power, column))];
        }
    }

    /// <summary>The CRC of two stretches from theirs; the second has as many bytes as this was made for.</summary>
    public uint Join(uint first, uint second) => Apply(first) ^ second;

    /// <summary>The map.</summary>
    public uint Apply(uint register) => Apply(columns, register);

    private static uint Apply(uint[] columns, uint register)
    {
        var result = 0u;
        for (; register != 0; register &= register - 1) result ^= columns[BitOperations.TrailingZeroCount(register)];
        return result;
    }
}
