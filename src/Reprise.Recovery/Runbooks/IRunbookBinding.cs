using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Runbooks;

/// <summary>
/// Where a runbook is carried out: <c>production</c>, or a <c>sandbox</c> of a drill. The same file runs under both.
/// </summary>
public interface IRunbookBinding
{
    /// <summary><c>production</c> or <c>sandbox</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Carries out one action. What went wrong is an answer, not an exception; only cancellation, and what needs a
    /// person (exit 3), is thrown.
    /// </summary>
    Task<StepAnswer> DoAsync(StepAction action, StepPatience patience, CancellationToken cancellationToken);

    /// <summary>
    /// What an action left that was begun at <paramref name="since"/> and interrupted before it could answer: passed with
    /// what it found out, or not run, in words for the person who has to say how it goes on. Null: nobody can tell.
    /// </summary>
    Task<StepAnswer?> RecallAsync(StepAction action, DateTimeOffset since, CancellationToken cancellationToken) =>
        Task.FromResult<StepAnswer?>(null);

    /// <summary>Who a target really is: an asset, or <c>application</c>.</summary>
    Task<RunTarget> IdentifyAsync(string target, CancellationToken cancellationToken);

    /// <summary>
    /// What programs with this <see cref="StepPatience.Mark"/> run although nobody waits for them any more, each in words
    /// for a person: whoever killed us did not kill our children.
    /// </summary>
    IReadOnlyList<string> StillRunning(string mark) => [];

    /// <summary>The same without servers that were started on purpose, and stay.</summary>
    IReadOnlyList<string> StillAtWork(string mark) => StillRunning(mark);
}

/// <summary>How long an action may take.</summary>
/// <param name="Within">programs are killed then, and questions are asked again until then; null: no limit, asked once.</param>
/// <param name="Once">a question is asked once, whatever <paramref name="Within"/> says.</param>
public sealed record StepPatience(TimeSpan? Within, bool Once)
{
    /// <summary>Says of a program for which run and step it was started, or null: for none that changes anything.</summary>
    public string? Mark { get; init; }
}

/// <summary>What an action came to.</summary>
/// <param name="Outcome">how it went.</param>
/// <param name="Text">what was answered, for a person; may hold secrets, and is redacted before it goes anywhere.</param>
public sealed record StepAnswer(Outcome Outcome, string Text)
{
    /// <summary>What was found out, by name; later steps use it as <c>{step.ID.NAME}</c>. Never secrets.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new SortedDictionary<string, string>();
}

/// <summary>A target of something final.</summary>
/// <param name="Code">what must be typed; it changes when the target is another one.</param>
/// <param name="Description">who it is, for a person.</param>
public sealed record RunTarget(string Code, string Description);

/// <summary>The person who follows a runbook, or the lack of one, or answers that were given beforehand.</summary>
public interface IRunbookDialogue
{
    /// <summary>Asks; null when nobody answers: the run waits then.</summary>
    Task<RunAnswer?> AskAsync(RunQuestion question, CancellationToken cancellationToken);

    /// <summary>A step is about to be carried out, or asked about.</summary>
    void OnStep(ResolvedStep step, int number, int count);

    /// <summary>Nothing is done for a while, and this is why.</summary>
    void OnWaiting(string why)
    {
    }

    /// <summary>A step was answered; the text is redacted.</summary>
    void OnAnswer(ResolvedStep step, Outcome outcome, string text);
}

/// <summary>Why a person is asked.</summary>
public enum RunQuestionKind
{
    /// <summary>A decision of the runbook: one of its options.</summary>
    Decide,

    /// <summary>Whether something may be done: <c>go</c>, <c>skip</c>, <c>stop</c>.</summary>
    Permission,

    /// <summary>Who the target of something final is: the code is typed.</summary>
    Identity,

    /// <summary>A person does it: <c>done</c>, <c>skip</c>, <c>stop</c>.</summary>
    Manual,

    /// <summary>Nobody knows how far it came: <c>done</c>, <c>again</c>, <c>stop</c>.</summary>
    Uncertain,

    /// <summary>It did not pass: <c>retry</c>, <c>continue</c>, <c>undo</c>, <c>stop</c>.</summary>
    Failed,

    /// <summary>Whether an interrupted act took effect: <c>yes</c>, <c>no</c>, <c>stop</c>.</summary>
    Happened,

    /// <summary>It could not be taken back, or nobody knows: <c>done</c>, <c>again</c>, <c>stop</c>.</summary>
    UndoFailed,
}

/// <summary>A question.</summary>
/// <param name="Kind">why.</param>
/// <param name="Step">about which step.</param>
/// <param name="Options">what may be answered, with its meaning; empty when something is typed.</param>
/// <param name="Default">the answer to an empty line, or null.</param>
/// <param name="Facts">what is known, for the person; redacted.</param>
public sealed record RunQuestion(
    RunQuestionKind Kind,
    ResolvedStep Step,
    IReadOnlyList<StepOption> Options,
    string? Default,
    string Facts);

/// <summary>An answer.</summary>
/// <param name="Option">what was chosen or typed.</param>
/// <param name="Reason">why; what a person attests.</param>
/// <param name="By">how it was answered: <c>terminal</c>, or <c>beforehand</c>.</param>
public sealed record RunAnswer(string Option, string? Reason, string By);
