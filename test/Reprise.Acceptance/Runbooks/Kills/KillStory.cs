using System.Diagnostics;
using Reprise.Acceptance.Runbooks.Causes;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>What came of one way that was killed all along.</summary>
/// <param name="Way">the way.</param>
/// <param name="Struck">how often each place was struck, as <c>step moment</c>.</param>
/// <param name="Kills">how many kills that were.</param>
/// <param name="Resumed">how often it was gone on with.</param>
/// <param name="Answers">what was answered about interrupted steps.</param>
/// <param name="Effects">how often each act took effect: those that may be counted.</param>
/// <param name="Twice">how many effects were there once too often.</param>
/// <param name="Seconds">from the incident to the end.</param>
internal sealed record KillStory(
    KillWay Way,
    IReadOnlyDictionary<string, int> Struck,
    int Kills,
    int Resumed,
    IReadOnlyList<string> Answers,
    IReadOnlyDictionary<string, int> Effects,
    int Twice,
    double Seconds)
{
    private static readonly string[] Controls = ["start", "stop", "start-database", "stop-database"];

    /// <summary>Follows one way, killed before, in and after each of its steps, to the end that it has undisturbed.</summary>
    /// <param name="way">the way.</param>
    /// <param name="only">only these places are struck, as <c>step moment</c>; null: all.</param>
    public static async Task<KillStory> RunAsync(KillWay way, IReadOnlySet<string>? only = null)
    {
        var shape = RunbookShape.Read(way.Runbook);
        await using var incident = way.Incident();
        await incident.PrepareAsync();
        var machine = incident.Machine;
        machine.Instructed = way.Instructed;
        var effects = await Runbooks.Kills.Effects.BeginAsync(machine);
        await incident.InjectAsync();
        var before = (Restores: effects.Restores(), Undos: effects.Undos());
        var watch = Stopwatch.StartNew();
        var look = new Look(machine, shape, effects);
        var striker = new Striker(shape, machine, look.IsThereAsync) { Only = only };
        look.Striker = striker;
        machine.Follower = striker.FollowAsync;
        var run = await incident.FollowAsync();
        await AssertEndAsync(way, incident, run);
        var view = striker.View();
        Assert.Equal("done", view.End);
        if (way.Back) view = await TakeBackAsync(incident, striker);
        var counted = Count(shape, effects, view, before);
        Assert.Equal(0, effects.Open());
        return new KillStory(
            way,
            striker.Struck,
            striker.Kills,
            striker.Resumed,
            striker.Answers,
            counted.Times,
            counted.Twice,
            Math.Round(watch.Elapsed.TotalSeconds, 1));
    }

    // Where somebody was told to go another way, the shop is well, and the rest is as that way leaves it.
    private static async Task AssertEndAsync(KillWay way, Incident incident, RunView run)
    {
        if (way.Instructed.Count == 0)
        {
            await incident.AssertWellAsync(run);
            return;
        }

        Assert.Equal("done", run.State);
        Assert.All(run.Steps.Where(s => s.Type == "verify"), p => Assert.Equal("pass", run.Outcome(p.Id)));
        Assert.Equal(200, await incident.Shop.HealthAsync());
    }

    private static async Task<JournalView> TakeBackAsync(Incident incident, Striker striker)
    {
        IReadOnlyList<string> arguments = ["--undo", .. incident.ReportOptions, "--yes", "--json"];
        for (var answers = 0; answers < 10; answers++)
        {
            var said = await striker.FollowAsync("resume", arguments);
            if (said.GetProperty("state").GetString() == "undone") return striker.View();

            // As every operator answers whose target is another one than that of the point.
            var words = (said.GetProperty("next").GetString() ?? "").Split(' ');
            var confirm = Array.IndexOf(words, "--confirm");
            if (confirm < 0) throw new XunitException($"it is not taken back:\n{said}");
            arguments = [.. arguments, "--confirm", words[confirm + 1]];
        }

        throw new XunitException("it is not taken back");
    }

    // An act that is done takes effect once. A start that finds what it starts running already takes none.
    private static (SortedDictionary<string, int> Times, int Twice) Count(
        RunbookShape shape, Effects effects, JournalView view, (int Restores, int Undos) before)
    {
        var times = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var twice = 0;
        foreach (var (step, count) in effects.Controls())
        {
            times[step] = count;
            var mayBe = shape.Steps.Count(s => s.Undo == step && view.TakenBack.Contains(s.Id)) + (view.Passed.Contains(step) ? 1 : 0);
            twice += Math.Max(0, count - Math.Max(1, mayBe));
        }

        var restores = view.Passed.Count(s => shape.Calls(s, "restore"));
        var undos = view.TakenBack.Count(s => shape.Find(s).Undo is { Length: > 0 } undo && shape.Calls(undo, "undo"));
        if (restores > 0) times["restores"] = effects.Restores() - before.Restores;
        if (undos > 0) times["undos"] = effects.Undos() - before.Undos;
        twice += Math.Max(0, effects.Restores() - before.Restores - restores) + Math.Max(0, effects.Undos() - before.Undos - undos);
        foreach (var act in view.Passed.Where(s => !Controls.Contains(shape.Find(s).Builtin) && !shape.Calls(s, "restore"))) times[act] = 1;
        return (times, twice);
    }
}
