using System.Buffers.Binary;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>
/// One way to open the repository, stored as <c>keys/NAME</c>: a P-256 key pair whose private half is wrapped under a
/// secret. With the private half stands what the epoch looked like in which the slot was made: whoever replaces every
/// object under <c>keys/</c> cannot make this slot believe in another master key.
/// </summary>
internal sealed record Slot
{
    public const int SecretLength = 32;
    private const int ScalarLength = 32;

    private Slot(byte[] bytes) => Bytes = bytes;

    /// <summary><c>file-…</c>, <c>passphrase-…</c> or <c>sheet-…</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How a passphrase becomes the secret; null: the secret is random and stands in a file or on a sheet.</summary>
    public required Stretching? Stretching { get; init; }

    /// <summary>An uncompressed point.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>The epoch in which it was made.</summary>
    public required uint Since { get; init; }

    /// <summary>The object.</summary>
    public byte[] Bytes { get; }

    private byte[] Wrapped { get; init; } = [];

    private byte[] Letter { get; init; } = [];

    /// <summary>Makes a slot for the epoch in force, and the private half sealed under <paramref name="secret"/>.</summary>
    public static Slot Create(string name, byte[] secret, Stretching? stretching, KeyRing ring, Entropy entropy)
    {
        var id = ring.RepositoryId.Span;
        var since = ring.CurrentEpoch;
        var master = ring.Current;
        var (publicKey, scalar) = Boxes.Pair(entropy);
        byte[] inside = [.. scalar, .. Anchor(master, since, id)];
        var wrapped = Boxes.Seal(WrapKey(secret, id, name), inside, Bound(publicKey, since), entropy);
        var letter = Boxes.SealFor(publicKey, master, id, LetterLabel(since, name), entropy);
        var bytes = KeyObject.Encode("RPRK"u8, MacKey(master, id), writer =>
        {
            ByteWriter.Sized(writer, Encoding.ASCII.GetBytes(name));
            ByteWriter.Number(writer, since);
            ByteWriter.Byte(writer, stretching is null ? (byte)0 : (byte)1);
            stretching?.Write(writer);
            ByteWriter.Sized(writer, publicKey);
            ByteWriter.Sized(writer, wrapped);
            ByteWriter.Sized(writer, letter);
        });
        return Decode(bytes);
    }

    public static Slot Decode(byte[] bytes)
    {
        var reader = KeyObject.Open(bytes, "RPRK"u8);
        var name = Encoding.ASCII.GetString(reader.Sized(64));
        var since = (uint)reader.Number(uint.MaxValue);
        var stretching = reader.Byte() switch
        {
            0 => null,
            1 => Stretching.Read(ref reader),
            _ => throw ObjectHeader.Newer(ObjectHeader.Version),
        };
        var slot = new Slot(bytes)
        {
            Name = name,
            Since = since,
            Stretching = stretching,
            PublicKey = reader.Sized(Boxes.PublicLength).ToArray(),
            Wrapped = reader.Sized(256).ToArray(),
            Letter = reader.Sized(512).ToArray(),
        };
        reader.End();
        return slot;
    }

    /// <summary>Whether somebody made it who knew the master key of the epoch that it says it is of.</summary>
    public bool IsGenuine(byte[] master, ReadOnlySpan<byte> repositoryId) => KeyObject.IsGenuine(Bytes, MacKey(master, repositoryId));

    /// <summary>Opens the slot; null when the secret is another one.</summary>
    public OpenSlot? Open(byte[] secret, ReadOnlySpan<byte> repositoryId)
    {
        var inside = Boxes.Open(WrapKey(secret, repositoryId, Name), Wrapped, Bound(PublicKey, Since));
        if (inside is not { Length: ScalarLength + KeyRing.KeyLength }) return null;
        var scalar = inside[..ScalarLength];
        var master = Boxes.OpenWith(PublicKey, scalar, Letter, repositoryId, LetterLabel(Since, Name));
        if (master is null || !Anchor(master, Since, repositoryId).AsSpan().SequenceEqual(inside.AsSpan(ScalarLength)))
            throw ByteReader.Broken($"slot {Name} was replaced by somebody who does not know its secret");
        return new OpenSlot(this, scalar, master);
    }

    /// <summary>What binds the letter of an epoch to its slot.</summary>
    public static string LetterLabel(uint epoch, string name) => $"reprise v0 epoch {epoch} {name}";

    private static byte[] WrapKey(byte[] secret, ReadOnlySpan<byte> id, string name) => KeyRing.Derive(secret, id, "reprise v0 slot " + name);

    private static byte[] MacKey(byte[] master, ReadOnlySpan<byte> id) => KeyRing.Derive(master, id, "reprise v0 introduction");

    private static byte[] Anchor(byte[] master, uint epoch, ReadOnlySpan<byte> id) => KeyRing.Derive(master, id, $"reprise v0 anchor {epoch}");

    private static byte[] Bound(byte[] publicKey, uint since)
    {
        var number = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(number, since);
        return [.. publicKey, .. number];
    }
}

/// <summary>A slot whose secret was known.</summary>
/// <param name="Slot">which.</param>
/// <param name="Scalar">its private half.</param>
/// <param name="Master">the master key of the epoch in which it was made.</param>
internal sealed record OpenSlot(Slot Slot, byte[] Scalar, byte[] Master);
