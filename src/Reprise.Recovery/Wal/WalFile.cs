using System.Globalization;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Wal;

/// <summary>What PostgreSQL means by the name of a file in <c>pg_wal</c>.</summary>
internal abstract record WalFile(uint Timeline)
{
    private const int SegmentDigits = 24;
    private const string HistorySuffix = ".history";
    private const string PartialSuffix = ".partial";
    private const string BackupSuffix = ".backup";

    /// <summary>Reads a name; null when it is none that PostgreSQL archives.</summary>
    public static WalFile? Parse(string name)
    {
        if (name.EndsWith(HistorySuffix, StringComparison.Ordinal))
            return Number(name[..^HistorySuffix.Length]) is { } timeline and > 0 ? new History(timeline) : null;
        if (name.EndsWith(PartialSuffix, StringComparison.Ordinal))
            return SegmentOf(name[..^PartialSuffix.Length]) is { } unfinished ? unfinished with { IsPartial = true } : null;
        if (!name.EndsWith(BackupSuffix, StringComparison.Ordinal)) return SegmentOf(name);
        return name[..^BackupSuffix.Length].Split('.') is [var front, var offset]
            && SegmentOf(front) is { } segment && Number(offset) is { } bytes
                ? new Backup(segment, bytes)
                : null;
    }

    private static Segment? SegmentOf(string name) =>
        name.Length == SegmentDigits
        && Number(name[..8]) is { } timeline and > 0
        && Number(name[8..16]) is { } high
        && Number(name[16..]) is { } low
            ? new Segment(timeline, high, low, IsPartial: false)
            : null;

    private static uint? Number(string text) =>
        text.Length == 8
        && text.All(c => char.IsAsciiDigit(c) || c is >= 'A' and <= 'F')
            ? uint.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : null;

    /// <summary>A segment. Its number has two parts, whose sense depends on the size of the segments.</summary>
    public sealed record Segment(uint Timeline, uint High, uint Low, bool IsPartial) : WalFile(Timeline)
    {
        /// <summary>Where it begins; null when segments of this size have no such number.</summary>
        public Lsn? Start(int segmentBytes) =>
            Low < 0x1_0000_0000UL / (ulong)segmentBytes
                ? new Lsn(((ulong)High << 32) + ((ulong)Low * (ulong)segmentBytes))
                : null;

        /// <summary>The segment that begins at an address.</summary>
        public static string NameOf(uint timeline, Lsn start, int segmentBytes) => string.Create(
            CultureInfo.InvariantCulture, $"{timeline:X8}{start.Value >> 32:X8}{(uint)start.Value / (uint)segmentBytes:X8}");
    }

    /// <summary>Where a timeline left the earlier ones.</summary>
    public sealed record History(uint Timeline) : WalFile(Timeline);

    /// <summary>Beside a segment: what a base backup needs.</summary>
    public sealed record Backup(Segment Front, uint OffsetBytes) : WalFile(Front.Timeline);
}
