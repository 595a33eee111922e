using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using SQLitePCL;

namespace Reprise.Recovery.Sqlite;

/// <summary>
/// One connection. Read-only connections to a database of the application never checkpoint it and never take a write
/// lock: a read-write one folds the WAL into the database when it is closed. Calls block; use them through
/// <see cref="Storage.Runtime.Cpu"/>. Nothing waits for locks here: a lock of somebody else is an exception at once.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    private const int InstructionsBetweenLooks = 2_000;

    private readonly sqlite3 handle;
    private readonly DiskPath path;
    private readonly CancellationToken cancellationToken;

    private SqliteSession(sqlite3 handle, DiskPath path, CancellationToken cancellationToken)
    {
        this.handle = handle;
        this.path = path;
        this.cancellationToken = cancellationToken;
        raw.sqlite3_progress_handler(
            handle, InstructionsBetweenLooks, _ => cancellationToken.IsCancellationRequested ? 1 : 0, null);
    }

    /// <summary>The connection, for the backup interface.</summary>
    public sqlite3 Handle => handle;

    /// <summary>
    /// Opens a database without the right to write it. Statements end with <see cref="OperationCanceledException"/>
    /// when <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    public static SqliteSession OpenReadOnly(DiskPath path, CancellationToken cancellationToken) =>
        Open(path, raw.SQLITE_OPEN_READONLY, cancellationToken);

    /// <summary>Opens an existing, empty file of our own to be filled.</summary>
    public static SqliteSession OpenCopy(DiskPath path, CancellationToken cancellationToken)
    {
        var session = Open(path, raw.SQLITE_OPEN_READWRITE, cancellationToken);
        try
        {
            // It is thrown away when it is not finished: neither a journal nor a sync would protect anything.
            session.Execute("PRAGMA journal_mode = OFF");
            session.Execute("PRAGMA synchronous = OFF");
            return session;
        }
        catch (SqliteResultException)
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement and ignores its rows.</summary>
    public void Execute(string sql) => Lines(sql, 0);

    /// <summary>The first column of the first row as text, or empty.</summary>
    public string Text(string sql) => Lines(sql, 1).FirstOrDefault("");

    /// <summary>The first column of the first row as a number, or 0.</summary>
    public long Number(string sql) => Run(sql, 1, statement => raw.sqlite3_column_int64(statement, 0)).FirstOrDefault();

    /// <summary>The first column of at most <paramref name="limit"/> rows as text.</summary>
    public List<string> Lines(string sql, int limit) =>
        Run(sql, limit, statement => raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "");

    /// <summary>
    /// Like <see cref="Lines"/>, but an error after the first rows ends the list instead of throwing:
    /// <c>integrity_check</c> tells what it found, and then may fail with the very damage that it has told.
    /// </summary>
    public (IReadOnlyList<string> Lines, SqliteResultException? Failure) LinesUntilFailure(string sql, int limit)
    {
        var lines = new List<string>();
        try
        {
            Run(sql, limit, Take);
            return (lines, null);
        }
        catch (SqliteResultException e)
        {
            return (lines, e);
        }

        int Take(sqlite3_stmt statement)
        {
            lines.Add(raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "");
            return 0;
        }
    }

    /// <summary>An exception for <paramref name="result"/>, with what SQLite says of the last call.</summary>
    public SqliteResultException Failure(int result) =>
        SqliteResultException.Of(result, raw.sqlite3_errmsg(handle).utf8_to_string() ?? "", path);

    /// <inheritdoc />
    public void Dispose() => raw.sqlite3_close_v2(handle);

    private static SqliteSession Open(DiskPath path, int flags, CancellationToken cancellationToken)
    {
        Invariant.Check(SqliteEngine.Version.Length > 0, "SQLite is loaded before it is used");
        byte[] terminated = [.. path.Bytes, 0];
        var result = raw.sqlite3_open_v2(utf8z.FromSpan(terminated), out var handle, flags, utf8z.FromString(null));
        if (result != raw.SQLITE_OK)
        {
            var extended = handle is null ? result : raw.sqlite3_extended_errcode(handle);
            var said = raw.sqlite3_errstr(result).utf8_to_string() ?? "";
            if (handle is not null) raw.sqlite3_close_v2(handle);
            throw SqliteResultException.Of(extended, said, path);
        }

        raw.sqlite3_extended_result_codes(handle, 1);

        // Whoever closes a WAL database last folds the WAL into it and deletes it: that is not ours to do.
        result = raw.sqlite3_db_config(handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out var set);
        Invariant.Check(result == raw.SQLITE_OK && set == 1, "SQLite knows how not to checkpoint on close");
        return new SqliteSession(handle, path, cancellationToken);
    }

    private List<T> Run<T>(string sql, int limit, Func<sqlite3_stmt, T> read)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var result = raw.sqlite3_prepare_v2(handle, sql, out var statement);
        if (result != raw.SQLITE_OK) throw Ended(result);
        using (statement)
        {
            var rows = new List<T>();
            while ((result = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                if (rows.Count == limit) return rows;
                rows.Add(read(statement));
            }

            return result == raw.SQLITE_DONE ? rows : throw Ended(result);
        }
    }

    private Exception Ended(int result) =>
        result == raw.SQLITE_INTERRUPT ? new OperationCanceledException(cancellationToken) : Failure(result);
}
