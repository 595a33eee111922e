namespace Reprise.Json;

/// <summary><c>reprise/stream/v1</c>: what a stream did until it was ended.</summary>
internal sealed record StreamJson
{
    /// <summary>The asset whose WAL it was.</summary>
    public required string Asset { get; init; }

    /// <summary>The lineage, or null: no connection came so far.</summary>
    public required string? Lineage { get; init; }

    /// <summary>The timeline at the end.</summary>
    public required long Timeline { get; init; }

    /// <summary>From where on WAL was confirmed to the server; null: none was.</summary>
    public required string? From { get; init; }

    /// <summary>Up to where.</summary>
    public required string? Confirmed { get; init; }

    /// <summary>How often it connected.</summary>
    public required int Connections { get; init; }

    /// <summary>How often it made a quiet server commit.</summary>
    public required int Heartbeats { get; init; }
}
