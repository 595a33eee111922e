using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// <c>metadata.json</c> of an export: what a person or a script needs to use the files without Reprise. Its exact bytes
/// are signed. Times are RFC 3339 in UTC; fields are only ever added.
/// </summary>
public sealed record ExportMetadata
{
    /// <summary>The schema that this version writes.</summary>
    public const string CurrentSchema = "reprise/export/v1";

    /// <summary><see cref="CurrentSchema"/>.</summary>
    public required string Schema { get; init; }

    /// <summary>Which application it was.</summary>
    public required string Application { get; init; }

    /// <summary>The point that was exported.</summary>
    public required string Point { get; init; }

    /// <summary>When the capture of the point began.</summary>
    public required string Created { get; init; }

    /// <summary><c>manual</c>, <c>scheduled</c> or <c>safety</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>complete</c> or <c>incomplete</c>.</summary>
    public required string State { get; init; }

    /// <summary>The time between the moments of the earliest and the latest asset.</summary>
    public required double SkewSeconds { get; init; }

    /// <summary>The program that exported.</summary>
    public required string Writer { get; init; }

    /// <summary>Whether a <c>metadata.json.hmac</c> belongs to it.</summary>
    public required bool Signed { get; init; }

    /// <summary>Which release of the application was running, or null.</summary>
    public ReleaseFacts? Release { get; init; }

    /// <summary>Everything that was captured, in the order of capture.</summary>
    public required IReadOnlyList<ExportedAsset> Assets { get; init; }

    /// <summary>What is missing in the point or was odd.</summary>
    public IReadOnlyList<RecordedProblem> Problems { get; init; } = [];

    /// <summary>An instant as the contract writes it.</summary>
    internal static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The bytes of the file, a line break at the end.</summary>
    internal byte[] Encode() =>
        [.. JsonSerializer.SerializeToUtf8Bytes(this, ExportJson.Default.ExportMetadata), (byte)'\n'];

    // Generated readers leave null what is absent, whatever its type and its initial value say.
    private static ExportMetadata? Whole(ExportMetadata metadata)
    {
        if (metadata.Assets is null || metadata.Assets.Any(a => a is null || (a.Also ?? []).Any(f => f is null))) return null;
        return metadata with
        {
            Problems = [.. (metadata.Problems ?? []).Where(p => p is not null)],
            Assets = [.. metadata.Assets.Select(a => a with
            {
                Also = a.Also ?? [],
                Rows = a.Rows ?? new SortedDictionary<string, long>(),
                Versions = a.Versions ?? new SortedDictionary<string, string>(),
            })],
        };
    }

    /// <summary>Reads the file; null when it is none.</summary>
    internal static ExportMetadata? TryDecode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ExportJson.Default.ExportMetadata) is { } metadata ? Whole(metadata) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>One asset of an export.</summary>
public sealed record ExportedAsset
{
    /// <summary>Its name in the configuration.</summary>
    public required string Name { get; init; }

    /// <summary><c>postgres</c>, <c>sqlite</c>, <c>files</c> or <c>secrets</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How it was captured.</summary>
    public required string Method { get; init; }

    /// <summary>The instant whose state it is.</summary>
    public required string Moment { get; init; }

    /// <summary><c>complete</c>, <c>incomplete</c> or <c>damaged</c>.</summary>
    public required string State { get; init; }

    /// <summary>The file that holds it, or null: secrets are references only.</summary>
    public string? File { get; init; }

    /// <summary>Length of the file.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>SHA-256 of the file, lower-case hexadecimal.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Further files of it: the globals of a PostgreSQL server, its other databases.</summary>
    public IReadOnlyList<ExportedFile> Also { get; init; } = [];

    /// <summary>Rows by table; for files the number of files by type.</summary>
    public IReadOnlyDictionary<string, long> Rows { get; init; } = new SortedDictionary<string, long>();

    /// <summary>Versions that matter to a restore.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new SortedDictionary<string, string>();

    /// <summary>The migration that the database was at, or null.</summary>
    public string? Migration { get; init; }

    /// <summary>The names of the secrets, never their values; null for other kinds.</summary>
    public IReadOnlyList<string>? References { get; init; }

    /// <summary>Every file of it.</summary>
    internal IEnumerable<ExportedFile> Files() => File is null
        ? Also
        : Also.Prepend(new ExportedFile { File = File, SizeBytes = SizeBytes ?? -1, Sha256 = Sha256 ?? "" });
}

/// <summary>One file of an export.</summary>
public sealed record ExportedFile
{
    /// <summary>Its name in the folder.</summary>
    public required string File { get; init; }

    /// <summary>Its length.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Its SHA-256, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    MaxDepth = 16,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ExportMetadata))]
internal sealed partial class ExportJson : JsonSerializerContext;
