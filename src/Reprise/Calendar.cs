namespace Reprise;

/// <summary>A language of dates.</summary>
internal enum Language
{
    /// <summary>English.</summary>
    English,

    /// <summary>French.</summary>
    French,
}

/// <summary>
/// Dates in words. The program carries no tables of cultures (a bare host has none either), so that the names stand
/// here.
/// </summary>
internal sealed class Calendar(TimeZoneInfo zone, Language language)
{
    private static readonly string[] EnglishDays =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private static readonly string[] FrenchDays =
        ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"];

    private static readonly string[] EnglishMonths =
    [
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ];

    private static readonly string[] FrenchMonths =
    [
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ];

    /// <summary>
    /// The language of dates that the environment asks for (<c>LC_ALL</c>, <c>LC_TIME</c>, <c>LANG</c>).
    /// </summary>
    public static Language LanguageOf(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var name in (string[])["LC_ALL", "LC_TIME", "LANG"])
        {
            if (!environment.TryGetValue(name, out var value) || value.Length == 0) continue;
            var isFrench = value == "fr" || value.StartsWith("fr_", StringComparison.OrdinalIgnoreCase)
                || value.StartsWith("fr-", StringComparison.OrdinalIgnoreCase);
            return isFrench ? Language.French : Language.English;
        }

        return Language.English;
    }

    /// <summary>
    /// <c>Sunday 22 November 2026</c>, <c>dimanche 22 novembre 2026</c>; the 1st is <c>1er</c> in French.
    /// </summary>
    public string Day(DateOnly day) => language switch
    {
        Language.French => $"{FrenchDays[(int)day.DayOfWeek]} {(day.Day == 1 ? "1er" : day.Day)} "
            + $"{FrenchMonths[day.Month - 1]} {day.Year:0000}",
        _ => $"{EnglishDays[(int)day.DayOfWeek]} {day.Day} {EnglishMonths[day.Month - 1]} {day.Year:0000}",
    };

    /// <summary><c>2026-11-22 03:15:02 UTC (Sunday 22 November 2026, 04:15 here)</c>: UTC first, then local.</summary>
    public string Both(DateTimeOffset time)
    {
        var local = TimeZoneInfo.ConvertTime(time, zone);
        var here = language == Language.French ? "ici" : "here";
        return $"{Utc(time)} ({Day(DateOnly.FromDateTime(local.DateTime))}, {local:HH:mm} {here})";
    }

    /// <summary>
    /// <c>2026-11-22 03:15 UTC (04:15 here)</c>, for lists; the local day is named when it is another one.
    /// </summary>
    public string Short(DateTimeOffset time)
    {
        var local = TimeZoneInfo.ConvertTime(time, zone);
        var utc = time.UtcDateTime;
        if (local.Offset == TimeSpan.Zero) return $"{utc:yyyy-MM-dd HH:mm} UTC";
        var day = DateOnly.FromDateTime(local.DateTime) == DateOnly.FromDateTime(utc) ? "" : $"{local:yyyy-MM-dd} ";
        return $"{utc:yyyy-MM-dd HH:mm} UTC ({day}{local:HH:mm} {(language == Language.French ? "ici" : "here")})";
    }

    /// <summary><c>2026-11-22 03:15:02 UTC</c></summary>
    public static string Utc(DateTimeOffset time) => $"{time.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC";
}
