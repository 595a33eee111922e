namespace Reprise.Storage.Runtime;

/// <summary>
/// The one place where work leaves the caller's thread: compression, hashing, blocking disk calls. The scheduler comes
/// from outside, so that the simulator can run everything on its single seeded loop.
/// </summary>
/// <param name="scheduler">where work runs; the thread pool's in production, the loop's in the simulator.</param>
/// <param name="degree">how many pieces of work a pipeline should keep in flight (at least 1).</param>
public sealed class Cpu(TaskScheduler scheduler, int degree)
{
    /// <summary>How many pieces of work a pipeline should keep in flight.</summary>
    public int Degree { get; } = Math.Max(1, degree);

    /// <summary>The pool of the machine, one piece of work a core; and twice the threads, because some of them wait for a disk.</summary>
    public static Cpu OfThisMachine()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, 2 * Environment.ProcessorCount), ports);
        return new(TaskScheduler.Default, Environment.ProcessorCount);
    }

    /// <summary>Runs synchronous <paramref name="work"/> that owns its buffers.</summary>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, scheduler);

    /// <summary>Runs synchronous <paramref name="work"/> that owns its buffers.</summary>
    public Task RunAsync(Action work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, scheduler);
}
