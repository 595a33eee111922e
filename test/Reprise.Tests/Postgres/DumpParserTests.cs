using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Reprise.Recovery;
using Reprise.Recovery.Postgres;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Postgres;

/// <summary>A dump is taken apart wherever its blocks are cut, and one that ends early never passes.</summary>
public sealed class DumpParserTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly byte[] Rows = Encoding.UTF8.GetBytes("1\tone\n2\t\\N\n3\ta\\nb\n\\.\n\n\n");

    [Theory]
    [InlineData(14, 8)]
    [InlineData(15, 8)]
    [InlineData(16, 8)]
    [InlineData(16, 4)]
    public async Task Rows_come_without_frames_and_large_objects_as_they_are(int version, int offsetBytes)
    {
        var dump = Dump(version, offsetBytes);
        for (var cut = 1; cut <= 40; cut++)
        {
            var sink = new MemorySink();
            using var parser = new DumpParser(sink);
            for (var at = 0; at < dump.Length; at += cut)
            {
                await parser.TakeAsync(dump.AsMemory(at, Math.Min(cut, dump.Length - at)), None);
            }

            parser.Finish();
            Assert.Equal(Rows, sink.Data[217].ToArray());
            Assert.Equal(LargeObjects(), sink.Data[300].ToArray());
            Assert.Equal([(217, 3L), (218, -1L), (300, -1L)], sink.Ends);
            Assert.Equal(dump[..(int)parser.Head!.LengthBytes], sink.Head.ToArray());
            Assert.Equal(
                (version, offsetBytes, "15.18"),
                (parser.Head.Version, parser.Head.OffsetBytes, parser.Head.ServerVersion));
            Assert.Equal(["ada", "grace"], parser.Head.Owners);
            Assert.Equal(
                (16395u, "orders", "shop"),
                (parser.Head.Data[0].Oid, parser.Head.Data[0].Tag, parser.Head.Data[0].Schema));
            Assert.All(parser.Head.Data, entry => Assert.Equal(1, dump[entry.OffsetAt]));
        }
    }

    [Fact]
    public async Task A_dump_that_ends_early_is_refused_wherever_it_ends()
    {
        var dump = Dump(16, 8);
        for (var length = 0; length < dump.Length; length++)
        {
            using var parser = new DumpParser(new MemorySink());
            await parser.TakeAsync(dump.AsMemory(0, length), None);
            Assert.Equal(RecoveryErrors.DumpInvalid, Assert.Throws<RepriseException>(parser.Finish).Code);
        }
    }

    [Theory]
    [InlineData(0, 'X', "does not begin")]
    [InlineData(6, 13, "archive version 1.13")]
    [InlineData(6, 17, "archive version 1.17")]
    [InlineData(8, 8, "unknown size")]
    [InlineData(9, 3, "unknown size")]
    [InlineData(10, 3, "custom format")]
    [InlineData(11, 1, "compressed")]
    public async Task What_is_not_such_a_dump_is_named(int at, int value, string what)
    {
        var dump = Dump(16, 8);
        dump[at] = (byte)value;
        using var parser = new DumpParser(new MemorySink());
        var e = await Assert.ThrowsAsync<RepriseException>(async () => await parser.TakeAsync(dump, None));
        Assert.Equal(RecoveryErrors.DumpInvalid, e.Code);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flipped_byte_never_crashes_the_parser()
    {
        var whole = Dump(16, 8);
        var refused = 0;
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var mask in (byte[])[0x01, 0x80, 0xFF])
            {
                var dump = whole.ToArray();
                dump[at] ^= mask;
                using var parser = new DumpParser(new MemorySink());
                try
                {
                    await parser.TakeAsync(dump, None);
                    parser.Finish();
                }
                catch (RepriseException e)
                {
                    Assert.Equal(RecoveryErrors.DumpInvalid, e.Code);
                    refused++;
                }
            }
        }

        Assert.True(refused > whole.Length / 4, $"{refused} of {3 * whole.Length} were refused");
    }

    [Fact]
    public async Task Frames_of_any_length_pass_the_buffer()
    {
        var random = new Random(7);
        var rows = new byte[3_000_000];
        random.NextBytes(rows);
        "\\.\n\n\n"u8.CopyTo(rows.AsSpan(rows.Length - 5));
        var dump = new MemoryStream();
        dump.Write(HeadOf(16, 8, 217));
        dump.Write([1, .. Number(217)]);
        for (var at = 0; at < rows.Length;)
        {
            var length = Math.Min(rows.Length - at, random.Next(1, random.Next(2) == 0 ? 200 : 600_000));
            dump.Write([.. Number(length), .. rows.AsSpan(at, length)]);
            at += length;
        }

        dump.Write(Number(0));
        var sink = new MemorySink();
        using var parser = new DumpParser(sink);
        var bytes = dump.ToArray();
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(bytes.Length - at, random.Next(1, 70_000));
            await parser.TakeAsync(bytes.AsMemory(at, length), None);
            at += length;
        }

        parser.Finish();
        Assert.True(rows.AsSpan().SequenceEqual(sink.Data[217].ToArray()));
        Assert.Equal(rows.Count(b => b == '\n') - 3, sink.Ends.Single().Rows);
    }

    [Fact]
    public async Task The_parser_is_faster_than_any_dump_comes()
    {
        // Rows of 100 bytes, each in a frame of its own as pg_dump 15 writes them: the worst case.
        var one = new byte[100];
        one.AsSpan().Fill((byte)'x');
        one[99] = (byte)'\n';
        byte[] frame = [.. Number(100), .. one];
        var block = new byte[frame.Length * 624];
        for (var i = 0; i < 624; i++) frame.CopyTo(block, i * frame.Length);
        using var parser = new DumpParser(new NullSink());
        await parser.TakeAsync(HeadOf(14, 8, 217), None);
        await parser.TakeAsync((byte[])[1, .. Number(217)], None);
        var best = 0.0;
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < 1000; i++) await parser.TakeAsync(block, None);
            best = Math.Max(best, block.Length * 1000.0 / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{best:F0} MB/s");
        Assert.True(best > 100, $"{best:F0} MB/s, on an idle machine it is above 1,000");
    }

    private static byte[] Dump(int version, int offsetBytes) =>
    [
        .. HeadOf(version, offsetBytes, 217, 218, 300),
        1,
        .. Number(217),
        .. Number(7),
        .. Rows[..7],
        .. Number(1),
        .. Rows[7..8],
        .. Number(Rows.Length - 8),
        .. Rows[8..],
        .. Number(0),
        1, .. Number(218), .. Number(3), 1, 2, 3, .. Number(0),
        3, .. Number(300), .. LargeObjects(),
    ];

    private static byte[] LargeObjects() =>
    [
        .. Number(16392), .. Number(4), 10, 10, 0, 1, .. Number(2), 5, 6, .. Number(0),
        1, .. Number(3_000_000)[1..], .. Number(0), .. Number(0),
    ];

    // Header and table of contents with an entry without data first, then the entries with data.
    private static byte[] HeadOf(int version, int offsetBytes, params int[] ids)
    {
        var head = new List<byte>();
        head.AddRange("PGDMP"u8);
        head.AddRange([1, (byte)version, 0, 4, (byte)offsetBytes, 1]);
        if (version >= 15) head.Add(0);
        else head.AddRange(Number(0));
        for (var i = 0; i < 7; i++) head.AddRange(Number(i));
        foreach (var text in (string[])["shop", "15.18", "15.18"]) head.AddRange(Text(text));
        head.AddRange(Number(ids.Length + 1));
        Entry(216, false, "TABLE", "grace");
        foreach (var id in ids) Entry(id, true, id < 300 ? "TABLE DATA" : "BLOBS", "ada");
        return [.. head];

        void Entry(int id, bool data, string kind, string owner)
        {
            head.AddRange([.. Number(id), .. Number(data ? 1 : 0), .. Text("1259"), .. Text("16395")]);
            head.AddRange([.. Text("orders"), .. Text(kind), .. Number(3)]);
            head.AddRange([.. Text("CREATE …"), .. Text(null), .. Text(""), .. Text("shop")]);
            head.AddRange([.. Text(null), .. Text("heap")]);
            if (version >= 16) head.AddRange(Number('r'));
            head.AddRange([.. Text(owner), .. Text("false"), .. Text("12"), .. Text("13"), .. Text(null)]);
            head.Add((byte)(data ? 1 : 3));
            head.AddRange(new byte[offsetBytes]);
        }
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[5];
        bytes[0] = (byte)(value < 0 ? 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), Math.Abs(value));
        return bytes;
    }

    private static byte[] Text(string? text) =>
        text is null ? Number(-1) : [.. Number(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private sealed class MemorySink : IDumpSink
    {
        private int current;

        public MemoryStream Head { get; } = new(); // Nothing of a stream in memory has to be given back.

        public Dictionary<int, MemoryStream> Data { get; } = [];

        public List<(int Id, long Rows)> Ends { get; } = [];

        public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Head.Write(bytes.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndHeadAsync(DumpHead head, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask BeginAsync(DumpEntry entry, DumpBlock block, CancellationToken cancellationToken)
        {
            Data[current = entry.Id] = new MemoryStream();
            return ValueTask.CompletedTask;
        }

        public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Data[current].Write(bytes.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(DumpEntry entry, long rows, CancellationToken cancellationToken)
        {
            Ends.Add((entry.Id, rows));
            return ValueTask.CompletedTask;
        }
    }

    private sealed class NullSink : IDumpSink
    {
        public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask EndHeadAsync(DumpHead head, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask BeginAsync(DumpEntry entry, DumpBlock block, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask EndAsync(DumpEntry entry, long rows, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;
    }
}
