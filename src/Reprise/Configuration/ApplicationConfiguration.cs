namespace Reprise.Configuration;

/// <summary>
/// One <c>reprise.yaml</c>, checked: what of an application is protected, where, and how it is proven.
/// </summary>
internal sealed record ApplicationConfiguration
{
    /// <summary>The application's name; it is typed before a restore.</summary>
    public required string Application { get; init; }

    /// <summary>Where the points are kept.</summary>
    public required RepositoryConfiguration Repository { get; init; }

    /// <summary>What was promised.</summary>
    public required ObjectivesConfiguration Objectives { get; init; }

    /// <summary>What is protected, in the order of the file.</summary>
    public required IReadOnlyList<AssetConfiguration> Assets { get; init; }

    /// <summary>How the application is stopped and started, or null: Reprise does not do it.</summary>
    public ControlConfiguration? Control { get; init; }

    /// <summary>The questions that prove a recovered application, in the order of the file.</summary>
    public required IReadOnlyList<CheckConfiguration> Checks { get; init; }

    /// <summary>How long points and former data are kept.</summary>
    public required RetentionConfiguration Retention { get; init; }

    /// <summary>What is started after an operation.</summary>
    public required HooksConfiguration Hooks { get; init; }

    /// <summary>How a drill starts the application, or null.</summary>
    public DrillConfiguration? Drill { get; init; }

    /// <summary>Absolute path of the file.</summary>
    public required string File { get; init; }

    /// <summary>Its folder, where relative paths start.</summary>
    public required string Folder { get; init; }

    /// <summary>The file as it was written, variables unresolved: every point keeps it.</summary>
    public required string Text { get; init; }

    /// <summary>Where variables and secrets are looked up.</summary>
    public required Variables Variables { get; init; }

    /// <summary>The text of the file may hold a password: it is not printed.</summary>
    public override string ToString() => $"{Application} ({File})";
}

/// <summary>Where the points are kept and how they are opened.</summary>
internal sealed record RepositoryConfiguration
{
    /// <summary>The place.</summary>
    public required RepositoryLocation Location { get; init; }

    /// <summary>Absolute path of the key file, or null: a passphrase is used, or the key is <c>{}</c>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The passphrase, or null: the key file is used, or a terminal is asked.</summary>
    public SecretText? Passphrase { get; init; }
}

/// <summary>A place for a repository.</summary>
internal abstract record RepositoryLocation
{
    private RepositoryLocation()
    {
    }

    /// <summary>A folder.</summary>
    /// <param name="Path">absolute.</param>
    public sealed record Folder(string Path) : RepositoryLocation
    {
        /// <inheritdoc />
        public override string ToString() => Path;
    }

    /// <summary>A place on a network.</summary>
    /// <param name="Scheme"><c>s3</c>, <c>sftp</c> or <c>azure</c>.</param>
    /// <param name="Address">the whole address; holds no secret.</param>
    public sealed record Remote(string Scheme, Uri Address) : RepositoryLocation
    {
        /// <inheritdoc />
        public override string ToString() => Address.OriginalString;
    }
}

/// <summary>What was promised; null means nothing was.</summary>
internal sealed record ObjectivesConfiguration
{
    /// <summary>At most this much may be lost.</summary>
    public TimeSpan? Rpo { get; init; }

    /// <summary>The application must be back within this.</summary>
    public TimeSpan? Rto { get; init; }

    /// <summary>It must be rehearsed this often.</summary>
    public TimeSpan? Drill { get; init; }
}

/// <summary>
/// How the application is stopped and started: argument lists, started in the folder of the configuration.
/// </summary>
internal sealed record ControlConfiguration
{
    /// <summary>Ends it; returns when it has ended.</summary>
    public required IReadOnlyList<string> Stop { get; init; }

    /// <summary>Starts it.</summary>
    public required IReadOnlyList<string> Start { get; init; }

    /// <summary>Prints the end of its log, or null: nobody said how. Only runbooks ask for it.</summary>
    public IReadOnlyList<string>? Log { get; init; }
}

/// <summary>How long points and former data are kept. The defaults are those that <c>init</c> writes.</summary>
internal sealed record RetentionConfiguration
{
    /// <summary>Days with a point.</summary>
    public int Daily { get; init; } = 14;

    /// <summary>Weeks with a point.</summary>
    public int Weekly { get; init; } = 8;

    /// <summary>Months with a point.</summary>
    public int Monthly { get; init; } = 12;

    /// <summary>How long safety points stay.</summary>
    public TimeSpan Safety { get; init; } = TimeSpan.FromDays(14);

    /// <summary>How long the data that a restore replaced stays.</summary>
    public TimeSpan Former { get; init; } = TimeSpan.FromHours(72);
}

/// <summary>Programs that get the JSON result on their standard input; null: none.</summary>
internal sealed record HooksConfiguration
{
    /// <summary>After every backup that committed a point.</summary>
    public IReadOnlyList<string>? AfterBackup { get; init; }

    /// <summary>When an operation did not end with 0.</summary>
    public IReadOnlyList<string>? OnFailure { get; init; }
}

/// <summary>How a drill starts the application on recovered data.</summary>
internal sealed record DrillConfiguration
{
    /// <summary>The program, in the foreground.</summary>
    public required IReadOnlyList<string> Run { get; init; }

    /// <summary>Its variables; <c>{asset.url}</c> and <c>{asset.path}</c> stand for the recovered ones.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; }

    /// <summary>When it counts as started, or null: at once.</summary>
    public CheckConfiguration? Ready { get; init; }
}
