using System.Globalization;
using Reprise.Repository.Format;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>A place in the WAL, as PostgreSQL writes it: <c>16/B374D848</c>.</summary>
/// <param name="Value">bytes since the beginning of the cluster's WAL.</param>
internal readonly record struct Lsn(ulong Value) : IComparable<Lsn>
{
    private const int Half = 32;

    public static Lsn Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0
            && uint.TryParse(text.AsSpan(0, slash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            && uint.TryParse(text.AsSpan(slash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low))
            return new Lsn(((ulong)high << Half) | low);
        throw ByteReader.Broken($"'{text}' is no place in the WAL");
    }

    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Value >> Half:X}/{(uint)Value:X}");

    /// <summary>The name of the segment that holds it.</summary>
    public string SegmentName(uint timeline, long segmentBytes)
    {
        var (number, each) = (Value / (ulong)segmentBytes, (1UL << Half) / (ulong)segmentBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}{number / each:X8}{number % each:X8}");
    }

    public static bool operator <(Lsn left, Lsn right) => left.Value < right.Value;

    public static bool operator >(Lsn left, Lsn right) => left.Value > right.Value;

    public static bool operator <=(Lsn left, Lsn right) => left.Value <= right.Value;

    public static bool operator >=(Lsn left, Lsn right) => left.Value >= right.Value;
}
