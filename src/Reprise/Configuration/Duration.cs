using System.Globalization;

namespace Reprise.Configuration;

/// <summary>
/// Durations as the configuration and the command line write them: <c>90s</c>, <c>15m</c>, <c>1h</c>, <c>7d</c>,
/// <c>2w</c>.
/// </summary>
internal static class Duration
{
    /// <summary>The longest one: a hundred years.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(36500);

    /// <summary>What a duration looks like, for messages.</summary>
    public const string Form = "a whole number followed by s, m, h, d or w, such as 90s, 15m, 1h, 7d, 2w";

    /// <summary>Reads a duration; false when <paramref name="text"/> is not one.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length is < 2 or > 12) return false;
        if (!long.TryParse(
            text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        var unitSeconds = text[^1] switch
        {
            's' => 1L,
            'm' => 60L,
            'h' => 3600L,
            'd' => 86400L,
            'w' => 7 * 86400L,
            _ => 0L,
        };
        if (unitSeconds == 0 || count > (long)Longest.TotalSeconds / unitSeconds) return false;
        duration = TimeSpan.FromSeconds(count * unitSeconds);
        return true;
    }
}
