using Reprise.Recovery.Moments;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Tests.Postgres;

namespace Reprise.Tests.Moments;

/// <summary>A real server's WAL after prunes: what is left brings back every moment that was promised.</summary>
[Collection(PostgresTests.Name)]
public sealed class PrunedWalTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Moments_behind_the_points_that_are_left_come_back(int major)
    {
        using var ground = new MomentGround(major);
        ground.Fill();
        await ground.PushAsync();
        var first = await ground.PointAsync();
        var early = ground.Write(1);
        ground.Fill();
        var second = await ground.PointAsync();
        var late = ground.Write(2);
        ground.Fill();
        ground.Write(3);
        await ground.PushAsync();

        // What was archived before the first point is in nobody's window.
        var report = await ground.Bench.PruneAsync();
        Assert.True(report.Deleted > 0, "nothing went");
        var start = ClusterFacts.Of(first.Assets.Single()).Start;
        Assert.All(report.Stretches.Where(s => !s.Stays), s => Assert.True(s.Range.End <= start, $"{s}"));
        await AssertRowsAsync(ground, "1", new MomentWish.Time(early.Time));

        // The WAL of a point that is dropped goes with the next prune.
        Assert.Equal(0, (await ground.Bench.PruneAsync(first.Id)).Deleted);
        Assert.True((await ground.Bench.PruneAsync()).Deleted > 0, "nothing went with the point");
        Assert.Equal(second.Id, (await ground.FindAsync(new MomentWish.Time(late.Time))).Point);
        await AssertRowsAsync(ground, "1,2", new MomentWish.Time(late.Time));
        await AssertRowsAsync(ground, "1,2,3", new MomentWish.Latest());
        Assert.Equal(0, (await ground.Bench.PruneAsync()).Deleted);
    }

    private static async Task AssertRowsAsync(MomentGround ground, string rows, MomentWish wish)
    {
        var (data, _) = await ground.RestoreAsync(wish);
        using var copy = new StartedCopy(ground.Server, data);
        Assert.Equal(rows, copy.Sql("select string_agg(i::text, ',' order by i) from marks"));
    }
}
