using Reprise.Simulation.Runtime;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Simulation;

/// <summary>The loop on which simulated runs happen: one thread, seeded order, virtual time, and nothing escapes.</summary>
public sealed class LoopTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly EventLog log = new();

    public void Dispose() => log.Dispose();

    private SimulationLoop Loop(ulong seed = 1) => new(seed, Start, log);

    [Fact]
    public void Work_that_stays_on_the_loop_ends()
    {
        var loop = Loop();
        var cpu = new Cpu(loop.Scheduler, 2);
        var sum = 0;
        loop.Run(async () =>
        {
            var parts = Enumerable.Range(1, 10).Select(i => cpu.RunAsync(() => i, CancellationToken.None));
            sum = (await Task.WhenAll(parts)).Sum();
        });
        Assert.Equal(55, sum);
    }

    [Fact]
    public void Work_and_continuations_run_on_the_thread_of_the_loop()
    {
        var loop = Loop();
        var cpu = new Cpu(loop.Scheduler, 2);
        var threads = new HashSet<int>();
        loop.Run(async () =>
        {
            await cpu.RunAsync(() => threads.Add(Environment.CurrentManagedThreadId), CancellationToken.None);
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Delay(TimeSpan.FromSeconds(1), loop.Clock);
            threads.Add(Environment.CurrentManagedThreadId);
        });
        Assert.Equal([Environment.CurrentManagedThreadId], threads);
    }

    [Fact]
    public void A_day_of_waiting_takes_no_time_and_moves_the_clock_exactly()
    {
        var loop = Loop();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        loop.Run(() => Task.Delay(TimeSpan.FromHours(24), loop.Clock));
        Assert.Equal(Start.AddDays(1), loop.Clock.GetUtcNow());
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void A_timer_that_was_stopped_or_moved_does_not_fire_at_its_old_time()
    {
        var loop = Loop();
        var fired = new List<TimeSpan>();
        loop.Run(async () =>
        {
            using var stopped = loop.Clock.CreateTimer(
                _ => fired.Add(default), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
            using var every = loop.Clock.CreateTimer(
                _ => fired.Add(loop.Clock.GetUtcNow() - Start), null, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(2));
            stopped.Dispose();
            every.Change(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2));
            await Task.Delay(TimeSpan.FromSeconds(8), loop.Clock);
        });
        Assert.Equal([3, 5, 7], fired.Select(t => t.TotalSeconds));
    }

    [Fact]
    public void A_seed_decides_the_order_and_decides_it_again()
    {
        var orders = new ulong[] { 1, 1, 2, 3, 4 }.Select(Order).ToList();
        Assert.Equal(orders[0], orders[1]);
        Assert.True(orders.Distinct(StringComparer.Ordinal).Count() > 2, string.Join(' ', orders));
    }

    [Fact]
    public void A_continuation_that_escapes_to_the_pool_fails_the_run()
    {
        var loop = Loop();
        var e = Assert.Throws<SimulationFailureException>(() => loop.Run(async () => await Task.Run(() => Thread.Sleep(20))));
        Assert.Contains("another thread", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fake_that_is_called_from_another_thread_fails_the_run()
    {
        var loop = Loop();
        var e = Assert.Throws<SimulationFailureException>(() => loop.Run(async () =>
        {
            await Task.Yield();
            await Task.Delay(TimeSpan.FromMilliseconds(1), loop.Clock).ConfigureAwait(false);
            await Task.Run(() => loop.AssertOnLoop("a fake")).ConfigureAwait(false);
        }));
        Assert.Contains("a fake was called from another thread", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Waiting_for_what_never_comes_fails_the_run()
    {
        var loop = Loop();
        var e = Assert.Throws<SimulationFailureException>(() => loop.Run(() => new TaskCompletionSource().Task));
        Assert.Contains("idle with work outstanding", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Work_without_end_fails_the_run()
    {
        var loop = Loop();
        var e = Assert.Throws<SimulationFailureException>(() => loop.Run(async () =>
        {
            while (true) await Task.Delay(TimeSpan.FromHours(1), loop.Clock);
        }));
        Assert.Contains("virtual time", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_crash_at_a_step_ends_the_process_there_and_nothing_is_cleaned_up()
    {
        var loop = Loop();
        loop.CrashAtStep = 3;
        var (steps, cleaned) = (0, false);
        Assert.Throws<SimulatedCrashException>(() => loop.Run(async () =>
        {
            try
            {
                while (steps < 10)
                {
                    steps++;
                    await Task.Yield();
                }
            }
            finally
            {
                cleaned = true;
            }
        }));
        Assert.Equal(3, steps);
        Assert.False(cleaned);
    }

    [Fact]
    public void What_the_work_throws_comes_out() => Assert.Throws<TimeoutException>(() => Loop().Run(async () =>
    {
        await Task.Yield();
        throw new TimeoutException();
    }));

    private string Order(ulong seed)
    {
        var order = "";
        Loop(seed).Run(() => Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            await Task.Yield();
            order += i;
        })));
        return order;
    }
}
