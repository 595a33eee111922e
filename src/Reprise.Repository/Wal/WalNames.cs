using System.Globalization;
using Reprise.Repository.Format;
using Reprise.Storage;

namespace Reprise.Repository.Wal;

/// <summary>What stands under <c>wal/</c>, by its name.</summary>
internal abstract record WalName(string Lineage)
{
    public const string Folder = "wal";

    private const string LineageObject = "lineage";
    private const string ClaimObject = "claim";
    private const string HistoryObject = "history";
    private const string BackupPrefix = "backup-";
    private const string PartialPrefix = "partial-";
    private const int TimelineDigits = 8;
    private const int LsnDigits = 16;

    /// <summary>The object.</summary>
    public abstract ObjectName Object { get; }

    /// <summary>Its kind.</summary>
    public abstract ObjectKind Kind { get; }

    /// <summary>The most that it may have in the store.</summary>
    public int MaxBytes => Kind == ObjectKind.WalRange ? Limits.MaxWalObjectBytes : Limits.MaxObjectBytes;

    /// <summary>What a name means; null when it is none of ours.</summary>
    public static WalName? Parse(ObjectName name)
    {
        var segments = name.Value.Split('/');
        if (segments is not [Folder, var lineage, ..] || !WalLineage.IsId(lineage)) return null;
        if (segments is [_, _, LineageObject]) return new OfLineage(lineage);
        if (segments is not [_, _, var folder, var last] || TimelineOf(folder) is not { } timeline) return null;
        return last switch
        {
            ClaimObject => new OfClaim(lineage, timeline),
            HistoryObject => new OfFile(lineage, timeline, new WalFileName.History()),
            _ when last.StartsWith(BackupPrefix, StringComparison.Ordinal) => BackupOf(lineage, timeline, last[BackupPrefix.Length..]),
            _ when last.StartsWith(PartialPrefix, StringComparison.Ordinal) =>
                WalRange.FromName(last.AsSpan(PartialPrefix.Length)) is { } part ? new OfRange(lineage, timeline, part, IsPartial: true) : null,
            _ => WalRange.FromName(last) is { } range ? new OfRange(lineage, timeline, range, IsPartial: false) : null,
        };
    }

    /// <summary>Everything of one timeline.</summary>
    public static ObjectPrefix Of(string lineage, uint timeline) => new($"{Folder}/{lineage}/{Text(timeline)}");

    private static string Text(uint timeline) => timeline.ToString("x8", CultureInfo.InvariantCulture);

    private static uint? TimelineOf(string text) =>
        text.Length == TimelineDigits && Hex.IsLower(text)
        && uint.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) is var timeline and > 0
            ? timeline
            : null;

    private static OfFile? BackupOf(string lineage, uint timeline, string text) =>
        text.Length == LsnDigits && Hex.IsLower(text)
            ? new OfFile(lineage, timeline, new WalFileName.Backup(new Lsn(ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))))
            : null;

    private static ObjectName In(string lineage, uint timeline, string last) => new($"{Folder}/{lineage}/{Text(timeline)}/{last}");

    /// <summary>What a lineage is.</summary>
    public sealed record OfLineage(string Lineage) : WalName(Lineage)
    {
        public override ObjectKind Kind => ObjectKind.WalLineage;

        public override ObjectName Object => new($"{Folder}/{Lineage}/{LineageObject}");
    }

    /// <summary>Who archives a timeline.</summary>
    public sealed record OfClaim(string Lineage, uint Timeline) : WalName(Lineage)
    {
        public override ObjectKind Kind => ObjectKind.WalClaim;

        public override ObjectName Object => In(Lineage, Timeline, ClaimObject);
    }

    /// <summary>A history or backup file.</summary>
    public sealed record OfFile(string Lineage, uint Timeline, WalFileName File) : WalName(Lineage)
    {
        public override ObjectKind Kind => ObjectKind.WalFile;

        public override ObjectName Object => In(Lineage, Timeline, File switch
        {
            WalFileName.History => HistoryObject,
            WalFileName.Backup backup => $"{BackupPrefix}{backup.Start.Value:x16}",
            _ => throw new Storage.Errors.InvariantException($"file {File}"),
        });
    }

    /// <summary>A range.</summary>
    public sealed record OfRange(string Lineage, uint Timeline, WalRange Range, bool IsPartial) : WalName(Lineage)
    {
        public override ObjectKind Kind => ObjectKind.WalRange;

        public override ObjectName Object => In(Lineage, Timeline, (IsPartial ? PartialPrefix : "") + Range.Name);
    }
}

/// <summary>A file that PostgreSQL archives beside the segments.</summary>
public abstract record WalFileName
{
    private WalFileName()
    {
    }

    /// <summary>Where a timeline left the earlier ones.</summary>
    public sealed record History : WalFileName;

    /// <summary>What a base backup needs; <paramref name="Start"/> is where its WAL begins.</summary>
    public sealed record Backup(Lsn Start) : WalFileName;
}
