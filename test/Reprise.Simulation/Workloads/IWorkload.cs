using Reprise.Simulation.Faults;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// Something that a process does, and what may be there afterwards. It remembers, as an operator would, what it was
/// told: that record is the oracle.
/// </summary>
public interface IWorkload
{
    /// <summary>What it is called in a report.</summary>
    string Name { get; }

    /// <summary>Whether another life makes sense.</summary>
    bool GoesOn => true;

    /// <summary>What is to fail in this world.</summary>
    IReadOnlyList<FaultKind> Faults(World world) => world.FaultsOnDisk ? FaultKinds.OfDisks : FaultKinds.OfStores;

    /// <summary>What is there before anything can fail.</summary>
    Task PrepareAsync(Life life) => Task.CompletedTask;

    /// <summary>
    /// Does the work under faults. Errors that the product raises on purpose are taken down; whatever else comes out
    /// fails the run. Called again in a later life, it goes on where it came to.
    /// </summary>
    Task LiveAsync(Life life);

    /// <summary>
    /// After the faults have stopped, in a new process: compares what is there with what may be there, and proves that
    /// the work can be done now. Throws <see cref="Runtime.SimulationFailureException"/>.
    /// </summary>
    Task JudgeAsync(Life life);
}
