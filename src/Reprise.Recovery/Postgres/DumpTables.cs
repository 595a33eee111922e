using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Postgres;

/// <summary>One data block of a dump as a point keeps it.</summary>
/// <param name="Id">the number of its entry.</param>
/// <param name="Block">rows without framing, or large objects as they came.</param>
/// <param name="Rows">how many rows, or -1.</param>
/// <param name="Content">the bytes.</param>
internal sealed record DumpTable(int Id, DumpBlock Block, long Rows, Content Content);

/// <summary>
/// The stream <c>tables</c>: a version byte 1, the number of blocks, then for each its entry's number, its kind (1
/// rows, 3 large objects), its rows (signed, -1 for unknown) and its content as <see cref="ContentCodec"/> writes it.
/// It is a stream of its own because a database may have tens of thousands of tables.
/// </summary>
internal static class DumpTables
{
    private const byte Version = 1;

    public static ReadOnlyMemory<byte> Encode(IReadOnlyCollection<DumpTable> tables)
    {
        var bytes = new ArrayBufferWriter<byte>();
        ByteWriter.Byte(bytes, Version);
        ByteWriter.Number(bytes, tables.Count);
        foreach (var table in tables)
        {
            ByteWriter.Number(bytes, table.Id);
            ByteWriter.Byte(bytes, (byte)table.Block);
            ByteWriter.SignedNumber(bytes, table.Rows);
            ContentCodec.Write(bytes, table.Content);
        }

        return bytes.WrittenMemory;
    }

    public static IReadOnlyList<DumpTable> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        var version = reader.Byte();
        if (version != Version) throw ByteReader.Broken($"a list of tables has the unknown version {version}");
        var count = reader.Number(reader.Remaining);
        var tables = new List<DumpTable>();
        for (var i = 0; i < count; i++)
        {
            var id = (int)reader.Number(int.MaxValue);
            var block = (DumpBlock)reader.Byte();
            if (block is not (DumpBlock.Rows or DumpBlock.LargeObjects))
            {
                throw ByteReader.Broken($"a table is of kind {block}");
            }
            var rows = reader.SignedNumber();
            tables.Add(new DumpTable(id, block, rows, ContentCodec.Read(ref reader)));
        }

        reader.End();
        return tables;
    }
}
