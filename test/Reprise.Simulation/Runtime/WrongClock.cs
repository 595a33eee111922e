namespace Reprise.Simulation.Runtime;

/// <summary>A clock that shows another time; its timers are those of <paramref name="inner"/>.</summary>
public sealed class WrongClock(TimeProvider inner, TimeSpan by) : TimeProvider
{
    /// <inheritdoc />
    public override long TimestampFrequency => inner.TimestampFrequency;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + by;

    /// <inheritdoc />
    public override long GetTimestamp() => inner.GetTimestamp();

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);
}
