namespace Reprise.Recovery.Postgres;

/// <summary>How a PostgreSQL asset is captured.</summary>
public enum PostgresMethod
{
    /// <summary>
    /// Resolved once, then stored in the point: logical, until what was captured physically comes back in place too.
    /// </summary>
    Auto,

    /// <summary><c>pg_dump</c> and <c>pg_restore</c>, one database or all.</summary>
    Logical,

    /// <summary>The files of a whole server with their WAL, read where they lie or through the server.</summary>
    Physical,
}

/// <summary>What the configuration says of one PostgreSQL asset.</summary>
public sealed record PostgresSettings
{
    /// <summary>
    /// A libpq URI (a SQLAlchemy <c>+driver</c> suffix is dropped), libpq key=value, or Npgsql's <c>;</c> form. Empty:
    /// everything from <c>PG*</c>, service file and pass file.
    /// </summary>
    public required string ConnectionText { get; init; }

    /// <summary>How it is captured.</summary>
    public PostgresMethod Method { get; init; } = PostgresMethod.Auto;

    /// <summary>
    /// Put before <c>pg_dump</c>, <c>pg_restore</c>, <c>pg_dumpall</c> and <c>psql</c>, for a server that publishes no
    /// port: <c>docker compose exec -T db</c>. Every question then goes through <c>psql</c> there too, over the
    /// server's own socket; host and port of the connection are not used. It must hand standard input through. Null:
    /// not used.
    /// </summary>
    public IReadOnlyList<string>? Via { get; init; }

    /// <summary>
    /// The data directory when it can be read from here; null: physical capture reads it through the server.
    /// </summary>
    public string? DataFolder { get; init; }

    /// <summary>
    /// Whether the server that the connection names is a sandbox's, and was made of the files of the point itself.
    /// </summary>
    public bool IsRecovered { get; init; }

    /// <summary>Where the WAL lies with which files are taken on to a later moment; null: none is at hand.</summary>
    public Repository.Wal.WalArchive? Archive { get; init; }

    /// <summary>How its server is stopped and started when its files are exchanged; null: not by us.</summary>
    public InPlace.ServerControl? Control { get; init; }

    /// <summary>Whether somebody vouches for what cannot be seen from here: that no server works in the data directory.</summary>
    public bool ServerIsStopped { get; init; }

    /// <summary>The database that is connected to for creating and renaming others.</summary>
    public string Maintenance { get; init; } = "postgres";

    /// <summary>
    /// Whether every database of the server is captured instead of the one that the connection names.
    /// </summary>
    public bool AllDatabases { get; init; }

    /// <summary>
    /// Whether <c>count(*)</c> of each table is asked in the snapshot and compared with the rows that the dump holds.
    /// Rows are counted in the dump in any case, which costs nothing; asking the server reads every table once more.
    /// </summary>
    public bool CountRows { get; init; } = true;

    /// <summary>Whether a staged database gets statistics (<c>ANALYZE</c>) before it becomes live.</summary>
    public bool Analyze { get; init; } = true;

    /// <summary>Jobs of <c>pg_restore</c>; 0: one a core. Always one through <see cref="Via"/>.</summary>
    public int RestoreJobs { get; init; }

    /// <summary>
    /// Where the dump is laid out for <c>pg_restore</c>, which must seek in it: it needs the room of the uncompressed
    /// data. Null: the system's temporary folder. Not used with <see cref="Via"/>, where the dump is streamed.
    /// </summary>
    public string? StageFolder { get; init; }

    /// <summary>
    /// Tables whose rows take at least this much are read beside pg_dump, and loaded from the point itself instead of
    /// through a file.
    /// </summary>
    public long LargeTableBytes { get; init; } = LargeTables.LeastBytes;

    /// <summary>How much of a large table is read by one statement; several are read at once.</summary>
    public long PieceBytes { get; init; } = 128L * 1024 * 1024;

    /// <summary>A folder that holds the client programs, or null: they are looked for.</summary>
    public string? ClientFolder { get; init; }

    /// <summary>
    /// How long real row counts of a target may take before the planner's estimates are taken instead.
    /// </summary>
    public TimeSpan InspectWithin { get; init; } = TimeSpan.FromSeconds(20);
}
