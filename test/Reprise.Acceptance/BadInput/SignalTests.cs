using System.Diagnostics;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.BadInput;

/// <summary>
/// Ctrl-C, SIGTERM and <c>kill -9</c> at random moments: the data is wholly old or wholly new, no half point is ever
/// listed, and the next command works or says what was interrupted and how to finish it.
/// </summary>
public class SignalTests
{
    private const int Attempts = 6;
    private const int Killed = 128 + 9;

    // REPRISE_SEED repeats a run that failed; every failure names it.
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("REPRISE_SEED"), out var seed)
        ? seed
        : Random.Shared.Next(1_000_000);

    /// <summary>What is sent.</summary>
    public enum Signal
    {
        /// <summary>Ctrl-C.</summary>
        Interrupt,

        /// <summary>What systemd sends.</summary>
        Terminate,

        /// <summary>What nothing can answer.</summary>
        Kill,
    }

    [Theory]
    [InlineData(Signal.Interrupt)]
    [InlineData(Signal.Terminate)]
    [InlineData(Signal.Kill)]
    public async Task A_backup_leaves_a_whole_point_or_none(Signal signal)
    {
        var random = new Random(Seed + (int)signal);
        using var application = await SmallApplication.WithPointAsync(rows: 4_000);
        var duration = await MeasureAsync(application, "backup");
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            application.Fill(seed: random.Next(), rows: 4_000, fileBytes: 60_000);
            var before = await application.PointsAsync();
            var run = await StrikeAsync(application, signal, duration * 1.1 * random.NextDouble(), "backup", "--json");
            var expected = run.Exit == 0 ? before.Count + 1 : before.Count;
            var points = await application.PointsAsync();
            // The last breath of a backup that was killed may be the commit itself.
            var committed = signal == Signal.Kill && points.Count == before.Count + 1;
            if (points.Count != expected && !committed)
                throw Wrong($"{points.Count} points instead of {expected}", run);
            (await application.RepriseAsync("verify", "--json")).MustExit(0).Json("verify");
            Assert.False(File.Exists(application.Database + "-journal"));
        }

        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
        var data = application.Data();
        application.Fill(seed: 1, rows: 10);
        (await application.RepriseAsync("restore", "--yes")).MustExit(0);
        Assert.Equal(data, application.Data());
    }

    [Theory]
    [InlineData(Signal.Interrupt)]
    [InlineData(Signal.Terminate)]
    [InlineData(Signal.Kill)]
    public async Task A_restore_leaves_old_data_or_new_or_says_how_it_is_finished(Signal signal)
    {
        var random = new Random(Seed + 10 + (int)signal);
        using var application = await SmallApplication.WithPointAsync(rows: 4_000);
        var point = Assert.Single(await application.PointsAsync());
        var wanted = application.Data();
        var duration = await MeasureAsync(application, "restore", point, "--yes");
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            application.Fill(seed: random.Next(), rows: 4_000);
            var old = application.Data();
            var run = await StrikeAsync(
                application, signal, duration * 1.1 * random.NextDouble(), "restore", point, "--yes", "--json");
            var goesOn = attempt % 2 == 0;
            var interrupted = signal == Signal.Kill && await InterruptedAsync(application);
            if (interrupted) await SettleAsync(application, goesOn);
            var settled = interrupted ? (goesOn ? wanted : old) : run.Exit == 0 ? wanted : old;
            var data = application.Data();
            // Killed after its verdict it is done, although nobody heard of it.
            var unheard = signal == Signal.Kill && !interrupted && data == wanted;
            if (data != settled && !unheard)
                throw Wrong(data == wanted ? "restored" : data == old ? "not restored" : "half-restored", run);
            if (signal != Signal.Kill && await InterruptedAsync(application)) throw Wrong("left interrupted", run);
            await NothingHalfIsLeftAsync(application, run);
        }

        (await application.RepriseAsync("restore", point, "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(wanted, application.Data());
    }

    private static async Task<TimeSpan> MeasureAsync(SmallApplication application, params string[] arguments)
    {
        var watch = Stopwatch.StartNew();
        (await application.RepriseAsync(arguments)).MustExit(0);
        return watch.Elapsed;
    }

    private static async Task<ProgramRun> StrikeAsync(
        SmallApplication application, Signal signal, TimeSpan delay, params string[] arguments)
    {
        using var running = application.Start(arguments);
        await Task.Delay(delay);
        if (signal == Signal.Interrupt) running.Interrupt();
        else if (signal == Signal.Terminate) running.Terminate();
        else running.Kill();
        var run = await running.EndAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {Seed}: {signal} after {delay.TotalMilliseconds:0} ms: exit {run.Exit}");
        // Before the program listens, the kernel answers for it: nothing had begun, and nothing was said.
        var tooEarly = run.Exit is 128 + 2 or 128 + 15 && run.Output.Length == 0 && run.Errors.Length == 0;
        if (run.Exit == 0 || tooEarly || (signal == Signal.Kill && run.Exit == Killed)) return run;
        if (run.Exit != 130) throw Wrong($"{signal} after {delay.TotalMilliseconds:0} ms", run);
        run.MustFail(arguments[0], 130, "interrupted");
        return run;
    }

    private static async Task<bool> InterruptedAsync(SmallApplication application)
    {
        // status ends 6 when an objective or a key matter is open; what counts here is what it lists.
        var run = await application.RepriseAsync("status", "--json");
        return run.Result("status").GetProperty("interrupted").GetArrayLength() > 0;
    }

    // Every other command that changes something says it too, and both ways out lead to a whole state.
    private static async Task SettleAsync(SmallApplication application, bool goesOn)
    {
        var refused = (await application.RepriseAsync("restore", "--yes", "--json"))
            .MustFail("restore", 3, "operation-interrupted").Said();
        Assert.Contains("--continue", refused, StringComparison.Ordinal);
        Assert.Contains("undo", refused, StringComparison.Ordinal);
        var run = goesOn
            ? await application.RepriseAsync("restore", "--continue", "--yes", "--json")
            : await application.RepriseAsync("undo", "--yes", "--json");
        run.MustExit(0).Json(goesOn ? "restore" : "undo");
        TestContext.Current.TestOutputHelper?.WriteLine(goesOn ? "continued" : "undone");
    }

    private static async Task NothingHalfIsLeftAsync(SmallApplication application, ProgramRun run)
    {
        var half = Directory.EnumerateFileSystemEntries(application.Folder, "*.new-*", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFileSystemEntries(application.Folder, ".reprise-new-*"))
            .ToList();

        // What came back and was rolled back after the application may have written into it is kept, and listed.
        var status = (await application.RepriseAsync("status", "--json")).Result("status");
        var kept = status.GetProperty("former").EnumerateArray().Select(f => f.GetProperty("where").GetString() ?? "").ToList();
        half.RemoveAll(path => kept.Exists(where => where.Contains(path, StringComparison.Ordinal)));
        if (half.Count > 0) throw Wrong($"left behind: {string.Join(", ", half)}", run);
        (await application.RepriseAsync("verify", "--json")).MustExit(0).Json("verify");
    }

    private static XunitException Wrong(string what, ProgramRun run) => new($"seed {Seed}: {what}\n{run}");
}
