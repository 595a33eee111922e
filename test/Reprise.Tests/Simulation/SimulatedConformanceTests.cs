using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Simulation.Workloads;
using Reprise.Storage.Conformance;

namespace Reprise.Tests.Simulation;

/// <summary>The simulated stores keep the semantics of a store, in whatever order their work runs.</summary>
public class SimulatedConformanceTests
{
    [Theory]
    [InlineData(Medium.Store, 1)]
    [InlineData(Medium.Store, 2)]
    [InlineData(Medium.RetriedStore, 3)]
    [InlineData(Medium.Local, 4)]
    [InlineData(Medium.Local, 5)]
    public void Simulated_stores_conform(Medium medium, ulong seed)
    {
        IReadOnlyList<ConformanceResult> results = [];
        using var log = new EventLog();
        var world = new World(new WorldOptions { Medium = medium }, new FaultCounters());
        world.Live(seed, FaultPlan.None, log, async life =>
        {
            var store = (await life.ConnectAsync()).Store;
            results = await new StoreConformance(store, life.Entropy).RunAsync(CancellationToken.None);
        });
        Assert.True(results.Count >= 18);
        Assert.All(results, result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
    }
}
