namespace Reprise.Recovery.Assets;

/// <summary>The kinds of assets, as records and configuration spell them.</summary>
public static class AssetKinds
{
    /// <summary>A PostgreSQL database or cluster.</summary>
    public const string Postgres = "postgres";

    /// <summary>A SQLite file.</summary>
    public const string Sqlite = "sqlite";

    /// <summary>A set of files.</summary>
    public const string Files = "files";

    /// <summary>A set of secret references.</summary>
    public const string Secrets = "secrets";
}

/// <summary>The states of a captured asset, as records spell them.</summary>
public static class AssetStates
{
    /// <summary>Everything was captured.</summary>
    public const string Complete = "complete";

    /// <summary>Something is missing, and named in the point.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>Everything was captured, but the source itself is damaged.</summary>
    public const string Damaged = "damaged";
}
