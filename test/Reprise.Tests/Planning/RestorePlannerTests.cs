using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Tests.Restoring;

namespace Reprise.Tests.Planning;

/// <summary>The words and refusals of a plan, which follow from its facts alone.</summary>
public class RestorePlannerTests
{
    private static readonly TimeZoneInfo Berlin =
        TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(1), "test", "test");
    private static readonly PointId Id = PointId.At(new DateTimeOffset(2026, 11, 22, 11, 12, 0, TimeSpan.Zero));

    [Fact]
    public void Three_sentences_say_what_comes_back_what_is_lost_and_how_to_go_back()
    {
        var live = Live(("public.orders", 41_202), ("public.users", 7), ("public.carts", 0));
        var plan = Plan(Database(live, ("public.orders", 40_950), ("public.users", 7), ("public.carts", 3)));
        Assert.Equal(
            "You get back shop as of 2026-11-22 03:00:00 UTC (04:00 here), 8 hours 12 minutes ago: "
            + "orders 41,202 → 40,950 and carts 0 → 3.",
            plan.Sentences.GetBack);
        Assert.Equal(
            "You lose what was written in these 8 hours 12 minutes, at least 252 of orders; shop is down meanwhile.",
            plan.Sentences.Lose);
        Assert.Equal(
            $"To go back, 'reprise undo {Id}': what is live now is kept beside it until "
            + "2026-11-25 11:12:00 UTC (12:12 here), and in a safety point.",
            plan.Sentences.GoBack);
    }

    [Fact]
    public void Nothing_is_lost_where_nothing_is_and_nothing_is_known_of_what_cannot_be_read()
    {
        var absent = Plan(Database(Live() with { Presence = Presence.Absent, HasData = false }, ("public.orders", 3)));
        Assert.EndsWith("ago: orders none → 3.", absent.Sentences.GetBack, StringComparison.Ordinal);
        Assert.Equal("You lose nothing: nothing is there now.", absent.Sentences.Lose);
        Assert.Equal($"To go back, 'reprise undo {Id}' takes away what was restored.", absent.Sentences.GoBack);
        Assert.Equal(SafetyKind.NotApplicable, absent.Assets[0].Safety);

        var broken = Plan(Database(Live() with { Presence = Presence.Unreadable }, ("public.orders", 3)));
        Assert.Contains(
            "how much of orders, nobody can say: it cannot be read", broken.Sentences.Lose, StringComparison.Ordinal);
        Assert.Equal(SafetyKind.MovedAside, broken.Assets[0].Safety);

        var same = Plan(Database(Live(("public.orders", 3)), ("public.orders", 3)));
        Assert.EndsWith("ago, with as many rows as are live now.", same.Sentences.GetBack, StringComparison.Ordinal);
    }

    [Fact]
    public void Estimates_are_said_to_be_such_and_unknown_counts_are_left_out()
    {
        var plan = Plan(Database(
            Live(("public.orders", 41_000), ("public.users", -1)) with { RowsAreEstimates = true }, (
                "public.orders", 40_950), ("public.users", 7)));
        Assert.EndsWith("ago: orders about 41,000 → 40,950.", plan.Sentences.GetBack, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "id one", true)]
    [InlineData(true, "id two", false)]
    [InlineData(true, "id three", true)]
    [InlineData(false, "id two", true)]
    [InlineData(true, "", false)]
    public void A_target_is_accepted_when_it_is_empty_or_known(bool hasData, string identity, bool accepted)
    {
        var plan = Plan(Database(
            Live(("public.orders", 1)) with { HasData = hasData, Identity = Identity(identity) }, (
                "public.orders", 1)) with
        {
            Known = [Identity("id three")],
        });
        Assert.Equal(!accepted, plan.IsRefused);
        Assert.Equal(accepted, plan.Assets[0].AcceptCode is null);
        var errors = plan.Problems.Where(p => p.Severity == Severity.Error).Select(p => p.Code.Name);
        Assert.Equal(accepted ? [] : ["target-identity"], errors);
    }

    [Fact]
    public void A_host_name_neither_accepts_nor_refuses()
    {
        var known = new SortedDictionary<string, string> { ["host"] = "db1" };
        var target = Live(("t", 1)) with { Identity = known };
        Assert.NotNull(TargetIdentity.Refuse("orders", target, [known], []));
        var (here, there) = (Identity("id one"), Identity("id one"));
        here["host"] = "db1";
        there["host"] = "db2";
        Assert.Null(TargetIdentity.Refuse("orders", target with { Identity = there }, [here], []));
        there["recovery"] = "standby";
        Assert.NotNull(TargetIdentity.Refuse("orders", target with { Identity = there }, [here], []));
        var code = TargetIdentity.CodeOf("orders", target);
        Assert.Null(TargetIdentity.Refuse("orders", target, [], [code]));
        Assert.NotNull(TargetIdentity.Refuse("orders", target with { Where = "another" }, [], [code]));
        Assert.Equal(TargetIdentity.CodeLength, code.Length);
    }

    [Fact]
    public void What_can_neither_be_captured_nor_moved_refuses_unless_it_is_given_up()
    {
        var broken = Database(
            Live() with { Presence = Presence.Unreadable, CanMoveAside = false, Identity = Identity("id one") });
        var plan = Plan(broken);
        Assert.Equal(
            ["safety-impossible"], plan.Problems.Where(p => p.Severity == Severity.Error).Select(p => p.Code.Name));
        Assert.False(Plan(broken, facts => facts with { WithoutSafety = ["orders"] }).IsRefused);
    }

    [Fact]
    public void Steps_name_effect_and_target_and_add_up()
    {
        var plan = Plan(Database(Live(("public.orders", 1)), ("public.orders", 1)));
        Assert.Equal(
            ["stage-orders", "verify-orders", "stop", "safety", "publish-orders", "start"], plan.Steps.Select(
                s => s.Id));
        Assert.Equal(
            [Effect.Reversible, Effect.Read, Effect.Costly, Effect.Reversible, Effect.Reversible, Effect.Reversible],
            plan.Steps.Select(s => s.Effect));
        Assert.All(plan.Steps, s => Assert.NotEmpty(s.Target));
        Assert.Equal(plan.Steps.Sum(s => s.Estimate?.TotalSeconds ?? 0), plan.Estimate.TotalSeconds);
    }

    [Theory]
    [InlineData(0, "0 seconds")]
    [InlineData(1, "1 second")]
    [InlineData(59, "59 seconds")]
    [InlineData(60, "1 minute")]
    [InlineData(3600, "1 hour")]
    [InlineData(29520, "8 hours 12 minutes")]
    [InlineData(90000, "1 day 1 hour")]
    [InlineData(-5, "0 seconds")]
    public void Durations_are_said_in_the_units_that_matter(int seconds, string text) =>
        Assert.Equal(text, Wording.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Another_day_here_is_named()
    {
        var late = new DateTimeOffset(2026, 11, 22, 23, 30, 0, TimeSpan.Zero);
        Assert.Equal("2026-11-22 23:30:00 UTC (2026-11-23 00:30 here)", Wording.Moment(late, Berlin));
        Assert.Equal("2026-11-22 23:30:00 UTC", Wording.Moment(late, TimeZoneInfo.Utc));
    }

    private static RestorePlan Plan(AssetFacts asset, Func<PlanFacts, PlanFacts>? change = null)
    {
        var facts = new PlanFacts
        {
            RestoreId = Id,
            Application = "shop",
            Assets = [asset],
            StopText = "stop",
            StartText = "start",
            IsInteractive = false,
            KeepFormer = TimeSpan.FromHours(72),
            Now = Id.Time,
            Zone = Berlin,
        };
        return RestorePlanner.Plan(change?.Invoke(facts) ?? facts, World.Manifest() with { Assets = [asset.Record] });
    }

    private static AssetFacts Database(TargetState target, params (string Table, long Rows)[] rows) => new()
    {
        Record = FolderAsset.Record("orders", new Dictionary<string, string>()) with
        {
            Kind = AssetKinds.Postgres,
            SourceBytes = 50_000_000,
            Identity = Identity("id one"),
            Rows = new SortedDictionary<string, long>(rows.ToDictionary(r => r.Table, r => r.Rows)),
        },
        Target = target,
    };

    private static TargetState Live(params (string Table, long Rows)[] rows) => new()
    {
        Presence = Presence.Readable,
        HasData = true,
        Identity = Identity("id one"),
        Rows = new SortedDictionary<string, long>(rows.ToDictionary(r => r.Table, r => r.Rows)),
        Where = "database shop",
    };

    private static SortedDictionary<string, string> Identity(string text) =>
        text.Length == 0 ? [] : new() { [text.Split(' ')[0]] = text.Split(' ')[1] };
}
