namespace Reprise.Recovery.Assets;

/// <summary>The answer to a check. Only <see cref="Pass"/> counts as proof.</summary>
public enum Outcome
{
    /// <summary>Asked, and the answer was the expected one.</summary>
    Pass,

    /// <summary>Asked, and the answer was another one.</summary>
    Fail,

    /// <summary>Could not be asked, or the answer proves nothing.</summary>
    CouldNotVerify,

    /// <summary>Not asked, for a reason that is recorded.</summary>
    NotRun,

    /// <summary>There is nothing to ask.</summary>
    NotApplicable,
}

/// <summary>At which depth a check asks (see the levels in the design).</summary>
public enum CheckLevel
{
    /// <summary>Bytes are as they were written.</summary>
    Bytes = 1,

    /// <summary>The engine starts or opens it.</summary>
    Engine = 2,

    /// <summary>Structure: integrity, catalogue.</summary>
    Structure = 3,

    /// <summary>Data: rows, content, migration.</summary>
    Data = 4,

    /// <summary>The application as a whole.</summary>
    Application = 5,
}

/// <summary>One question and its answer.</summary>
public sealed record CheckOutcome
{
    /// <summary>Its name: configured, or built from asset and question (<c>orders-rows</c>).</summary>
    public required string Name { get; init; }

    /// <summary>How deep it asks.</summary>
    public required CheckLevel Level { get; init; }

    /// <summary>The answer's worth.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>What was expected, without secrets.</summary>
    public string? Expected { get; init; }

    /// <summary>What was answered, without secrets, or why it could not be asked.</summary>
    public string? Actual { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether a restore is rolled back unless it passes.</summary>
    public bool Required { get; init; } = true;

    /// <summary>The asset that was asked, or null.</summary>
    public string? Asset { get; init; }

    /// <summary>A stable reason in kebab-case when it did not pass, or null.</summary>
    public string? Reason { get; init; }
}
