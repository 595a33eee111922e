using System.Globalization;

namespace Reprise.Cli;

/// <summary>Moments as people type them.</summary>
internal static class MomentText
{
    private const string Ago = " ago";

    private static readonly string[] Forms =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ssK",
    ];

    /// <summary>
    /// RFC 3339, <c>2h ago</c>, <c>today 14:05</c>, <c>yesterday 23:10</c>; null for anything else, and for an hour that
    /// exists twice or not at all in <paramref name="zone"/>.
    /// </summary>
    public static DateTimeOffset? Parse(string text, DateTimeOffset now, TimeZoneInfo zone)
    {
        text = text.Trim();
        if (text.EndsWith(Ago, StringComparison.Ordinal))
        {
            return Configuration.Duration.TryParse(text[..^Ago.Length].Trim(), out var span) ? now - span : null;
        }

        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is [("today" or "yesterday") and var day, var hour]) return OfDay(day, hour, now, zone);

        // Without a zone it would be somebody's guess.
        var hasZone = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');
        return hasZone && DateTimeOffset.TryParseExact(
            text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var exact)
            ? exact.ToUniversalTime()
            : null;
    }

    private static DateTimeOffset? OfDay(string day, string hour, DateTimeOffset now, TimeZoneInfo zone)
    {
        if (!TimeOnly.TryParseExact(
            hour, ["HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return null;
        var date = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime).AddDays(day == "today" ? 0 : -1);
        var local = date.ToDateTime(time, DateTimeKind.Unspecified);
        if (zone.IsAmbiguousTime(local) || zone.IsInvalidTime(local)) return null;
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }
}
