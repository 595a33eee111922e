using System.Buffers.Binary;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>One entry of a dump's table of contents that has data behind it.</summary>
/// <param name="Id">the dump's own number of it; its data block carries the same.</param>
/// <param name="Oid">of the table in the database that was dumped; 0 for large objects.</param>
/// <param name="Tag">the table's name, in the encoding of the database, as far as it is UTF-8.</param>
/// <param name="Schema">its schema, likewise, or null.</param>
/// <param name="OffsetAt">where in the head the place of its data is noted: a flag byte and the offset.</param>
internal sealed record DumpEntry(int Id, uint Oid, string Tag, string? Schema, int OffsetAt)
{
    /// <summary>The statement that takes its rows, <c>COPY … FROM stdin;</c>; empty for large objects.</summary>
    public string Copy { get; init; } = "";
}

/// <summary>One entry of a dump's table of contents, with or without data; texts as <see cref="DumpHead.Text"/> reads them.</summary>
/// <param name="Id">the dump's own number of it.</param>
/// <param name="Kind">what it makes, as pg_dump says it: <c>TABLE</c>, <c>FK CONSTRAINT</c>.</param>
/// <param name="Schema">its schema; empty for what lies in none.</param>
/// <param name="Tag">its name, and for what belongs to a table that table's name before it.</param>
/// <param name="Definition">the statements that make it.</param>
/// <param name="Copy">the statement that takes its rows, or empty.</param>
internal sealed record DumpItem(int Id, string Kind, string Schema, string Tag, string Definition, string Copy)
{
    /// <summary>Who owns it; empty: nobody has to.</summary>
    public required string Owner { get; init; }

    /// <summary>How a table is stored: <c>heap</c>; empty for everything else.</summary>
    public required string AccessMethod { get; init; }

    /// <summary>Whether it comes before all rows.</summary>
    public required bool IsBeforeData { get; init; }

    /// <summary>The numbers of the entries that it needs.</summary>
    public required IReadOnlyList<int> Needs { get; init; }
}

/// <summary>Header and table of contents of a dump in the custom format of <c>pg_dump</c>.</summary>
internal sealed record DumpHead
{
    /// <summary>Minor number of the archive version: 14 is PostgreSQL 12 to 15, 15 is 16, 16 is 17 and 18.</summary>
    public required int Version { get; init; }

    /// <summary>Bytes of a file offset in the table of contents.</summary>
    public required int OffsetBytes { get; init; }

    /// <summary>The version of the server, as it said it.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The version of the pg_dump that wrote it.</summary>
    public required string DumpVersion { get; init; }

    /// <summary>Length of the head; the first data block follows.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>The entries that have data, in the order of their blocks.</summary>
    public required IReadOnlyList<DumpEntry> Data { get; init; }

    /// <summary>Every role that owns something in the dump.</summary>
    public required IReadOnlyCollection<string> Owners { get; init; }

    /// <summary>Where the number of entries stands.</summary>
    public required int CountAt { get; init; }

    /// <summary>Where the first entry begins that is no longer about the schema before data.</summary>
    public required int DataAt { get; init; }

    /// <summary>The largest number of an entry.</summary>
    public required int LargestId { get; init; }

    /// <summary>The numbers of the entries that create tables, by the table's OID.</summary>
    public required IReadOnlyDictionary<uint, int> Tables { get; init; }

    /// <summary>Every entry, in order; empty unless the parser was told to keep them.</summary>
    public required IReadOnlyList<DumpItem> Items { get; init; }

    /// <summary>
    /// How the texts of <see cref="Items"/> become bytes again: UTF-8, or byte by byte where the database has another encoding.
    /// </summary>
    public required Encoding Text { get; init; }
}

/// <summary>
/// Reads a dump's head from blocks as they come. Written from the format as pg_dump 15, 17 and 18 write it, which is:
/// <c>PGDMP</c>, three bytes of version, sizes of integers and offsets, format 1, compression, seven numbers of time,
/// three strings, the number of entries, then the entries. A number is a sign byte and its absolute value, lowest byte
/// first; a string is its length, -1 for none, and its bytes. Every length is bounded before it is believed.
/// </summary>
internal sealed class DumpHeadParser
{
    /// <summary>The largest head that is read.</summary>
    public const int MaxBytes = 1 << 30;

    private const int MaxStringBytes = 256 << 20;
    private const int MaxEntries = 50_000_000;
    private const int NoData = 3;
    private const int DataSection = 3;

    private readonly List<DumpEntry> data = [];
    private readonly List<DumpItem> items = [];
    private Encoding text = Encoding.UTF8;
    private readonly HashSet<int> ids = [];
    private readonly SortedSet<string> owners = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, int> tables = [];
    private byte[] buffer = new byte[128 * 1024];
    private int start;
    private int end;
    private long consumed;
    private int version;
    private int offsetBytes;
    private string serverVersion = "";
    private string dumpVersion = "";
    private int entriesLeft = -1;
    private int countAt;
    private int dataAt = -1;
    private int largestId;

    /// <summary>Whether every entry is kept with its statements, which may take as much memory as the head.</summary>
    public bool KeepsItems { get; init; }

    /// <summary>The head, once it is complete.</summary>
    public DumpHead? Head { get; private set; }

    /// <summary>
    /// Takes what it can of <paramref name="block"/>; what follows the head is left. Returns how much was taken.
    /// </summary>
    public int Take(ReadOnlySpan<byte> block)
    {
        Append(block);
        while (Head is null)
        {
            var cursor = new DumpCursor(buffer.AsSpan(start, end - start));
            if (entriesLeft < 0 ? !ReadHeader(ref cursor) : entriesLeft > 0 && !ReadEntry(ref cursor))
            {
                return block.Length;
            }
            start += cursor.Used;
            consumed += cursor.Used;
            if (consumed > MaxBytes) throw Invalid($"its table of contents is larger than {MaxBytes} bytes");
            if (entriesLeft == 0) Complete();
        }

        var left = end - start;
        buffer = [];
        return block.Length - left;
    }

    internal static RepriseException Invalid(string what) => new(
        RecoveryErrors.DumpInvalid,
        $"the dump cannot be used: {what}",
        "look into the server's log for why pg_dump was ended, then run the command again");

    private void Complete() => Head = new DumpHead
    {
        Version = version,
        OffsetBytes = offsetBytes,
        ServerVersion = serverVersion,
        DumpVersion = dumpVersion,
        LengthBytes = consumed,
        Data = data,
        Owners = owners,
        CountAt = countAt,
        DataAt = dataAt < 0 ? (int)consumed : dataAt,
        LargestId = largestId,
        Tables = tables,
        Items = items,
        Text = text,
    };

    private void Append(ReadOnlySpan<byte> block)
    {
        if (buffer.Length - end < block.Length)
        {
            var kept = end - start;
            var wanted = buffer;
            if (buffer.Length - kept < block.Length)
            {
                wanted = new byte[Math.Max(buffer.Length * 2, kept + block.Length)];
            }
            buffer.AsSpan(start, kept).CopyTo(wanted);
            (buffer, start, end) = (wanted, 0, kept);
        }

        block.CopyTo(buffer.AsSpan(end));
        end += block.Length;
    }

    private bool ReadHeader(ref DumpCursor cursor)
    {
        var magic = cursor.Bytes(5);
        if (!cursor.Short && !magic.SequenceEqual("PGDMP"u8))
        {
            throw Invalid("it does not begin as pg_dump's custom format does");
        }
        var fixedPart = cursor.Bytes(6);
        if (cursor.Short) return false;
        if (fixedPart[0] != 1 || fixedPart[1] is < 14 or > 16)
        {
            throw Invalid($"its archive version {fixedPart[0]}.{fixedPart[1]} is not one of 1.14 to 1.16");
        }

        if (fixedPart[3] != 4 || fixedPart[4] is not (4 or 8)) throw Invalid("its numbers are of an unknown size");
        if (fixedPart[5] != 1) throw Invalid("it is not of the custom format");
        var compression = fixedPart[1] >= 15 ? cursor.Byte() : cursor.Number();
        if (!cursor.Short && compression != 0) throw Invalid("it is compressed");
        for (var i = 0; i < 7; i++) cursor.Number();
        cursor.Text(MaxStringBytes);
        var server = Decode(cursor.Text(MaxStringBytes));
        var dump = Decode(cursor.Text(MaxStringBytes));
        var at = cursor.Used;
        var count = cursor.Number();
        if (cursor.Short) return false;
        countAt = (int)consumed + at;
        if (count is < 0 or > MaxEntries) throw Invalid($"it announces {count} entries");
        (version, offsetBytes, serverVersion, dumpVersion, entriesLeft) =
            (fixedPart[1], fixedPart[4], server, dump, count);
        return true;
    }

    private bool ReadEntry(ref DumpCursor cursor)
    {
        var id = cursor.Number();
        var hasData = cursor.Number();
        cursor.Text(MaxStringBytes);
        var oid = cursor.Text(MaxStringBytes);
        var tag = cursor.Text(MaxStringBytes);
        var kind = cursor.Text(MaxStringBytes);
        var section = cursor.Number();
        var definition = cursor.Text(MaxStringBytes);
        cursor.Text(MaxStringBytes);
        var copy = cursor.Text(MaxStringBytes);
        var schema = cursor.Text(MaxStringBytes);
        cursor.Text(MaxStringBytes);
        var method = cursor.Text(MaxStringBytes);
        if (version >= 16) cursor.Number();
        var owner = cursor.Text(MaxStringBytes);
        cursor.Text(MaxStringBytes);
        var needs = Needs(ref cursor);
        var offsetAt = cursor.Used;
        var flag = cursor.Byte();
        cursor.Bytes(offsetBytes);
        if (cursor.Short) return false;
        if (id <= 0) throw Invalid($"an entry has the number {id}");
        if (hasData != 0 && flag == NoData) throw Invalid($"entry {id} is said to have data and none");
        if (!owner.IsEmpty) owners.Add(Decode(owner));
        var number = uint.TryParse(oid, out var parsed) ? parsed : 0;
        largestId = Math.Max(largestId, id);
        if (section >= DataSection && dataAt < 0) dataAt = (int)consumed;
        if (kind.SequenceEqual("TABLE"u8)) tables[number] = id;
        if (kind.SequenceEqual("ENCODING"u8) && !definition.SequenceEqual("SET client_encoding = 'UTF8';\n"u8)) text = Encoding.Latin1;
        if (needs is not null)
        {
            items.Add(new DumpItem(
                id, text.GetString(kind), text.GetString(schema), text.GetString(tag), text.GetString(definition), text.GetString(copy))
            {
                Owner = text.GetString(owner),
                AccessMethod = text.GetString(method),
                IsBeforeData = dataAt < 0,
                Needs = needs,
            });
        }

        if (hasData != 0)
        {
            if (!ids.Add(id)) throw Invalid($"two entries have the number {id}");
            data.Add(new DumpEntry(
                id, number, Decode(tag), schema.IsEmpty ? null : Decode(schema), (int)consumed + offsetAt)
            {
                Copy = Decode(copy),
            });
        }

        entriesLeft--;
        return true;
    }

    private List<int>? Needs(ref DumpCursor cursor)
    {
        var needs = KeepsItems ? new List<int>() : null;
        while (!cursor.Short && cursor.TryText(MaxStringBytes, out var need))
        {
            if (int.TryParse(need, out var needed)) needs?.Add(needed);
        }

        return needs;
    }

    private static string Decode(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}

/// <summary>
/// Reads the primitive forms of a dump; when bytes run out it says <see cref="Short"/> and gives back nothings.
/// </summary>
internal ref struct DumpCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public int Used { get; private set; }

    public bool Short { get; private set; }

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (Short || bytes.Length - Used < count)
        {
            Short = true;
            return default;
        }

        var taken = bytes.Slice(Used, count);
        Used += count;
        return taken;
    }

    public int Byte() => Bytes(1) is [var value] ? value : 0;

    public int Number() => Bytes(5) is { IsEmpty: false } taken ? Decode(taken) : 0;

    public ReadOnlySpan<byte> Text(int max)
    {
        var length = Number();
        if (length > max) throw DumpHeadParser.Invalid($"it announces a string of {length} bytes");
        return length <= 0 ? default : Bytes(length);
    }

    /// <summary>A string; false when there is none.</summary>
    public bool TryText(int max, out ReadOnlySpan<byte> text)
    {
        var length = Number();
        if (length > max) throw DumpHeadParser.Invalid($"it announces a string of {length} bytes");
        text = length > 0 ? Bytes(length) : default;
        return length >= 0;
    }

    /// <summary>A sign byte and four bytes, lowest first.</summary>
    public static int Decode(ReadOnlySpan<byte> five)
    {
        var value = BinaryPrimitives.ReadUInt32LittleEndian(five[1..]);
        if (five[0] > 1 || value > int.MaxValue) throw DumpHeadParser.Invalid("a number in it is malformed");
        return five[0] == 0 ? (int)value : -(int)value;
    }
}
