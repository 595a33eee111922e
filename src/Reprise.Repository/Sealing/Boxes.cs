using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>
/// Short secrets under a key, or for the holder of a key pair. A box is a random nonce, the AES-256-GCM ciphertext and
/// its tag; a letter is an ephemeral P-256 point and a box under the agreed key.
/// </summary>
internal static class Boxes
{
    public const int PublicLength = 65;
    private const int NonceLength = 12;
    private const int ScalarLength = 32;
    private const int Overhead = NonceLength + Sealer.TagLength;

    // The number of points of P-256: a scalar lies between 1 and one less.
    private static ReadOnlySpan<byte> Order =>
    [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];

    /// <summary>A fresh key pair.</summary>
    public static (byte[] PublicKey, byte[] Scalar) Pair(Entropy entropy)
    {
        using var pair = Fresh(entropy, out var scalar);
        return (Point(pair.ExportParameters(false)), scalar);
    }

    /// <summary>Seals under a key, bound to something clear.</summary>
    public static byte[] Seal(byte[] key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound, Entropy entropy)
    {
        var box = new byte[plain.Length + Overhead];
        entropy.Fill(box.AsSpan(0, NonceLength));
        using var cipher = new AesGcm(key, Sealer.TagLength);
        cipher.Encrypt(
            box.AsSpan(0, NonceLength), plain, box.AsSpan(NonceLength, plain.Length), box.AsSpan(NonceLength + plain.Length), bound);
        return box;
    }

    /// <summary>Opens what <see cref="Seal"/> sealed; null when the key or what it is bound to is another one.</summary>
    public static byte[]? Open(byte[] key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> bound)
    {
        if (box.Length < Overhead) return null;
        var plain = new byte[box.Length - Overhead];
        using var cipher = new AesGcm(key, Sealer.TagLength);
        try
        {
            cipher.Decrypt(box[..NonceLength], box[NonceLength..^Sealer.TagLength], box[^Sealer.TagLength..], plain, bound);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>Seals for the holder of the other half of <paramref name="publicKey"/>.</summary>
    public static byte[] SealFor(
        byte[] publicKey, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> repositoryId, string label, Entropy entropy)
    {
        using var ephemeral = Fresh(entropy, out _);
        using var other = Import(publicKey, null);
        var point = Point(ephemeral.ExportParameters(false));
        var key = KeyRing.Derive(ephemeral.DeriveRawSecretAgreement(other.PublicKey), repositoryId, label);
        return [.. point, .. Seal(key, plain, point, entropy)];
    }

    /// <summary>Opens what <see cref="SealFor"/> sealed; null when it was sealed for somebody else.</summary>
    public static byte[]? OpenWith(
        byte[] publicKey, byte[] scalar, ReadOnlySpan<byte> letter, ReadOnlySpan<byte> repositoryId, string label)
    {
        if (letter.Length <= PublicLength) return null;
        using var mine = Import(publicKey, scalar);
        using var ephemeral = Import(letter[..PublicLength], null);
        var key = KeyRing.Derive(mine.DeriveRawSecretAgreement(ephemeral.PublicKey), repositoryId, label);
        return Open(key, letter[PublicLength..], letter[..PublicLength]);
    }

    // FIPS 186-5, A.2.2: candidates are drawn until one lies in the range. From our own source of random bytes, so that
    // the golden repositories can be written again to the byte.
    private static ECDiffieHellman Fresh(Entropy entropy, out byte[] scalar)
    {
        do
        {
            scalar = entropy.Bytes(ScalarLength);
        }
        while (scalar.AsSpan().SequenceCompareTo(Order) >= 0 || !scalar.AsSpan().ContainsAnyExcept((byte)0));

        return ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
    }

    private static ECDiffieHellman Import(ReadOnlySpan<byte> point, byte[]? scalar)
    {
        if (point.Length != PublicLength || point[0] != 4) throw ByteReader.Broken("a public key is not an uncompressed P-256 point");
        try
        {
            return ECDiffieHellman.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = point[1..33].ToArray(), Y = point[33..].ToArray() },
                D = scalar,
            });
        }
        catch (CryptographicException)
        {
            throw ByteReader.Broken("a public key is not a point of P-256");
        }
    }

    private static byte[] Point(ECParameters parameters)
    {
        byte[] x = parameters.Q.X ?? [], y = parameters.Q.Y ?? [];
        Invariant.Check(x.Length == 32 && y.Length == 32, "a P-256 point has two coordinates of 32 bytes");
        return [4, .. x, .. y];
    }
}
