using System.Globalization;

namespace Reprise.Recovery.Planning;

/// <summary>How times and amounts are said to people.</summary>
public static class Wording
{
    /// <summary>
    /// <c>2026-11-22 03:15:02 UTC (04:15 here)</c>; the date is repeated when it is another day here.
    /// </summary>
    public static string Moment(DateTimeOffset moment, TimeZoneInfo zone)
    {
        var utc = moment.UtcDateTime;
        var local = TimeZoneInfo.ConvertTime(moment, zone);
        var text = utc.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC";
        if (local.Offset == TimeSpan.Zero) return text;
        var format = local.Date == utc.Date ? "HH:mm" : "yyyy-MM-dd HH:mm";
        return $"{text} ({local.ToString(format, CultureInfo.InvariantCulture)} here)";
    }

    /// <summary>An age or a duration in the one or two units that matter: <c>8 hours 12 minutes</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        if (duration < TimeSpan.Zero) duration = TimeSpan.Zero;
        return duration switch
        {
            { TotalMinutes: < 1 } => Unit((long)duration.TotalSeconds, "second"),
            { TotalHours: < 1 } => Unit(duration.Minutes, "minute"),
            { TotalDays: < 1 } => Two(duration.Hours, "hour", duration.Minutes, "minute"),
            _ => Two((long)duration.TotalDays, "day", duration.Hours, "hour"),
        };
    }

    /// <summary><c>1.2 GB</c>; powers of ten, as disks are sold.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.#} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.#} MB"),
        < 1_000_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.#} GB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e12:0.##} TB"),
    };

    /// <summary><c>a</c>; <c>a and b</c>; <c>a, b and c</c>.</summary>
    public static string List(IReadOnlyList<string> items) => items.Count switch
    {
        0 => "nothing",
        1 => items[0],
        _ => string.Join(", ", items.SkipLast(1)) + " and " + items[^1],
    };

    private static string Two(long first, string unit, long second, string smaller) =>
        second == 0 ? Unit(first, unit) : $"{Unit(first, unit)} {Unit(second, smaller)}";

    private static string Unit(long count, string unit) =>
        count == 1 ? $"1 {unit}" : $"{count.ToString("N0", CultureInfo.InvariantCulture)} {unit}s";
}
