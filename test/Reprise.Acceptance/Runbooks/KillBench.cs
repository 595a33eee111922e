using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Reprise.Acceptance.BadInput;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// The published program following <see cref="KillRunbook"/>, the strikes against it, and an operator who answers what
/// <c>resume</c> asks by what the counting file says, and by nothing else.
/// </summary>
internal sealed partial class KillBench : IDisposable
{
    private const int MaxAnswers = 6;

    private readonly SmallApplication application;
    private string code = "";

    private KillBench(SmallApplication application) => this.application = application;

    /// <summary>How many lines the journal of a run has that nobody disturbs, and then of its way back.</summary>
    public (int Forward, int Backward) Records { get; private set; }

    /// <summary>What surrounds the program.</summary>
    public Surroundings Surroundings => application.Surroundings() with { Within = TimeSpan.FromMinutes(5) };

    /// <summary>The journal of the newest run, or null.</summary>
    public string? Journal => Directory.Exists(application.StateFolder + "/runbooks")
        ? Directory.GetFiles(application.StateFolder + "/runbooks", "*.jsonl").Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    private string[] Effects => File.Exists(Place("effects")) ? File.ReadAllLines(Place("effects")) : [];

    /// <summary>Makes the application and follows the runbook once, there and back, undisturbed.</summary>
    public static async Task<KillBench> MakeAsync()
    {
        var bench = new KillBench(await SmallApplication.WithPointAsync(rows: 20));
        try
        {
            Directory.CreateDirectory(bench.Place("runbooks"));
            File.WriteAllText(bench.Place("runbooks/every-step.runbook.md"), KillRunbook.Text);
            File.WriteAllText(bench.Place("step"), KillRunbook.Program);
            File.SetUnixFileMode(bench.Place("step"), (UnixFileMode)0b111_101_101);
            bench.Clear();
            await bench.FinishAsync("done", await bench.RepriseAsync(bench.Begin));
            var forward = bench.Lines();
            Assert.Equal(KillRunbook.Forward, bench.Effects);
            await bench.FinishAsync("undone", await bench.RepriseAsync(bench.Back));
            Assert.Equal([.. KillRunbook.Forward, .. KillRunbook.Backward], bench.Effects);
            bench.Records = (forward, bench.Lines() - forward);
            return bench;
        }
        catch
        {
            bench.Dispose();
            throw;
        }
    }

    /// <summary>As if it had never been run.</summary>
    public void Clear()
    {
        if (Directory.Exists(application.StateFolder + "/runbooks")) Directory.Delete(application.StateFolder + "/runbooks", recursive: true);
        File.Delete(Place("effects"));
        foreach (var folder in new[] { "hold", "held" })
        {
            if (Directory.Exists(Place(folder))) Directory.Delete(Place(folder), recursive: true);
            Directory.CreateDirectory(Place(folder));
        }

        using var pipe = Process.Start("mkfifo", Place("hold/pipe"));
        pipe.WaitForExit();
        Assert.Equal(0, pipe.ExitCode);
    }

    /// <summary>A path in the application's folder.</summary>
    public string Place(string name) => Path.Combine(application.Folder, name);

    /// <summary>Goes all the way forward, undisturbed.</summary>
    public async Task ForwardAsync() => await FinishAsync("done", await RepriseAsync(Begin));

    /// <summary>
    /// Kills the program while the program of a step stands still, and returns the process id of the latter, which lives.
    /// </summary>
    public async Task<int> StrikeInStepAsync(string step, string moment, bool back, Action<RunningProgram> strike)
    {
        var where = $"{step}-{moment}";
        File.WriteAllText(Place("hold/" + where), "");
        using var running = PublishedProgram.Start(Surroundings, back ? Back : Begin);
        for (var watch = Stopwatch.StartNew(); !File.Exists(Place("held/" + where)); await Task.Delay(5))
        {
            if (running.HasEnded || watch.Elapsed > TimeSpan.FromSeconds(60))
                throw new XunitException($"{where} was not reached:\n{await running.EndAsync()}");
        }

        var child = int.Parse(File.ReadAllText(Place("held/" + where)), CultureInfo.InvariantCulture);
        strike(running);
        await running.EndAsync();
        File.Delete(Place("hold/" + where));
        return child;
    }

    /// <summary>Kills the program as soon as its journal has so many lines; the lines that it had then, or null: it ended before.</summary>
    public async Task<int?> StrikeAtRecordAsync(int lines, bool back)
    {
        var before = back ? Lines() : 0;
        using var running = PublishedProgram.Start(Surroundings, back ? Back : Begin);
        while (!running.HasEnded && Lines() < before + lines) Thread.Yield();
        running.Kill();
        var run = await running.EndAsync();
        return run.Exit == 128 + 9 ? Lines() - before : null;
    }

    /// <summary>What was left standing still goes on, and does what it was about to do.</summary>
    public async Task ReleaseAsync(int child)
    {
        // Opened for both, so that a reader that is gone keeps nobody waiting.
        await using (var pipe = new FileStream(Place("hold/pipe"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1))
        {
            await pipe.WriteAsync("go\n"u8.ToArray());
            await EndedAsync(child);
        }
    }

    /// <summary>What was left standing still is ended by the operator, before it does anything more.</summary>
    public static async Task EndAsync(int child)
    {
        try
        {
            using var left = Process.GetProcessById(child);
            left.Kill();
        }
        catch (ArgumentException)
        {
            // It is gone already, with the program that waited for it.
        }

        await EndedAsync(child);
    }

    /// <summary>Waits until no program of a step works any more: an operator who looks too early sees too little.</summary>
    public async Task QuietAsync()
    {
        for (var watch = Stopwatch.StartNew(); Working(); await Task.Delay(5))
            if (watch.Elapsed > TimeSpan.FromSeconds(20)) throw new XunitException("a program of a step does not end");
    }

    /// <summary>
    /// Goes on until the end, answering what is asked; then every effect is there, and none twice that may not be.
    /// Returns what was answered.
    /// </summary>
    public async Task<List<string>> ResumeAsync(bool back)
    {
        // Killed before its journal was there, or anything was in it, nothing was done, and it says so.
        if (Journal is not { } journal || new FileInfo(journal).Length == 0)
        {
            Assert.Empty(Effects);
            (await RepriseAsync(["runbook", "resume", "--json"])).MustExit(2);
            await FinishAsync("done", await RepriseAsync(Begin));
            return ["begun anew"];
        }

        var ended = State() is "done" or "undone" && !(back && State() == "done");
        if (ended)
        {
            Assert.Equal(back ? "undone" : "done", State());
            Judge(back);
            return [];
        }

        return await FinishAsync(back ? "undone" : "done", await RepriseAsync(back ? Back : Again));
    }

    /// <summary>Every effect was counted; those that may not be done twice, once.</summary>
    public void Judge(bool back)
    {
        var counted = Effects.CountBy(e => e).ToDictionary();
        foreach (var step in back ? KillRunbook.Forward.Concat(KillRunbook.Backward) : KillRunbook.Forward)
        {
            // What a run that is taken back had not reached was never done, and is not taken back.
            var forward = step.EndsWith("-back", StringComparison.Ordinal) ? step.Split('-')[^2] : null;
            var needed = !back || (forward is null ? false : counted.ContainsKey(forward));
            var times = counted.GetValueOrDefault(step);
            if (needed && times == 0) throw new XunitException($"{step} was never done: {string.Join(' ', Effects)}");
            if (KillRunbook.Once.Contains(step) && times > 1)
                throw new XunitException($"{step} was done {times} times: {string.Join(' ', Effects)}");
        }
    }

    /// <summary>The last thing that the journal knows, as <c>event step</c>.</summary>
    public string Last()
    {
        using var line = JsonDocument.Parse(WholeLines()[^1]);
        var step = line.RootElement.TryGetProperty("step", out var name) ? name.GetString() : null;
        return $"{line.RootElement.GetProperty("event").GetString()} {step}".TrimEnd();
    }

    /// <summary>Runs the published program.</summary>
    public Task<ProgramRun> RepriseAsync(string[] arguments) => PublishedProgram.RunAsync(Surroundings, arguments);

    /// <inheritdoc />
    public void Dispose() => application.Dispose();

    private string[] Begin => ["runbook", "run", KillRunbook.Id, .. Standing];

    private string[] Again => ["runbook", "resume", .. Standing];

    private string[] Back => ["runbook", "resume", "--undo", .. Standing];

    // What is decided beforehand; the identity of the target as soon as it is known.
    private string[] Standing =>
    [
        "--yes", "--json", "--decide", "way=long:as planned", "--decide", "hand=done:it is done",
        .. code.Length > 0 ? new[] { "--confirm", "final=" + code } : [],
    ];

    private async Task<List<string>> FinishAsync(string end, ProgramRun run)
    {
        var answers = new List<string>();
        while (run.Exit != 0)
        {
            var state = run.Result(run.Command.Contains(" resume ", StringComparison.Ordinal) ? "runbook-resume" : "runbook-run");
            var next = state.GetProperty("next").GetString() ?? "";
            var asked = Question().Match(next);
            if (answers.Count == MaxAnswers || state.GetProperty("state").GetString() is not ("waiting" or "needs-decision"))
                throw new XunitException($"answered {string.Join(' ', answers)}\n{run}");
            if (!asked.Success && next.Contains("--confirm final=", StringComparison.Ordinal))
            {
                code = Code().Match(run.Output).Groups["code"].Value;
                answers.Add("confirmed");
                run = await RepriseAsync(Again);
                continue;
            }

            if (!asked.Success) throw new XunitException($"nothing can be answered\n{run}");
            var step = asked.Groups["step"].Value;
            var isThere = Effects.Contains(step);
            var answer = asked.Groups["options"].Value switch
            {
                "done|again" or "done|again|skip" => isThere ? "done" : "again",
                "yes|no" => isThere ? "yes" : "no",
                var other => throw new XunitException($"nobody expected {other}\n{run}"),
            };
            answers.Add($"{step}={answer}");
            run = await RepriseAsync([.. end == "undone" ? Back : Again, "--decide", $"{step}={answer}:the file says so"]);
        }

        Assert.Equal(end, State());
        Judge(back: end == "undone");
        return answers;
    }

    private string State()
    {
        using var line = JsonDocument.Parse(WholeLines()[^1]);
        var root = line.RootElement;
        return root.GetProperty("event").GetString() == "ended" ? root.GetProperty("outcome").GetString() ?? "" : "running";
    }

    private int Lines() => Journal is { } journal ? WholeLines(journal).Length : 0;

    private string[] WholeLines() => WholeLines(Journal ?? throw new XunitException("there is no journal"));

    private static string[] WholeLines(string journal)
    {
        var text = File.ReadAllText(journal);
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private bool Working()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(f => char.IsAsciiDigit(Path.GetFileName(f)[0])))
        {
            try
            {
                if (new FileInfo(folder + "/cwd").LinkTarget == application.Folder) return true;
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }

        return false;
    }

    private static async Task EndedAsync(int child)
    {
        for (var watch = Stopwatch.StartNew(); Directory.Exists($"/proc/{child}"); await Task.Delay(5))
        {
            // Nobody may have waited for it yet: then it is a name only.
            if (File.ReadAllText($"/proc/{child}/stat").Contains(") Z ", StringComparison.Ordinal)) return;
            if (watch.Elapsed > TimeSpan.FromSeconds(20)) throw new XunitException($"process {child} does not end");
        }
    }

    [GeneratedRegex("--decide (?<step>[a-z-]+)=(?<options>[a-z|]+):REASON", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Question();

    [GeneratedRegex("identity of its target: (?<code>[0-9a-f]{8}) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();
}
