using System.Globalization;
using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Sqlite;

/// <summary>What <c>integrity_check</c> says of a database.</summary>
internal enum Integrity
{
    /// <summary>It ran and found nothing.</summary>
    Ok,

    /// <summary>It found damage.</summary>
    Damaged,

    /// <summary>
    /// It cannot run here, or not on every table: collations or functions of the application's own are missing.
    /// </summary>
    CouldNotVerify,
}

/// <summary>What a look into a private copy found. Everything in it is of one state of the database.</summary>
internal sealed record SqliteFindings
{
    public required Integrity Integrity { get; init; }

    /// <summary>The first finding, or why the check could not run; null when it is ok.</summary>
    public string? Detail { get; init; }

    /// <summary>Rows that point nowhere, counted up to the limit; null when that could not be asked.</summary>
    public long? ForeignKeyViolations { get; init; }

    public required SortedDictionary<string, long> Rows { get; init; }

    /// <summary>Whether <see cref="Rows"/> holds every table.</summary>
    public required bool AllRowsCounted { get; init; }

    /// <summary>What counting cost.</summary>
    public required TimeSpan RowsElapsed { get; init; }

    public string? Migration { get; init; }

    /// <summary>Page size, journal mode and the like, as they go into the facts of a record.</summary>
    public required SortedDictionary<string, string> Shape { get; init; }
}

/// <summary>Looks into a database that nobody else uses: a private copy, or staged data. Blocks; read-only.</summary>
internal static class SqliteExamination
{
    /// <summary>Rows are counted in so many tables, in order of name.</summary>
    public const int MaxTables = 5_000;

    /// <summary>Foreign key violations are counted up to this number.</summary>
    public const int MaxViolations = 1_000;

    // The check stops after so many findings: one is enough to know, a few help to say what is wrong.
    private const int MaxFindings = 10;

    /// <summary>Everything. Throws only what is no answer: a failing disk, cancellation.</summary>
    public static SqliteFindings Examine(SqliteSession session, TimeProvider clock)
    {
        var (integrity, detail) = CheckIntegrity(session);
        var began = clock.GetTimestamp();
        var (rows, all) = CountRows(session);
        return new SqliteFindings
        {
            Integrity = integrity,
            Detail = detail,
            ForeignKeyViolations = integrity == Integrity.Damaged ? null : CountViolations(session),
            Rows = rows,
            AllRowsCounted = all,
            RowsElapsed = clock.GetElapsedTime(began),
            Migration = FindMigration(session),
            Shape = Shape(session),
        };
    }

    /// <summary>
    /// Asks <c>integrity_check</c>; where a collation or function of the application's own stops it, table by table.
    /// </summary>
    public static (Integrity Integrity, string? Detail) CheckIntegrity(SqliteSession session)
    {
        var whole = Check(session, $"PRAGMA integrity_check({MaxFindings})");
        if (whole.Integrity != Integrity.CouldNotVerify) return whole;
        foreach (var table in Tables(session))
        {
            var one = Check(session, $"PRAGMA integrity_check({Quoted(table)})");
            if (one.Integrity == Integrity.Damaged) return one;
        }

        return whole;
    }

    /// <summary>
    /// Rows by table, internal and virtual ones left out. Costs a scan of the smallest tree of each table. A table that
    /// cannot be counted (damage) is left out, and so is what comes after the first <see cref="MaxTables"/>.
    /// </summary>
    public static (SortedDictionary<string, long> Rows, bool All) CountRows(SqliteSession session)
    {
        var rows = new SortedDictionary<string, long>(StringComparer.Ordinal);
        try
        {
            var tables = Tables(session);
            var all = tables.Count <= MaxTables;
            foreach (var table in tables.Take(MaxTables))
            {
                var (counted, failure) = session.LinesUntilFailure($"SELECT count(*) FROM {Quoted(table)}", 1);
                if (failure is { IsCorrupt: false, IsStatementError: false }) throw failure;
                if (failure is null) rows[table] = long.Parse(counted[0], CultureInfo.InvariantCulture);
                else all = false;
            }

            return (rows, all);
        }
        catch (SqliteResultException e) when (e.IsCorrupt)
        {
            return (rows, false);
        }
    }

    private static (Integrity Integrity, string? Detail) Check(SqliteSession session, string pragma)
    {
        var (lines, failure) = session.LinesUntilFailure(pragma, MaxFindings);
        if (failure is null && lines is ["ok"]) return (Integrity.Ok, null);
        if (failure is { IsStatementError: true } && lines.Count == 0)
            return (Integrity.CouldNotVerify, failure.Message);
        if (failure is { IsCorrupt: false } && lines.Count == 0) throw failure;
        return (Integrity.Damaged, Flat(lines.Count > 0 ? string.Join("; ", lines) : failure?.Message ?? "no answer"));
    }

    private static List<string> Tables(SqliteSession session) => session.Lines(
        $"""
        SELECT name FROM sqlite_schema
        WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
        ORDER BY name LIMIT {MaxTables + 1}
        """,
        MaxTables + 1);

    private static long? CountViolations(SqliteSession session)
    {
        var (lines, failure) = session.LinesUntilFailure("PRAGMA foreign_key_check", MaxViolations);
        return failure is null ? lines.Count : null;
    }

    internal static string? FindMigration(SqliteSession session)
    {
        foreach (var table in MigrationTables.All)
        {
            // A table of the same name with other columns is somebody else's: the query fails, and that is an answer.
            var (heads, failure) = session.LinesUntilFailure(table.Query, MigrationTables.MaxHeads);
            if (failure is null && MigrationTables.Describe(table, [.. heads]) is { } found) return found;
        }

        return null;
    }

    private static SortedDictionary<string, string> Shape(SqliteSession session)
    {
        var shape = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("pageSize", "page_size");
        Add("pageCount", "page_count");
        Add("journalMode", "journal_mode");
        Add("userVersion", "user_version");
        Add("applicationId", "application_id");
        Add("encoding", "encoding");
        Add("autoVacuum", "auto_vacuum");
        return shape;

        void Add(string name, string pragma)
        {
            var (lines, failure) = session.LinesUntilFailure("PRAGMA " + pragma, 1);
            if (failure is null && lines.Count == 1) shape[name] = lines[0];
        }
    }

    /// <summary>Findings contain line breaks; a problem is one line.</summary>
    private static string Flat(string text)
    {
        var line = text.Replace('\n', ' ').Trim();
        return line.Length <= 300 ? line : string.Concat(line.AsSpan(0, 300), "…");
    }

    private static string Quoted(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}
