namespace Reprise.Recovery.State;

/// <summary>
/// Which parts of a repository this host has read, and when. The turn goes by the part that was read last and not by the
/// times, so that a clock that was set back makes no part wait.
/// </summary>
public sealed record RememberedReads
{
    /// <summary>Where the repository lies: what was read of another one says nothing.</summary>
    public required string Repository { get; init; }

    /// <summary>The part that was read last by turns, from 0; null: none was.</summary>
    public int? Last { get; init; }

    /// <summary>When each part was read whole; null: never.</summary>
    public required IReadOnlyList<DateTimeOffset?> Parts { get; init; }

    /// <summary>How many parts were never read.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Unread => Parts.Count(p => p is null);

    /// <summary>When the part was read that waits the longest; null while one was never read.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public DateTimeOffset? Since => Unread == 0 ? Parts.Min() : null;

    /// <summary>When the last part will have been read at the pace so far; null when all were, or no pace is known.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public DateTimeOffset? By
    {
        get
        {
            var known = Parts.OfType<DateTimeOffset>().ToList();
            if (known.Count < 2 || Unread == 0) return null;
            return known.Max() + ((known.Max() - known.Min()) / (known.Count - 1) * Unread);
        }
    }

    /// <summary>Nothing read yet.</summary>
    public static RememberedReads Nothing(string repository, int parts) =>
        new() { Repository = repository, Parts = new DateTimeOffset?[parts] };

    /// <summary>One part was read by turns.</summary>
    public RememberedReads With(int part, DateTimeOffset now) =>
        this with { Last = part, Parts = [.. Parts.Select((p, number) => number == part ? now : p)] };

    /// <summary>All parts were read.</summary>
    public RememberedReads WithAll(DateTimeOffset now) => this with { Parts = [.. Parts.Select(_ => (DateTimeOffset?)now)] };
}
