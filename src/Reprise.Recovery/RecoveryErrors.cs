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

    /// <summary>The server refused a statement of ours.</summary>
    public static readonly ErrorCode SqlFailed =
        new("sql-failed", ExitCodes.Unavailable, "the database answered a statement with an error");

    /// <summary>The server lacks an extension that the dump needs.</summary>
    public static readonly ErrorCode ExtensionMissing =
        new("extension-missing", ExitCodes.Refused, "the target server has not installed an extension that the data needs");

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

    /// <summary>pg_dump finished, but warned.</summary>
    public static readonly ErrorCode DumpWarning =
        new("dump-warning", ExitCodes.Incomplete, "a dump was completed, but the program that made it warned of something");

    /// <summary>The file is not a SQLite database, or is damaged.</summary>
    public static readonly ErrorCode SqliteDamaged =
        new("sqlite-damaged", ExitCodes.Incomplete, "a SQLite database is damaged at its source; the point keeps it as it is and does not count as proof");

    /// <summary>The SQLite file is locked for longer than the bound.</summary>
    public static readonly ErrorCode SqliteBusy =
        new("sqlite-busy", ExitCodes.Unavailable, "a SQLite database stayed locked for longer than the bound");

    /// <summary>Not a SQLite database, or one that SQLite refuses to open.</summary>
    public static readonly ErrorCode SqliteUnreadable =
        new("sqlite-unreadable", ExitCodes.Unavailable, "a file is not a SQLite database, is encrypted, or its header or length is damaged; nothing was captured");

    /// <summary>A crash left a transaction that only a writer can roll back.</summary>
    public static readonly ErrorCode SqliteNeedsRecovery =
        new("sqlite-needs-recovery", ExitCodes.Unavailable, "a crash left a half-done transaction in a SQLite database; its application must open it once before it can be read");

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

    /// <summary>The safety point was left out for an asset, on request.</summary>
    public static readonly ErrorCode SafetySkipped =
        new("safety-skipped", ExitCodes.Done, "--without-safety left an asset out of the safety point");

    /// <summary>What was there could not be captured and was moved aside as it is.</summary>
    public static readonly ErrorCode SafetyMovedAside =
        new("safety-moved-aside", ExitCodes.Done, "what is at the target cannot be read; it is kept as it is, under another name");

    /// <summary>Nobody confirmed.</summary>
    public static readonly ErrorCode NotConfirmed =
        new("not-confirmed", ExitCodes.Refused, "the plan was not confirmed: another name was typed, or there is no terminal and no --yes");

    /// <summary>Another command changes production right now.</summary>
    public static readonly ErrorCode OperationRunning =
        new("operation-running", ExitCodes.Refused, "another restore or undo of this application is running");

    /// <summary>Nothing is there that could be swapped back.</summary>
    public static readonly ErrorCode NothingToUndo =
        new("nothing-to-undo", ExitCodes.Refused, "no restore or undo has former data that could be swapped back");

    /// <summary>No restore of this name.</summary>
    public static readonly ErrorCode RestoreUnknown =
        new("restore-unknown", ExitCodes.Usage, "no restore or undo has this name, or several do");

    /// <summary>No asset of this name.</summary>
    public static readonly ErrorCode AssetUnknown =
        new("asset-unknown", ExitCodes.Usage, "the configuration or the point has no asset of this name");

    /// <summary>A database refused the question of a check.</summary>
    public static readonly ErrorCode QuestionRefused =
        new("question-refused", ExitCodes.CheckFailed, "a database refused the question of a check");

    /// <summary>No check of this name.</summary>
    public static readonly ErrorCode CheckUnknown =
        new("check-unknown", ExitCodes.Usage, "no check has this name");

    /// <summary>The former data is not where it was put.</summary>
    public static readonly ErrorCode FormerGone =
        new("former-gone", ExitCodes.Unavailable, "the former data is no longer where the restore had put it");

    /// <summary>A roll-back could not be finished.</summary>
    public static readonly ErrorCode PutBackFailed =
        new("put-back-failed", ExitCodes.Incomplete, "what was half-done could not be put back completely; nothing is lost, and it can be finished");

    /// <summary>The journal of a restore cannot be read.</summary>
    public static readonly ErrorCode JournalDamaged =
        new("journal-damaged", ExitCodes.Damaged, "a file of the state folder is not what we wrote");

    /// <summary>The application is not stopped by us.</summary>
    public static readonly ErrorCode ControlMissing =
        new("control-missing", ExitCodes.Done, "no control is configured, so the application is not stopped by Reprise");

    /// <summary>The point lacks something.</summary>
    public static readonly ErrorCode PointIncomplete =
        new("point-incomplete", ExitCodes.Incomplete, "the point says itself that something is missing in it");

    /// <summary>A secret that must match does not.</summary>
    public static readonly ErrorCode SecretMustMatch =
        new("secret-must-match", ExitCodes.Refused, "a secret marked must-match is not the one that was in force at the point");

    /// <summary>A secret cannot be put back where it came from.</summary>
    public static readonly ErrorCode SecretNotRestorable =
        new("secret-not-restorable", ExitCodes.Refused, "the values of the secrets are not in the point, or their source cannot be written");

    /// <summary>A .env file that cannot be read as one.</summary>
    public static readonly ErrorCode DotEnvInvalid =
        new("dotenv-invalid", ExitCodes.Usage, "a line of a .env file is not NAME=value, or a quote is not closed");

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

    /// <summary>A source holds much less than before.</summary>
    public static readonly ErrorCode SourceShrunk =
        new("source-shrunk", ExitCodes.Done, "a source holds less than half of what the last point held; a warning, the point is complete");

    /// <summary>A hook did not end with 0.</summary>
    public static readonly ErrorCode HookFailed =
        new("hook-failed", ExitCodes.Done, "a hook failed or took too long; a warning, what it followed is not affected");

    /// <summary>The files of a server cannot be captured from here.</summary>
    public static readonly ErrorCode PhysicalImpossible =
        new("physical-impossible", ExitCodes.Unavailable, "the files of a PostgreSQL server cannot be captured from here");

    /// <summary>Pages of a cluster have wrong checksums at their source.</summary>
    public static readonly ErrorCode PagesDamaged =
        new("pages-damaged", ExitCodes.Incomplete, "pages of a PostgreSQL server have wrong checksums at their source; the point keeps them as they are");

    /// <summary>The WAL of a backup is missing or not as PostgreSQL writes it.</summary>
    public static readonly ErrorCode WalRangeBroken =
        new("wal-range-broken", ExitCodes.Unavailable, "the WAL between start and end of a backup is missing or damaged; nothing was committed");

    /// <summary>Replay would write into a tablespace of production.</summary>
    public static readonly ErrorCode TablespaceReplay =
        new("tablespace-replay", ExitCodes.Refused, "the WAL of a point makes or drops a tablespace: replaying it beside production would write into production");

    /// <summary>A restored cluster is not what the point says.</summary>
    public static readonly ErrorCode ClusterRefused =
        new("cluster-refused", ExitCodes.Damaged, "pg_verifybackup refused the files of a restored server");

    /// <summary>What comes back in place does not archive its WAL.</summary>
    public static readonly ErrorCode ArchivingOff =
        new("archiving-off", ExitCodes.Done, "a server that is restored in place archives no WAL until that is asked for; a note, nothing failed");

    /// <summary>What was captured as files cannot be exchanged with what is there.</summary>
    public static readonly ErrorCode PhysicalInPlace =
        new("physical-in-place", ExitCodes.Refused, "the files of a server cannot be exchanged with those that are there");

    /// <summary>No such table.</summary>
    public static readonly ErrorCode TableUnknown =
        new("table-unknown", ExitCodes.Usage, "the point, or its server at that moment, has no table or database of this name");

    /// <summary>Several such tables.</summary>
    public static readonly ErrorCode TableAmbiguous =
        new("table-ambiguous", ExitCodes.Usage, "several schemas or databases have a table of this name");

    /// <summary>Not a table that can be brought back alone.</summary>
    public static readonly ErrorCode TableNotRestorable =
        new("table-not-restorable", ExitCodes.Usage, "what was named cannot be brought back as a table of its own: a view, a sequence, a foreign table, or a part of another table");

    /// <summary>There is no place for a new table.</summary>
    public static readonly ErrorCode SchemaMissing =
        new("schema-missing", ExitCodes.Refused, "the live database has no schema of this name in which the new table could be made");
}
