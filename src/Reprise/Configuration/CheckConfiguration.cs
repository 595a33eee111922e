namespace Reprise.Configuration;

/// <summary>When a check can be asked.</summary>
internal enum CheckTime
{
    /// <summary>As soon as the data is back, before the application starts.</summary>
    Data,

    /// <summary>When the application runs.</summary>
    App,
}

/// <summary>One configured check: a question with an expected answer.</summary>
internal abstract record CheckConfiguration
{
    private CheckConfiguration()
    {
    }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands.</summary>
    public required Place Place { get; init; }

    /// <summary>Whether a restore is rolled back unless it passes.</summary>
    public bool Required { get; init; } = true;

    /// <summary>When it is asked.</summary>
    public required CheckTime When { get; init; }

    /// <summary>The asset that it asks, or null.</summary>
    public virtual string? AssetName => null;

    /// <summary>A page of the application.</summary>
    public sealed record Http : CheckConfiguration
    {
        /// <summary>Absolute address, http or https.</summary>
        public required Uri Url { get; init; }

        /// <summary>The status, or null: any of 200 to 299.</summary>
        public int? Status { get; init; }

        /// <summary>A text that must be in the answer, or null.</summary>
        public string? Contains { get; init; }

        /// <summary>JSON pointers with the value that must stand there.</summary>
        public IReadOnlyList<KeyValuePair<string, string>> Json { get; init; } = [];

        /// <summary>How long it may take to become so, or null: asked once.</summary>
        public TimeSpan? Within { get; init; }
    }

    /// <summary>A port.</summary>
    public sealed record Tcp : CheckConfiguration
    {
        /// <summary>Name or address.</summary>
        public required string Host { get; init; }

        /// <summary>1 to 65535.</summary>
        public required int Port { get; init; }

        /// <summary>How long it may take, or null: asked once.</summary>
        public TimeSpan? Within { get; init; }
    }

    /// <summary>A query of a PostgreSQL (or of a SQLite that a connection names).</summary>
    public sealed record Sql : CheckConfiguration
    {
        /// <summary>The database.</summary>
        public required string Asset { get; init; }

        /// <summary>Read-only.</summary>
        public required string Query { get; init; }

        /// <summary>What it must answer, or null: any row.</summary>
        public string? Expect { get; init; }

        /// <inheritdoc />
        public override string AssetName => Asset;
    }

    /// <summary>A query of a SQLite database.</summary>
    public sealed record Sqlite : CheckConfiguration
    {
        /// <summary>The database.</summary>
        public required string Asset { get; init; }

        /// <summary>Read-only.</summary>
        public required string Query { get; init; }

        /// <summary>What it must answer, or null: any row.</summary>
        public string? Expect { get; init; }

        /// <inheritdoc />
        public override string AssetName => Asset;
    }

    /// <summary>The rows of every table against those of the point.</summary>
    public sealed record Rows : CheckConfiguration
    {
        /// <summary>The database.</summary>
        public required string Asset { get; init; }

        /// <summary>By how much a count may differ.</summary>
        public required RowTolerance Tolerance { get; init; }

        /// <inheritdoc />
        public override string AssetName => Asset;
    }

    /// <summary>The migration of the database against the point, and against the code.</summary>
    public sealed record Migration : CheckConfiguration
    {
        /// <summary><c>alembic</c>, <c>flyway</c>, <c>efcore</c> or <c>django</c>.</summary>
        public required string Tool { get; init; }

        /// <summary>The database.</summary>
        public required string Asset { get; init; }

        /// <summary>The program that prints the head of the code, or null: only the point is compared.</summary>
        public IReadOnlyList<string>? Head { get; init; }

        /// <inheritdoc />
        public override string AssetName => Asset;
    }

    /// <summary>Two assets against each other: every path that a query answers must be a file of the other.</summary>
    public sealed record Set : CheckConfiguration
    {
        /// <summary>The database.</summary>
        public required string Asset { get; init; }

        /// <summary>Read-only; one column of paths.</summary>
        public required string Query { get; init; }

        /// <summary>The files.</summary>
        public required string Files { get; init; }

        /// <summary>Where in the files the paths begin; empty: at their root.</summary>
        public string Root { get; init; } = "";

        /// <inheritdoc />
        public override string AssetName => Asset;
    }

    /// <summary>A file.</summary>
    public sealed record File : CheckConfiguration
    {
        /// <summary>Absolute path.</summary>
        public required string Path { get; init; }

        /// <summary>64 lower-case hexadecimal digits, or null: it must exist.</summary>
        public string? Sha256 { get; init; }
    }

    /// <summary>A program that ends with 0.</summary>
    public sealed record Command : CheckConfiguration
    {
        /// <summary>Program and arguments.</summary>
        public required IReadOnlyList<string> Run { get; init; }

        /// <summary>Absolute path of the folder where it runs.</summary>
        public required string In { get; init; }

        /// <summary>How long it may take, or null: a limit of ours.</summary>
        public TimeSpan? Within { get; init; }
    }
}

/// <summary>By how much a count of rows may differ.</summary>
/// <param name="Rows">by this many rows,</param>
/// <param name="Percent">or by this part of the count, whichever is more.</param>
internal readonly record struct RowTolerance(long Rows, double Percent);
