using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>The codes of evidence.</summary>
public static class EvidenceErrors
{
    /// <summary>The bytes are not those that were signed.</summary>
    public static readonly ErrorCode Altered =
        new("evidence-altered", ExitCodes.Damaged, "a piece of evidence, or a public key beside it, is not as it was signed");

    /// <summary>A number of the chain is gone.</summary>
    public static readonly ErrorCode Missing =
        new("evidence-missing", ExitCodes.Damaged, "a piece of evidence in the middle or at the beginning of the chain is gone");

    /// <summary>Good evidence at a place that is not its own.</summary>
    public static readonly ErrorCode Replayed = new(
        "evidence-replayed",
        ExitCodes.Damaged,
        "a piece of evidence is genuine, but stands in the place of another one");

    /// <summary>Signed by somebody else.</summary>
    public static readonly ErrorCode OtherKey =
        new("evidence-other-key", ExitCodes.Damaged, "a piece of evidence is signed with a key that is not trusted here");

    /// <summary>The newest that this host knows is gone.</summary>
    public static readonly ErrorCode NewestMissing =
        new("evidence-newest-missing", ExitCodes.Damaged, "the newest evidence that this host remembers is gone");

    /// <summary>The private key cannot be used.</summary>
    public static readonly ErrorCode KeyInvalid =
        new("evidence-key-invalid", ExitCodes.Unavailable, "the key file that signs evidence is not a P-256 key");

    /// <summary>Evidence is on the client only.</summary>
    public static readonly ErrorCode NotInRepository = new(
        "evidence-not-in-repository",
        ExitCodes.Done,
        "evidence is kept on this host, but not yet in the repository; a warning, the next drill makes up for it");

    /// <summary>No evidence is called like this.</summary>
    public static readonly ErrorCode Unknown =
        new("evidence-unknown", ExitCodes.Usage, "no drill, note or piece of evidence has this name, or several have");

    /// <summary>There is no evidence.</summary>
    public static readonly ErrorCode None =
        new("evidence-none", ExitCodes.CheckFailed, "there is no evidence at all: nothing was ever rehearsed");

    /// <summary>A note that cannot be kept as it is.</summary>
    public static readonly ErrorCode NoteInvalid =
        new("note-invalid", ExitCodes.Usage, "a note lacks something, or closes what is not open");

    /// <summary>An open action is late.</summary>
    public static readonly ErrorCode ActionOverdue =
        new("action-overdue", ExitCodes.Done, "a corrective action is open after the day on which it was due; a warning");
}
