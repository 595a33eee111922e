using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Drills;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

public class DrillTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 10, 25, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeZoneInfo Paris = TimeZoneInfo.FindSystemTimeZoneById("Europe/Paris");

    private readonly CommandBench bench = new();

    [Fact]
    public async Task A_drill_says_its_verdict_first()
    {
        Assert.Equal(ExitCodes.Done, await bench.RunAsync("drill"));
        Assert.Equal(
            """
            PASS: the application can be brought back (drill 20261122T035702Z-0000, point
              20261122T031502Z-7f3a, level 4 of 4)

            technical recovery time: 12.5 s (objective 15 min)
              detect   excluded  nobody was alarmed
              restore  9.0 s
              verify   3.5 s
            would have been lost: 41 min (objective 1 h)
              orders  41 min  back to 2026-11-22 03:16 UTC

            checks:
              ok  L4  orders-rows  41202 rows in 4 tables

            separation: ok
              orders of production (127.0.0.1:5432) tried from inside: not reached
            clean-up: ok
              /tmp/reprise-drill-x is gone

            """,
            bench.Out);
    }

    [Fact]
    public async Task A_drill_that_failed_says_what_to_do()
    {
        bench.Operations = bench.Operations with
        {
            Drill = (_, _) => Task.FromResult(new CommandReport<DrillJson>(
                Samples.Drill(Outcome.Fail), [new Problem(DrillErrors.Failed, Severity.Error, "it failed", "look")])),
        };
        Assert.Equal(ExitCodes.CheckFailed, await bench.RunAsync("drill"));
        Assert.StartsWith("FAIL: ", bench.Out, StringComparison.Ordinal);
        Assert.Contains("  error orders-rows: public.orders is missing [table-missing]\n    next: take a new point", bench.Out, StringComparison.Ordinal);
        Assert.All(bench.Out.Split('\n'), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public async Task Options_arrive_as_they_are_meant()
    {
        await bench.RunAsync("drill", "--point", "latest~1", "--level", "3", "--fault-at", "2026-11-22T03:00:00Z", "--keep");
        var asked = Assert.IsType<DrillOptions>(Assert.Single(bench.Asked));
        Assert.Equal(("latest~1", 3, true), (asked.Point, asked.Level, asked.Keep));
        Assert.Equal(new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero), asked.FaultAt);
    }

    [Theory]
    [InlineData("--level", "6")]
    [InlineData("--fault-at", "yesterday")]
    [InlineData("--fault-at", "2030-01-01T00:00:00Z")]
    public async Task Options_that_mean_nothing_are_refused(string option, string value) =>
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("drill", option, value));

    [Theory]
    [InlineData("2026-10-25T03:15:00Z", "2026-10-25T03:15:00")]
    [InlineData("2026-10-25T03:15:00+02:00", "2026-10-25T01:15:00")]
    [InlineData("2h ago", "2026-10-25T10:00:00")]
    [InlineData("today 12:30", "2026-10-25T11:30:00")]
    [InlineData("yesterday 23:10", "2026-10-24T21:10:00")]
    public void Moments_are_read_as_people_type_them(string text, string utc) =>
        Assert.Equal(DateTimeOffset.Parse(utc + "Z", System.Globalization.CultureInfo.InvariantCulture), MomentText.Parse(text, Now, Paris));

    [Theory]
    [InlineData("today 02:30")]
    [InlineData("2026-10-25T03:15:00")]
    [InlineData("soon")]
    public void An_hour_that_exists_twice_and_a_time_without_a_zone_are_not_taken(string text) =>
        Assert.Null(MomentText.Parse(text, Now, Paris));
}
