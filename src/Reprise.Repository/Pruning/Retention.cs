using System.Globalization;
using Reprise.Repository.Points;

namespace Reprise.Repository.Pruning;

/// <summary>How long points are kept.</summary>
/// <param name="Daily">so many of the latest days that have a point keep one.</param>
/// <param name="Weekly">the same for weeks (ISO 8601, from Monday).</param>
/// <param name="Monthly">the same for months.</param>
/// <param name="Safety">how long safety points and incomplete ones stay.</param>
public sealed record RetentionRules(int Daily, int Weekly, int Monthly, TimeSpan Safety);

/// <summary>What becomes of a point, and why.</summary>
/// <param name="Point">which.</param>
/// <param name="Stays">whether it stays.</param>
/// <param name="Why">the reasons, for a person: <c>daily 2026-11-22</c>, <c>the newest</c>.</param>
public sealed record RetentionVerdict(PointEntry Point, bool Stays, IReadOnlyList<string> Why);

/// <summary>
/// Decides which points stay. Pure, and without a clock: "now" is the time of the newest point, and periods count only
/// when they have a point, so that a host that was off for a month loses nothing. All times are UTC.
/// </summary>
public static class Retention
{
    /// <summary>Judges every point, oldest first.</summary>
    /// <param name="points">all that there are.</param>
    /// <param name="rules">for how long.</param>
    /// <param name="proven">points that a drill has proven: of a period, the latest of these is kept before others.</param>
    /// <param name="needed">points that something needs, with what it is (<c>undo of …</c>).</param>
    public static IReadOnlyList<RetentionVerdict> Judge(
        IReadOnlyList<PointEntry> points,
        RetentionRules rules,
        IReadOnlySet<PointId> proven,
        IReadOnlyDictionary<PointId, string> needed)
    {
        if (points.Count == 0) return [];
        var ordered = points.OrderBy(p => p.Id).ToList();
        var why = ordered.ToDictionary(p => p.Id, _ => new List<string>());
        var regular = ordered.Where(p => p.Manifest is { Kind: not PointKind.Safety, State: PointState.Complete }).ToList();
        var now = ordered[^1].Id.Time;
        why[ordered[^1].Id].Add("the newest");
        if (regular.Count > 0 && regular[^1].Id != ordered[^1].Id) why[regular[^1].Id].Add("the newest complete one");
        if (regular.LastOrDefault(p => proven.Contains(p.Id)) is { } last) why[last.Id].Add("the newest proven one");
        foreach (var (id, reason) in needed)
        {
            if (why.TryGetValue(id, out var reasons)) reasons.Add(reason);
        }

        Keep(regular, rules.Daily, Day, "daily", proven, why);
        Keep(regular, rules.Weekly, Week, "weekly", proven, why);
        Keep(regular, rules.Monthly, Month, "monthly", proven, why);
        foreach (var point in ordered.Except(regular).Where(p => now - p.Id.Time < rules.Safety))
        {
            var until = (point.Id.Time + rules.Safety).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            why[point.Id].Add($"{Kind(point)}, until {until}");
        }

        return [.. ordered.Select(p => why[p.Id] is { Count: > 0 } reasons
            ? new RetentionVerdict(p, true, reasons)
            : new RetentionVerdict(p, false, [WhyNot(p, rules, now)]))];
    }

    private static void Keep(
        List<PointEntry> regular,
        int periods,
        Func<DateTimeOffset, string> period,
        string name,
        IReadOnlySet<PointId> proven,
        Dictionary<PointId, List<string>> why)
    {
        foreach (var group in regular.GroupBy(p => period(p.Id.Time)).OrderByDescending(g => g.Key, StringComparer.Ordinal).Take(periods))
        {
            var kept = group.LastOrDefault(p => proven.Contains(p.Id)) ?? group.Last();
            why[kept.Id].Add($"{name} {group.Key}");
        }
    }

    private static string WhyNot(PointEntry point, RetentionRules rules, DateTimeOffset now) =>
        point.Manifest is { Kind: not PointKind.Safety, State: PointState.Complete }
            ? "another point stands for its day, week and month"
            : $"{Kind(point)}, {Days(now - point.Id.Time)} older than the newest point; such are kept for {Days(rules.Safety)}";

    private static string Kind(PointEntry point) => point.Manifest.Kind == PointKind.Safety ? "safety point" : "incomplete";

    private static string Days(TimeSpan span) =>
        span.TotalDays >= 1 ? $"{(int)span.TotalDays} d" : $"{(int)span.TotalHours} h";

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Month(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private static string Week(DateTimeOffset time) => string.Create(
        CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(time.UtcDateTime):0000}-W{ISOWeek.GetWeekOfYear(time.UtcDateTime):00}");
}
