using System.Globalization;
using Reprise.Repository.Format;

namespace Reprise.Repository.Wal;

/// <summary>A stretch of the log of changes: from <paramref name="Start"/> up to, and without, <paramref name="End"/>.</summary>
/// <param name="Start">its first byte.</param>
/// <param name="End">the byte behind its last.</param>
public readonly record struct WalRange(Lsn Start, Lsn End)
{
    private const int Digits = 16;

    /// <summary>Its length in bytes.</summary>
    public long LengthBytes => End.Since(Start);

    /// <summary>As a person reads it.</summary>
    public override string ToString() => $"{Start} to {End}";

    /// <summary>The last segment of its name: that a listing shows where it lies is what makes gaps visible without reading.</summary>
    internal string Name => string.Create(CultureInfo.InvariantCulture, $"{Start.Value:x16}-{End.Value:x16}");

    /// <summary>Reads such a name; null when it is none, or of a range that cannot be.</summary>
    internal static WalRange? FromName(ReadOnlySpan<char> name)
    {
        if (name.Length != (2 * Digits) + 1 || name[Digits] != '-') return null;
        if (!Hex.IsLower(name[..Digits]) || !Hex.IsLower(name[(Digits + 1)..])) return null;
        var start = ulong.Parse(name[..Digits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var end = ulong.Parse(name[(Digits + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return end > start && end - start <= Limits.MaxWalRangeBytes ? new WalRange(new Lsn(start), new Lsn(end)) : null;
    }
}

/// <summary>What a listing says of one timeline of one lineage.</summary>
public sealed record WalListing
{
    /// <summary>The lineage.</summary>
    public required string Lineage { get; init; }

    /// <summary>The timeline.</summary>
    public required uint Timeline { get; init; }

    /// <summary>Every range, by start; ranges may overlap, and then hold the same bytes.</summary>
    public required IReadOnlyList<WalRange> Ranges { get; init; }

    /// <summary>Whether its history file is there. Timeline 1 has none.</summary>
    public required bool HasHistory { get; init; }

    /// <summary>Bytes that it takes in the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>The stretches without a gap, by start.</summary>
    public IReadOnlyList<WalRange> Stretches => Merge(Ranges);

    /// <summary>Joins ranges that touch or overlap; they are sorted by start.</summary>
    public static IReadOnlyList<WalRange> Merge(IEnumerable<WalRange> sorted)
    {
        var merged = new List<WalRange>();
        foreach (var range in sorted)
        {
            if (merged.Count == 0 || range.Start > merged[^1].End) merged.Add(range);
            else if (range.End > merged[^1].End) merged[^1] = merged[^1] with { End = range.End };
        }

        return merged;
    }
}
