using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Checks;

/// <summary>When a check is asked in a restore.</summary>
public enum CheckTime
{
    /// <summary>Of the recovered data, before the application starts.</summary>
    Data,

    /// <summary>Of the running application; asked once while it is stopped, too, and must not be green then.</summary>
    Application,
}

/// <summary>One configured question with its expected answer.</summary>
public abstract record CheckDefinition
{
    /// <summary>How long a network check or a command is tried unless <c>within</c> says otherwise.</summary>
    public static readonly TimeSpan DefaultWithin = TimeSpan.FromSeconds(30);

    private CheckDefinition()
    {
    }

    /// <summary>Its name in the configuration.</summary>
    public required string Name { get; init; }

    /// <summary>Whether a restore is rolled back unless it passes.</summary>
    public bool Required { get; init; } = true;

    /// <summary>What the configuration says about when, or null: as the kind suggests.</summary>
    public CheckTime? Asked { get; init; }

    /// <summary>When it is asked.</summary>
    public CheckTime When => Asked ?? (Level == CheckLevel.Application ? CheckTime.Application : CheckTime.Data);

    /// <summary>How deep it asks.</summary>
    public abstract CheckLevel Level { get; }

    /// <summary>The asset it asks, or null.</summary>
    public virtual string? OfAsset => null;

    /// <summary>
    /// GET an address. Redirects are not followed, proxies not used; at most 1 MiB of the answer is read.
    /// </summary>
    public sealed record Http : CheckDefinition
    {
        /// <summary>Where.</summary>
        public required Uri Url { get; init; }

        /// <summary>The expected status, or null: any of 200 to 299.</summary>
        public int? Status { get; init; }

        /// <summary>What the body must contain, or null.</summary>
        public string? Contains { get; init; }

        /// <summary>What must stand at some JSON pointers (RFC 6901) of the body.</summary>
        public IReadOnlyDictionary<string, Expectation> Json { get; init; } =
            new SortedDictionary<string, Expectation>();

        /// <summary>
        /// How far the clock of whoever answers (its <c>Date</c>) may be from ours, whatever the status; null: another
        /// question.
        /// </summary>
        public TimeSpan? ClockWithin { get; init; }

        /// <summary>How long it is tried again before it has failed.</summary>
        public TimeSpan Within { get; init; } = DefaultWithin;

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Application;
    }

    /// <summary>Connects to a port.</summary>
    public sealed record Tcp : CheckDefinition
    {
        /// <summary>Name or address.</summary>
        public required string Host { get; init; }

        /// <summary>1 to 65535.</summary>
        public required int Port { get; init; }

        /// <summary>How long it is tried again before it has failed.</summary>
        public TimeSpan Within { get; init; } = DefaultWithin;

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Application;
    }

    /// <summary>Asks a PostgreSQL asset for one scalar.</summary>
    public sealed record Sql : CheckDefinition
    {
        /// <summary>The asset.</summary>
        public required string Asset { get; init; }

        /// <summary>One statement that answers one row with one column; run read-only.</summary>
        public required string Query { get; init; }

        /// <summary>The expected answer, or null: any that is not empty.</summary>
        public Expectation? Expect { get; init; }

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Data;

        /// <inheritdoc />
        public override string OfAsset => Asset;
    }

    /// <summary>Asks a SQLite asset for one scalar.</summary>
    public sealed record Sqlite : CheckDefinition
    {
        /// <summary>The asset.</summary>
        public required string Asset { get; init; }

        /// <summary>One statement that answers one row with one column; run read-only.</summary>
        public required string Query { get; init; }

        /// <summary>The expected answer, or null: any that is not empty.</summary>
        public Expectation? Expect { get; init; }

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Data;

        /// <inheritdoc />
        public override string OfAsset => Asset;
    }

    /// <summary>Compares the rows of every table with those of the point.</summary>
    public sealed record Rows : CheckDefinition
    {
        /// <summary>The asset.</summary>
        public required string Asset { get; init; }

        /// <summary>How far a count may be off.</summary>
        public RowTolerance Tolerance { get; init; }

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Data;

        /// <inheritdoc />
        public override string OfAsset => Asset;
    }

    /// <summary>Compares the schema revision with the one of the point, and with the head of the code.</summary>
    public sealed record Migration : CheckDefinition
    {
        /// <summary>
        /// Who keeps the revision in the database: what stands before the colon of <see cref="AssetRecord.Migration"/>.
        /// </summary>
        public required string Tool { get; init; }

        /// <summary>The asset.</summary>
        public required string Asset { get; init; }

        /// <summary>What prints the head of the code, or null: only the point is compared.</summary>
        public ChildCommand? Head { get; init; }

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Data;

        /// <inheritdoc />
        public override string OfAsset => Asset;
    }

    /// <summary>Compares two assets: every path that a query answers must be a file of the other asset.</summary>
    public sealed record Set : CheckDefinition
    {
        /// <summary>The database, PostgreSQL or SQLite.</summary>
        public required string Asset { get; init; }

        /// <summary>One statement that answers one column of paths; run read-only.</summary>
        public required string Query { get; init; }

        /// <summary>The files asset in which they must be.</summary>
        public required string Files { get; init; }

        /// <summary>The folder of that asset where the paths begin; empty: its own root.</summary>
        public string Root { get; init; } = "";

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Data;

        /// <inheritdoc />
        public override string OfAsset => Asset;
    }

    /// <summary>Looks at one file.</summary>
    public sealed record File : CheckDefinition
    {
        /// <summary>Absolute.</summary>
        public required string Path { get; init; }

        /// <summary>64 hexadecimal digits, or null: it only has to be there.</summary>
        public string? Sha256 { get; init; }

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Bytes;
    }

    /// <summary>Runs a program, which passes with exit code 0.</summary>
    public sealed record Command : CheckDefinition
    {
        /// <summary>The program, its arguments and its folder.</summary>
        public required ChildCommand Run { get; init; }

        /// <summary>How long it is tried again before it has failed, the running time included.</summary>
        public TimeSpan Within { get; init; } = DefaultWithin;

        /// <inheritdoc />
        public override CheckLevel Level => CheckLevel.Application;
    }
}

/// <summary>
/// How far a count of rows may be off: by <paramref name="Rows"/>, or by <paramref name="Percent"/>, whichever is more.
/// </summary>
/// <param name="Rows">absolute.</param>
/// <param name="Percent">of the count of the point.</param>
public readonly record struct RowTolerance(long Rows, double Percent)
{
    /// <summary>Whether <paramref name="actual"/> is near enough to <paramref name="expected"/>.</summary>
    public bool Allows(long expected, long actual) =>
        Math.Abs((decimal)actual - expected) <= Math.Max(Rows, (decimal)(expected * Percent / 100));

    /// <inheritdoc />
    public override string ToString() => this == default ? "exactly" : $"within {Rows:N0} rows or {Percent:0.###} %";
}
