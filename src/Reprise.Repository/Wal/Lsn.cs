using System.Globalization;
using Reprise.Repository.Format;

namespace Reprise.Repository.Wal;

/// <summary>A place in the log of changes of a PostgreSQL cluster: how many bytes of it come before.</summary>
/// <param name="Value">the place in bytes.</param>
public readonly record struct Lsn(ulong Value) : IComparable<Lsn>
{
    /// <summary>Reads <c>0/3000028</c>; false when it is none.</summary>
    public static bool TryParse(string text, out Lsn lsn)
    {
        lsn = default;
        if (text.Split('/') is not [{ Length: > 0 and <= 8 } high, { Length: > 0 and <= 8 } low]) return false;
        if (!uint.TryParse(high, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var upper)
            || !uint.TryParse(low, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var lower)) return false;
        lsn = new Lsn(((ulong)upper << 32) | lower);
        return true;
    }

    /// <summary>Reads <c>16/B374D848</c> out of a point or an answer; anything else is <c>malformed</c>.</summary>
    public static Lsn Parse(string text) =>
        TryParse(text, out var lsn) ? lsn : throw ByteReader.Broken($"'{text}' is no place in the WAL");

    /// <summary>The name of the segment that holds it.</summary>
    public string SegmentName(uint timeline, long segmentBytes)
    {
        var (number, each) = (Value / (ulong)segmentBytes, (1UL << 32) / (ulong)segmentBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}{number / each:X8}{number % each:X8}");
    }

    /// <summary>So many bytes later.</summary>
    public Lsn Plus(long bytes) => new(checked(bytes < 0 ? Value - (ulong)-bytes : Value + (ulong)bytes));

    /// <summary>How many bytes lie between <paramref name="earlier"/> and this.</summary>
    public long Since(Lsn earlier) => checked((long)(Value - earlier.Value));

    /// <summary>As PostgreSQL writes it: <c>0/3000028</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Value >> 32:X}/{(uint)Value:X}");

    /// <inheritdoc />
    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    public static bool operator <(Lsn left, Lsn right) => left.Value < right.Value;

    public static bool operator >(Lsn left, Lsn right) => left.Value > right.Value;

    public static bool operator <=(Lsn left, Lsn right) => left.Value <= right.Value;

    public static bool operator >=(Lsn left, Lsn right) => left.Value >= right.Value;
}
