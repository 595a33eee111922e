namespace Reprise.Simulation.Runtime;

/// <summary>Time that passes only when the loop says so: it jumps to the next timer, and fakes spend a little of it.</summary>
public sealed class VirtualClock : TimeProvider
{
    private readonly SimulationLoop loop;
    private readonly PriorityQueue<(VirtualTimer Timer, long Setting), (long Due, long Order)> timers = new();
    private long ticks;
    private long order;

    internal VirtualClock(SimulationLoop loop, DateTimeOffset start)
    {
        this.loop = loop;
        ticks = start.UtcTicks;
    }

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => new(ticks, TimeSpan.Zero);

    /// <inheritdoc />
    public override long GetTimestamp() => ticks;

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        loop.AssertOnLoop("a timer");
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets <paramref name="time"/> pass without firing anything: what a synchronous call takes.</summary>
    public void Spend(TimeSpan time) => ticks += time.Ticks;

    /// <summary>Makes the timers that are due ready to run.</summary>
    internal void TakeDue()
    {
        while (timers.TryPeek(out var next, out var at) && at.Due <= ticks)
        {
            timers.Dequeue();
            if (next.Timer.Setting == next.Setting) loop.Post(_ => next.Timer.Fire(next.Setting), null);
        }
    }

    /// <summary>Jumps to the next timer; false when none is set.</summary>
    internal bool JumpToNext()
    {
        while (timers.TryPeek(out var next, out var at))
        {
            if (next.Timer.Setting == next.Setting)
            {
                ticks = Math.Max(ticks, at.Due);
                return true;
            }

            timers.Dequeue();
        }

        return false;
    }

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan every;

        /// <summary>Which setting is in force; an older one in the queue counts no more.</summary>
        public long Setting { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Setting++;
            every = period;
            if (dueTime >= TimeSpan.Zero)
                clock.timers.Enqueue((this, Setting), (clock.ticks + dueTime.Ticks, clock.order++));
            return true;
        }

        public void Fire(long setting)
        {
            if (setting != Setting) return;
            Setting++;
            if (every > TimeSpan.Zero) Change(every, every);
            callback(state);
        }

        public void Dispose() => Setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
