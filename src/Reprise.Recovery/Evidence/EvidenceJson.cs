using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Evidence;

/// <summary>A statement as in-toto writes it.</summary>
internal sealed record InTotoStatement(
    [property: JsonPropertyName("_type")] string Type,
    IReadOnlyList<InTotoSubject> Subject,
    string PredicateType,
    EvidenceStatement Predicate);

/// <summary>What a statement is about.</summary>
internal sealed record InTotoSubject(string Name, SortedDictionary<string, string> Digest);

/// <summary>An envelope as DSSE writes it.</summary>
internal sealed record DsseEnvelope(string Payload, string PayloadType, IReadOnlyList<DsseSignature> Signatures);

/// <summary>One signature of an envelope.</summary>
internal sealed record DsseSignature(string Keyid, string Sig);

/// <summary>What this host remembers of the chain.</summary>
internal sealed record EvidenceMemory
{
    /// <summary>Number of the newest that it has seen.</summary>
    public required long Sequence { get; init; }

    /// <summary>SHA-256 of its bytes.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Up to this number everything is known to have been in the repository.</summary>
    public required long InRepository { get; init; }

    /// <summary>The keys that are trusted here.</summary>
    public required IReadOnlyList<string> Keys { get; init; }
}

/// <summary>
/// How evidence becomes JSON: camelCase, times RFC 3339 in UTC with milliseconds, durations whole milliseconds under
/// names that say so, words kebab-case, what is not known is null. Canonical order comes from <see cref="CanonicalJson"/>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters =
    [
        typeof(EvidenceTime),
        typeof(EvidenceDuration),
        typeof(KebabWord<Outcome>),
        typeof(KebabWord<CheckLevel>),
    ],
    GenerationMode = JsonSourceGenerationMode.Metadata,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(InTotoStatement))]
[JsonSerializable(typeof(DsseEnvelope))]
[JsonSerializable(typeof(EvidenceMemory))]
internal sealed partial class EvidenceJson : JsonSerializerContext;

/// <summary>The contracts that are read and written, with names of durations that say their unit.</summary>
internal static class EvidenceTypes
{
    private static readonly JsonSerializerOptions Options = new(EvidenceJson.Default.Options)
    {
        TypeInfoResolver = EvidenceJson.Default.WithAddedModifier(NameUnits),
    };

    public static JsonTypeInfo<InTotoStatement> InTotoStatement => Of<InTotoStatement>();

    public static JsonTypeInfo<DrillRecord> DrillRecord => Of<DrillRecord>();

    public static JsonTypeInfo<DsseEnvelope> DsseEnvelope => Of<DsseEnvelope>();

    public static JsonTypeInfo<EvidenceMemory> EvidenceMemory => Of<EvidenceMemory>();

    private static JsonTypeInfo<T> Of<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static void NameUnits(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(TimeSpan?))
                property.Name += "Milliseconds";
        }

        // What is computed from other members is not signed twice.
        foreach (var computed in type.Properties.Where(p => p.Set is null && p.AssociatedParameter is null).ToList())
            type.Properties.Remove(computed);
    }
}

/// <summary>Times: RFC 3339, UTC, milliseconds.</summary>
internal sealed class EvidenceTime : JsonConverter<DateTimeOffset>
{
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        DateTimeOffset.TryParseExact(
            reader.GetString(), Form, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new JsonException("not a time");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture));
}

/// <summary>Durations: whole milliseconds.</summary>
internal sealed class EvidenceDuration : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
        && reader.TryGetInt64(out var milliseconds)
        && Math.Abs(milliseconds) < (long)TimeSpan.MaxValue.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : throw new JsonException("not a duration");

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue((long)Math.Round(value.TotalMilliseconds));
}

/// <summary>Words of enumerations: kebab-case, never numbers.</summary>
internal sealed class KebabWord<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
