using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>What is signed: one link of the chain, about one drill or one note.</summary>
public sealed record EvidenceStatement
{
    /// <summary>Its number in the chain, from 1 without gaps.</summary>
    public required long Sequence { get; init; }

    /// <summary>SHA-256 of the bytes of the envelope before it, hexadecimal; null for the first.</summary>
    public required string? Previous { get; init; }

    /// <summary><c>drill</c> or <c>note</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>When it was signed, by the clock of the host.</summary>
    public required DateTimeOffset Recorded { get; init; }

    /// <summary>Which application.</summary>
    public required string Application { get; init; }

    /// <summary>What the drill saw; null for a note.</summary>
    public DrillRecord? Drill { get; init; }

    /// <summary>The note; null for a drill.</summary>
    public DrillNote? Note { get; init; }

    /// <summary>The drill that it is about.</summary>
    public string DrillId => Drill?.Id ?? Note?.Drill ?? throw new InvariantException("evidence about nothing");
}

/// <summary>
/// A statement as in-toto has it (Statement v1), in canonical JSON. The subjects are what it is about: the drill's own
/// record and the recovery point, or the evidence that a note adds to.
/// </summary>
internal static class StatementCodec
{
    public const string Type = "https://in-toto.io/Statement/v1";
    public const string PredicateType = "urn:reprise:evidence:v1";
    public const string Drill = "drill";
    public const string Note = "note";

    public static byte[] Encode(EvidenceStatement statement)
    {
        Invariant.Check(
            statement.Kind == (statement.Drill is null ? Note : Drill) && (statement.Drill is null) != (statement.Note is null),
            $"a statement of kind {statement.Kind}");
        return Canonical(new InTotoStatement(Type, [.. Subjects(statement)], PredicateType, statement));
    }

    /// <summary>Null when the bytes are no statement of ours.</summary>
    public static EvidenceStatement? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var statement = JsonSerializer.Deserialize(bytes, EvidenceTypes.InTotoStatement);
            return statement is { Type: Type, PredicateType: PredicateType, Predicate: { Sequence: > 0 } predicate }
                && predicate.Kind is Drill or Note
                && (predicate.Kind == Drill ? predicate.Drill is not null : predicate.Note is not null)
                ? predicate
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IEnumerable<InTotoSubject> Subjects(EvidenceStatement statement)
    {
        if (statement.Note is { } note)
        {
            yield return new($"evidence/{EvidenceName.Of(note.About)}", Digest(note.AboutSha256));
            yield break;
        }

        // Encode demands one of the two.
        var record = JsonSerializer.SerializeToElement(statement.Drill!, EvidenceTypes.DrillRecord);
        yield return new(
            $"drills/{statement.DrillId}",
            Digest(Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Bytes(record)))));
        if (statement.Drill?.Input is { } input) yield return new($"points/{input.Point}", Digest(input.PointSha256));
    }

    private static SortedDictionary<string, string> Digest(string sha256) => new(StringComparer.Ordinal) { ["sha256"] = sha256 };

    private static byte[] Canonical(InTotoStatement statement) =>
        CanonicalJson.Bytes(JsonSerializer.SerializeToElement(statement, EvidenceTypes.InTotoStatement));
}

/// <summary>How pieces of evidence are called: eight digits and <c>.json</c>, in the repository and on the client.</summary>
internal static class EvidenceName
{
    public const string KeysFolder = "keys";
    private const string Ending = ".json";
    private const string KeyEnding = ".pub";
    private const int Digits = 8;

    public static string Of(long sequence) => sequence.ToString("D8", CultureInfo.InvariantCulture) + Ending;

    public static string OfKey(string keyId) => $"{KeysFolder}/{keyId}{KeyEnding}";

    /// <summary>The number in a name; null when it is not the name of a piece of evidence.</summary>
    public static long? Sequence(string name) =>
        name.Length >= Digits + Ending.Length
        && name.EndsWith(Ending, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(0, name.Length - Ending.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number > 0
        && Of(number) == name
            ? number
            : null;

    /// <summary>The key in a name such as <c>keys/HASH.pub</c>; null when it is not one.</summary>
    public static string? KeyId(string name) =>
        name.StartsWith(KeysFolder + "/", StringComparison.Ordinal) && name.EndsWith(KeyEnding, StringComparison.Ordinal)
            ? name[(KeysFolder.Length + 1)..^KeyEnding.Length]
            : null;
}
