namespace Reprise.Json;

/// <summary>Whether a store can hold a repository.</summary>
internal sealed record StoreCheckJson
{
    /// <summary>Where it is, as it was written.</summary>
    public required string Location { get; init; }

    /// <summary><c>local</c> or <c>s3</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Whether only one of several clients creates a name; without it prune needs <c>--exclusive</c>.</summary>
    public required bool AtomicCreate { get; init; }

    /// <summary>Every sentence of the semantics that was asked.</summary>
    public required IReadOnlyList<StoreSentenceJson> Checks { get; init; }
}

/// <summary>One sentence of the semantics of a store.</summary>
internal sealed record StoreSentenceJson
{
    /// <summary>Which, in kebab-case.</summary>
    public required string Name { get; init; }

    /// <summary><c>pass</c>, <c>fail</c>, or <c>waived</c>: it failed, and the location says that it does.</summary>
    public required string Outcome { get; init; }

    /// <summary>What was seen when it did not hold, or null.</summary>
    public required string? Detail { get; init; }
}

/// <summary>What was brought back of what was deleted or replaced.</summary>
internal sealed record StoreRecoverJson
{
    /// <summary>Whether nothing was changed.</summary>
    public required bool Plan { get; init; }

    /// <summary>Objects that points need, points and keys included.</summary>
    public required int Needed { get; init; }

    /// <summary>Those that were deleted and are seen again.</summary>
    public required int Uncovered { get; init; }

    /// <summary>Those that were replaced and are written again.</summary>
    public required int PutBack { get; init; }

    /// <summary>Those of which no genuine version is left.</summary>
    public required IReadOnlyList<string> Lost { get; init; }
}
