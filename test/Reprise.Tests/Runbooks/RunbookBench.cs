using System.Text;
using Microsoft.Extensions.Time.Testing;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Runbooks;
using Reprise.Recovery.Secrets;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Restoring;

namespace Reprise.Tests.Runbooks;

/// <summary>A small runbook, a world in which its steps take effect, and a person with prepared answers.</summary>
internal sealed class RunbookBench
{
    public const string Head = """
        ---
        runbook: small
        title: "A small one"
        incident: [small]
        symptoms: ["it is broken"]
        escalation: "somebody"
        ---

        # A small one

        """;

    public const string Small = Head + """
        ```observe look
        why: "looks"
        run: [look]
        ```
        ```decide way
        why: "a choice"
        question: "Which way?"
        options:
          short: { text: "the short one", next: change }
          long: { text: "the long one" }
        ```
        ```capture keep
        why: "keeps what is there"
        run: [keep]
        ```
        ```act change
        why: "changes something"
        run: [change]
        effect: reversible
        undo: change-back
        ```
        ```verify changed
        why: "proves it"
        run: [verify, change]
        ```
        ```act again
        why: "can be done twice"
        run: [again]
        effect: reversible
        idempotent: true
        undo: again-back
        ```
        ```verify changed-again
        why: "proves it"
        run: [verify, again]
        ```
        ```undo change-back
        why: "takes it back"
        run: [back, change]
        verify: { run: [gone, change] }
        ```
        ```undo again-back
        why: "takes it back"
        run: [back, again]
        idempotent: true
        verify: { run: [gone, again] }
        ```
        """;

    public const string Secret = "s3cret/value+with=signs&more";

    private static readonly DiskPath Folder = new("/state/runbooks");

    public RunbookBench(string text = Small)
    {
        Runbook = RunbookParser.Parse(text, "small.runbook.md");
        Facts = new Placeholders(new Dictionary<string, string> { ["application"] = "shop" });
    }

    public Runbook Runbook { get; }

    public Placeholders Facts { get; set; }

    public MemoryFiles Medium { get; } = new();

    /// <summary>What is changed now, and how often each program ran.</summary>
    public HashSet<string> World { get; } = [];

    public Dictionary<string, int> Ran { get; } = [];

    /// <summary>Answers by step, each used as often as it is asked.</summary>
    public Dictionary<string, string> Answers { get; } = new() { ["way"] = "long" };

    public List<RunQuestionKind> Asked { get; } = [];

    public List<string> Shown { get; } = [];

    /// <summary>Programs that do not do what they should.</summary>
    public HashSet<string> Broken { get; } = [];

    public bool RedFirst { get; set; }

    public bool EvenWhenEnded { get; set; }

    /// <summary>Nobody can tell who the target is.</summary>
    public bool IsUnknown { get; set; }

    public SortedDictionary<string, string> Surroundings { get; set; } = [];

    /// <summary>What a step that was killed has left running, by step.</summary>
    public Dictionary<string, string> Running { get; } = [];

    /// <summary>What a step that was killed has left behind, by its program.</summary>
    public Dictionary<string, StepAnswer> Left { get; } = [];

    /// <summary>Programs that refuse to work: nothing is changed.</summary>
    public HashSet<string> Refusing { get; } = [];

    public FakeTimeProvider Clock { get; } = new();

    /// <summary>Called when the run waits for something.</summary>
    public Action? OnWaiting { get; set; }

    /// <summary>Called when a program is about to be started.</summary>
    public Action<string>? OnBegun { get; set; }

    public string Id { get; private set; } = "";

    public Task<RunState> RunAsync(Steps? steps = null) => RunAsync(steps, new Dictionary<string, string>());

    public async Task<RunState> RunAsync(Steps? steps, IReadOnlyDictionary<string, string> inputs)
    {
        var disk = new MemoryDisk(Medium, steps ?? Steps.Untouched);
        using var journal = RunJournal.Create(disk, Folder, new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero), Runbook.Text);
        Id = journal.Id;
        return await Of(journal, steps).StartAsync(inputs, CancellationToken.None);
    }

    public async Task<RunState> ResumeAsync(bool undo = false, Steps? steps = null)
    {
        // The locks of a dead process are gone with it.
        Medium.Locked.Clear();
        var disk = new MemoryDisk(Medium, steps ?? Steps.Untouched);
        using var journal = RunJournal.Open(disk, Folder, RunJournal.Find(disk, Folder, null));
        Id = journal.Id;
        var run = Of(journal, steps);

        // A kill after the last line found nothing left to do.
        if (!EvenWhenEnded && journal.Events is [.., { Event: RunEventKind.Ended }] && (!undo || run.Progress.State == RunState.Undone))
            return run.Progress.State;
        return journal.Events.Count == 0
            ? await run.StartAsync(new Dictionary<string, string>(), CancellationToken.None)
            : await run.ResumeAsync(undo, CancellationToken.None);
    }

    public IReadOnlyList<RunEvent> Events() => RunJournal.Read(new MemoryDisk(Medium, Steps.Untouched), Folder, Id).Events;

    public RunReport Report() => RunReport.Of(Runbook, Events(), "");

    public string JournalText => Encoding.UTF8.GetString(Medium.Files[Folder / (Id + ".jsonl")]);

    public void SetJournal(string text) => Medium.Files[Folder / (Id + ".jsonl")] = Encoding.UTF8.GetBytes(text);

    private RunbookRun Of(RunJournal journal, Steps? steps)
    {
        var redaction = Redaction.InEveryForm([Secret]);
        return new RunbookRun(
            new RunbookPlan(Runbook, Facts, a => a.Builtin ?? Placeholders.Line(a.Run)),
            journal,
            new RunbookHost(
                new Binding(this, steps ?? Steps.Untouched), new Person(this), Clock, redaction.Apply, "ada")
            {
                AskVerificationsFirst = RedFirst,
                Surroundings = Surroundings,
            });
    }

    private sealed class Binding(RunbookBench bench, Steps steps) : IRunbookBinding
    {
        public string Name => "sandbox";

        public Task<StepAnswer> DoAsync(StepAction action, StepPatience patience, CancellationToken cancellationToken)
        {
            bench.OnBegun?.Invoke(string.Join(' ', action.Run));
            if (bench.Refusing.Contains(string.Join(' ', action.Run)))
                throw new RepriseException(RecoveryErrors.OperationInterrupted, "somebody else works on it", "wait for him");
            return Task.FromResult(steps.Do("program", new DiskPath("/" + action.Run[0]), () => Effect([.. action.Run])));
        }

        public Task<RunTarget> IdentifyAsync(string target, CancellationToken cancellationToken) => bench.IsUnknown
            ? throw new RepriseException(RecoveryErrors.TargetIdentity, "nobody answers there", "start it")
            : Task.FromResult(new RunTarget("1a2b3c4d", $"{target} of a test"));

        public IReadOnlyList<string> StillRunning(string mark) =>
            bench.Running.TryGetValue(mark[(bench.Id.Length + 1)..], out var running) ? [running] : [];

        public Task<StepAnswer?> RecallAsync(StepAction action, DateTimeOffset since, CancellationToken cancellationToken) =>
            Task.FromResult(bench.Left.GetValueOrDefault(string.Join(' ', action.Run)));

        private StepAnswer Effect(string[] words)
        {
            var all = string.Join(' ', words);
            bench.Ran[all] = bench.Ran.GetValueOrDefault(all) + 1;
            if (bench.Broken.Contains(all)) return new StepAnswer(Outcome.Fail, $"{all} is broken, {Secret}");
            switch (words)
            {
                case ["verify", var what]:
                    return new StepAnswer(bench.World.Contains(what) ? Outcome.Pass : Outcome.Fail, $"{what} is looked at");
                case ["gone", var what]:
                    return new StepAnswer(bench.World.Contains(what) ? Outcome.Fail : Outcome.Pass, $"{what} is looked at");
                case ["back", var what]:
                    bench.World.Remove(what);
                    break;
                default:
                    bench.World.Add(words[0]);
                    break;
            }

            return new StepAnswer(Outcome.Pass, $"{all} said {Secret}")
            {
                Facts = new SortedDictionary<string, string> { ["ran"] = all },
            };
        }
    }

    private sealed class Person(RunbookBench bench) : IRunbookDialogue
    {
        public Task<RunAnswer?> AskAsync(RunQuestion question, CancellationToken cancellationToken)
        {
            bench.Asked.Add(question.Kind);
            bench.Shown.Add(question.Facts);
            var key = question.Kind == RunQuestionKind.Permission ? "go" : bench.Answers.GetValueOrDefault(
                $"{question.Kind} {question.Step.Step.Id}", bench.Answers.GetValueOrDefault(question.Step.Step.Id, ""));
            return Task.FromResult(key.Length == 0 ? null : new RunAnswer(key, $"because of {Secret}", "beforehand"));
        }

        public void OnWaiting(string why) => bench.OnWaiting?.Invoke();

        public void OnStep(ResolvedStep step, int number, int count) => bench.Shown.Add(step.Why);

        public void OnAnswer(ResolvedStep step, Outcome outcome, string text) => bench.Shown.Add(text);
    }
}
