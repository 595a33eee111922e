using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using SQLitePCL;

namespace Reprise.Recovery.Sqlite;

/// <summary>What SQLite answered, as a problem of ours; <see cref="Result"/> is its extended result code.</summary>
internal sealed class SqliteResultException(int result, Problem problem) : RepriseException(problem)
{
    // Extended codes: the primary code in the low byte, a detail above it (sqlite.org/rescode.html).
    private const int ReadOnlyRecovery = raw.SQLITE_READONLY | (1 << 8);
    private const int ReadOnlyRollback = raw.SQLITE_READONLY | (3 << 8);

    /// <summary>SQLite's extended result code.</summary>
    public int Result { get; } = result;

    /// <summary>Whether somebody else holds a lock: the same call may succeed later.</summary>
    public bool IsBusy => IsBusyResult(Result);

    /// <summary>Whether the content itself is wrong.</summary>
    public bool IsCorrupt => (Result & 0xFF) == raw.SQLITE_CORRUPT;

    /// <summary>
    /// Whether the statement itself cannot be run here: a collation, function or module of the application's own.
    /// </summary>
    public bool IsStatementError => (Result & 0xFF) == raw.SQLITE_ERROR;

    /// <summary>Whether <paramref name="result"/> says that somebody else holds a lock.</summary>
    public static bool IsBusyResult(int result) => (result & 0xFF) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>
    /// Builds the exception for <paramref name="result"/> about the database at <paramref name="path"/>.
    /// </summary>
    public static SqliteResultException Of(int result, string said, DiskPath path)
    {
        var (code, message, hint) = Explain(result, path, $"SQLite says '{said}' ({result})");
        var problem = new Problem(code, Severity.Error, message, hint) { Where = path.ToString() };
        return new SqliteResultException(result, problem);
    }

    private static (ErrorCode Code, string Message, string Hint) Explain(int result, DiskPath path, string said) =>
        (result, result & 0xFF) switch
        {
            (ReadOnlyRollback or ReadOnlyRecovery, _) => (
                RecoveryErrors.SqliteNeedsRecovery,
                $"{path} holds a transaction that a crash left half-done; {said}",
                $"start its application once, or run sqlite3 '{path}' 'select 1 from sqlite_schema', then try again"),
            (_, raw.SQLITE_BUSY or raw.SQLITE_LOCKED) => (
                RecoveryErrors.SqliteBusy,
                $"{path} is locked by another process; {said}",
                "wait for the transaction that holds it to end, or end the process that holds it"),
            (_, raw.SQLITE_NOTADB) => (
                RecoveryErrors.SqliteUnreadable,
                $"{path} is not a SQLite database; {said}",
                "check the path; an encrypted one cannot be captured; if its header is damaged, restore it from a point"),
            (_, raw.SQLITE_CORRUPT) => (
                RecoveryErrors.SqliteUnreadable,
                $"{path} is damaged so far that it cannot be read; {said}",
                "keep a copy of it with its -wal and -journal, then restore it from a point"),
            (_, raw.SQLITE_CANTOPEN or raw.SQLITE_PERM or raw.SQLITE_AUTH or raw.SQLITE_READONLY) => (
                StorageErrors.FileDenied,
                $"{path} cannot be opened; {said}",
                "run as a user who may read it and, in WAL mode, write its folder, where SQLite keeps its -shm file"),
            (_, raw.SQLITE_FULL) => (
                StorageErrors.DiskFull,
                $"no room is left while writing {path}; {said}",
                "free some room there"),
            (_, raw.SQLITE_IOERR or raw.SQLITE_NOMEM) => (
                StorageErrors.MediumFailed,
                $"{path} could not be read or written; {said}",
                "look at the kernel's messages (dmesg) and at the health of the disk, then try again"),
            _ => (
                RecoveryErrors.SqliteUnreadable,
                $"{path} answers with an error; {said}",
                "open it with the sqlite3 shell to see more"),
        };
}
