namespace Reprise.Recovery.Sqlite;

/// <summary>One SQLite database as the configuration describes it.</summary>
public sealed record SqliteSettings
{
    /// <summary>How long is waited for a lock by default.</summary>
    public static readonly TimeSpan DefaultBusyBound = TimeSpan.FromSeconds(30);

    /// <summary>The absolute path of the database; a symbolic link there is followed, as SQLite itself does.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// How long a capture waits altogether for the locks of others, and how long, in rollback mode, one full pass may
    /// make writers wait. Beyond it is <c>sqlite-busy</c>. Default 30 s.
    /// </summary>
    public TimeSpan BusyBound { get; init; } = DefaultBusyBound;
}
