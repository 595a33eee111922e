using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>
/// AES-256-GCM under a key that is derived afresh for every sealing attempt: HKDF(epoch key, random salt, kind). The
/// nonce is a domain byte and a counter, so nothing global has to be remembered. The associated data is the repository,
/// the header of the object and the place of the piece in it: a piece moved elsewhere does not open.
/// </summary>
internal sealed class Sealer(KeyRing keys, Entropy entropy)
{
    public const int TagLength = 16;

    /// <summary>Domain bytes of the nonce.</summary>
    public const byte Whole = 0;
    public const byte Directory = 1;
    public const byte Entry = 2;

    public KeyRing Keys => keys;

    /// <summary>What of former epochs is genuine.</summary>
    public FormerEpochs Former { get; init; } = FormerEpochs.None;

    /// <summary>Starts a new object: a fresh salt and its key.</summary>
    public (ReadOnlyMemory<byte> Salt, AesGcm Cipher) Fresh(ObjectKind kind)
    {
        var salt = entropy.Bytes(ObjectHeader.SaltLength);
        return (salt, Cipher(kind, keys.CurrentEpoch, salt));
    }

    /// <summary>The key of an object that was read.</summary>
    public AesGcm Cipher(ObjectHeader header) => Cipher(header.Kind, header.Epoch, header.Salt.Span);

    /// <summary>Seals in place: <paramref name="room"/> holds the plain bytes and 16 more for the tag.</summary>
    public void Seal(AesGcm cipher, byte domain, uint counter, ReadOnlySpan<byte> bound, Span<byte> room)
    {
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, domain, counter);
        var plain = room[..^TagLength];
        cipher.Encrypt(nonce, plain, plain, room[^TagLength..], bound);
    }

    /// <summary>Opens <paramref name="sealedBytes"/> into <paramref name="plain"/>, 16 bytes shorter; false when altered.</summary>
    public static bool Open(
        AesGcm cipher, byte domain, uint counter, ReadOnlySpan<byte> bound, ReadOnlySpan<byte> sealedBytes, Span<byte> plain)
    {
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, domain, counter);
        try
        {
            cipher.Decrypt(nonce, sealedBytes[..^TagLength], sealedBytes[^TagLength..], plain, bound);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>What binds a piece: repository, header without its checksum, and where it stands.</summary>
    public byte[] Bound(ReadOnlySpan<byte> header, ReadOnlySpan<byte> place) =>
        [.. keys.RepositoryId.Span, .. header[..56], .. place];

    /// <summary>Seals a whole object that is not a pack: compressed, its plain length in front, bound to <paramref name="place"/>.</summary>
    public byte[] SealObject(ObjectKind kind, string place, ReadOnlySpan<byte> plain, Zstd zstd)
    {
        Invariant.Check(plain.Length <= Limits.MaxObjectPlainBytes, $"an object of {plain.Length} bytes is too large");
        var (salt, cipher) = Fresh(kind);
        using (cipher)
        {
            var header = new ObjectHeader(kind, keys.CurrentEpoch, 0, salt).Encode();
            var buffer = new byte[header.Length + 4 + Zstd.Bound(plain.Length) + TagLength];
            header.CopyTo(buffer, 0);
            BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(header.Length), plain.Length);
            var encoded = zstd.Encode(plain, buffer.AsSpan(header.Length + 4));
            var sealedObject = buffer.AsSpan(0, header.Length + 4 + encoded + TagLength).ToArray();
            Seal(cipher, Whole, 0, Bound(header, Encoding.ASCII.GetBytes(place)), sealedObject.AsSpan(header.Length));
            return sealedObject;
        }
    }

    /// <summary>Opens what <see cref="SealObject"/> sealed, or says that it was altered or moved.</summary>
    public byte[] OpenObject(ObjectKind kind, string place, ReadOnlySpan<byte> sealedObject, Zstd zstd)
    {
        var header = ObjectHeader.Decode(sealedObject, kind);
        if (header.Epoch < keys.CurrentEpoch && !Former.Knows(kind, sealedObject)) throw NotOfThen(header.Epoch, keys.CurrentEpoch);
        var body = sealedObject[ObjectHeader.Length..];
        if (body.Length < 4 + TagLength) throw ByteReader.Broken($"an object of {sealedObject.Length} bytes is too short");
        using var cipher = Cipher(header);
        var opened = new byte[body.Length - TagLength];
        var bound = Bound(sealedObject[..ObjectHeader.Length], Encoding.ASCII.GetBytes(place));
        if (!Open(cipher, Whole, 0, bound, body, opened)) throw ByteReader.Broken("an object was altered, or moved from another name");
        var length = BinaryPrimitives.ReadInt32LittleEndian(opened);
        if (length is < 0 or > Limits.MaxObjectPlainBytes) throw ByteReader.Broken($"an object says that it has {length} bytes");
        var plain = new byte[length];
        zstd.Decode(opened.AsSpan(4), plain);
        return plain;
    }

    private static RepriseException NotOfThen(uint epoch, uint current) => new(
        RepositoryErrors.KeyForged,
        $"it is sealed with the key of epoch {epoch}, and was not there when epoch {current} replaced that",
        "somebody with a revoked key wrote into the repository, or a writer was expelled by a rotation; look at it, then give it up");

    private AesGcm Cipher(ObjectKind kind, uint epoch, ReadOnlySpan<byte> salt)
    {
        var master = keys.Epoch(epoch) ?? throw ByteReader.Broken($"an object is of key epoch {epoch}, which this key does not know");
        return new AesGcm(KeyRing.Derive(master, salt, $"reprise v0 object {(byte)kind}"), TagLength);
    }

    private static void Nonce(Span<byte> nonce, byte domain, uint counter)
    {
        nonce.Clear();
        nonce[0] = domain;
        BinaryPrimitives.WriteUInt32LittleEndian(nonce[8..], counter);
    }
}
