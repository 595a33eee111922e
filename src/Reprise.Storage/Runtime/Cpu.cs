namespace Reprise.Storage.Runtime;

/// <summary>
/// The one place where work leaves the caller's thread: compression, hashing, blocking disk calls. The scheduler comes
/// from outside, so that the simulator can run everything on its single seeded loop.
/// </summary>
/// <param name="scheduler">where work runs; the thread pool's in production, the loop's in the simulator.</param>
/// <param name="degree">how many pieces of work a pipeline should keep in flight (at least 1).</param>
/// <param name="computing">where work runs that never waits; the same when it is not given.</param>
public sealed class Cpu(TaskScheduler scheduler, int degree, TaskScheduler? computing = null)
{
    private readonly TaskScheduler computing = computing ?? scheduler;

    /// <summary>How many pieces of work a pipeline should keep in flight.</summary>
    public int Degree { get; } = Math.Max(1, degree);

    /// <summary>
    /// The pool of the machine, one piece of work a core. The pool has more threads than cores, because some of them wait for a
    /// disk; what never waits takes turns, because more of it at once would only hold more buffers.
    /// </summary>
    public static Cpu OfThisMachine()
    {
        var cores = Environment.ProcessorCount;
        return new(TaskScheduler.Default, cores, new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, cores).ConcurrentScheduler);
    }

    /// <summary>Runs <paramref name="work"/> that never waits for a disk and owns its buffers: as many pieces at once as there are cores.</summary>
    public Task<T> ComputeAsync<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, computing);

    /// <summary>Runs synchronous <paramref name="work"/> that owns its buffers.</summary>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, scheduler);

    /// <summary>Runs synchronous <paramref name="work"/> that owns its buffers.</summary>
    public Task RunAsync(Action work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, scheduler);
}
