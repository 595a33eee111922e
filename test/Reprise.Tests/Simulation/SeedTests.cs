using Reprise.Simulation;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Workloads;

namespace Reprise.Tests.Simulation;

/// <summary>Fixed seeds, and what a seed is worth: the same run every time.</summary>
public class SeedTests
{
    [Fact]
    public void Twenty_fixed_seeds_pass_and_fire_what_they_are_for()
    {
        var counters = new FaultCounters();
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var result = SeedRun.Run(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}\n{result.Line}");
            counters.Add(result.Counters);
        }

        Assert.True(counters[FaultKind.ErrorBefore] > 0, counters.ToString());
        Assert.True(counters[FaultKind.ErrorAfter] > 0, counters.ToString());
        Assert.True(counters[CrashEffect.PowerLost] > 0, counters.ToString());
        Assert.True(counters[CrashEffect.NameDropped] > 0, counters.ToString());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(12)]
    public void A_seed_gives_the_same_run_again(ulong seed)
    {
        var first = SeedRun.Run(seed);
        Assert.Equal(first.Line, SeedRun.Run(seed).Line);
        Assert.NotEqual(first.Line, SeedRun.Run(seed + 1).Line);
    }

    [Fact]
    public void Seeds_find_a_store_that_lies()
    {
        var failed = Enumerable.Range(1, 20).Count(seed => SeedRun.Run(
            (ulong)seed,
            plant: world => world with
            {
                Medium = Medium.Store, PlantedStore = inner => new PlantedStore(inner, StoreDefect.GivesOtherBytes),
            }).Failure is not null);
        Assert.True(failed > 5, $"only {failed} of 20");
    }
}
