using System.Text;
using Reprise.Repository.Format;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>
/// A master key after the first one, stored as <c>keys/epoch-N</c>: sealed to every slot that stays in force, together
/// with all master keys before it, and authenticated by the one that it follows.
/// </summary>
internal sealed record Epoch
{
    public const string Prefix = "epoch-";
    public const int MaxSlots = 64;

    /// <summary>More rotations than anybody makes; whoever can write could name a larger number to end all numbers.</summary>
    public const uint MaxNumber = 1_000_000;
    private const int MaxHistoryBytes = 512 * 1024;
    private const int MemberLength = 4 + KeyRing.KeyLength;

    private Epoch(byte[] bytes) => Bytes = bytes;

    public required uint Number { get; init; }

    /// <summary>The epoch whose master key authenticates it.</summary>
    public required uint Follows { get; init; }

    /// <summary>The slots in force when it was made, in their order.</summary>
    public required IReadOnlyList<EpochSlot> Slots { get; init; }

    /// <summary>The object.</summary>
    public byte[] Bytes { get; }

    public string Name => Prefix + Number;

    private byte[] History { get; init; } = [];

    /// <summary>Makes the epoch that follows those of <paramref name="ring"/>.</summary>
    public static Epoch Create(uint number, byte[] master, KeyRing ring, IEnumerable<(string Name, byte[] PublicKey)> slots, Entropy entropy)
    {
        var id = ring.RepositoryId.ToArray();
        var letters = slots.OrderBy(s => s.Name, StringComparer.Ordinal)
            .Select(s => new EpochSlot(s.Name, s.PublicKey, Boxes.SealFor(s.PublicKey, master, id, Slot.LetterLabel(number, s.Name), entropy)))
            .ToList();
        byte[] history = [.. ring.Epochs.SelectMany(e => (byte[])[.. BitConverter.GetBytes(e.Key), .. e.Value])];
        var box = Boxes.Seal(HistoryKey(master, id, number), history, [], entropy);
        return Decode(KeyObject.Encode("RPRE"u8, SuccessionKey(ring.Current, id), writer =>
        {
            ByteWriter.Number(writer, number);
            ByteWriter.Number(writer, ring.CurrentEpoch);
            ByteWriter.Number(writer, letters.Count);
            foreach (var letter in letters)
            {
                ByteWriter.Sized(writer, Encoding.ASCII.GetBytes(letter.Name));
                ByteWriter.Sized(writer, letter.PublicKey);
                ByteWriter.Sized(writer, letter.Letter);
            }

            ByteWriter.Sized(writer, box);
        }));
    }

    public static Epoch Decode(byte[] bytes)
    {
        var reader = KeyObject.Open(bytes, "RPRE"u8);
        var number = (uint)reader.Number(MaxNumber);
        var follows = (uint)reader.Number(MaxNumber);
        if (follows < 1 || follows >= number) throw ByteReader.Broken($"epoch {number} cannot follow epoch {follows}");
        var slots = new List<EpochSlot>();
        for (var left = reader.Number(MaxSlots); left > 0; left--)
        {
            slots.Add(new EpochSlot(
                Encoding.ASCII.GetString(reader.Sized(64)), reader.Sized(Boxes.PublicLength).ToArray(), reader.Sized(512).ToArray()));
        }

        var history = reader.Sized(MaxHistoryBytes).ToArray();
        reader.End();
        return new Epoch(bytes) { Number = number, Follows = follows, Slots = slots, History = history };
    }

    /// <summary>Whether somebody made it who knew the master key of the epoch that it follows.</summary>
    public bool IsGenuine(byte[] former, ReadOnlySpan<byte> repositoryId) => KeyObject.IsGenuine(Bytes, SuccessionKey(former, repositoryId));

    /// <summary>The master key, when it was sealed to this slot.</summary>
    public byte[]? Open(OpenSlot slot, ReadOnlySpan<byte> repositoryId)
    {
        if (Slots.FirstOrDefault(s => s.Name == slot.Slot.Name) is not { } mine) return null;
        var master = Boxes.OpenWith(slot.Slot.PublicKey, slot.Scalar, mine.Letter, repositoryId, Slot.LetterLabel(Number, mine.Name));
        return master is { Length: KeyRing.KeyLength } ? master : null;
    }

    /// <summary>All master keys before this one; null when the master key does not open them.</summary>
    public SortedDictionary<uint, byte[]>? Former(byte[] master, ReadOnlySpan<byte> repositoryId)
    {
        var plain = Boxes.Open(HistoryKey(master, repositoryId, Number), History, []);
        if (plain is null || plain.Length % MemberLength != 0) return null;
        var former = new SortedDictionary<uint, byte[]>();
        for (var at = 0; at < plain.Length; at += MemberLength)
            former[BitConverter.ToUInt32(plain, at)] = plain[(at + 4)..(at + MemberLength)];
        return former;
    }

    private static byte[] SuccessionKey(byte[] former, ReadOnlySpan<byte> id) => KeyRing.Derive(former, id, "reprise v0 succession");

    private static byte[] HistoryKey(byte[] master, ReadOnlySpan<byte> id, uint number) =>
        KeyRing.Derive(master, id, $"reprise v0 history {number}");
}

/// <summary>The master key of an epoch, sealed to one slot.</summary>
internal sealed record EpochSlot(string Name, byte[] PublicKey, byte[] Letter);
