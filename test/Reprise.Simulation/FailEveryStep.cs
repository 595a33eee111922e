using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Simulation.Workloads;
using Reprise.Storage.Errors;

namespace Reprise.Simulation;

/// <summary>What was tried, kind by kind.</summary>
/// <param name="Runs">how many runs there were.</param>
/// <param name="Steps">the calls at which each kind fired.</param>
/// <param name="Counters">every fault and crash effect.</param>
/// <param name="Failures">the first runs that ended in a state that is not legal, with kind, number, call and seed.</param>
public sealed record FailEveryStepReport(
    int Runs, IReadOnlyDictionary<FaultKind, int> Steps, FaultCounters Counters, IReadOnlyList<string> Failures)
{
    /// <inheritdoc />
    public override string ToString() =>
        $"{Runs} runs, {Failures.Count} failures; steps {string.Join(' ', Steps)}; {Counters}";
}

/// <summary>
/// Exhaustive before random: lets a workload fail at call 1, 2, … N, once for every kind of fault, until a run passes
/// untouched; after each, a new process judges what is there.
/// </summary>
public static class FailEveryStep
{
    // Enough to see a pattern; a planted defect fails hundreds.
    private const int MostFailures = 20;

    /// <summary>
    /// Runs them all, until too many have failed. The workload is the same in all of them; <paramref name="seed"/> also
    /// decides what crashes leave. <paramref name="rounds"/>: how often each is tried, with other seeds.
    /// <paramref name="stride"/>: more than 1 leaves out calls, to be quick, and the seed says
    /// with which the others begin.
    /// </summary>
    public static FailEveryStepReport Run(
        Func<ulong, IWorkload> make,
        WorldOptions options,
        ulong seed,
        IReadOnlyList<FaultKind>? kinds = null,
        int rounds = 1,
        int stride = 1)
    {
        var counters = new FaultCounters();
        var steps = new SortedDictionary<FaultKind, int>();
        var failures = new List<string>();
        var runs = 0;
        foreach (var kind in kinds ?? make(seed).Faults(new World(options, counters)))
        {
            var more = true;
            for (var number = 1 + Chance.For(seed, $"first {kind}").Below(stride); more && failures.Count < MostFailures; number += stride)
            {
                for (var round = 0; round < rounds && more; round++)
                {
                    var trial = Chance.For(seed, $"{kind} {number} {round}").Next();
                    more = Try(make(seed), new World(options, counters), trial, kind, number, failures);
                    runs++;
                }

                if (more) steps[kind] = number;
            }
        }

        return new FailEveryStepReport(runs, steps, counters, failures);
    }

    private static bool Try(
        IWorkload workload, World world, ulong trial, FaultKind kind, int number, List<string> failures)
    {
        var plan = new FaultAt(kind, number);
        using var log = new EventLog();
        try
        {
            world.Live(trial + 2, FaultPlan.None, log, workload.PrepareAsync);
            world.Live(trial, plan, log, workload.LiveAsync);
            world.Live(trial + 1, FaultPlan.None, log, workload.JudgeAsync);
        }
        catch (Exception e) when (e is SimulationFailureException or RepriseException or InvariantException)
        {
            failures.Add(
                $"{workload.Name} on {world.Options.Medium}: {kind} at {number} ({plan.Where}), "
                + $"trial {trial}: {e.Message}; {log.Line()}");
        }

        return plan.Reached;
    }
}
