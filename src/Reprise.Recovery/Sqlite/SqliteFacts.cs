namespace Reprise.Recovery.Sqlite;

/// <summary>
/// The keys under which a record keeps what a SQLite database needs to come back, and what its capture cost.
/// </summary>
public static class SqliteFacts
{
    /// <summary>The stream that holds the database file.</summary>
    public const string Stream = "database";

    /// <summary>Permission bits of the file, octal.</summary>
    public const string Mode = "mode";

    /// <summary>Numeric owner of the file.</summary>
    public const string User = "user";

    /// <summary>Numeric group of the file.</summary>
    public const string Group = "group";

    /// <summary>Permission bits of its folder, octal; used when the folder has to be made again.</summary>
    public const string FolderMode = "folderMode";

    /// <summary>Numeric owner of its folder.</summary>
    public const string FolderUser = "folderUser";

    /// <summary>Numeric group of its folder.</summary>
    public const string FolderGroup = "folderGroup";

    /// <summary><see cref="Ok"/>, <see cref="Damaged"/> or <see cref="CouldNotVerify"/>.</summary>
    public const string Integrity = "integrity";

    /// <summary>What <c>integrity_check</c> found, or why it could not run.</summary>
    public const string IntegrityDetail = "integrityDetail";

    /// <summary>Rows that point nowhere, counted up to a limit; <c>unknown</c> when that could not be asked.</summary>
    public const string ForeignKeyViolations = "foreignKeyViolations";

    /// <summary><c>true</c> when every table was counted.</summary>
    public const string AllRowsCounted = "allRowsCounted";

    /// <summary>What counting the rows cost, on the private copy, where nobody waits for it.</summary>
    public const string RowsSeconds = "rowsSeconds";

    /// <summary>How long the copy took.</summary>
    public const string CopySeconds = "copySeconds";

    /// <summary>
    /// The longest time for which writers had to wait for us; a writer's own polling comes on top. 0 in WAL mode.
    /// </summary>
    public const string LongestWriterWaitSeconds = "longestWriterWaitSeconds";

    /// <summary>How often a writer's commit made the copy start again (rollback mode).</summary>
    public const string Restarts = "restarts";

    /// <summary><c>true</c> when one lock or transaction was held for the whole copy.</summary>
    public const string OnePass = "onePass";

    /// <summary>Value of <see cref="Integrity"/>.</summary>
    public const string Ok = "ok";

    /// <summary>Value of <see cref="Integrity"/>.</summary>
    public const string Damaged = "damaged";

    /// <summary>Value of <see cref="Integrity"/>.</summary>
    public const string CouldNotVerify = "could-not-verify";
}
