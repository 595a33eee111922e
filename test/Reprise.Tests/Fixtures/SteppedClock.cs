using Microsoft.Extensions.Time.Testing;

namespace Reprise.Tests.Fixtures;

/// <summary>
/// Says the time that a test sets, but waits in real time. Whoever waits for a lock needs that: a child that another
/// test starts holds each lock of this process for the moment between fork and exec, and nobody would advance the clock.
/// </summary>
internal sealed class SteppedClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime, period);
}
