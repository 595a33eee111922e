using System.Globalization;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;

namespace Reprise.Tests.Repository;

/// <summary>Which points stay: periods that have points, no clock, and nothing that displaces a proven point.</summary>
public class RetentionTests
{
    private static readonly RetentionRules Standard = new(14, 8, 12, TimeSpan.FromDays(14));
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_year_of_nights_leaves_days_weeks_and_months()
    {
        var points = Enumerable.Range(0, 365).Select(day => Point(Start.AddDays(day))).ToList();
        var stays = Judge(points, Standard).Where(v => v.Stays).ToList();
        Assert.Equal(14, stays.Count(v => v.Why.Any(w => w.StartsWith("daily", StringComparison.Ordinal))));
        Assert.Equal(8, stays.Count(v => v.Why.Any(w => w.StartsWith("weekly", StringComparison.Ordinal))));
        Assert.Equal(12, stays.Count(v => v.Why.Any(w => w.StartsWith("monthly", StringComparison.Ordinal))));
        Assert.Contains("the newest", stays[^1].Why);
    }

    [Fact]
    public void A_month_without_points_costs_nothing()
    {
        var points = Enumerable.Range(0, 14).Select(day => Point(Start.AddDays(day))).Append(Point(Start.AddDays(60))).ToList();
        var goes = Judge(points, Standard with { Weekly = 0, Monthly = 0 }).Where(v => !v.Stays).ToList();
        Assert.Equal([points[0].Id], goes.Select(v => v.Point.Id));
    }

    [Fact]
    public void A_thousand_bogus_points_displace_no_proven_one()
    {
        var proven = Enumerable.Range(0, 10).Select(day => Point(Start.AddDays(day))).ToList();
        var bogus = Enumerable.Range(0, 1000).Select(i => Point(Start.AddDays(i % 10).AddSeconds(100 + i))).ToList();
        var verdicts = Judge([.. proven, .. bogus], Standard, [.. proven.Select(p => p.Id)]);
        Assert.All(verdicts.Where(v => proven.Contains(v.Point)), v => Assert.True(v.Stays, v.Point.Id.Value));
    }

    [Fact]
    public void Safety_points_and_incomplete_ones_do_not_count_and_go_by_age()
    {
        var regular = Point(Start);
        var safety = Enumerable.Range(1, 100).Select(hour => Point(Start.AddHours(hour), PointKind.Safety)).ToList();
        var incomplete = Point(Start.AddDays(9), state: PointState.Incomplete);
        var newest = Point(Start.AddDays(20), PointKind.Safety);
        var verdicts = Judge([regular, .. safety, incomplete, newest], Standard with { Daily = 1, Weekly = 0, Monthly = 0 });
        Assert.Contains("the newest complete one", verdicts.Single(v => v.Point == regular).Why);
        Assert.All(verdicts.Where(v => safety.Contains(v.Point)), v => Assert.False(v.Stays));
        Assert.True(verdicts.Single(v => v.Point == incomplete).Stays);
        Assert.True(verdicts.Single(v => v.Point == newest).Stays);
        Assert.False(Judge([incomplete, Point(Start.AddDays(24))], Standard)[0].Stays);
    }

    [Fact]
    public void Nothing_that_something_needs_goes()
    {
        var points = Enumerable.Range(0, 5).Select(hour => Point(Start.AddHours(hour))).ToList();
        var needed = new Dictionary<PointId, string> { [points[1].Id] = "needed by restore X" };
        var verdicts = Retention.Judge(points, new RetentionRules(1, 0, 0, TimeSpan.Zero), new HashSet<PointId>(), needed);
        Assert.Equal([1, 4], verdicts.Select((v, i) => (v.Stays, i)).Where(v => v.Stays).Select(v => v.i));
    }

    // Against the rule as a person would apply it with a calendar.
    [Fact]
    public void It_agrees_with_brute_force()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var points = Enumerable.Range(0, random.Next(1, 60))
                .Select(_ => Point(Start.AddHours(random.Next(0, 24 * 90)))).DistinctBy(p => p.Id).OrderBy(p => p.Id).ToList();
            var rules = new RetentionRules(random.Next(0, 6), random.Next(0, 4), random.Next(0, 3), TimeSpan.Zero);
            var expected = new HashSet<PointId> { points[^1].Id };
            foreach (var (count, name) in new (int, Func<DateTimeOffset, string>)[]
            {
                (rules.Daily, t => t.ToString("yyyyMMdd", CultureInfo.InvariantCulture)),
                (rules.Weekly, t => ISOWeek.ToDateTime(ISOWeek.GetYear(t.DateTime), ISOWeek.GetWeekOfYear(t.DateTime), DayOfWeek.Monday).ToString("yyyyMMdd", CultureInfo.InvariantCulture)),
                (rules.Monthly, t => t.ToString("yyyyMM", CultureInfo.InvariantCulture)),
            })
            {
                var seen = new HashSet<string>(StringComparer.Ordinal);
                for (var i = points.Count - 1; i >= 0; i--)
                {
                    if (seen.Contains(name(points[i].Id.Time)) || seen.Count >= count) continue;
                    seen.Add(name(points[i].Id.Time));
                    expected.Add(points[i].Id);
                }
            }

            Assert.Equal(expected.Order(), Judge(points, rules).Where(v => v.Stays).Select(v => v.Point.Id));
        }
    }

    private static IReadOnlyList<RetentionVerdict> Judge(
        IReadOnlyList<PointEntry> points, RetentionRules rules, HashSet<PointId>? proven = null) =>
        Retention.Judge(points, rules, proven ?? [], new Dictionary<PointId, string>());

    private static PointEntry Point(
        DateTimeOffset time, PointKind kind = PointKind.Scheduled, PointState state = PointState.Complete) => new(
        new PointManifest
        {
            Id = PointId.At(time),
            Application = "shop",
            Created = time,
            Kind = kind,
            State = state,
            SkewSeconds = 0,
            Writer = "test",
            Assets = [],
        },
        default,
        0,
        SignatureState.NotInForce);
}
