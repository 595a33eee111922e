using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>
/// Key slots and epochs. A slot is a P-256 key pair whose private half is wrapped under the secret of a key file (or
/// stands only on the sheet). An epoch is a master key sealed to the public half of every slot, so that an epoch can be
/// added without any secret at hand. Both are small clear objects with a checksum: wrong key and damaged slot differ.
/// </summary>
internal static class KeySlots
{
    public const int SecretLength = 32;
    private const int PublicLength = 65;
    private const int MaxSlots = 64;
    private const int BoxOverhead = 12 + Sealer.TagLength;

    /// <summary>Makes a slot: its object, and the secret that opens it.</summary>
    public static (Slot Slot, byte[] Secret) Create(string kind, ReadOnlySpan<byte> repositoryId, Entropy entropy)
    {
        var name = kind + "-" + Convert.ToHexStringLower(entropy.Bytes(4));
        var secret = entropy.Bytes(SecretLength);
        using var pair = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var scalar = pair.ExportParameters(true);
        var publicKey = Point(scalar);
        var wrapKey = KeyRing.Derive(secret, repositoryId, "reprise v0 slot " + name);
        var slot = new Slot(name, publicKey, Box(wrapKey, scalar.D, publicKey, entropy));
        CryptographicOperations.ZeroMemory(scalar.D);
        return (slot, secret);
    }

    /// <summary>Seals the master key of an epoch to every slot.</summary>
    public static Epoch CreateEpoch(
        uint number, byte[] master, ReadOnlySpan<byte> repositoryId, IEnumerable<Slot> slots, Entropy entropy)
    {
        var boxes = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var slot in slots)
        {
            using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
            using var other = ECDiffieHellman.Create(Parameters(slot.PublicKey, null));
            var ephemeralPublic = Point(ephemeral.ExportParameters(false));
            var shared = ephemeral.DeriveRawSecretAgreement(other.PublicKey);
            var key = KeyRing.Derive(shared, repositoryId, $"reprise v0 epoch {number} {slot.Name}");
            boxes[slot.Name] = [.. ephemeralPublic, .. Box(key, master, ephemeralPublic, entropy)];
        }

        return new Epoch(number, boxes);
    }

    /// <summary>Opens the master key of an epoch with the secret of a slot; null when the epoch was not sealed to it.</summary>
    public static byte[]? OpenEpoch(Epoch epoch, Slot slot, byte[] secret, ReadOnlySpan<byte> repositoryId)
    {
        var wrapKey = KeyRing.Derive(secret, repositoryId, "reprise v0 slot " + slot.Name);
        var scalar = Unbox(wrapKey, slot.Wrapped, slot.PublicKey) ?? throw WrongSecret(slot.Name);
        if (!epoch.Boxes.TryGetValue(slot.Name, out var box) || box.Length <= PublicLength) return null;
        using var mine = ECDiffieHellman.Create(Parameters(slot.PublicKey, scalar));
        CryptographicOperations.ZeroMemory(scalar);
        var ephemeralPublic = box.AsSpan(0, PublicLength);
        using var ephemeral = ECDiffieHellman.Create(Parameters(ephemeralPublic, null));
        var shared = mine.DeriveRawSecretAgreement(ephemeral.PublicKey);
        var key = KeyRing.Derive(shared, repositoryId, $"reprise v0 epoch {epoch.Number} {slot.Name}");
        return Unbox(key, box.AsSpan(PublicLength), ephemeralPublic);
    }

    public static byte[] Encode(Slot slot)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Bytes(writer, "RPRK"u8);
        ByteWriter.Byte(writer, ObjectHeader.Version);
        ByteWriter.Sized(writer, Encoding.ASCII.GetBytes(slot.Name));
        ByteWriter.Sized(writer, slot.PublicKey);
        ByteWriter.Sized(writer, slot.Wrapped);
        return Checked(writer);
    }

    public static Slot DecodeSlot(ReadOnlySpan<byte> bytes)
    {
        var reader = Opened(bytes, "RPRK"u8);
        return new Slot(
            Encoding.ASCII.GetString(reader.Sized(64)), reader.Sized(PublicLength).ToArray(), reader.Sized(256).ToArray());
    }

    public static byte[] Encode(Epoch epoch)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Bytes(writer, "RPRE"u8);
        ByteWriter.Byte(writer, ObjectHeader.Version);
        ByteWriter.Number(writer, epoch.Number);
        ByteWriter.Number(writer, epoch.Boxes.Count);
        foreach (var (name, box) in epoch.Boxes)
        {
            ByteWriter.Sized(writer, Encoding.ASCII.GetBytes(name));
            ByteWriter.Sized(writer, box);
        }

        return Checked(writer);
    }

    public static Epoch DecodeEpoch(ReadOnlySpan<byte> bytes)
    {
        var reader = Opened(bytes, "RPRE"u8);
        var number = (uint)reader.Number(uint.MaxValue);
        var boxes = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        for (var left = reader.Number(MaxSlots); left > 0; left--)
        {
            var name = Encoding.ASCII.GetString(reader.Sized(64));
            boxes[name] = reader.Sized(512).ToArray();
        }

        return new Epoch(number, boxes);
    }

    private static byte[] Checked(ArrayBufferWriter<byte> writer)
    {
        var hash = SHA256.HashData(writer.WrittenSpan);
        return [.. writer.WrittenSpan, .. hash];
    }

    private static ByteReader Opened(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> magic)
    {
        if (bytes.Length < 37 || !bytes.StartsWith(magic) || !SHA256.HashData(bytes[..^32]).AsSpan().SequenceEqual(bytes[^32..]))
            throw ByteReader.Broken("a key object was altered");
        if (bytes[4] != ObjectHeader.Version) throw ObjectHeader.Newer(bytes[4]);
        return new ByteReader(bytes[5..^32]);
    }

    private static byte[] Box(byte[] key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound, Entropy entropy)
    {
        var box = new byte[plain.Length + BoxOverhead];
        entropy.Fill(box.AsSpan(0, 12));
        using var cipher = new AesGcm(key, Sealer.TagLength);
        cipher.Encrypt(box.AsSpan(0, 12), plain, box.AsSpan(12, plain.Length), box.AsSpan(12 + plain.Length), bound);
        return box;
    }

    private static byte[]? Unbox(byte[] key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> bound)
    {
        if (box.Length < BoxOverhead) return null;
        var plain = new byte[box.Length - BoxOverhead];
        using var cipher = new AesGcm(key, Sealer.TagLength);
        try
        {
            cipher.Decrypt(box[..12], box[12..^Sealer.TagLength], box[^Sealer.TagLength..], plain, bound);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] Point(ECParameters parameters)
    {
        byte[] x = parameters.Q.X ?? [], y = parameters.Q.Y ?? [];
        Invariant.Check(x.Length == 32 && y.Length == 32, "a P-256 point has two coordinates of 32 bytes");
        return [4, .. x, .. y];
    }

    private static ECParameters Parameters(ReadOnlySpan<byte> point, byte[]? scalar)
    {
        if (point.Length != PublicLength || point[0] != 4) throw ByteReader.Broken("a public key is not an uncompressed P-256 point");
        return new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = point[1..33].ToArray(), Y = point[33..].ToArray() },
            D = scalar,
        };
    }

    private static RepriseException WrongSecret(string slot) => new(
        RepositoryErrors.KeyWrong,
        $"the key does not open its slot {slot}",
        "use the key file of this repository, or the recovery sheet");
}

/// <summary>One way to open the repository, stored as <c>keys/NAME</c>.</summary>
/// <param name="Name"><c>file-…</c> or <c>sheet-…</c>.</param>
/// <param name="PublicKey">an uncompressed P-256 point.</param>
/// <param name="Wrapped">the private scalar, sealed under the slot's secret.</param>
internal sealed record Slot(string Name, byte[] PublicKey, byte[] Wrapped);

/// <summary>One master key, sealed to every slot; stored as <c>keys/epoch-N</c>.</summary>
internal sealed record Epoch(uint Number, SortedDictionary<string, byte[]> Boxes);
