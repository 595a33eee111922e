using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Sealing;

/// <summary>
/// <c>closings/N</c>: the SHA-256 of every point, index object and drop record that was there when epoch N came into
/// force and everybody who might still have written under an earlier one had been stopped. What is sealed under an
/// earlier key and is not among them was made afterwards, by somebody who holds a key that is no longer in force.
/// </summary>
internal sealed class FormerEpochs
{
    public const string Folder = "closings";

    // What is beyond is the index of packs, which costs deduplication.
    private const int MaxHashes = 125_000;
    private readonly HashSet<string>? known;

    private FormerEpochs(HashSet<string>? known) => this.known = known;

    /// <summary>Before the first rotation there is nothing former.</summary>
    public static FormerEpochs None { get; } = new(null);

    /// <summary>Why nobody can tell what is genuine, or null.</summary>
    public Problem? Problem { get; private init; }

    /// <summary>All that are known, for the list of the next epoch.</summary>
    public IEnumerable<byte[]> Hashes => known?.Select(Convert.FromHexString) ?? [];

    /// <summary>Reads the list of the epoch in force.</summary>
    public static async Task<FormerEpochs> ReadAsync(IStore store, Sealer sealer, Zstd zstd, CancellationToken cancellationToken)
    {
        if (sealer.Keys.CurrentEpoch == 1) return None;
        var name = NameOf(sealer.Keys.CurrentEpoch);
        try
        {
            var plain = await SealedObjects.ReadAsync(store, sealer, zstd, ObjectKind.Closing, name, cancellationToken);
            return plain is null ? Unknown(name, "is missing") : new FormerEpochs(Decode(plain));
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.ObjectDamaged || e.Code == StorageErrors.ObjectTruncated)
        {
            return Unknown(name, "is damaged");
        }
    }

    /// <summary>Writes the list. Only whoever made the epoch does, so that it may be repeated.</summary>
    public static async Task WriteAsync(
        IStore store, Sealer sealer, Zstd zstd, IReadOnlyCollection<byte[]> hashes, CancellationToken cancellationToken)
    {
        var name = NameOf(sealer.Keys.CurrentEpoch);
        byte[] plain = [.. hashes.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Take(MaxHashes).SelectMany(Convert.FromHexString)];
        var bytes = sealer.SealObject(ObjectKind.Closing, name.Value, plain, zstd);
        Invariant.Check(bytes.Length <= Limits.MaxObjectBytes, $"a list of {hashes.Count} objects is too large");
        await store.PutAsync(name, bytes, PutMode.Replace, cancellationToken);
    }

    /// <summary>
    /// Whether an object of a former epoch is from then. When the list cannot be read, points and drop records are
    /// believed (they are all that there is, and <see cref="Problem"/> says so), but no index, on which writers would rely.
    /// </summary>
    public bool Knows(ObjectKind kind, ReadOnlySpan<byte> sealedObject)
    {
        if (kind is not (ObjectKind.Point or ObjectKind.Index or ObjectKind.DropRecord)) return true;
        if (known is not null) return known.Contains(Convert.ToHexString(SHA256.HashData(sealedObject)));
        return Problem is null || kind != ObjectKind.Index;
    }

    private static ObjectName NameOf(uint epoch) => new($"{Folder}/{epoch}");

    private static HashSet<string> Decode(ReadOnlySpan<byte> plain)
    {
        if (plain.Length % 32 != 0) throw ByteReader.Broken("a list of former objects is cut");
        var hashes = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < plain.Length; at += 32) hashes.Add(Convert.ToHexString(plain.Slice(at, 32)));
        return hashes;
    }

    private static FormerEpochs Unknown(ObjectName name, string why) => new(null)
    {
        Problem = new Problem(
            RepositoryErrors.KeyUnproven,
            Severity.Error,
            $"{name} {why}: a rotation was cut off, or somebody deleted it; whether points from before the rotation are genuine cannot be told",
            "look at 'reprise points'; if all of them are yours: reprise key rotate") { Where = name.Value },
    };
}
