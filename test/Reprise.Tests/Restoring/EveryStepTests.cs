using Reprise.Recovery.Assets;
using Reprise.Recovery.Restoring;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Restoring;

/// <summary>
/// A restore, an undo and a roll-back fail, crash or are interrupted at step 1, 2, … N, until a run passes untouched.
/// Afterwards the former data is live or the restored data is, never some of each, and nothing is lost.
/// </summary>
public class EveryStepTests
{
    public static TheoryData<StepFault, bool> Faults => new(
        from fault in Enum.GetValues<StepFault>()
        where fault != StepFault.None
        from wasThere in new[] { true, false }
        select (fault, wasThere));

    public static TheoryData<StepFault, bool, bool> Crashes => new(
        from fault in new[] { StepFault.CrashBefore, StepFault.CrashAfter }
        from wasThere in new[] { true, false }
        from forward in new[] { true, false }
        select (fault, wasThere, forward));

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_restore_that_fails_anywhere_leaves_all_of_one_or_all_of_the_other(
        StepFault fault, bool wasThere)
    {
        var runs = await EveryStepAsync(
            fault,
            () => Task.FromResult(new World(wasThere)),
            life => life.RestoreAsync(),
            async world => await SettleAsync(world, forward: true));
        Assert.InRange(runs, 50, 2000);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_roll_back_that_fails_anywhere_ends_with_the_former_data(StepFault fault, bool wasThere)
    {
        var runs = await EveryStepAsync(
            fault,
            () => Task.FromResult(new World(wasThere)),
            life =>
            {
                life.Answer = NeverHealthy;
                return life.RestoreAsync();
            },
            async world =>
            {
                await SettleAsync(world, forward: true, NeverHealthy);
                Assert.Equal(wasThere ? "former" : "nothing", world.Live());
            });
        Assert.InRange(runs, 50, 2000);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task An_undo_that_fails_anywhere_leaves_all_of_one_or_all_of_the_other(StepFault fault, bool wasThere)
    {
        var runs = await EveryStepAsync(
            fault,
            () => RestoredAsync(wasThere),
            life => life.UndoAsync(),
            async world => await SettleAsync(world, forward: true));
        Assert.InRange(runs, 50, 2000);
    }

    [Theory]
    [MemberData(nameof(Crashes))]
    public async Task A_crash_followed_by_a_crash_is_settled_all_the_same(StepFault fault, bool wasThere, bool forward)
    {
        const int everyNth = 11;
        var settled = 0;
        for (var first = 1; ; first += everyNth)
        {
            for (var second = 1; ; second += everyNth)
            {
                var world = new World(wasThere);
                var steps = new Steps(fault, first);
                await AttemptAsync(world.Begin(steps), life => life.RestoreAsync());
                if (!steps.Reached)
                {
                    Assert.True(settled > 50, $"{settled} pairs");
                    return;
                }

                var again = new Steps(fault, second);
                await AttemptAsync(world.Begin(again), life => forward ? life.ContinueAsync() : life.UndoAsync());
                await SettleAsync(world, forward);
                settled++;
                if (!again.Reached) break;
            }
        }
    }

    [Theory]
    [InlineData(StepFault.CrashBefore)]
    [InlineData(StepFault.CrashAfter)]
    public async Task After_a_crash_undo_brings_the_former_data_back(StepFault fault)
    {
        var runs = await EveryStepAsync(
            fault,
            () => Task.FromResult(new World()),
            life => life.RestoreAsync(),
            async world =>
            {
                var interrupted = world.Begin().State.Interrupted().Count > 0;
                await SettleAsync(world, forward: false);
                if (interrupted) Assert.Equal("former", world.Live());
            });
        Assert.InRange(runs, 50, 2000);
    }

    private static Outcome NeverHealthy(Recovery.Checks.CheckDefinition check, bool isRunning) =>
        check.Name == "health" ? Outcome.Fail : Outcome.Pass;

    private static async Task<World> RestoredAsync(bool wasThere)
    {
        var world = new World(wasThere);
        await world.Begin().RestoreAsync();
        Assert.Equal("restored", world.Live());
        return world;
    }

    private static async Task<int> EveryStepAsync(
        StepFault fault, Func<Task<World>> prepare, Func<Life, Task<RestoreReport>> work, Func<World, Task> judge)
    {
        for (var number = 1; ; number++)
        {
            var world = await prepare();
            var steps = new Steps(fault, number);
            var ended = await AttemptAsync(world.Begin(steps), work);
            if (!steps.Reached) return number;
            try
            {
                // What is not a death was put back before anybody heard of it, unless it says so.
                if (fault is StepFault.FailBefore or StepFault.FailAfter or StepFault.Cancel) JudgeAtOnce(world, ended);
                await judge(world);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"{fault} at step {number}, {steps.Where}: {e.Message}", e);
            }
        }
    }

    private static void JudgeAtOnce(World world, (Exception? Exception, RestoreReport? Report) ended)
    {
        if (ended.Exception is RestoreException { Code.Name: "put-back-failed" }) return;
        Assert.Contains(world.Live(), (string[])["former", "restored", "nothing"]);
        Assert.True(ended.Exception is null or RepriseException or OperationCanceledException, $"{ended.Exception}");

        // Only a start that failed itself leaves the application down, and that is said.
        var said = ended.Report?.Problems ?? (ended.Exception as RestoreException)?.Report.Problems ?? [];
        Assert.True(
            world.IsRunning || said.Any(p => p.Code.Name == "child-failed"), "the application was left stopped");
        world.IsRunning = true;
    }

    private static async Task<(Exception? Exception, RestoreReport? Report)> AttemptAsync(
        Life life, Func<Life, Task<RestoreReport>> attempt)
    {
        try
        {
            return (null, await attempt(life));
        }
        catch (Exception e) when (e is DeadException or RepriseException or OperationCanceledException)
        {
            return (e, null);
        }
    }

    /// <summary>A new process finishes or reverts what is open; then everything must be in order.</summary>
    private static async Task SettleAsync(
        World world, bool forward, Func<Recovery.Checks.CheckDefinition, bool, Outcome>? answer = null)
    {
        var life = world.Begin();
        life.Answer = answer;
        if (life.State.Interrupted() is [var open])
        {
            if (open.MayHaveSwapped && !forward) Assert.False(
                open.ApplicationStopped && world.IsRunning && world.StopFails);
            await (forward ? life.ContinueAsync() : life.UndoAsync());
        }

        Assert.Empty(life.State.Interrupted());
        Assert.True(world.IsRunning, "the application was left stopped");
        Assert.Contains(world.Live(), (string[])["former", "restored", "nothing"]);
        if (!world.WasThere) return;
        foreach (var name in World.Names)
        {
            var held = world.Aside(name).Append(world.Live(name)).ToList();
            Assert.Contains("former", held);
            Assert.DoesNotContain(held, h => h.StartsWith('['));
        }

        // What is kept beside the live data is listed, so that somebody finds it.
        var former = await life.Run().FormerAsync(CancellationToken.None);
        if (world.Live() == "restored") Assert.Equal(World.Names, former.Select(f => f.Asset).Distinct());
    }
}
