using System.Buffers.Binary;
using System.Numerics;

namespace Reprise.Repository.Format;

/// <summary>
/// CRC-32C (Castagnoli), as PostgreSQL uses it for records of WAL and for <c>pg_control</c>. The processor computes eight
/// bytes in an instruction.
/// </summary>
public static class Crc32C
{
    /// <summary>What a computation begins with.</summary>
    public const uint Begin = uint.MaxValue;

    /// <summary>Goes on with <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return crc;
    }

    /// <summary>What a computation ends with.</summary>
    public static uint End(uint crc) => ~crc;
}
