using System.Globalization;

namespace Reprise;

/// <summary>Sizes, counts and durations as a person reads them.</summary>
internal static class Amounts
{
    /// <summary><c>1,234</c></summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary><c>1 row</c>, <c>2 rows</c>.</summary>
    public static string Count(long count, string one, string? many = null) =>
        $"{Count(count)} {(count == 1 ? one : many ?? one + "s")}";

    /// <summary><c>512 B</c>, <c>1.5 KiB</c>, <c>3.2 GiB</c>: three significant digits, powers of 1024.</summary>
    public static string Bytes(long bytes)
    {
        if (bytes is > -1024 and < 1024) return $"{bytes} B";
        string[] units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        var value = bytes / 1024.0;
        var unit = 0;
        while (Math.Abs(value) >= 999.5 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        var form = Math.Abs(value) switch { < 9.995 => "0.00", < 99.95 => "0.0", _ => "0" };
        return $"{value.ToString(form, CultureInfo.InvariantCulture)} {units[unit]}";
    }

    /// <summary>
    /// <c>0.4 s</c>, <c>12 s</c>, <c>3 min 5 s</c>, <c>2 h 10 min</c>, <c>3 d 4 h</c>: two units at most.
    /// </summary>
    public static string Time(TimeSpan time)
    {
        if (time < TimeSpan.Zero) return "-" + Time(-time);
        if (time.TotalSeconds < 9.95) return $"{time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s";
        var seconds = (long)Math.Round(time.TotalSeconds);
        return seconds switch
        {
            < 60 => $"{seconds} s",
            < 3600 => Two(seconds / 60, "min", seconds % 60, "s"),
            < 86400 => Two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
            _ => Two(seconds / 86400, "d", seconds % 86400 / 3600, "h"),
        };
    }

    /// <summary>As <see cref="Time"/>, from seconds.</summary>
    public static string Seconds(double seconds) => Time(TimeSpan.FromSeconds(seconds));

    /// <summary><c>0:07</c>, <c>12:34</c>, <c>1:02:03</c>: for lines that are drawn over.</summary>
    public static string Clock(TimeSpan time)
    {
        var seconds = (long)time.TotalSeconds;
        return seconds < 3600
            ? $"{seconds / 60}:{seconds % 60:00}"
            : $"{seconds / 3600}:{seconds % 3600 / 60:00}:{seconds % 60:00}";
    }

    private static string Two(long large, string largeUnit, long small, string smallUnit) =>
        small == 0 ? $"{large} {largeUnit}" : $"{large} {largeUnit} {small} {smallUnit}";
}
