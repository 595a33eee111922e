using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Puts entries for the rows of tables into the head of a dump that was made without them, in front of everything else
/// that is data, as pg_dump itself writes them: see <see cref="DumpHeadParser"/> for the format.
/// </summary>
internal static class DumpHeadEdit
{
    private const int DataSection = 3;
    private const byte PlaceNotSet = 1;

    /// <summary>The head with one more entry for each of <paramref name="tables"/>, and their numbers in that order.</summary>
    public static (byte[] Head, IReadOnlyList<int> Ids) Insert(
        ReadOnlySpan<byte> bytes, DumpHead head, IReadOnlyList<CopiedTable> tables)
    {
        var edited = new ArrayBufferWriter<byte>(bytes.Length + (tables.Count * 512) + 16);
        edited.Write(bytes[..head.CountAt]);
        WriteNumber(edited, DumpCursor.Decode(bytes.Slice(head.CountAt, 5)) + tables.Count);
        edited.Write(bytes[(head.CountAt + 5)..head.DataAt]);
        var ids = new List<int>();
        foreach (var table in tables)
        {
            ids.Add(checked(head.LargestId + 1 + ids.Count));
            WriteEntry(edited, head, table, ids[^1]);
        }

        edited.Write(bytes[head.DataAt..]);
        return (edited.WrittenSpan.ToArray(), ids);
    }

    private static void WriteEntry(ArrayBufferWriter<byte> to, DumpHead head, CopiedTable table, int id)
    {
        WriteNumber(to, id);
        WriteNumber(to, 1);
        WriteText(to, "0");
        WriteText(to, table.Oid.ToString(CultureInfo.InvariantCulture));
        WriteText(to, table.Name);
        WriteText(to, "TABLE DATA");
        WriteNumber(to, DataSection);
        WriteText(to, null);
        WriteText(to, null);
        WriteText(to, table.CopyIn);
        WriteText(to, table.Schema);
        WriteText(to, null);
        WriteText(to, null);
        if (head.Version >= 16) WriteNumber(to, 0);
        WriteText(to, table.Owner);
        WriteText(to, "false");
        WriteText(to, head.Tables[table.Oid].ToString(CultureInfo.InvariantCulture));
        WriteText(to, null);
        to.GetSpan(1)[0] = PlaceNotSet;
        to.Advance(1);
        to.GetSpan(head.OffsetBytes)[..head.OffsetBytes].Clear();
        to.Advance(head.OffsetBytes);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, int value)
    {
        var five = to.GetSpan(5);
        five[0] = (byte)(value < 0 ? 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(five[1..], Math.Abs(value));
        to.Advance(5);
    }

    private static void WriteText(ArrayBufferWriter<byte> to, string? text)
    {
        WriteNumber(to, text is null ? -1 : Encoding.UTF8.GetByteCount(text));
        if (text is not null) to.Write(Encoding.UTF8.GetBytes(text));
    }
}

/// <summary>A table whose rows we read ourselves.</summary>
internal sealed record CopiedTable
{
    public required uint Oid { get; init; }

    public required string Schema { get; init; }

    public required string Name { get; init; }

    /// <summary>Both, quoted where they must be.</summary>
    public required string Quoted { get; init; }

    public required string Owner { get; init; }

    /// <summary>Its columns but the generated ones, quoted, in their order.</summary>
    public required string Columns { get; init; }

    /// <summary>The statement that takes its rows, as in a dump.</summary>
    public string CopyIn => $"COPY {Quoted} ({Columns}) FROM stdin;\n";
}
