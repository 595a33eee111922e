namespace Reprise.Json;

/// <summary><c>reprise/wal-push/v1</c>: a file of WAL that is durable in the repository.</summary>
internal sealed record WalPushJson
{
    /// <summary>Its name.</summary>
    public required string File { get; init; }

    /// <summary>The lineage that it belongs to.</summary>
    public required string Lineage { get; init; }

    /// <summary>Its timeline.</summary>
    public required long Timeline { get; init; }

    /// <summary>Its first byte, as PostgreSQL writes it; null for history and backup files.</summary>
    public required string? From { get; init; }

    /// <summary>The byte behind its last.</summary>
    public required string? To { get; init; }

    /// <summary><c>new</c>, <c>same</c>: it was there already, or <c>again</c>: what was there was damaged.</summary>
    public required string Stored { get; init; }
}

/// <summary><c>reprise/wal-get/v1</c>: what a recovery was answered.</summary>
internal sealed record WalGetJson
{
    /// <summary>The file that was asked for.</summary>
    public required string File { get; init; }

    /// <summary><c>fetched</c>, or <c>end</c>: there is no later WAL of this timeline.</summary>
    public required string Answer { get; init; }

    /// <summary>The exit code of the process: <c>wal get</c> has its own.</summary>
    public required int ProcessExit { get; init; }
}

/// <summary><c>reprise/wal-adopt/v1</c>: which lineage a server writes to from now on.</summary>
internal sealed record WalAdoptJson
{
    /// <summary>The lineage.</summary>
    public required string Lineage { get; init; }

    /// <summary>The timeline that the server is on.</summary>
    public required long Timeline { get; init; }

    /// <summary>Whether it was adopted now; otherwise it was the server's own already.</summary>
    public required bool Adopted { get; init; }

    /// <summary>The lineage that it left, or null.</summary>
    public required string? Parent { get; init; }

    /// <summary>Where it left it.</summary>
    public required string? ForkedAt { get; init; }

    /// <summary>On which timeline.</summary>
    public required long? ForkedOn { get; init; }
}

/// <summary>The WAL of one timeline that is in the repository. It alone restores nothing: a physical point must come before it.</summary>
internal sealed record WalStateJson
{
    /// <summary>The lineage.</summary>
    public required string Lineage { get; init; }

    /// <summary>The timeline.</summary>
    public required long Timeline { get; init; }

    /// <summary>The first byte, or null: nothing came yet.</summary>
    public required string? From { get; init; }

    /// <summary>The byte behind the last.</summary>
    public required string? To { get; init; }

    /// <summary>When the newest commit in it was made; null when none is near its end.</summary>
    public required DateTimeOffset? LastCommit { get; init; }

    /// <summary>What is missing between.</summary>
    public required IReadOnlyList<WalGapJson> Gaps { get; init; }

    /// <summary>What it takes in the repository.</summary>
    public required long StoredBytes { get; init; }
}

/// <summary>WAL that is missing.</summary>
internal sealed record WalGapJson
{
    /// <summary>The first byte that is missing.</summary>
    public required string From { get; init; }

    /// <summary>The first byte that is there again.</summary>
    public required string To { get; init; }
}

/// <summary>Whether the WAL of a server comes into the repository.</summary>
internal sealed record WalFlowJson
{
    /// <summary>Of which asset.</summary>
    public required string Asset { get; init; }

    /// <summary><c>flowing</c>, <c>stopped</c>: it should come and does not, or <c>server-away</c>: nobody answers.</summary>
    public required string State { get; init; }

    /// <summary><c>archive-command</c>, <c>stream</c>, or null: nothing brings it.</summary>
    public required string? By { get; init; }

    /// <summary>The newest timeline in the repository.</summary>
    public required long Timeline { get; init; }

    /// <summary>How far the repository has it, or null: nothing came yet.</summary>
    public required string? To { get; init; }

    /// <summary>How much the server has written since; null: it could not be asked.</summary>
    public required long? BehindBytes { get; init; }

    /// <summary>Finished segments in <c>pg_wal</c> of a server that is away; null: nobody could look.</summary>
    public required int? WaitingSegments { get; init; }
}
