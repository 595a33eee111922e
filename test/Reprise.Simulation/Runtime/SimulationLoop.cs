using System.Collections.Concurrent;

namespace Reprise.Simulation.Runtime;

/// <summary>
/// One thread on which a whole run happens: continuations, timers and the work of <c>Cpu</c>. Which of the ready ones
/// comes next, a seeded generator decides; when nothing is ready, the clock jumps to the next timer.
/// <para>A run fails when the loop is idle with work outstanding (somebody waits for what will never come), when
/// something is posted from another thread (a continuation escaped), or when it does not end within its bounds.</para>
/// <para>Not modelled: two threads really at once (data races), a thread pool that is starved, and work that takes
/// long: a piece of <c>Cpu</c> work runs whole between two events.</para>
/// </summary>
public sealed class SimulationLoop : SynchronizationContext
{
    private const long MostSteps = 5_000_000;
    private static readonly TimeSpan MostTime = TimeSpan.FromDays(2);

    // Something that escaped to the pool needs a moment of real time to come back; only a failing run waits for it.
    private static readonly TimeSpan EscapePatience = TimeSpan.FromMilliseconds(300);

    private readonly Chance chance;
    private readonly List<(SendOrPostCallback Callback, object? State)> ready = [];
    private readonly ConcurrentQueue<string> escapes = new();
    private readonly List<Action> whenHalting = [];
    private int owner;
    private bool halted;

    /// <summary>Makes a loop that starts at <paramref name="start"/>.</summary>
    public SimulationLoop(ulong seed, DateTimeOffset start, EventLog log)
    {
        chance = Chance.For(seed, "loop");
        Clock = new VirtualClock(this, start);
        Scheduler = new LoopScheduler(this);
        Log = log;
    }

    /// <summary>The time of this run.</summary>
    public VirtualClock Clock { get; }

    /// <summary>Feeds this loop: what <c>Cpu</c> runs on.</summary>
    public TaskScheduler Scheduler { get; }

    /// <summary>Where events are noted.</summary>
    public EventLog Log { get; }

    /// <summary>How many callbacks have run.</summary>
    public long Steps { get; private set; }

    /// <summary>The process dies before this step: a crash at any await. 0: never.</summary>
    public long CrashAtStep { get; set; }

    /// <summary>Asks to be called once when the process dies, so that what was under way can be lost or kept.</summary>
    public void WhenHalting(Action action) => whenHalting.Add(action);

    /// <summary>
    /// Runs <paramref name="work"/> to its end. Throws what it throws, <see cref="SimulatedCrashException"/> when the
    /// process died, or <see cref="SimulationFailureException"/>.
    /// </summary>
    public void Run(Func<Task> work)
    {
        var before = Current;
        owner = Environment.CurrentManagedThreadId;
        SetSynchronizationContext(this);
        try
        {
            var task = Start(work);
            var end = Clock.GetUtcNow() + MostTime;
            while (Step(task, end))
            {
            }

            if (halted) throw new SimulatedCrashException();
            ThrowIfEscaped();
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
            halted = true;
            ready.Clear();
        }
    }

    /// <summary>Ends the process here; the caller throws what is returned, or awaits <see cref="Never"/>.</summary>
    public SimulatedCrashException Crash(string where)
    {
        if (halted) return new SimulatedCrashException();
        halted = true;
        Log.Notable("crash at " + where);
        whenHalting.ForEach(action => action());
        return new SimulatedCrashException();
    }

    /// <summary>For whoever was awaiting when the process died.</summary>
    public static Task Never() => new TaskCompletionSource().Task;

    /// <summary>Fails the run unless the caller is on the loop: fakes ask it in every call.</summary>
    public void AssertOnLoop(string caller)
    {
        if (Environment.CurrentManagedThreadId == owner && !halted) return;
        if (halted && Environment.CurrentManagedThreadId == owner) throw new SimulatedCrashException();
        throw Escape($"{caller} was called from another thread");
    }

    /// <inheritdoc />
    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId == owner) ready.Add((d, state));
        else Escape("a continuation was posted from another thread");
    }

    /// <inheritdoc />
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != owner) throw Escape("a call was sent from another thread");
        d(state);
    }

    /// <inheritdoc />
    public override SynchronizationContext CreateCopy() => this;

    private Task Start(Func<Task> work)
    {
        try
        {
            return work();
        }
        catch (SimulatedCrashException)
        {
            return Never();
        }
    }

    private bool Step(Task task, DateTimeOffset end)
    {
        ThrowIfEscaped();
        if (halted) return false;
        Clock.TakeDue();
        if (ready.Count == 0)
        {
            if (task.IsCompleted) return false;
            if (Clock.JumpToNext()) return true;
            throw Idle();
        }

        if (++Steps == CrashAtStep)
        {
            Crash($"step {Steps}");
            return false;
        }

        if (Steps > MostSteps) throw new SimulationFailureException($"no end after {MostSteps} steps");
        if (Clock.GetUtcNow() > end) throw new SimulationFailureException($"no end after {MostTime} of virtual time");
        Invoke(Take());
        return true;
    }

    private (SendOrPostCallback Callback, object? State) Take()
    {
        var at = chance.Below(ready.Count);
        var taken = ready[at];
        ready[at] = ready[^1];
        ready.RemoveAt(ready.Count - 1);
        return taken;
    }

    private void Invoke((SendOrPostCallback Callback, object? State) taken)
    {
        try
        {
            taken.Callback(taken.State);
        }
        catch (SimulatedCrashException) when (halted)
        {
            // The process is dead; the loop sees that next.
        }
    }

    private SimulationFailureException Escape(string what)
    {
        var text = $"{what} (thread {Environment.CurrentManagedThreadId}):\n{Environment.StackTrace}";
        escapes.Enqueue(text);
        return new SimulationFailureException(text);
    }

    private void ThrowIfEscaped()
    {
        if (escapes.TryDequeue(out var what)) throw new SimulationFailureException("escaped the loop: " + what);
    }

    private SimulationFailureException Idle()
    {
        SpinWait.SpinUntil(() => !escapes.IsEmpty, EscapePatience);
        ThrowIfEscaped();
        return new SimulationFailureException(
            $"idle with work outstanding after {Steps} steps: nothing is ready, no timer is set, and the run has not ended");
    }

    private sealed class LoopScheduler(SimulationLoop loop) : TaskScheduler
    {
        public override int MaximumConcurrencyLevel => 1;

        protected override void QueueTask(Task task) => loop.Post(_ => TryExecuteTask(task), null);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
