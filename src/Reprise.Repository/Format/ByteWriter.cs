using System.Buffers;
using System.Buffers.Binary;

namespace Reprise.Repository.Format;

/// <summary>Writes what <see cref="ByteReader"/> reads.</summary>
public static class ByteWriter
{
    /// <summary>One byte.</summary>
    public static void Byte(IBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }

    /// <summary>32 bits.</summary>
    public static void UInt32(IBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(4), value);
        to.Advance(4);
    }

    /// <summary>64 bits.</summary>
    public static void UInt64(IBufferWriter<byte> to, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(8), value);
        to.Advance(8);
    }

    /// <summary>A number from zero up, seven bits a byte.</summary>
    public static void Number(IBufferWriter<byte> to, long value)
    {
        Storage.Errors.Invariant.Check(value >= 0, "a number in the format is never negative");
        var span = to.GetSpan(10);
        var used = 0;
        var rest = (ulong)value;
        while (rest >= 0x80)
        {
            span[used++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        span[used++] = (byte)rest;
        to.Advance(used);
    }

    /// <summary>A number that may be negative, as zigzag; at most 62 bits.</summary>
    public static void SignedNumber(IBufferWriter<byte> to, long value) =>
        Number(to, (long)(((ulong)value << 1) ^ (ulong)(value >> 63)));

    /// <summary>Bytes as they are.</summary>
    public static void Bytes(IBufferWriter<byte> to, ReadOnlySpan<byte> bytes) => to.Write(bytes);

    /// <summary>Bytes behind their length.</summary>
    public static void Sized(IBufferWriter<byte> to, ReadOnlySpan<byte> bytes)
    {
        Number(to, bytes.Length);
        to.Write(bytes);
    }
}
