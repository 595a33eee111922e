namespace Reprise.Configuration;

/// <summary>One asset of the configuration.</summary>
internal abstract record AssetConfiguration
{
    private AssetConfiguration()
    {
    }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands.</summary>
    public required Place Place { get; init; }

    /// <summary><c>postgres</c>, <c>sqlite</c>, <c>files</c> or <c>secrets</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Databases are captured first, files last.</summary>
    public bool IsDatabase => this is Postgres or Sqlite;

    /// <summary>A PostgreSQL database or cluster.</summary>
    public sealed record Postgres : AssetConfiguration
    {
        /// <inheritdoc />
        public override string Kind => "postgres";

        /// <summary>A URI, libpq's <c>key=value</c> or Npgsql's <c>;</c> form.</summary>
        public required SecretText Connection { get; init; }

        /// <summary>The data directory when it can be read here; null: the server reads its files itself.</summary>
        public string? DataFolder { get; init; }

        /// <summary>How it is captured.</summary>
        public PostgresMethod Method { get; init; }

        /// <summary>
        /// What goes before <c>pg_dump</c>, <c>pg_restore</c> and <c>psql</c>, or null: they run here.
        /// </summary>
        public PostgresVia? Via { get; init; }

        /// <summary>How the server itself is stopped and started, or null.</summary>
        public PostgresControl? Control { get; init; }

        /// <summary>The database from which others are created and renamed.</summary>
        public string Maintenance { get; init; } = "postgres";

        /// <summary>How its WAL is streamed.</summary>
        public PostgresWal Wal { get; init; } = new();
    }

    /// <summary>A SQLite database.</summary>
    public sealed record Sqlite : AssetConfiguration
    {
        /// <inheritdoc />
        public override string Kind => "sqlite";

        /// <summary>Absolute path of the file.</summary>
        public required string Path { get; init; }
    }

    /// <summary>A set of files.</summary>
    public sealed record Files : AssetConfiguration
    {
        /// <inheritdoc />
        public override string Kind => "files";

        /// <summary>Patterns of what belongs to it, from the folder of the configuration.</summary>
        public required IReadOnlyList<string> Include { get; init; }

        /// <summary>Patterns of what does not, though it is included.</summary>
        public IReadOnlyList<string> Exclude { get; init; } = [];
    }

    /// <summary>A set of secrets: their names, and what may be kept of them.</summary>
    public sealed record Secrets : AssetConfiguration
    {
        /// <inheritdoc />
        public override string Kind => "secrets";

        /// <summary>The names.</summary>
        public required IReadOnlyList<string> References { get; init; }

        /// <summary>Absolute path of the file that sets them, or null: the environment alone does.</summary>
        public string? From { get; init; }

        /// <summary>Whether the values are kept too, encrypted; otherwise only a keyed fingerprint.</summary>
        public bool KeepValues { get; init; }

        /// <summary>Whether a restore is refused when one differs; otherwise it warns.</summary>
        public bool MustMatch { get; init; }
    }
}

/// <summary>How a PostgreSQL is captured.</summary>
internal enum PostgresMethod
{
    /// <summary>Chosen once from what is possible, stored, and said.</summary>
    Auto,

    /// <summary><c>pg_dump</c>.</summary>
    Logical,

    /// <summary>The files of the cluster.</summary>
    Physical,
}

/// <summary>Where the client programs of a PostgreSQL run.</summary>
internal abstract record PostgresVia
{
    private PostgresVia()
    {
    }

    /// <summary>Inside a service of the compose file.</summary>
    public sealed record Compose(string Service) : PostgresVia;

    /// <summary>Behind a prefix, such as <c>docker exec -i NAME</c>.</summary>
    public sealed record Exec(IReadOnlyList<string> Prefix) : PostgresVia;
}

/// <summary>How the WAL of a PostgreSQL is streamed.</summary>
internal sealed record PostgresWal
{
    /// <summary>The replication slot, or null: one that is named after the application.</summary>
    public string? Slot { get; init; }

    /// <summary>The name for <c>synchronous_standby_names</c>.</summary>
    public string Name { get; init; } = "reprise";

    /// <summary>How often what came is made durable when no commit waits for it, or null: as the objective demands.</summary>
    public TimeSpan? FlushEvery { get; init; }
}

/// <summary>How a PostgreSQL server is stopped and started.</summary>
internal abstract record PostgresControl
{
    private PostgresControl()
    {
    }

    /// <summary>With <c>pg_ctl</c> on the data directory.</summary>
    public sealed record PgCtl : PostgresControl;

    /// <summary>As a unit of systemd.</summary>
    public sealed record Systemd(string Unit) : PostgresControl;

    /// <summary>As a service of the compose file.</summary>
    public sealed record Compose(string Service) : PostgresControl;

    /// <summary>With programs.</summary>
    public sealed record Programs(IReadOnlyList<string> Stop, IReadOnlyList<string> Start) : PostgresControl
    {
        /// <summary>Prints the end of the server's log, or null: nobody said how. Only runbooks ask for it.</summary>
        public IReadOnlyList<string>? Log { get; init; }
    }
}
