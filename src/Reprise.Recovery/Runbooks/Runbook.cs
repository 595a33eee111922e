namespace Reprise.Recovery.Runbooks;

/// <summary>
/// One runbook, checked: prose for a person and steps that can be carried out, in the order in which they are written.
/// A pure value; nothing of an application is in it yet.
/// </summary>
public sealed record Runbook
{
    /// <summary>Stable name, kebab-case; the same in every language.</summary>
    public required string Id { get; init; }

    /// <summary>Counts up with each change that matters.</summary>
    public required int Version { get; init; }

    /// <summary>One line for lists.</summary>
    public required string Title { get; init; }

    /// <summary><c>en</c>, <c>fr</c> or another two letters.</summary>
    public required string Language { get; init; }

    /// <summary>The kinds of incidents that it is for.</summary>
    public required IReadOnlyList<string> Incident { get; init; }

    /// <summary>What somebody sees who needs it, one sentence each.</summary>
    public required IReadOnlyList<string> Symptoms { get; init; }

    /// <summary>Further words under which it is found.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>When to start it, or null.</summary>
    public string? Activation { get; init; }

    /// <summary>When to stop following it, or null.</summary>
    public string? Deactivation { get; init; }

    /// <summary>The role to call when it does not help; a role, never a name.</summary>
    public required string Escalation { get; init; }

    /// <summary>What must be known before it starts.</summary>
    public required IReadOnlyList<RunbookInput> Inputs { get; init; }

    /// <summary>How a drill rehearses it, or null: nothing says it.</summary>
    public Rehearsal? Rehearsal { get; init; }

    /// <summary>Prose and steps in the order of the file.</summary>
    public required IReadOnlyList<RunbookPart> Parts { get; init; }

    /// <summary>The file as it is written.</summary>
    public required string Text { get; init; }

    /// <summary>SHA-256 of <see cref="Text"/>, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Where it comes from: a path, or <c>built in</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Every step, undo steps too, in the order of the file.</summary>
    public IEnumerable<RunbookStep> Steps => Parts.OfType<RunbookPart.Step>().Select(p => p.Value);

    /// <summary>The steps that are gone through in order: all but those that take another one back.</summary>
    public IEnumerable<RunbookStep> Path => Steps.Where(s => s.Type != StepType.Undo);

    /// <summary>The step with this name, or null.</summary>
    public RunbookStep? Find(string id) => Steps.FirstOrDefault(s => s.Id == id);

    /// <summary>The step after <paramref name="step"/> when it passed, or null: the end.</summary>
    public string? After(RunbookStep step) => step.Next switch
    {
        RunbookStep.End => null,
        { } next => next,
        null => Path.SkipWhile(s => s.Id != step.Id).Skip(1).FirstOrDefault()?.Id,
    };
}

/// <summary>A piece of the file.</summary>
public abstract record RunbookPart
{
    private RunbookPart()
    {
    }

    /// <summary>Markdown for a person.</summary>
    /// <param name="Markdown">as it is written.</param>
    /// <param name="Line">its first line in the file.</param>
    public sealed record Prose(string Markdown, int Line) : RunbookPart;

    /// <summary>A step.</summary>
    /// <param name="Value">the step.</param>
    public sealed record Step(RunbookStep Value) : RunbookPart;
}

/// <summary>Something that must be known before a run starts.</summary>
/// <param name="Name">its name; <c>{input.NAME}</c> stands for its value.</param>
/// <param name="Ask">the question.</param>
/// <param name="Default">the value when nobody says another one, or null: it must be given.</param>
/// <param name="IsPoint">
/// whether it names a point: it is looked up when the run begins, and from then on it is that one, whatever points are
/// taken meanwhile. A backup of the damage would be <c>latest</c> otherwise.
/// </param>
public sealed record RunbookInput(string Name, string Ask, string? Default, bool IsPoint = false);

/// <summary>What a step is.</summary>
public enum StepType
{
    /// <summary>Looks, and remembers what it saw; a bad answer stops nothing.</summary>
    Observe,

    /// <summary>A condition of what follows.</summary>
    Check,

    /// <summary>A choice that a person makes and explains.</summary>
    Decide,

    /// <summary>Keeps what is there before it is changed.</summary>
    Capture,

    /// <summary>Changes something.</summary>
    Act,

    /// <summary>Proves that an act did what it should.</summary>
    Verify,

    /// <summary>Waits until something is so, or for a time.</summary>
    Wait,

    /// <summary>Asks a person to do something and to say what came of it.</summary>
    Manual,

    /// <summary>Takes one act back; carried out only then.</summary>
    Undo,
}

/// <summary>What an act does to the world.</summary>
public enum EffectClass
{
    /// <summary>Nothing.</summary>
    Read,

    /// <summary>Can be taken back.</summary>
    Reversible,

    /// <summary>Can be taken back, but costs time or availability.</summary>
    Costly,

    /// <summary>Cannot be taken back.</summary>
    Irreversible,
}

/// <summary>One step.</summary>
public sealed record RunbookStep
{
    /// <summary>The word that stands for the end of the runbook in <see cref="Next"/> and in options.</summary>
    public const string End = "end";

    /// <summary>What it is.</summary>
    public required StepType Type { get; init; }

    /// <summary>Its name, unique in the runbook.</summary>
    public required string Id { get; init; }

    /// <summary>Where it is written, <c>file:line:column</c>.</summary>
    public required string Where { get; init; }

    /// <summary>Why it is there: one sentence.</summary>
    public required string Why { get; init; }

    /// <summary>What it does, or null: a person does it.</summary>
    public StepAction? Action { get; init; }

    /// <summary>What it changes: an asset, or <c>application</c>; null when it changes nothing in particular.</summary>
    public string? On { get; init; }

    /// <summary>What it does to the world.</summary>
    public EffectClass Effect { get; init; }

    /// <summary>Whether doing it twice is as good as doing it once.</summary>
    public bool Idempotent { get; init; }

    /// <summary>The undo step that takes it back, or null.</summary>
    public string? Undo { get; init; }

    /// <summary>Why it cannot be taken back, or null.</summary>
    public string? Irreversible { get; init; }

    /// <summary>How long it may take, or null.</summary>
    public TimeSpan? Within { get; init; }

    /// <summary>How often a wait looks, or null.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>How long a wait lasts when it waits for nothing in particular, or null.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>The part of the recovery that its time belongs to; one of <see cref="RunPhases.All"/>.</summary>
    public required string Phase { get; init; }

    /// <summary>The step after it when it passed, <see cref="End"/>, or null: the one that follows in the file.</summary>
    public string? Next { get; init; }

    /// <summary>The step after it when it did not pass, or null: the run stops.</summary>
    public string? OnFail { get; init; }

    /// <summary>What a person should see when it went well, or null.</summary>
    public string? See { get; init; }

    /// <summary>What to do when it did not, or null.</summary>
    public string? Otherwise { get; init; }

    /// <summary>The question of a decision, the instruction of a manual step; else null.</summary>
    public string? Text { get; init; }

    /// <summary>The answers to a decision, in order.</summary>
    public IReadOnlyList<StepOption> Options { get; init; } = [];

    /// <summary>The answer that is right when nothing speaks against it, or null.</summary>
    public string? Default { get; init; }

    /// <summary>How an undo proves itself, or null.</summary>
    public StepAction? Verify { get; init; }

    /// <summary>Whether it changes something, so that it must not silently happen twice.</summary>
    public bool Changes => Type is StepType.Act or StepType.Capture or StepType.Undo;
}

/// <summary>One answer to a decision.</summary>
/// <param name="Key">what is typed.</param>
/// <param name="Text">what it means.</param>
/// <param name="Next">the step that follows, <see cref="RunbookStep.End"/>, or null: the one after the decision.</param>
public sealed record StepOption(string Key, string Text, string? Next);

/// <summary>What a step does: an operation of Reprise, or a program with its arguments. Never a shell string.</summary>
public sealed record StepAction
{
    /// <summary>One of <see cref="Builtins.All"/>, or null.</summary>
    public string? Builtin { get; init; }

    /// <summary>What the operation is given.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> With { get; init; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>Program and arguments; empty for an operation.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];

    /// <summary>The one value under <paramref name="key"/>, or null.</summary>
    public string? One(string key) => With.GetValueOrDefault(key) is [var value, ..] ? value : null;
}

/// <summary>The parts of a recovery, in their order.</summary>
public static class RunPhases
{
    /// <summary>Their names, as a drill measures them too.</summary>
    public static IReadOnlyList<string> All { get; } =
        ["detect", "decide", "mobilise", "restore", "replay", "start", "verify", "cut-over"];
}
