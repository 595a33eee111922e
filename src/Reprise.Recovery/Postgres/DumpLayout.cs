using System.Buffers.Binary;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Puts a dump together again from what a point keeps: the head as it was, then every block with frames of one size.
/// The result is an archive as pg_dump itself would have written it into a file: the place of each block stands in the
/// table of contents, which lets <c>pg_restore -j</c> seek instead of reading everything in front of it.
/// </summary>
internal static class DumpLayout
{
    private const int FrameBytes = 64 * 1024;
    private const int NumberBytes = 5;
    private const byte OffsetKnown = 2;
    private const byte NoData = 3;

    /// <summary>Every block is in the archive itself.</summary>
    public static IReadOnlySet<int> NowhereElse { get; } = new HashSet<int>();

    /// <summary>The bytes of a block in the archive, its header included.</summary>
    public static long BlockBytes(DumpBlock block, long contentBytes) => 1 + NumberBytes + (block == DumpBlock.Rows
        ? contentBytes + (((contentBytes + FrameBytes - 1) / FrameBytes) * NumberBytes) + NumberBytes
        : contentBytes);

    /// <summary>
    /// Writes head and blocks through <paramref name="write"/>, in order, without places in the head. Returns the
    /// places that a seekable file should get: where, and the bytes. <paramref name="elsewhere"/> are entries whose
    /// rows are loaded by other means: their places say that there is nothing.
    /// </summary>
    public static async Task<IReadOnlyList<(long At, byte[] Bytes)>> WriteAsync(
        PointReader point,
        Content head,
        IReadOnlyList<DumpTable> tables,
        IReadOnlySet<int> elsewhere,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write,
        CancellationToken cancellationToken)
    {
        var parsed = await ReadHeadAsync(point, head, write, cancellationToken);
        var places = Places(parsed, tables, elsewhere);
        foreach (var table in tables.Where(t => !elsewhere.Contains(t.Id)))
            await WriteBlockAsync(point, table, write, cancellationToken);
        return places;
    }

    /// <summary>Reads the head of a stored dump, and passes its bytes on when somebody wants them.</summary>
    public static Task<DumpHead> ReadHeadAsync(
        PointReader point,
        Content head,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? write,
        CancellationToken cancellationToken) => ReadHeadAsync(new DumpHeadParser(), point, head, write, cancellationToken);

    /// <summary>Reads it with every entry.</summary>
    public static Task<DumpHead> ReadItemsAsync(PointReader point, Content head, CancellationToken cancellationToken) =>
        ReadHeadAsync(new DumpHeadParser { KeepsItems = true }, point, head, null, cancellationToken);

    private static async Task<DumpHead> ReadHeadAsync(
        DumpHeadParser parser,
        PointReader point,
        Content head,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? write,
        CancellationToken cancellationToken)
    {
        await foreach (var block in point.ReadAsync(head, cancellationToken))
        {
            if (block.HoleBytes > 0) throw DumpHeadParser.Invalid("it has a hole, and is stored without holes");
            var taken = parser.Head is null ? parser.Take(block.Bytes.Span) : 0;
            if (taken != block.Bytes.Length) throw DumpHeadParser.Invalid("something follows its table of contents");
            if (write is not null) await write(block.Bytes, cancellationToken);
        }

        return parser.Head ?? throw DumpHeadParser.Invalid("its table of contents is not complete");
    }

    private static List<(long At, byte[] Bytes)> Places(
        DumpHead head, IReadOnlyList<DumpTable> tables, IReadOnlySet<int> elsewhere)
    {
        var entries = head.Data.ToDictionary(entry => entry.Id);
        var places = new List<(long At, byte[] Bytes)>(tables.Count);
        var at = head.LengthBytes;
        foreach (var table in tables)
        {
            if (!entries.Remove(table.Id, out var entry))
            {
                throw DumpHeadParser.Invalid($"entry {table.Id} is not in its table of contents");
            }
            var place = new byte[1 + head.OffsetBytes];
            place[0] = elsewhere.Contains(table.Id) ? NoData : OffsetKnown;
            if (place[0] == NoData)
            {
                places.Add((entry.OffsetAt, place));
                continue;
            }

            if (head.OffsetBytes == 8) BinaryPrimitives.WriteInt64LittleEndian(place.AsSpan(1), at);
            else BinaryPrimitives.WriteInt32LittleEndian(place.AsSpan(1), checked((int)at));
            places.Add((entry.OffsetAt, place));
            at = checked(at + BlockBytes(table.Block, table.Content.LengthBytes));
        }

        if (entries.Count > 0)
        {
            throw DumpHeadParser.Invalid($"the data of {entries.Values.First().Tag} is missing in the point");
        }
        return places;
    }

    private static async Task WriteBlockAsync(
        PointReader point,
        DumpTable table,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write,
        CancellationToken cancellationToken)
    {
        var number = new byte[1 + NumberBytes];
        number[0] = (byte)table.Block;
        WriteNumber(number.AsSpan(1), table.Id);
        await write(number, cancellationToken);
        var left = table.Content.LengthBytes;
        var frameLeft = 0;
        await foreach (var block in point.ReadAsync(table.Content, cancellationToken))
        {
            if (block.HoleBytes > 0) throw DumpHeadParser.Invalid("it has a hole, and is stored without holes");
            if (table.Block == DumpBlock.LargeObjects)
            {
                await write(block.Bytes, cancellationToken);
                continue;
            }

            var rest = block.Bytes;
            while (!rest.IsEmpty)
            {
                if (frameLeft == 0)
                {
                    frameLeft = (int)Math.Min(FrameBytes, left);
                    WriteNumber(number, frameLeft);
                    await write(number.AsMemory(0, NumberBytes), cancellationToken);
                }

                var count = Math.Min(frameLeft, rest.Length);
                await write(rest[..count], cancellationToken);
                (rest, frameLeft, left) = (rest[count..], frameLeft - count, left - count);
            }
        }

        if (table.Block != DumpBlock.Rows) return;
        WriteNumber(number, 0);
        await write(number.AsMemory(0, NumberBytes), cancellationToken);
    }

    private static void WriteNumber(Span<byte> five, int value)
    {
        five[0] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(five[1..], value);
    }
}
