using System.Security.Cryptography;
using System.Text;

namespace Reprise.Repository.Sealing;

/// <summary>
/// The opened keys of one repository: a master key an epoch, and what is derived from the first one and never rotates
/// (names of chunks, cuts of chunks, hashes of pages, fingerprints of secrets), because changing those would end deduplication.
/// </summary>
internal sealed class KeyRing
{
    public const int KeyLength = 32;

    private readonly SortedDictionary<uint, byte[]> epochs;
    private readonly byte[] nameKey;
    private readonly byte[] fingerprintKey;

    public KeyRing(ReadOnlyMemory<byte> repositoryId, IReadOnlyDictionary<uint, byte[]> epochKeys)
    {
        RepositoryId = repositoryId;
        epochs = new SortedDictionary<uint, byte[]>(epochKeys.ToDictionary());
        var first = epochs[1];
        nameKey = Derive(first, repositoryId.Span, "reprise v0 names");
        fingerprintKey = Derive(first, repositoryId.Span, "reprise v0 fingerprints");
        PagesKey = Derive(first, repositoryId.Span, "reprise v0 pages");
        CuttingKey = Derive(first, repositoryId.Span, "reprise v0 cutting");
    }

    /// <summary>16 random bytes, clear in the store.</summary>
    public ReadOnlyMemory<byte> RepositoryId { get; }

    /// <summary>Where content-defined cuts come from.</summary>
    public ReadOnlyMemory<byte> CuttingKey { get; }

    /// <summary>What pages are hashed with.</summary>
    public ReadOnlyMemory<byte> PagesKey { get; }

    /// <summary>The epoch that is written with.</summary>
    public uint CurrentEpoch => epochs.Keys.Last();

    /// <summary>The master key that is written with.</summary>
    public byte[] Current => epochs.Values.Last();

    /// <summary>Every master key, oldest first.</summary>
    public IReadOnlyDictionary<uint, byte[]> Epochs => epochs;

    /// <summary>The master key of an epoch, or null when this key never knew it.</summary>
    public byte[]? Epoch(uint number) => epochs.GetValueOrDefault(number);

    /// <summary>
    /// The name of a chunk: HMAC-SHA256 over its type and its SHA-256, so that nobody without the key can test for content.
    /// </summary>
    public void NameChunk(byte type, ReadOnlySpan<byte> sha256, Span<byte> name)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, nameKey);
        hmac.AppendData([type]);
        hmac.AppendData(sha256);
        hmac.GetHashAndReset(name);
    }

    /// <summary>A keyed fingerprint of a labelled value, to say later whether it is still the same without keeping it.</summary>
    public byte[] Fingerprint(ReadOnlySpan<byte> label, ReadOnlySpan<byte> value)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, fingerprintKey);
        hmac.AppendData(BitConverter.GetBytes(label.Length));
        hmac.AppendData(label);
        hmac.AppendData(value);
        return hmac.GetHashAndReset();
    }

    /// <summary>HKDF-SHA256 (RFC 5869) to 32 bytes.</summary>
    public static byte[] Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, string label)
    {
        var derived = new byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, Encoding.ASCII.GetBytes(label));
        return derived;
    }
}
