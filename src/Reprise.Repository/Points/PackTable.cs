using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;

namespace Reprise.Repository.Points;

/// <summary>
/// The packs that one point needs, numbered as its parts name them. It travels inside the point, so that a restore needs
/// nothing else. Encoded: count, then 32 bytes of name, size and data offset (u32 each) a pack.
/// </summary>
internal sealed class PackTable
{
    /// <summary>The most packs of one point: 4 MiB of table, 1.4 TB of chunks. A later format keeps longer tables in blobs.</summary>
    public const int MaxPacks = 100_000;

    private readonly List<PackFacts> packs = [];
    private readonly Dictionary<PackId, int> numbers = [];

    public IReadOnlyList<PackFacts> Packs => packs;

    /// <summary>The number of a pack in this point.</summary>
    public int Number(PackFacts pack)
    {
        if (numbers.TryGetValue(pack.Id, out var number)) return number;
        Storage.Errors.Invariant.Check(packs.Count < MaxPacks, $"a point has more than {MaxPacks} packs");
        packs.Add(pack);
        numbers[pack.Id] = packs.Count - 1;
        return packs.Count - 1;
    }

    /// <summary>
    /// A number for a pack that is still open: its name is the hash of what will be sealed, so <see cref="Fill"/> says it later.
    /// </summary>
    public int Reserve()
    {
        Storage.Errors.Invariant.Check(packs.Count < MaxPacks, $"a point has more than {MaxPacks} packs");
        packs.Add(default);
        return packs.Count - 1;
    }

    /// <summary>Says which pack a reserved number became.</summary>
    public void Fill(int number, PackFacts pack)
    {
        packs[number] = pack;
        numbers[pack.Id] = number;
    }

    public byte[] Encode()
    {
        Storage.Errors.Invariant.Check(packs.TrueForAll(p => p.SizeBytes > 0), "every pack of a point is stored before the point");
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, packs.Count);
        foreach (var pack in packs)
        {
            ByteWriter.Bytes(writer, pack.Id.Bytes());
            ByteWriter.UInt32(writer, (uint)pack.SizeBytes);
            ByteWriter.UInt32(writer, (uint)pack.DataOffsetBytes);
        }

        return writer.WrittenSpan.ToArray();
    }

    public static PackTable Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        var table = new PackTable();
        for (var left = reader.Number(MaxPacks); left > 0; left--)
        {
            var id = new PackId(reader.Bytes(PackId.Length));
            var size = reader.UInt32();
            var offset = reader.UInt32();
            if (size > Limits.MaxPackBytes || offset > size) throw ByteReader.Broken("a pack is larger than a pack can be");
            table.packs.Add(new PackFacts(id, (int)size, (int)offset));
            table.numbers[id] = table.packs.Count - 1;
        }

        reader.End();
        return table;
    }
}
