using Reprise.Repository.Wal;

namespace Reprise.Recovery.Streaming;

/// <summary>How a stream is set.</summary>
public sealed record WalStreamSettings
{
    /// <summary>The replication slot; made when it is not there. The server keeps WAL for it.</summary>
    public required string Slot { get; init; }

    /// <summary>What the server calls us: the name for <c>synchronous_standby_names</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What came is durable within this time, also when no commit waits for us.</summary>
    public TimeSpan FlushEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a server may commit nothing before it is made to; null: for ever.</summary>
    public TimeSpan? HeartbeatEvery { get; init; }
}

/// <summary>What a stream has done.</summary>
public sealed class WalStreamTally
{
    /// <summary>The lineage, or null: it never came so far.</summary>
    public string? Lineage { get; set; }

    /// <summary>The timeline.</summary>
    public uint Timeline { get; set; }

    /// <summary>Where the server's WAL was first confirmed.</summary>
    public Lsn? From { get; set; }

    /// <summary>What the server was told is durable.</summary>
    public Lsn? Confirmed { get; set; }

    /// <summary>How often the connection was made.</summary>
    public int Connections { get; set; }

    /// <summary>How often a server that was quiet was made to commit.</summary>
    public int Heartbeats { get; set; }
}
