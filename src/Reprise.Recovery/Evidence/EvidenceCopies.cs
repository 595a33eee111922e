using System.Security.Cryptography;
using System.Text;
using Reprise.Repository;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>Brings the copies in the repository and on this host together, and compares them.</summary>
internal sealed class EvidenceCopies(EvidenceObjects objects)
{
    public EvidenceObjects Objects => objects;

    public static string Sha256(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes.Span));

    /// <summary>Everything in the repository.</summary>
    public Task<EvidenceSet> ReadAsync(CancellationToken cancellationToken) => MissingAsync(
        new EvidenceSet(
            $"{objects.Location}/evidence",
            new SortedDictionary<long, ReadOnlyMemory<byte>>(),
            new SortedDictionary<string, ReadOnlyMemory<byte>>()),
        cancellationToken);

    /// <summary><paramref name="client"/> and what only the repository has.</summary>
    public async Task<EvidenceSet> MissingAsync(EvidenceSet client, CancellationToken cancellationToken)
    {
        var envelopes = new SortedDictionary<long, ReadOnlyMemory<byte>>(client.Envelopes.ToDictionary());
        var keys = new SortedDictionary<string, ReadOnlyMemory<byte>>(client.Keys.ToDictionary(), StringComparer.Ordinal);
        foreach (var name in await objects.ListAsync(cancellationToken))
        {
            if (EvidenceName.Sequence(name) is { } number && !envelopes.ContainsKey(number)
                && await objects.ReadAsync(name, cancellationToken) is { } envelope)
                envelopes[number] = envelope;
            if (EvidenceName.KeyId(name) is { } id && !keys.ContainsKey(id)
                && await objects.ReadAsync(name, cancellationToken) is { } key)
                keys[id] = key;
        }

        return client with { Envelopes = envelopes, Keys = keys };
    }

    /// <summary>
    /// What this host lacks and may take over: signed pieces in their place, by whomever (an unknown key stays named),
    /// and the keys that signed them.
    /// </summary>
    public async Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)>> NewForClientAsync(
        EvidenceSet client, EvidenceTrust trust, CancellationToken cancellationToken)
    {
        var all = await MissingAsync(client, cancellationToken);
        var good = EvidenceChain.Verify(all, trust with { Newest = null }).Entries
            .Where(e => e.IsWellFormed && !client.Envelopes.ContainsKey(e.Sequence))
            .ToList();
        var keys = good.Select(e => e.KeyId).OfType<string>().Distinct().Where(id => !client.Keys.ContainsKey(id));
        return
        [
            .. keys.Select(id => (EvidenceName.OfKey(id), all.Keys[id])),
            .. good.Select(e => (e.Name, e.Bytes)),
        ];
    }

    /// <summary>
    /// Sends what the repository never had; returns up to which number it has everything. What it once had and lacks
    /// now is not put back: that somebody removed it has to stay visible.
    /// </summary>
    public async Task<long> SendAsync(EvidenceSet client, long inRepository, CancellationToken cancellationToken)
    {
        foreach (var (id, bytes) in client.Keys)
            _ = await objects.TryCreateAsync(EvidenceName.OfKey(id), bytes, cancellationToken);
        foreach (var (number, bytes) in client.Envelopes.Where(e => e.Key > inRepository).OrderBy(e => e.Key))
        {
            if (!await objects.TryCreateAsync(EvidenceName.Of(number), bytes, cancellationToken)) return inRepository;
            inRepository = number;
        }

        return inRepository;
    }

    /// <summary>The public key; other bytes under its name are named by whoever verifies.</summary>
    public Task SendKeyAsync(EvidencePublicKey key, CancellationToken cancellationToken) =>
        objects.TryCreateAsync(EvidenceName.OfKey(key.Id), Encoding.ASCII.GetBytes(key.Pem), cancellationToken);

    /// <summary>Where both are good by themselves, and yet not the same; and what never reached the repository.</summary>
    public static IEnumerable<Problem> Compare(
        EvidenceSet client, EvidenceSet stored, EvidenceMemory? memory, EvidenceVerdict verdict)
    {
        foreach (var entry in verdict.Entries.Where(e => e.Defect is null))
        {
            if (!client.Envelopes.TryGetValue(entry.Sequence, out var mine) || mine.Span.SequenceEqual(entry.Bytes.Span)) continue;
            yield return EvidenceChain.Defect(
                EvidenceErrors.Replayed, stored, entry.Name, "it is signed, but not the one that this host has under its number");
        }

        foreach (var number in client.Envelopes.Keys.Where(n => n > (memory?.InRepository ?? 0) && !stored.Envelopes.ContainsKey(n)))
        {
            yield return new Problem(
                EvidenceErrors.NotInRepository,
                Severity.Warning,
                $"evidence {EvidenceName.Of(number)} is on this host only",
                "the next drill or note brings it to the repository");
        }
    }
}
