namespace Reprise.Json;

/// <summary><c>reprise/status/v1</c>.</summary>
internal sealed record StatusJson
{
    /// <summary>How much would be lost now, against what was promised.</summary>
    public required RpoJson Rpo { get; init; }

    /// <summary>
    /// How long the last restore or rehearsal took, against what was promised; null when neither is known.
    /// </summary>
    public RtoJson? Rto { get; init; }

    /// <summary>The newest complete point, or null.</summary>
    public required LastPointJson? LastPoint { get; init; }

    /// <summary>The last time that a point was proven, or null.</summary>
    public required LastProofJson? LastProof { get; init; }

    /// <summary>What makes the last proof worthless, one sentence each.</summary>
    public required IReadOnlyList<string> Stale { get; init; }

    /// <summary>What restores replaced and is still kept.</summary>
    public required IReadOnlyList<FormerJson> Former { get; init; }

    /// <summary>Operations that were interrupted and are not finished.</summary>
    public required IReadOnlyList<InterruptedJson> Interrupted { get; init; }

    /// <summary>How many points there are.</summary>
    public required int Points { get; init; }

    /// <summary>From the first to the last moment that can be restored, or null.</summary>
    public required WindowJson? Window { get; init; }

    /// <summary>
    /// Whether the recovery sheet was confirmed to lie elsewhere; until then the only key is on this host.
    /// </summary>
    public required bool KeyElsewhere { get; init; }

    /// <summary>Whether anything starts <c>backup</c> by itself; null when that cannot be told here.</summary>
    public required bool? Scheduled { get; init; }

    /// <summary>Corrective actions that nobody has closed, the one that is due first in front.</summary>
    public IReadOnlyList<ActionJson> Actions { get; init; } = [];

    /// <summary>Every runbook, with what its rehearsals are still worth.</summary>
    public IReadOnlyList<RunbookProofJson> Runbooks { get; init; } = [];

    /// <summary>The WAL that is in the repository, a timeline each.</summary>
    public IReadOnlyList<WalStateJson> Wal { get; init; } = [];

    /// <summary>What can be brought back to any moment between, by replaying WAL; oldest first.</summary>
    public IReadOnlyList<WindowJson> Windows { get; init; } = [];

    /// <summary>What cannot, although there is WAL.</summary>
    public IReadOnlyList<GapJson> Gaps { get; init; } = [];

    /// <summary>Whether the WAL of each PostgreSQL still comes, where it ever did or is to.</summary>
    public IReadOnlyList<WalFlowJson> Archiving { get; init; } = [];

    /// <summary>The next command to type.</summary>
    public required string Next { get; init; }
}

/// <summary>What the rehearsals of a runbook are still worth.</summary>
internal sealed record RunbookProofJson
{
    /// <summary>Its name.</summary>
    public required string Id { get; init; }

    /// <summary>When a rehearsal last passed, or null: never.</summary>
    public required DateTimeOffset? ProvenAt { get; init; }

    /// <summary>That drill, or null.</summary>
    public required string? Drill { get; init; }

    /// <summary>The point on which it was rehearsed, or null.</summary>
    public required string? Point { get; init; }

    /// <summary>What had been broken, or null.</summary>
    public required string? Incident { get; init; }

    /// <summary>From the beginning of the runbook to its end, or null.</summary>
    public required double? TechnicalSeconds { get; init; }

    /// <summary>Why it cannot be rehearsed, or null: it can.</summary>
    public required string? NotRehearsed { get; init; }

    /// <summary>What makes that proof worthless, one sentence each; empty when it holds.</summary>
    public required IReadOnlyList<string> Stale { get; init; }
}

/// <summary>How much would be lost.</summary>
internal sealed record RpoJson
{
    /// <summary>What was promised, or null.</summary>
    public required double? ObjectiveSeconds { get; init; }

    /// <summary>Since the newest complete point; null when there is none.</summary>
    public required double? ExposureSeconds { get; init; }
}

/// <summary>How long it takes to be back.</summary>
internal sealed record RtoJson
{
    /// <summary>What was promised, or null.</summary>
    public required double? ObjectiveSeconds { get; init; }

    /// <summary>What was measured last, or null.</summary>
    public required double? MeasuredSeconds { get; init; }
}

/// <summary>The newest complete point.</summary>
internal sealed record LastPointJson
{
    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>How many assets it holds.</summary>
    public required int Assets { get; init; }

    /// <summary>Bytes of the sources.</summary>
    public required long SourceBytes { get; init; }
}

/// <summary>The last proof.</summary>
internal sealed record LastProofJson
{
    /// <summary>Which point was proven.</summary>
    public required string Point { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>How deep: 1 bytes, 2 engine, 3 structure, 4 data, 5 application.</summary>
    public required int Level { get; init; }

    /// <summary><c>verify</c>, <c>restore</c> or <c>drill</c>.</summary>
    public required string By { get; init; }
}

/// <summary>An operation that was interrupted.</summary>
internal sealed record InterruptedJson
{
    /// <summary><c>restore</c> or <c>undo</c>.</summary>
    public required string Operation { get; init; }

    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary>How far it came.</summary>
    public required string Phase { get; init; }

    /// <summary>When it began, or null.</summary>
    public required DateTimeOffset? Started { get; init; }

    /// <summary>The command that finishes it.</summary>
    public required string Next { get; init; }
}
