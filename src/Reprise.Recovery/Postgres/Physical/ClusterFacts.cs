using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>What a point remembers of a server whose files it holds; kept as JSON in the fact <c>cluster</c>.</summary>
internal sealed record ClusterFacts
{
    public const string Fact = "cluster";

    /// <summary>The prefixes of the three trees of a record.</summary>
    public const string DataTree = "data/";
    public const string EndTree = "end/";
    public const string OutsideTree = "outside/";

    /// <summary>The system identifier, which all copies of a cluster share.</summary>
    public required string System { get; init; }

    public required string StartLsn { get; init; }

    public required string StopLsn { get; init; }

    public required uint Timeline { get; init; }

    /// <summary>Version of the catalogue, which is in the name of each folder in a tablespace.</summary>
    public required string Catalog { get; init; }

    public required int BlockBytes { get; init; }

    public required long WalSegmentBytes { get; init; }

    /// <summary>Whether pages carry checksums, which were compared.</summary>
    public required bool Checksums { get; init; }

    /// <summary>Where the data directory was.</summary>
    public required string DataFolder { get; init; }

    public IReadOnlyList<ClusterTablespace> Tablespaces { get; init; } = [];

    /// <summary>
    /// Whether the WAL makes or drops a tablespace. Replaying that writes into the folder of production, if that is to
    /// be seen where it is replayed.
    /// </summary>
    public bool ReplaysTablespaces { get; init; }

    /// <summary>The role that initdb made: with it somebody gets into a copy.</summary>
    public required string Superuser { get; init; }

    /// <summary>Where configuration files lay that are kept apart, by their name there.</summary>
    public IReadOnlyDictionary<string, string> Outside { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Whether the files came over the connection instead of from this machine's disk.</summary>
    public bool Streamed { get; init; }

    /// <summary>How many pages were damaged at the source.</summary>
    public long BadPages { get; init; }

    [JsonIgnore]
    public Lsn Start => Lsn.Parse(StartLsn);

    [JsonIgnore]
    public Lsn Stop => Lsn.Parse(StopLsn);

    public string Format() => JsonSerializer.Serialize(this, ClusterJson.Default.ClusterFacts);

    /// <summary>Of a record; <c>malformed</c> when it has none, or none that can be used.</summary>
    public static ClusterFacts Of(AssetRecord record)
    {
        if (!record.Facts.TryGetValue(Fact, out var text)) throw ByteReader.Broken($"the record of {record.Name} has no fact {Fact}");
        ClusterFacts? facts;
        try
        {
            facts = JsonSerializer.Deserialize(text, ClusterJson.Default.ClusterFacts);
        }
        catch (JsonException e)
        {
            throw ByteReader.Broken($"the record of {record.Name} is not as it must be: {e.Message}");
        }

        // Generated readers leave null what is absent, whatever its type says.
        if (facts is not { System: not null, StartLsn: not null, StopLsn: not null, Catalog: not null, DataFolder: not null, Superuser: not null })
            throw ByteReader.Broken($"the record of {record.Name} does not say which cluster it is of");
        facts = facts with
        {
            Tablespaces = facts.Tablespaces ?? [],
            Outside = facts.Outside ?? new SortedDictionary<string, string>(StringComparer.Ordinal),
        };
        var isSound = facts.Start <= facts.Stop && IsSegmentSize(facts.WalSegmentBytes) && ulong.TryParse(facts.System, out _)
            && facts.Tablespaces.All(t => t is { Name: not null, Location: not null });
        return isSound ? facts : throw ByteReader.Broken($"the record of {record.Name} says what cannot be of a cluster");
    }

    /// <summary>1 MiB to 1 GiB, a power of two.</summary>
    public static bool IsSegmentSize(long bytes) =>
        bytes is >= 1024 * 1024 and <= 1024 * 1024 * 1024 && global::System.Numerics.BitOperations.IsPow2(bytes);
}

/// <summary>A tablespace of a cluster.</summary>
internal sealed record ClusterTablespace(uint Oid, string Name, string Location);

/// <summary>What a running server says of itself before a capture.</summary>
internal sealed record ServerFacts
{
    public required int Number { get; init; }

    public required string Version { get; init; }

    public required bool Recovery { get; init; }

    public required string System { get; init; }

    public required string Catalog { get; init; }

    public required uint Timeline { get; init; }

    public required int BlockBytes { get; init; }

    public required int SegmentBlocks { get; init; }

    public required long WalSegmentBytes { get; init; }

    public required bool Checksums { get; init; }

    public required string DataFolder { get; init; }

    public required string ConfigFile { get; init; }

    public required string HbaFile { get; init; }

    public required string IdentFile { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public required long Started { get; init; }

    public required int Port { get; init; }

    /// <summary>Permission bits of its folders, in octal digits.</summary>
    public required string FolderMode { get; init; }

    public required long SizeBytes { get; init; }

    public required string Superuser { get; init; }

    public int Major => Number / 10000;
}

/// <summary>What the end of a backup gives.</summary>
internal sealed record BackupEnd(string Lsn, string Label, string Map, string Now);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClusterFacts))]
[JsonSerializable(typeof(ServerFacts))]
[JsonSerializable(typeof(BackupEnd))]
[JsonSerializable(typeof(IReadOnlyList<ClusterTablespace>))]
internal sealed partial class ClusterJson : JsonSerializerContext;
