using System.Text.Json.Serialization;

namespace Reprise.Repository.Points;

/// <summary>Whether everything that was asked for is in a point.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PointState>))]
public enum PointState
{
    /// <summary>Everything.</summary>
    [JsonStringEnumMemberName("complete")]
    Complete,

    /// <summary>Something is missing, and named in the point.</summary>
    [JsonStringEnumMemberName("incomplete")]
    Incomplete,
}

/// <summary>Why a point was taken.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PointKind>))]
public enum PointKind
{
    /// <summary>By a person.</summary>
    [JsonStringEnumMemberName("manual")]
    Manual,

    /// <summary>By a timer (no terminal).</summary>
    [JsonStringEnumMemberName("scheduled")]
    Scheduled,

    /// <summary>Automatically, before a restore changed anything.</summary>
    [JsonStringEnumMemberName("safety")]
    Safety,
}

/// <summary>What one point says of itself; sealed in <c>points/ID</c>. Written as JSON whose fields are only ever added.</summary>
public sealed record PointManifest
{
    /// <summary>Its identifier, which is also its name in the store.</summary>
    public required PointId Id { get; init; }

    /// <summary>Which application it protects.</summary>
    public required string Application { get; init; }

    /// <summary>When the capture began, by the clock of the host that took it.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Why it was taken.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>Whether anything is missing.</summary>
    public required PointState State { get; init; }

    /// <summary>The time between the moments of the earliest and the latest asset.</summary>
    public required double SkewSeconds { get; init; }

    /// <summary>The program that wrote it.</summary>
    public required string Writer { get; init; }

    /// <summary>What of the application was running, or null when nothing could be told.</summary>
    public ReleaseFacts? Release { get; init; }

    /// <summary>Everything that was captured, in the order of capture.</summary>
    public required IReadOnlyList<AssetRecord> Assets { get; init; }

    /// <summary>What is missing or was odd.</summary>
    public IReadOnlyList<RecordedProblem> Problems { get; init; } = [];

    /// <summary>The <c>reprise.yaml</c> in force, variables unresolved.</summary>
    public Content? Configuration { get; init; }

    /// <summary>Every live point that the writer saw, so that a missing one is noticed.</summary>
    public IReadOnlyList<PointReference> Live { get; init; } = [];

    /// <summary>Points that a prune dropped and that a live point still names, so that the lack of them is explained.</summary>
    public IReadOnlyList<PointReference> Dropped { get; init; } = [];

    /// <summary>SHA-256 of the table of packs that is stored beside the manifest; set when the point is written.</summary>
    public Sha256Digest PackTableSha256 { get; init; }

    /// <summary>The first point that was signed with BACKUP_METADATA_HMAC_KEY, or null when signing is not in force.</summary>
    public PointId? SignedSince { get; init; }
}

/// <summary>Another point, bound by the hash of its sealed object.</summary>
/// <param name="Id">its identifier.</param>
/// <param name="Sha256">of the sealed object <c>points/ID</c>.</param>
public sealed record PointReference(PointId Id, Sha256Digest Sha256);

/// <summary>Which release of the application was running.</summary>
public sealed record ReleaseFacts
{
    /// <summary>The commit that is checked out, or null.</summary>
    public string? Commit { get; init; }

    /// <summary>Whether the work tree had changes; null when that could not be told.</summary>
    public bool? Dirty { get; init; }

    /// <summary>SHA-256 of the compose file, or null.</summary>
    public string? ComposeSha256 { get; init; }

    /// <summary>Images with their digests, as <c>service=image@sha256:…</c>.</summary>
    public IReadOnlyList<string> Images { get; init; } = [];
}

/// <summary>A problem as a point remembers it.</summary>
public sealed record RecordedProblem
{
    /// <summary>Its stable code.</summary>
    public required string Code { get; init; }

    /// <summary>What was wrong.</summary>
    public required string Message { get; init; }

    /// <summary>Which asset, or null.</summary>
    public string? Asset { get; init; }

    /// <summary>Which path or object, or null.</summary>
    public string? Where { get; init; }
}

/// <summary>What was captured of one asset.</summary>
public sealed record AssetRecord
{
    /// <summary>Its name in the configuration.</summary>
    public required string Name { get; init; }

    /// <summary><c>postgres</c>, <c>sqlite</c>, <c>files</c> or <c>secrets</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How it was captured: <c>logical</c>, <c>physical</c>, <c>pages</c>, <c>files</c>, <c>references</c>, <c>sealed</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The instant whose state it is: of the snapshot for a database, of the start of reading for files.</summary>
    public required DateTimeOffset Moment { get; init; }

    /// <summary><c>complete</c>, <c>incomplete</c> (something is missing) or <c>damaged</c> (the source itself was).</summary>
    public required string State { get; init; }

    /// <summary>Bytes read from the source.</summary>
    public required long SourceBytes { get; init; }

    /// <summary>Bytes that this capture added to the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>A hash over the whole asset: of its one stream, or of the list of its files.</summary>
    public required Sha256Digest Sha256 { get; init; }

    /// <summary>Versions that matter to a restore: server, client, extensions, SQLite.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Rows by table, of the same snapshot; for files the number of files by type.</summary>
    public IReadOnlyDictionary<string, long> Rows { get; init; } = new SortedDictionary<string, long>();

    /// <summary>The migration that the database was at, as <c>alembic:3f2a…</c>, or null.</summary>
    public string? Migration { get; init; }

    /// <summary>Who the source was (see the asset kinds for the keys): compared before a restore overwrites a target.</summary>
    public IReadOnlyDictionary<string, string> Identity { get; init; } = new SortedDictionary<string, string>();

    /// <summary>What else the kind needs to come back (see the asset kinds for the keys).</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new SortedDictionary<string, string>();

    /// <summary>The bytes, by name.</summary>
    public IReadOnlyDictionary<string, Content> Streams { get; init; } = new SortedDictionary<string, Content>();
}
