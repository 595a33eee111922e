using Reprise.Storage.Errors;

namespace Reprise.Recovery;

/// <summary>The codes that capture, restore and checks raise.</summary>
public static class RecoveryErrors
{
    /// <summary>The database does not answer.</summary>
    public static readonly ErrorCode DatabaseUnavailable =
        new("database-unavailable", ExitCodes.Unavailable, "the database server does not answer");

    /// <summary>User or password refused.</summary>
    public static readonly ErrorCode PasswordRefused =
        new("password-refused", ExitCodes.Unavailable, "the database refused this user or password");

    /// <summary>No such database.</summary>
    public static readonly ErrorCode DatabaseMissing =
        new("database-missing", ExitCodes.Unavailable, "the server answers, but has no database of this name");

    /// <summary>A connection string that no form explains.</summary>
    public static readonly ErrorCode ConnectionInvalid =
        new("connection-invalid", ExitCodes.Usage, "a connection string cannot be read");

    /// <summary>pg_dump and its kin are not there.</summary>
    public static readonly ErrorCode ClientMissing =
        new("client-missing", ExitCodes.Unavailable, "a client program that is needed was not found");

    /// <summary>The client is older than the server.</summary>
    public static readonly ErrorCode ClientTooOld =
        new("client-too-old", ExitCodes.Unavailable, "the client program is older than the server");

    /// <summary>A child process failed, or said an error.</summary>
    public static readonly ErrorCode ChildFailed =
        new("child-failed", ExitCodes.Unavailable, "a program that was started ended with an error or reported one");

    /// <summary>A dump is not what pg_dump writes.</summary>
    public static readonly ErrorCode DumpInvalid =
        new("dump-invalid", ExitCodes.Unavailable, "a dump ended early or is not of a known form");

    /// <summary>The file is not a SQLite database, or is damaged.</summary>
    public static readonly ErrorCode SqliteDamaged =
        new("sqlite-damaged", ExitCodes.Incomplete, "a SQLite database is damaged at its source; the point keeps it as it is and does not count as proof");

    /// <summary>The SQLite file is locked for longer than the bound.</summary>
    public static readonly ErrorCode SqliteBusy =
        new("sqlite-busy", ExitCodes.Unavailable, "a SQLite database stayed locked for longer than the bound");

    /// <summary>Some file of an asset could not be read.</summary>
    public static readonly ErrorCode FileUnreadable =
        new("file-unreadable", ExitCodes.Incomplete, "a file of an asset could not be read and is missing in the point");

    /// <summary>Some file kept changing while it was read.</summary>
    public static readonly ErrorCode FileChanging =
        new("file-changing", ExitCodes.Incomplete, "a file changed while it was read, also when it was tried again");

    /// <summary>A file of a kind that cannot be captured.</summary>
    public static readonly ErrorCode FileSkipped =
        new("file-skipped", ExitCodes.Incomplete, "a socket or a device was met, which cannot be captured");

    /// <summary>A pattern of files that cannot be read.</summary>
    public static readonly ErrorCode PatternInvalid =
        new("pattern-invalid", ExitCodes.Usage, "a pattern of a files asset cannot be read, or leaves the folder");

    /// <summary>The asset matches nothing.</summary>
    public static readonly ErrorCode AssetEmpty =
        new("asset-empty", ExitCodes.Unavailable, "an asset matches nothing at all, which is more likely a wrong path than an empty application");

    /// <summary>The target is not the one that the point was taken from.</summary>
    public static readonly ErrorCode TargetIdentity =
        new("target-identity", ExitCodes.Refused, "the target holds data and is not the one that the point was taken from");

    /// <summary>The target of --to is not empty.</summary>
    public static readonly ErrorCode TargetNotEmpty =
        new("target-not-empty", ExitCodes.Refused, "the target folder is not empty");

    /// <summary>The target is in use.</summary>
    public static readonly ErrorCode TargetInUse =
        new("target-in-use", ExitCodes.Refused, "sessions or processes hold the target");

    /// <summary>The target has too little room.</summary>
    public static readonly ErrorCode TargetTooSmall =
        new("target-too-small", ExitCodes.Refused, "the target has too little room for the restored data beside the live data");

    /// <summary>The server is older than the dump.</summary>
    public static readonly ErrorCode ServerTooOld =
        new("server-too-old", ExitCodes.Refused, "the server is older than the one that the dump was taken from");

    /// <summary>We lack a right that the restore needs.</summary>
    public static readonly ErrorCode PrivilegeMissing =
        new("privilege-missing", ExitCodes.Refused, "the database user lacks a right that is needed");

    /// <summary>No safety point and nothing can be moved aside.</summary>
    public static readonly ErrorCode SafetyImpossible =
        new("safety-impossible", ExitCodes.Refused, "what is at the target can neither be captured nor be moved aside");

    /// <summary>What was staged is not what the point says.</summary>
    public static readonly ErrorCode StagedWrong =
        new("staged-wrong", ExitCodes.Damaged, "the staged data is not what the point says it must be");

    /// <summary>A required check did not pass.</summary>
    public static readonly ErrorCode CheckFailed =
        new("check-failed", ExitCodes.CheckFailed, "a check did not get the answer that it expects");

    /// <summary>A restore was rolled back.</summary>
    public static readonly ErrorCode RolledBack =
        new("rolled-back", ExitCodes.CheckFailed, "the restore was rolled back; the former data is live again");

    /// <summary>A secret is not the one of the point.</summary>
    public static readonly ErrorCode SecretDiffers =
        new("secret-differs", ExitCodes.CheckFailed, "a secret is not the one that was in force at the point");

    /// <summary>A secret that is named cannot be found.</summary>
    public static readonly ErrorCode SecretMissing =
        new("secret-missing", ExitCodes.CheckFailed, "a secret that is named in the configuration was not found");

    /// <summary>An earlier operation was interrupted and is not finished.</summary>
    public static readonly ErrorCode OperationInterrupted =
        new("operation-interrupted", ExitCodes.Refused, "an earlier restore or undo was interrupted and must be finished first");
}
