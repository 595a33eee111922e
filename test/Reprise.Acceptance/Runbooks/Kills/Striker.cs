using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Runbooks.Causes;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>
/// Runs a runbook for an operator and kills the program with <c>kill -9</c> before, in and after each step, as its journal
/// says where it is; then goes on with <c>runbook resume</c>, at once. A strike is counted where the journal says that it
/// struck, not where it was meant to. What <c>resume</c> asks about a step that was interrupted is answered by
/// <paramref name="look"/>.
/// </summary>
/// <param name="shape">the runbook.</param>
/// <param name="machine">where it is followed.</param>
/// <param name="look">whether a step that was interrupted took effect.</param>
internal sealed partial class Striker(RunbookShape shape, Machine machine, Func<string, Task<bool>> look)
{
    private const int MostRounds = 200;
    private const int MostTries = 3;
    private const int MostAnswers = 40;

    // What takes long is struck at its first moment, and further inside.
    private static readonly double[] InLongSteps = [0, 0.25, 0.9];
    private static readonly string[] LongBuiltins = ["restore", "undo", "backup", "recover", "start", "stop", "start-database", "stop-database"];

    private readonly Dictionary<(Place Place, int Which), int> tried = [];
    private readonly SortedDictionary<string, int> struck = new(StringComparer.Ordinal);

    /// <summary>Only these places are struck; null: all.</summary>
    public IReadOnlySet<string>? Only { get; init; }

    /// <summary>Kills that struck.</summary>
    public int Kills { get; private set; }

    /// <summary>How often it was gone on with after a kill.</summary>
    public int Resumed { get; private set; }

    /// <summary>What was answered about interrupted steps.</summary>
    public List<string> Answers { get; } = [];

    /// <summary>How often each place was struck, as <c>step moment</c>.</summary>
    public IReadOnlyDictionary<string, int> Struck => struck;

    private string Journals => machine.Surroundings.Variables["REPRISE_STATE"] + "/runbooks";

    /// <summary>What an operator calls in place of the program.</summary>
    /// <param name="verb"><c>run</c> or <c>resume</c>.</param>
    /// <param name="arguments">what follows it.</param>
    public async Task<JsonElement> FollowAsync(string verb, IReadOnlyList<string> arguments)
    {
        string? answer = null;
        for (var round = 0; round < MostRounds; round++)
        {
            // An answer about what was interrupted is good for once: after the next kill somebody looks again.
            var (run, view) = await StrikeAsync(verb, answer is null ? arguments : [.. arguments, "--decide", answer]);
            answer = null;
            if (run.Exit == 128 + 9)
            {
                Count(view.At);
                if (view.End is not null) return await ReportAsync(arguments);
                if (view.Lines > 0)
                {
                    (verb, arguments) = ("resume", Again(verb, arguments));
                    Resumed++;
                }

                continue;
            }

            if (run.Exit is not (0 or 3 or 6)) throw new XunitException(run.ToString());
            var said = run.Result($"runbook-{verb}");
            if (said.ValueKind != JsonValueKind.Object) throw new XunitException($"{run}\n{JournalText()}");
            answer = await AnswerAsync(said);
            if (answer is null)
            {
                return run.Exit is 0 or 3 ? said : throw new XunitException(
                    $"after {string.Join(", ", struck.Keys)}; answered {string.Join(", ", Answers)}\n{run}\n{JournalText()}");
            }

            (verb, arguments) = ("resume", Again(verb, arguments));
        }

        throw new XunitException($"{MostRounds} rounds do not end it:\n{JournalText()}");
    }

    /// <summary>The journal of the newest run as it is, for messages.</summary>
    public string JournalText() => Journal() is { } journal ? File.ReadAllText(journal) : "there is no journal";

    /// <summary>What the journal says.</summary>
    public JournalView View() => Read(new JournalView(shape), 0).View;

    private async Task<(ProgramRun Run, JournalView View)> StrikeAsync(string verb, IReadOnlyList<string> arguments)
    {
        var (view, length) = Read(new JournalView(shape), 0);
        using var running = PublishedProgram.Start(machine.Surroundings, ["runbook", verb, .. arguments]);
        var watch = new Stopwatch();
        double? after = null;
        var since = Stopwatch.StartNew();
        while (!running.HasEnded)
        {
            var known = view.Lines;
            (view, length) = Read(view, length);
            if (view.Lines > known)
            {
                // A strike that was meant for a place where the run is no more is given up.
                after = Due(view);
                watch.Restart();
                since.Restart();
            }

            if (after is { } seconds && watch.Elapsed.TotalSeconds >= seconds)
            {
                running.Kill();
                break;
            }

            // Lines follow each other within a millisecond; within a step that takes long nobody needs a whole processor.
            if (since.ElapsedMilliseconds < 50) Thread.Yield();
            else Thread.Sleep(1);
        }

        var run = await running.EndAsync();
        (view, _) = Read(view, length);
        return (run, view);
    }

    // Null: nothing is to be struck here; else how many seconds from now.
    private double? Due(JournalView view)
    {
        if (view.At == Place.None || Only?.Contains(Name(view.At)) == false) return null;
        var delays = view.At.Moment == "in" && view.Event is "step-began" or "undo-began"
            && LongBuiltins.Contains(shape.Find(view.At.Step).Builtin) ? InLongSteps : InLongSteps[..1];
        for (var which = 0; which < delays.Length; which++)
        {
            var key = (view.At, which);
            var times = tried.GetValueOrDefault(key);
            var isDone = which == 0 ? struck.ContainsKey(Name(view.At)) || times >= MostTries : times > 0;
            if (isDone) continue;
            tried[key] = times + 1;
            return delays[which];
        }

        return null;
    }

    private void Count(Place at)
    {
        Kills++;
        var name = Name(at);
        struck[name] = struck.GetValueOrDefault(name) + 1;
    }

    private static string Name(Place place) => place == Place.None ? "elsewhere" : $"{place.Step} {place.Moment}";

    // What it was begun with is in its journal; answers are given again, because nobody heard whether they arrived.
    private static IReadOnlyList<string> Again(string verb, IReadOnlyList<string> arguments)
    {
        if (verb == "resume") return arguments;
        var kept = new List<string>();
        for (var i = 1; i < arguments.Count; i++)
        {
            if (arguments[i] == "--red-first") continue;
            if (arguments[i] == "--input") i++;
            else kept.Add(arguments[i]);
        }

        return kept;
    }

    // Null: it is no question about an interrupted step.
    private async Task<string?> AnswerAsync(JsonElement said)
    {
        var asked = Question().Match(said.GetProperty("next").GetString() ?? "");
        if (!asked.Success) return null;
        var step = asked.Groups["step"].Value;
        var isThere = await look(step);

        // What was before is itself not well: its checks did not let it come back, and that is how it stays.
        var cannot = JournalText().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Contains("rolled-back", StringComparison.Ordinal);
        var answer = asked.Groups["options"].Value switch
        {
            "done|again|skip" when cannot => "skip",
            "done|again" or "done|again|skip" => isThere ? "done" : "again",
            "yes|no" => isThere ? "yes" : "no",
            _ => null,
        };
        if (answer is null || shape.Find(step).Type is "decide" or "manual") return null;
        Answers.Add($"{step}={answer}");
        if (Answers.Count > MostAnswers) throw new XunitException($"the same is asked again and again:\n{JournalText()}");
        return $"{step}={answer}:looked at it";
    }

    private async Task<JsonElement> ReportAsync(IReadOnlyList<string> arguments)
    {
        var where = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
            if (arguments[i] is "--repository" or "--key-file") where.AddRange([arguments[i], arguments[++i]]);
        return (await PublishedProgram.RunAsync(machine.Surroundings, ["runbook", "report", .. where, "--json"]))
            .MustExit(0).Result("runbook-report");
    }

    private string? Journal() => Directory.Exists(Journals)
        ? Directory.GetFiles(Journals, "*.jsonl").Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    // Whole lines only: one without its line feed is being written, and nothing depends on it yet.
    private (JournalView View, long Length) Read(JournalView view, long from)
    {
        if (Journal() is not { } journal) return (view, from);
        using var file = new FileStream(journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length <= from) return (view, from);
        file.Position = from;
        var bytes = new byte[file.Length - from];
        file.ReadExactly(bytes);
        var end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        foreach (var line in System.Text.Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries)) view.Take(line);
        return (view, from + end);
    }

    [GeneratedRegex("--decide (?<step>[a-z-]+)=(?<options>[a-z|]+):", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Question();
}
