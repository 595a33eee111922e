using Reprise.Repository.Points;

namespace Reprise.Json;

/// <summary>One recovery point.</summary>
internal sealed record PointJson
{
    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary><c>complete</c> or <c>incomplete</c>.</summary>
    public required string State { get; init; }

    /// <summary><c>scheduled</c>, <c>manual</c> or <c>safety</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>When its capture began.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Between the moments of the earliest and the latest asset.</summary>
    public required double SkewSeconds { get; init; }

    /// <summary>What of the application was running, or null.</summary>
    public required ReleaseJson? Release { get; init; }

    /// <summary>What was captured.</summary>
    public required IReadOnlyList<AssetJson> Assets { get; init; }

    /// <summary>Bytes that its capture read from the sources.</summary>
    public required long SourceBytes { get; init; }

    /// <summary>Bytes that its capture added to the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>
    /// <c>valid</c>, <c>not-in-force</c>, <c>missing</c>, <c>wrong</c>, <c>not-verifiable</c>, or null.
    /// </summary>
    public string? Signature { get; init; }

    /// <summary>The manifest as JSON has it.</summary>
    public static PointJson From(PointManifest manifest, SignatureState? signature) => new()
    {
        Id = manifest.Id.Value,
        State = Words.Of(manifest.State),
        Kind = Words.Of(manifest.Kind),
        Created = manifest.Created,
        SkewSeconds = manifest.SkewSeconds,
        Release = manifest.Release is { } release ? ReleaseJson.From(release) : null,
        Assets = [.. manifest.Assets.Select(AssetJson.From)],
        SourceBytes = manifest.Assets.Sum(a => a.SourceBytes),
        StoredBytes = manifest.Assets.Sum(a => a.StoredBytes),
        Signature = signature is { } state ? Words.Of(state) : null,
    };
}

/// <summary>What of the application was running.</summary>
internal sealed record ReleaseJson
{
    /// <summary>The commit, or null.</summary>
    public required string? Commit { get; init; }

    /// <summary>Whether the work tree had changes, or null.</summary>
    public required bool? Dirty { get; init; }

    /// <summary>Of the compose file, or null.</summary>
    public required string? ComposeSha256 { get; init; }

    /// <summary><c>service=image@sha256:…</c></summary>
    public required IReadOnlyList<string> Images { get; init; }

    /// <summary>The facts as JSON has them.</summary>
    public static ReleaseJson From(ReleaseFacts facts) => new()
    {
        Commit = facts.Commit,
        Dirty = facts.Dirty,
        ComposeSha256 = facts.ComposeSha256,
        Images = facts.Images,
    };
}

/// <summary>One captured asset.</summary>
internal sealed record AssetJson
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>postgres</c>, <c>sqlite</c>, <c>files</c> or <c>secrets</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How it was captured.</summary>
    public required string Method { get; init; }

    /// <summary>The instant whose state it is.</summary>
    public required DateTimeOffset Moment { get; init; }

    /// <summary><c>complete</c>, <c>incomplete</c> or <c>damaged</c>.</summary>
    public required string State { get; init; }

    /// <summary>Bytes read from the source.</summary>
    public required long SourceBytes { get; init; }

    /// <summary>Bytes added to the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Over the whole asset.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Versions that matter to a restore.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>Rows by table; for files, files by type.</summary>
    public required IReadOnlyDictionary<string, long> Rows { get; init; }

    /// <summary>The migration, or null.</summary>
    public required string? Migration { get; init; }

    /// <summary>The record as JSON has it.</summary>
    public static AssetJson From(AssetRecord record) => new()
    {
        Name = record.Name,
        Kind = record.Kind,
        Method = record.Method,
        Moment = record.Moment,
        State = record.State,
        SourceBytes = record.SourceBytes,
        StoredBytes = record.StoredBytes,
        Sha256 = record.Sha256.ToString(),
        Versions = record.Versions,
        Rows = record.Rows,
        Migration = record.Migration,
    };
}

/// <summary><c>reprise/backup/v1</c>.</summary>
internal sealed record BackupJson
{
    /// <summary>The point that was taken, or the one that was young enough.</summary>
    public required PointJson? Point { get; init; }

    /// <summary>Whether a point was taken; false when one was younger than <c>--if-older-than</c>.</summary>
    public required bool Taken { get; init; }
}

/// <summary><c>reprise/points-show/v1</c>.</summary>
internal sealed record PointsShowJson
{
    /// <summary>The point.</summary>
    public required PointJson Point { get; init; }

    /// <summary>What was missing or odd when it was taken.</summary>
    public required IReadOnlyList<RecordedProblemJson> Recorded { get; init; }
}

/// <summary>A problem as a point remembers it.</summary>
internal sealed record RecordedProblemJson
{
    /// <summary>Stable, kebab-case.</summary>
    public required string Code { get; init; }

    /// <summary>What was wrong.</summary>
    public required string Message { get; init; }

    /// <summary>Which asset, or null.</summary>
    public required string? Asset { get; init; }

    /// <summary>Which path or object, or null.</summary>
    public required string? Where { get; init; }
}

/// <summary><c>reprise/points/v1</c>.</summary>
internal sealed record PointsJson
{
    /// <summary>All points, oldest first.</summary>
    public required IReadOnlyList<PointJson> Points { get; init; }

    /// <summary>From which moments to which one can be restored.</summary>
    public required IReadOnlyList<WindowJson> Window { get; init; }

    /// <summary>Between which moments one cannot, and why.</summary>
    public required IReadOnlyList<GapJson> Gaps { get; init; }

    /// <summary>The WAL that is in the repository, a timeline each.</summary>
    public IReadOnlyList<WalStateJson> Wal { get; init; } = [];
}

/// <summary>Moments that can be restored.</summary>
internal sealed record WindowJson
{
    /// <summary>The first one.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The last one.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Of which asset: WAL is replayed onto one. Null: of all that a point holds.</summary>
    public string? Asset { get; init; }

    /// <summary>The point that it begins from, where WAL goes on from one.</summary>
    public string? Point { get; init; }

    /// <summary>The timeline that the WAL ends on, or null: there is none.</summary>
    public long? Timeline { get; init; }

    /// <summary>Where that ends, as PostgreSQL writes it.</summary>
    public string? ToLsn { get; init; }
}

/// <summary>Moments that cannot be restored.</summary>
internal sealed record GapJson
{
    /// <summary>After this one.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Before this one.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Why.</summary>
    public required string Cause { get; init; }

    /// <summary>Of which asset, or null.</summary>
    public string? Asset { get; init; }
}

/// <summary><c>reprise/verify/v1</c>.</summary>
internal sealed record VerifyJson
{
    /// <summary>What was asked: <c>all</c>, <c>sample</c> or <c>none</c>.</summary>
    public required string Read { get; init; }

    /// <summary>How many points were looked at.</summary>
    public required int Points { get; init; }

    /// <summary>Objects that were looked at.</summary>
    public required int Objects { get; init; }

    /// <summary>Objects that were read whole.</summary>
    public required int ObjectsRead { get; init; }

    /// <summary>Bytes that were read.</summary>
    public required long BytesRead { get; init; }

    /// <summary>The part of the objects that was read and proven, from 0 to 1; null when there was none.</summary>
    public required double? Coverage { get; init; }

    /// <summary><c>pass</c>, <c>fail</c>, <c>could-not-verify</c> or <c>not-run</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>Which part a sample has read; null when none was asked for.</summary>
    public VerifyTurnJson? Turn { get; init; }

    /// <summary>What is damaged.</summary>
    public required IReadOnlyList<DamageJson> Damage { get; init; }
}

/// <summary>How far samples are.</summary>
internal sealed record VerifyTurnJson
{
    /// <summary>The part that was read, from 1.</summary>
    public required int Part { get; init; }

    /// <summary>How many parts there are.</summary>
    public required int Parts { get; init; }

    /// <summary>Parts that were never read; so many runs later every byte was. Null: nobody remembers.</summary>
    public required int? Unread { get; init; }

    /// <summary>When the part was read that waits the longest: what is older was read since then. Null while one is unread.</summary>
    public required DateTimeOffset? Since { get; init; }

    /// <summary>When every part will have been read at the pace so far; null when all were, or no pace is known.</summary>
    public required DateTimeOffset? By { get; init; }
}

/// <summary>One damaged place.</summary>
internal sealed record DamageJson
{
    /// <summary>The damaged object.</summary>
    public required string Object { get; init; }

    /// <summary>Which asset is affected, or null: the whole point.</summary>
    public required string? Asset { get; init; }

    /// <summary>Which file or table of it, or null.</summary>
    public required string? Path { get; init; }

    /// <summary>Which points are affected.</summary>
    public required IReadOnlyList<string> Points { get; init; }
}

/// <summary><c>reprise/export/v1</c>.</summary>
internal sealed record ExportJson
{
    /// <summary>The point.</summary>
    public required string Point { get; init; }

    /// <summary>Absolute path of the folder.</summary>
    public required string Folder { get; init; }

    /// <summary>What was written there.</summary>
    public required IReadOnlyList<ExportedFileJson> Files { get; init; }

    /// <summary>Whether <c>metadata.json.hmac</c> is among them.</summary>
    public required bool Signed { get; init; }
}

/// <summary>One file of an export.</summary>
internal sealed record ExportedFileJson
{
    /// <summary>From the folder.</summary>
    public required string Path { get; init; }

    /// <summary>Its length.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>As in SHA256SUMS.</summary>
    public required string Sha256 { get; init; }
}
