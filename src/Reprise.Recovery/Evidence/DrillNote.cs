namespace Reprise.Recovery.Evidence;

/// <summary>
/// What somebody adds to a drill later: a gap with the action that closes it, or that an action is done. It is signed
/// like the drill; nothing is ever rewritten.
/// </summary>
public sealed record DrillNote
{
    /// <summary>Its identifier, built like that of a drill.</summary>
    public required string Id { get; init; }

    /// <summary>The drill that it adds to.</summary>
    public required string Drill { get; init; }

    /// <summary>Number of the evidence that it adds to: that of the drill, or of the note that it closes.</summary>
    public required long About { get; init; }

    /// <summary>SHA-256 of that evidence's bytes, hexadecimal.</summary>
    public required string AboutSha256 { get; init; }

    /// <summary>Who wrote it: the user of the system.</summary>
    public required string Author { get; init; }

    /// <summary>What is not as it should be; null when it closes another note.</summary>
    public string? Gap { get; init; }

    /// <summary>What is done about it; null when it closes another note.</summary>
    public string? Action { get; init; }

    /// <summary>Who does it; null when it closes another note.</summary>
    public string? Owner { get; init; }

    /// <summary>By which day; null when it closes another note.</summary>
    public DateOnly? Due { get; init; }

    /// <summary>The note whose action is done; null when this one opens an action.</summary>
    public string? Closes { get; init; }

    /// <summary>What came of it; null when this one opens an action.</summary>
    public string? Result { get; init; }
}

/// <summary>An action that nobody has closed.</summary>
/// <param name="Note">the note that opened it.</param>
/// <param name="Opened">when.</param>
/// <param name="IsOverdue">whether its day is over.</param>
public sealed record OpenAction(DrillNote Note, DateTimeOffset Opened, bool IsOverdue);
