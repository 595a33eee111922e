using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// One session with one database. Answers are text, so that a child <c>psql</c> can give them as well as Npgsql: a
/// question with many rows aggregates them into JSON itself. Used by one caller at a time.
/// </summary>
internal interface ISqlSession : IAsyncDisposable
{
    /// <summary>Which database it is connected to.</summary>
    string Database { get; }

    /// <summary>The first column of the first row as text; null when there is no row or it is null.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    Task<string?> ScalarAsync(string sql, CancellationToken cancellationToken);

    /// <summary>Runs one statement or several separated by semicolons.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    Task ExecuteAsync(string sql, CancellationToken cancellationToken);
}

/// <summary>How a session is opened.</summary>
internal enum SessionUse
{
    /// <summary>For our own questions: no search path, no timeouts, UTC.</summary>
    Ours,

    /// <summary>For a question of the user's: as the role and the database have it, read-only.</summary>
    Check,
}

/// <summary>The server refused a statement or a connection. The code follows from the SQLSTATE.</summary>
internal sealed class SqlException(string state, Problem problem, Exception? inner = null)
    : RepriseException(problem, inner)
{
    /// <summary>The five characters that PostgreSQL gives the error.</summary>
    public string State { get; } = state;
}

/// <summary>From SQLSTATE to what we tell the user.</summary>
internal static class SqlErrors
{
    public const string InsufficientPrivilege = "42501";
    public const string UndefinedDatabase = "3D000";
    public const string ObjectInUse = "55006";
    public const string LockNotAvailable = "55P03";
    public const string UndefinedTable = "42P01";
    public const string QueryCanceled = "57014";
    public const string UndefinedFunction = "42883";

    /// <summary>An error of the server about a statement or a connection to <paramref name="where"/>.</summary>
    public static SqlException From(string state, string message, string where, Exception? inner = null)
    {
        var problem = state switch
        {
            "28P01" or "28000" => Make(
                RecoveryErrors.PasswordRefused,
                $"{where} refused the login: {message}",
                "check user and password of the connection, and pg_hba.conf of the server"),
            UndefinedDatabase => Make(
                RecoveryErrors.DatabaseMissing,
                $"{where} does not exist",
                "check the database name of the connection; 'reprise restore' creates it from a point"),
            InsufficientPrivilege => Make(
                RecoveryErrors.PrivilegeMissing,
                $"{where}: {message}",
                "connect as the owner of the database or as a superuser"),
            ObjectInUse => Make(
                RecoveryErrors.TargetInUse,
                $"{where}: {message}",
                "stop what uses the database, then run the command again"),
            ['0', '8', ..] or ['5', '7', 'P', ..] or "53300" => Make(
                RecoveryErrors.DatabaseUnavailable,
                $"{where} does not answer: {message}",
                "look whether the server runs and accepts connections, then run the command again"),
            _ => Make(
                RecoveryErrors.SqlFailed,
                $"{where} answered with an error: {message} (SQLSTATE {state})",
                "look into the server's log around this time"),
        };
        return new SqlException(state, problem, inner);
    }

    /// <summary>No connection came about, for a reason below SQL.</summary>
    public static RepriseException Unreachable(string where, string why, Exception? inner = null) => new(
        RecoveryErrors.DatabaseUnavailable,
        $"{where} does not answer: {why}",
        "start the server, or correct host and port of the connection",
        inner);

    private static Problem Make(ErrorCode code, string message, string hint) =>
        new(code, Severity.Error, message, hint);
}

/// <summary>Pieces of SQL.</summary>
internal static class Sql
{
    /// <summary>
    /// What every session of ours begins with. A session that holds a snapshot must not be ended by a timeout of the
    /// role's, and answers must not depend on settings of the database's.
    /// </summary>
    public const string Setup =
        "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0;"
        + " set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO'; set standard_conforming_strings = on;"
        + " set row_security = off; set extra_float_digits = 1; set client_min_messages = warning;"
        + " select pg_catalog.set_config('transaction_timeout', '0', false)"
        + " from pg_catalog.pg_settings where name = 'transaction_timeout'";

    /// <summary>A name in double quotes.</summary>
    public static string Name(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>A table with its schema.</summary>
    public static string Name(string schema, string name) => Name(schema) + "." + Name(name);

    /// <summary>A text constant; standard strings are switched on in every session.</summary>
    public static string Text(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";
}
