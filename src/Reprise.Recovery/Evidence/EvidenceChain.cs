using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>Evidence as it lies somewhere: bytes that nobody has judged yet.</summary>
/// <param name="Where">that place, as the user writes it.</param>
/// <param name="Envelopes">by number.</param>
/// <param name="Keys">public keys by the identifier in their name.</param>
public sealed record EvidenceSet(
    string Where,
    IReadOnlyDictionary<long, ReadOnlyMemory<byte>> Envelopes,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Keys);

/// <summary>What is known from elsewhere, and against what evidence is judged.</summary>
public sealed record EvidenceTrust
{
    /// <summary>Identifiers of trusted keys; null: that of the first piece is taken on trust, and said.</summary>
    public IReadOnlyCollection<string>? Keys { get; init; }

    /// <summary>Public keys that are at hand beside those in the set.</summary>
    public IReadOnlyList<EvidencePublicKey> AtHand { get; init; } = [];

    /// <summary>Number of the newest that must be there; null: not known.</summary>
    public long? Newest { get; init; }

    /// <summary>SHA-256 of the newest's bytes.</summary>
    public string? NewestSha256 { get; init; }
}

/// <summary>One piece of evidence after it was judged.</summary>
/// <param name="Sequence">its number.</param>
/// <param name="Sha256">of its bytes.</param>
/// <param name="KeyId">the key that signed it, or says so; null when it cannot be read.</param>
/// <param name="Statement">what was signed; null when no signature holds for it.</param>
/// <param name="Defect">what is wrong with it, or null.</param>
public sealed record EvidenceEntry(
    long Sequence, string Sha256, string? KeyId, EvidenceStatement? Statement, ErrorCode? Defect)
{
    /// <summary>Its name in the repository and on the client, e.g. <c>00000007.json</c>.</summary>
    public string Name => EvidenceName.Of(Sequence);

    /// <summary>The bytes.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>Whether it is signed and in its place, whoever signed it.</summary>
    public bool IsWellFormed => Statement is not null && (Defect is null || Defect == EvidenceErrors.OtherKey);
}

/// <summary>What verification came to.</summary>
/// <param name="Where">what was verified.</param>
/// <param name="Entries">in order of their numbers.</param>
/// <param name="Problems">every defect.</param>
/// <param name="TrustedKeys">the keys that count.</param>
/// <param name="KeyTakenOnTrust">whether nothing but the evidence itself said which key counts.</param>
/// <param name="NewestKnown">whether it is known which one must be the newest.</param>
public sealed record EvidenceVerdict(
    string Where,
    IReadOnlyList<EvidenceEntry> Entries,
    IReadOnlyList<Problem> Problems,
    IReadOnlyList<string> TrustedKeys,
    bool KeyTakenOnTrust,
    bool NewestKnown)
{
    /// <summary>Whether every piece is as it was signed, by a trusted key, in its place, and none is missing.</summary>
    public bool IsIntact => Problems.All(p => p.Severity != Severity.Error);
}

/// <summary>Judges a chain of evidence; pure, so that it works offline and without any key of ours.</summary>
public static class EvidenceChain
{
    private const string Investigate =
        "compare with another copy ('reprise evidence verify --from FOLDER'), and find out who could write there";

    /// <summary>Judges every piece, and the chain.</summary>
    public static EvidenceVerdict Verify(EvidenceSet set, EvidenceTrust trust)
    {
        var problems = new List<Problem>();
        var keys = ReadKeys(set, trust, problems);
        var numbers = set.Envelopes.Keys.Order().ToList();
        var onTrust = trust.Keys is null;
        var trusted = trust.Keys ?? FirstKey(set, numbers, keys);
        var entries = new List<EvidenceEntry>();
        foreach (var number in numbers)
        {
            var before = entries is [.., var last] && last.Sequence == number - 1 ? last : null;
            entries.Add(Judge(set, number, before, keys, trusted, problems));
        }

        NameGaps(set, numbers, problems);
        JudgeNewest(set, entries, trust, problems);
        return new EvidenceVerdict(
            set.Where, entries, problems, [.. trusted.Order(StringComparer.Ordinal)], onTrust && entries.Count > 0, trust.Newest is not null);
    }

    private static Dictionary<string, EvidencePublicKey> ReadKeys(EvidenceSet set, EvidenceTrust trust, List<Problem> problems)
    {
        var keys = trust.AtHand.GroupBy(k => k.Id).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
        foreach (var (id, bytes) in set.Keys.OrderBy(k => k.Key, StringComparer.Ordinal))
        {
            if (EvidencePublicKey.Parse(bytes.Span) is { } key && key.Id == id) keys[id] = key;
            else problems.Add(Defect(EvidenceErrors.Altered, set, EvidenceName.OfKey(id), "the public key is not the one of its name"));
        }

        return keys;
    }

    // Whoever has nothing else can only ask whether everything is by the same hand.
    private static List<string> FirstKey(
        EvidenceSet set, List<long> numbers, Dictionary<string, EvidencePublicKey> keys) =>
        [.. numbers
            .Select(n => EvidenceEnvelope.Parse(set.Envelopes[n])?.KeyId)
            .OfType<string>()
            .Where(keys.ContainsKey)
            .Take(1)];

    private static EvidenceEntry Judge(
        EvidenceSet set,
        long number,
        EvidenceEntry? before,
        Dictionary<string, EvidencePublicKey> keys,
        IReadOnlyCollection<string> trusted,
        List<Problem> problems)
    {
        var bytes = set.Envelopes[number];
        var envelope = EvidenceEnvelope.Parse(bytes);
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes.Span));
        var entry = new EvidenceEntry(number, sha256, envelope?.KeyId, null, null) { Bytes = bytes };
        if (envelope is null) return Bad(EvidenceErrors.Altered, "it is not an envelope as we write it");
        if (!keys.TryGetValue(envelope.KeyId, out var key))
        {
            return keys.Values.Any(envelope.IsSignedBy)
                ? Bad(EvidenceErrors.Altered, "it names another key than the one that signed it")
                : Bad(EvidenceErrors.OtherKey, $"it is signed with key {Short(envelope.KeyId)}, which is not at hand");
        }

        if (!envelope.IsSignedBy(key)) return Bad(EvidenceErrors.Altered, "its signature does not hold");
        if (StatementCodec.Decode(envelope.Payload) is not { } statement)
            return Bad(EvidenceErrors.Altered, "it is signed, but is no statement that this version reads");
        entry = entry with { Statement = statement };
        if (statement.Sequence != number)
            return Bad(EvidenceErrors.Replayed, $"it is number {statement.Sequence}, kept as number {number}");
        var follows = number == 1 ? statement.Previous is null : statement.Previous is not null;
        var isNext = before is not { Defect: null } || statement.Previous == before.Sha256;
        if (!follows || !isNext)
            return Bad(EvidenceErrors.Replayed, $"it does not follow the one that stands before it as number {number - 1}");
        return trusted.Contains(envelope.KeyId)
            ? entry
            : Bad(EvidenceErrors.OtherKey, $"it is signed with key {Short(envelope.KeyId)}, which is not trusted here");

        EvidenceEntry Bad(ErrorCode code, string why)
        {
            problems.Add(Defect(code, set, EvidenceName.Of(number), why));
            return entry with { Defect = code };
        }
    }

    private static void NameGaps(EvidenceSet set, List<long> numbers, List<Problem> problems)
    {
        var expected = 1L;
        foreach (var number in numbers)
        {
            if (number > expected)
            {
                var what = number == expected + 1 ? $"number {expected} is gone" : $"numbers {expected} to {number - 1} are gone";
                problems.Add(Defect(EvidenceErrors.Missing, set, EvidenceName.Of(expected), what));
            }

            expected = number + 1;
        }
    }

    private static void JudgeNewest(
        EvidenceSet set, List<EvidenceEntry> entries, EvidenceTrust trust, List<Problem> problems)
    {
        if (trust.Newest is not { } newest || newest == 0) return;
        var there = entries.Count == 0 ? 0 : entries[^1].Sequence;
        if (there < newest)
        {
            problems.Add(Defect(
                EvidenceErrors.NewestMissing, set, EvidenceName.Of(newest), $"the newest is number {there}; this host has seen number {newest}"));
            return;
        }

        var index = entries.FindIndex(e => e.Sequence == newest);
        if (index < 0 || entries[index].Defect is not null || entries[index].Sha256 == trust.NewestSha256) return;
        problems.Add(Defect(
            EvidenceErrors.Replayed, set, EvidenceName.Of(newest), "it is genuine, but not the one that this host has seen under its number"));
        entries[index] = entries[index] with { Defect = EvidenceErrors.Replayed };
    }

    internal static Problem Defect(ErrorCode code, EvidenceSet set, string name, string why) =>
        new(code, Severity.Error, $"evidence {name} in {set.Where}: {why}", code == EvidenceErrors.OtherKey
            ? "compare the key with the one of the host that drills; if it is genuine: reprise evidence verify --accept-key KEY"
            : Investigate)
        {
            Where = $"{set.Where}/{name}",
        };

    internal static string Short(string keyId) => keyId.Length > 16 ? keyId[..16] : keyId;
}
