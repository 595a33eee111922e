using Reprise.Storage.Errors;

namespace Reprise.Recovery.Runbooks;

/// <summary>The codes of runbooks and their runs.</summary>
public static class RunbookErrors
{
    /// <summary>No such runbook.</summary>
    public static readonly ErrorCode Unknown =
        new("runbook-unknown", ExitCodes.Usage, "no runbook has this name");

    /// <summary>A runbook that cannot be followed as it is written.</summary>
    public static readonly ErrorCode Invalid =
        new("runbook-invalid", ExitCodes.Usage, "a runbook has a key, a type or a step that does not hold together");

    /// <summary>An input without a value.</summary>
    public static readonly ErrorCode InputMissing =
        new("runbook-input", ExitCodes.Usage, "an input of a runbook has no value, or is not one of its inputs");

    /// <summary>No such run.</summary>
    public static readonly ErrorCode RunUnknown =
        new("runbook-run-unknown", ExitCodes.Usage, "no run of a runbook has this identifier, or several begin with it");

    /// <summary>A person must answer.</summary>
    public static readonly ErrorCode Waiting =
        new("runbook-waiting", ExitCodes.Refused, "the run waits for an answer of a person; nothing was done without it");

    /// <summary>Another process works on this run.</summary>
    public static readonly ErrorCode Running =
        new("runbook-running", ExitCodes.Refused, "another process works on this run of a runbook");

    /// <summary>The run has ended.</summary>
    public static readonly ErrorCode Ended =
        new("runbook-ended", ExitCodes.Refused, "the run of a runbook has ended and cannot go on");

    /// <summary>What a run stands on is not what it was.</summary>
    public static readonly ErrorCode Changed = new(
        "runbook-changed", ExitCodes.Refused, "what a run of a runbook stands on has changed since somebody last worked on it");

    /// <summary>A step did not do what it should.</summary>
    public static readonly ErrorCode Stopped =
        new("runbook-stopped", ExitCodes.CheckFailed, "a step of a runbook did not pass, and the run stopped there");

    /// <summary>An undo did not do what it should.</summary>
    public static readonly ErrorCode UndoFailed =
        new("runbook-undo-failed", ExitCodes.CheckFailed, "what a step did could not be taken back; a person must decide");

    /// <summary>The journal is not what was written.</summary>
    public static readonly ErrorCode JournalDamaged =
        new("runbook-journal-damaged", ExitCodes.Damaged, "the journal of a run was changed or is torn in its middle");

    /// <summary>A secret would become visible to every user of the machine.</summary>
    public static readonly ErrorCode SecretArgument =
        new("runbook-secret-argument", ExitCodes.Refused, "an argument of a program would hold the value of a secret");

    /// <summary>The runbooks could not be put into the repository.</summary>
    public static readonly ErrorCode KitNotWritten =
        new("kit-not-written", ExitCodes.Unavailable, "the runbooks could not be put into the repository's kit");
}
