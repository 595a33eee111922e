using Reprise.Storage.Errors;

namespace Reprise.Recovery.Runbooks;

/// <summary>What may be answered to the questions that every runbook asks, and what an empty line means.</summary>
public static class RunOptions
{
    private static readonly StepOption Stop = new("stop", "stop here; resume goes on later", null);

    /// <summary>The answers and the default.</summary>
    public static (IReadOnlyList<StepOption> Options, string? Default) Of(RunQuestionKind kind) => kind switch
    {
        RunQuestionKind.Permission =>
            ([new("go", "do it", null), new("skip", "leave it out, with a reason", null), Stop], "go"),
        RunQuestionKind.Manual =>
            ([new("done", "it is done, and what came of it", null), new("skip", "leave it out, with a reason", null), Stop], null),
        RunQuestionKind.Uncertain =>
            ([new("done", "it is done: I have looked", null), new("again", "do it again", null), Stop], "stop"),
        RunQuestionKind.UndoFailed => (
            [
                new("done", "it is done: ask its proof", null),
                new("again", "do it again", null),
                new("skip", "leave it as it is, with a reason", null),
                Stop,
            ], "stop"),
        RunQuestionKind.Happened =>
            ([new("yes", "it took effect: take it back", null), new("no", "it did not", null), Stop], "stop"),
        RunQuestionKind.Failed => (
            [
                new("retry", "try it again", null),
                new("continue", "go on in spite of it, with a reason", null),
                new("undo", "take back what was done", null),
                Stop,
            ], "stop"),
        RunQuestionKind.Decide or RunQuestionKind.Identity => ([], null),
        _ => throw new InvariantException($"question {kind}"),
    };

    /// <summary>Whether an answer must be explained.</summary>
    public static bool NeedsReason(RunQuestionKind kind, string option) => kind switch
    {
        RunQuestionKind.Decide => true,
        RunQuestionKind.Permission or RunQuestionKind.Manual => option is "skip" or "done",
        RunQuestionKind.Uncertain or RunQuestionKind.UndoFailed => option is "done" or "again" or "skip",
        RunQuestionKind.Happened => option is "yes" or "no",
        RunQuestionKind.Failed => option is "continue" or "undo",
        _ => false,
    };
}
