using System.Buffers.Binary;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Format;

/// <summary>
/// Reads little-endian structures from bytes of unknown origin. Every read checks what is left first; whatever breaks a
/// rule is <see cref="RepositoryErrors.Malformed"/>, never an index out of range and never an allocation beyond the input.
/// </summary>
public ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => rest.Length;

    /// <summary>One byte.</summary>
    public byte Byte() => Bytes(1)[0];

    /// <summary>32 bits.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    /// <summary>64 bits.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    /// <summary>A number of seven bits a byte, lowest first (LEB128), at most <paramref name="max"/>.</summary>
    public long Number(long max)
    {
        ulong value = 0;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7f) << shift;
            if (b >= 0x80) continue;
            if (value > (ulong)max) throw Broken($"the number {value} is larger than {max}");
            return (long)value;
        }

        throw Broken("a number has more than 63 bits");
    }

    /// <summary>A number that may be negative, as zigzag.</summary>
    public long SignedNumber()
    {
        var zigzag = (ulong)Number(long.MaxValue);
        return (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
    }

    /// <summary>The next <paramref name="count"/> bytes, not copied.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > rest.Length) throw Broken($"{count} bytes are announced, {rest.Length} are left");
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    /// <summary>Bytes behind their own length, at most <paramref name="max"/>.</summary>
    public ReadOnlySpan<byte> Sized(int max) => Bytes((int)Number(max));

    /// <summary>Ends the reading: anything left over breaks the format.</summary>
    public readonly void End()
    {
        if (!rest.IsEmpty) throw Broken($"{rest.Length} bytes are left over");
    }

    /// <summary>The error for a broken rule.</summary>
    public static RepriseException Broken(string what) => new(
        RepositoryErrors.Malformed, what, "run 'reprise verify' to see what is affected, and restore another point");
}
