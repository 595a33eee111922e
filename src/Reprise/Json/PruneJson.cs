namespace Reprise.Json;

/// <summary>What a prune did, or would do.</summary>
internal sealed record PruneJson
{
    /// <summary>Whether nothing was changed, because only the plan was asked for.</summary>
    public required bool Plan { get; init; }

    /// <summary>Every point with what becomes of it, oldest first.</summary>
    public required IReadOnlyList<PrunedPointJson> Points { get; init; }

    /// <summary>Points that were dropped; with <see cref="Plan"/>, that would be.</summary>
    public required IReadOnlyList<string> Dropped { get; init; }

    /// <summary>Packs that were deleted.</summary>
    public required int DeletedPacks { get; init; }

    /// <summary>Bytes that were freed.</summary>
    public required long FreedBytes { get; init; }

    /// <summary>Bytes that the next prune frees, once running restores have had time to end.</summary>
    public required long FreedNextBytes { get; init; }

    /// <summary>What WAL takes that stays, or that the next prune deletes.</summary>
    public long WalBytes { get; init; }

    /// <summary>Every stretch of WAL with what becomes of it, by lineage, timeline and place.</summary>
    public IReadOnlyList<PrunedWalJson> Wal { get; init; } = [];

    /// <summary>Objects of WAL that were deleted.</summary>
    public int DeletedWalObjects { get; init; }

    /// <summary>Bytes of WAL that were freed.</summary>
    public long FreedWalBytes { get; init; }

    /// <summary>Backups that were at work; one that has not ended by the next prune is taken for dead.</summary>
    public required IReadOnlyList<string> Waiting { get; init; }

    /// <summary>Backups that were taken for dead.</summary>
    public required IReadOnlyList<string> Expelled { get; init; }
}

/// <summary>What becomes of a stretch of WAL.</summary>
internal sealed record PrunedWalJson
{
    /// <summary>Whose: 16 hexadecimal digits.</summary>
    public required string Lineage { get; init; }

    /// <summary>Of which timeline.</summary>
    public required uint Timeline { get; init; }

    /// <summary>Its first byte, as PostgreSQL writes places.</summary>
    public required string Start { get; init; }

    /// <summary>The byte behind its last.</summary>
    public required string End { get; init; }

    /// <summary>What it takes in the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Whether it stays.</summary>
    public required bool Stays { get; init; }

    /// <summary>Why, for a person.</summary>
    public required string Why { get; init; }
}

/// <summary>What becomes of a point.</summary>
internal sealed record PrunedPointJson
{
    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary><c>complete</c> or <c>incomplete</c>.</summary>
    public required string State { get; init; }

    /// <summary><c>scheduled</c>, <c>manual</c> or <c>safety</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>When its capture began.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Whether it stays.</summary>
    public required bool Stays { get; init; }

    /// <summary>Why, for a person.</summary>
    public required IReadOnlyList<string> Why { get; init; }
}
