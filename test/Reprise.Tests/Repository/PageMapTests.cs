using System.Buffers;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Repository.Pages;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Hostile;

namespace Reprise.Tests.Repository;

/// <summary>Trees that are kept by pages: what goes in comes out, and nothing else is believed.</summary>
public class PageMapTests
{
    private const int PageBytes = 8192;
    private const long Small = 1024 * 1024;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();

    private RepositoryHost Host => new(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());

    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("123456789", 0xE3069283u)]
    public void The_crc_is_the_one_of_castagnoli(string text, uint expected) =>
        Assert.Equal(expected, Crc32C.Of(System.Text.Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Two_crcs_join_without_their_bytes()
    {
        var random = new Random(3);
        foreach (var (one, two) in new[] { (0, 0), (0, 5), (7, 0), (1, 1), (8192, 8192), (100_003, 77), (13, 1_000_000) })
        {
            var bytes = new byte[one + two];
            random.NextBytes(bytes);
            var joined = new CrcShift(two).Join(Crc32C.Of(bytes.AsSpan(0, one)), Crc32C.Of(bytes.AsSpan(one)));
            Assert.Equal(Crc32C.Of(bytes), joined);
            Assert.Equal(Crc32C.Of(new byte[two]), Crc32C.OfZeros(two));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_tree_comes_back(int seed)
    {
        var files = Files(new Random(seed));
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var contents = await StoreAsync(made, files);
        var (entries, back) = await ReadAsync(made, contents);
        Assert.Equal(files.Keys, back.Keys);
        foreach (var (path, bytes) in files)
        {
            Assert.Equal(bytes, back[path]);
            var entry = entries.Single(e => e.Path.ToString() == path);
            Assert.Equal(bytes.Length, entry.LengthBytes);
            Assert.Equal(Crc32C.Of(bytes), entry.Crc32C);
        }

        var link = entries.Single(e => e.Type == PagedEntryType.LinkedFolder);
        Assert.Equal("/elsewhere", link.Target.ToString());
        Assert.Equal(files.Values.Sum(f => StoredPages(f)) * PageBytes, contents.Sources.Sum(s => s.LengthBytes));
    }

    [Fact]
    public async Task Pages_of_zeros_are_stored_nowhere()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        await using var writer = await made.BeginPointAsync(SigningKeys.None, None);
        var pages = new PagesWriter(writer, PageBytes);
        using var hasher = pages.NewHasher();
        await pages.AddAsync(Folder(""), None);
        await pages.AddAsync(File("large"), None);
        var page = new byte[PageBytes];
        page[^1] = 1;
        await pages.AppendAsync(hasher.Block(page), None);
        pages.AppendZeros(1024L * 1024 * 1024);
        await pages.AppendAsync(hasher.Block(new byte[PageBytes * 3]), None);
        await pages.AppendAsync(hasher.Block(page), None);
        var entry = await pages.EndAsync(None);
        var contents = await pages.CompleteAsync(None);
        Assert.Equal((1024L * 1024 * 1024 * PageBytes) + (5 * PageBytes), entry.LengthBytes);
        Assert.Equal([new(0, 1, 0, 0), new((1024L * 1024 * 1024) + 4, 1, 0, 1)], entry.Extents);
        Assert.Equal(2 * PageBytes, contents.Sources.Single().LengthBytes);
        Assert.Equal(2 * PageMark.EncodedBytes, contents.Marks.LengthBytes);
    }

    [Fact]
    public async Task Equal_pages_have_equal_marks_in_one_repository_only()
    {
        var page = new byte[PageBytes];
        page[7] = 9;
        var marks = new List<PageMark>();
        for (var i = 0; i < 2; i++)
        {
            using var made = (await PointRepository.CreateAsync(Host with { Store = new MemoryStore() }, None)).Repository;
            await using var writer = await made.BeginPointAsync(SigningKeys.None, None);
            using var one = new PagesWriter(writer, PageBytes).NewHasher();
            using var two = new PagesWriter(writer, PageBytes).NewHasher();
            Assert.Equal(one.Mark(page), two.Mark(page));
            marks.Add(one.Mark(page));
            page[^1] ^= 1;
            Assert.NotEqual(marks[^1].Hash, one.Mark(page).Hash);
            page[^1] ^= 1;
        }

        Assert.NotEqual(marks[0].Hash, marks[1].Hash);
        Assert.Equal(marks[0].Crc32C, marks[1].Crc32C);
    }

    [Fact]
    public async Task A_pack_that_is_damaged_is_named_and_its_bytes_are_not_given_out_as_good()
    {
        var files = Files(new Random(5));
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var contents = await StoreAsync(made, files);
        var pack = store.Objects().Where(o => o.Name.Value.StartsWith("packs/", StringComparison.Ordinal)).MaxBy(o => o.SizeBytes);
        var bytes = await store.BytesAsync(pack.Name);
        bytes[bytes.Length / 2] ^= 1;
        await store.PutAsync(pack.Name, bytes, Reprise.Storage.PutMode.Replace, None);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ReadAsync(made, contents));
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
        Assert.Contains(pack.Name.Value[6..14], error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_decodes_to_what_was_encoded_and_anything_else_is_refused()
    {
        PagedEntry[] entries =
        [
            Folder(""), Folder("base"), File("base/1") with { LengthBytes = 100_000, Crc32C = 7, Extents = [new(0, 3, 0, 5), new(8, 5, 2, 1)] },
            Folder("l") with { Type = PagedEntryType.LinkedFolder, Target = new DiskPath("../x") },
        ];
        var samples = entries.Select(Encode).ToList();
        for (var i = 0; i < entries.Length; i++)
        {
            var back = PageMapCodec.Read(samples[i], PageBytes);
            Assert.Equal(entries[i].Extents, back.Extents);
            Assert.Equal(entries[i] with { Extents = back.Extents }, back);
        }

        Fuzzing.Run(5000, samples, bytes =>
        {
            var entry = PageMapCodec.Read(bytes, PageBytes);
            Assert.DoesNotContain("..", entry.Path.ToString().Split('/'));
            Assert.All(entry.Extents, e => Assert.InRange(e.FirstPage + e.Pages, 1, (entry.LengthBytes + PageBytes - 1) / PageBytes));
        }, Small);
        Fuzzing.Run(1000, [[.. PageMapCodec.Magic, 0, 32, 0, 0]], bytes => PageMapCodec.ReadHeader(bytes), Small);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("/evil")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("")]
    public void A_path_never_leaves_its_root(string path)
    {
        var error = Assert.Throws<RepriseException>(() => PageMapCodec.Read(Encode(File(path)), PageBytes));
        Assert.Equal(RepositoryErrors.Malformed, error.Code);
    }

    [Theory]
    [InlineData("a", "b", "a/x")]
    [InlineData("b", "a")]
    [InlineData("a", "a")]
    [InlineData("missing/x")]
    public void What_is_out_of_order_or_in_no_folder_is_refused(params string[] paths)
    {
        var order = new PageOrder();
        order.Take(Folder(""));
        var error = Assert.Throws<RepriseException>(() => Array.ForEach(paths, path => order.Take(Folder(path))));
        Assert.Equal(RepositoryErrors.Malformed, error.Code);
        Assert.Throws<RepriseException>(() => new PageOrder().Take(Folder("a")));
    }

    [Fact]
    public async Task A_map_that_was_altered_under_a_good_seal_harms_nobody()
    {
        var map = new ArrayBufferWriter<byte>();
        PageMapCodec.WriteHeader(map, PageBytes);
        PagedEntry[] entries =
        [
            Folder(""), File("a") with { LengthBytes = 3 * PageBytes, Extents = [new(0, 1, 0, 0), new(2, 1, 0, 1)] },
            File("b") with { LengthBytes = 5, Extents = [new(0, 1, 0, 3)] },
        ];
        foreach (var entry in entries)
        {
            var record = Encode(entry);
            ByteWriter.UInt32(map, (uint)record.Length);
            map.Write(record);
        }

        PageMapCodec.WriteEnd(map, 3);
        using var made = (await PointRepository.CreateAsync(
            Host with { Cpu = new Cpu(new OnTheSpot(), 1) }, None)).Repository;
        Assert.Equal(2 * PageBytes + 5, await UseAsync(made, map.WrittenMemory.ToArray()));
        Fuzzing.Run(250, [map.WrittenMemory.ToArray()], bytes => UseAsync(made, bytes).GetAwaiter().GetResult(), 80 * Small);
    }

    // Everything that such a map says is read; returns how many bytes it gave.
    private static async Task<long> UseAsync(PointRepository repository, byte[] map)
    {
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var pages = writer.Begin(Cutting.Every(PageLimits.RunBytes), hashedByPart: true);
        await pages.WriteAsync(new byte[4 * PageBytes], None);
        var marks = writer.Begin(Cutting.ContentDefined);
        var altered = writer.Begin(Cutting.Every(4096));
        await altered.WriteAsync(map, None);
        var contents = new PagedContents(
            await altered.CompleteAsync(None), await marks.CompleteAsync(None), [await pages.CompleteAsync(None)]);
        var committed = await writer.CommitAsync(Manifests.Of(writer.Id, contents.Map), None);
        var point = (await repository.ListPointsAsync(SigningKeys.None, None)).Points.Single(p => p.Manifest.Id == committed.Manifest.Id);
        using var reader = repository.OpenPoint(point);
        var bytes = 0L;
        await foreach (var run in new PagesReader(reader, contents).RunsAsync(0, None))
        {
            Assert.InRange(run.OffsetBytes + run.Bytes.Length, 0, run.Entry.LengthBytes);
            bytes += run.Bytes.Length;
        }

        return bytes;
    }

    private static async Task<PagedContents> StoreAsync(PointRepository repository, SortedDictionary<string, byte[]> files)
    {
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var pages = new PagesWriter(writer, PageBytes);
        using var hasher = pages.NewHasher();
        await pages.AddAsync(Folder(""), None);
        await pages.AddAsync(Folder("base"), None);
        foreach (var (path, bytes) in files)
        {
            if (path == "link/z")
                await pages.AddAsync(Folder("link") with { Type = PagedEntryType.LinkedFolder, Target = new DiskPath("/elsewhere") }, None);
            await pages.AddAsync(File(path), None);
            for (var at = 0; at < bytes.Length; at += 5 * PageBytes)
                await pages.AppendAsync(hasher.Block(bytes.AsMemory(at, Math.Min(5 * PageBytes, bytes.Length - at))), None);
            await pages.EndAsync(None);
        }

        var contents = await pages.CompleteAsync(None);
        await writer.CommitAsync(Manifests.Of(writer.Id, contents.Map), None);
        var streams = contents.Streams("tree/").ToDictionary();
        Assert.Equal(["tree/digests/0", "tree/map", "tree/marks", "tree/pages/0"], streams.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(streams.Keys, PagedContents.Of(streams, "tree/").Streams("tree/").Select(s => s.Key));
        return contents;
    }

    private static async Task<(List<PagedEntry> Entries, SortedDictionary<string, byte[]> Files)> ReadAsync(
        PointRepository repository, PagedContents contents)
    {
        using var point = repository.OpenPoint((await repository.ListPointsAsync(SigningKeys.None, None)).Points.Single());
        var reader = new PagesReader(point, contents);
        var entries = new List<PagedEntry>();
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        await foreach (var entry in reader.EntriesAsync(None))
        {
            entries.Add(entry);
            if (entry.Type == PagedEntryType.File) files[entry.Path.ToString()] = new byte[entry.LengthBytes];
        }

        for (var source = 0; source < reader.Sources; source++)
        {
            await foreach (var run in reader.RunsAsync(source, None))
                run.Bytes.CopyTo(files[run.Entry.Path.ToString()].AsMemory((int)run.OffsetBytes));
        }

        return (entries, files);
    }

    // Short and long ones, with stretches of zeros, and ends within a page.
    private static SortedDictionary<string, byte[]> Files(Random random)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal) { ["base/empty"] = [], ["link/z"] = [1], ["zeros"] = new byte[100_000] };
        for (var i = 0; i < 30; i++)
        {
            var bytes = new byte[random.Next(4) == 0 ? random.Next(2_000_000) : random.Next(5) * PageBytes];
            random.NextBytes(bytes);
            for (var holes = random.Next(4); holes > 0 && bytes.Length > 0; holes--)
            {
                var from = random.Next(bytes.Length);
                bytes.AsSpan(from, random.Next(bytes.Length - from)).Clear();
            }

            files[$"base/{i:00}"] = bytes;
        }

        return files;
    }

    private static long StoredPages(byte[] bytes)
    {
        var stored = 0L;
        for (var at = 0; at < bytes.Length; at += PageBytes)
        {
            var page = bytes.AsSpan(at, Math.Min(PageBytes, bytes.Length - at));
            if (page.Length < PageBytes || page.ContainsAnyExcept((byte)0)) stored++;
        }

        return stored;
    }

    private static byte[] Encode(PagedEntry entry)
    {
        var bytes = new ArrayBufferWriter<byte>();
        PageMapCodec.Write(bytes, entry);
        return bytes.WrittenSpan.ToArray();
    }

    private static PagedEntry Folder(string path) => new() { Type = PagedEntryType.Folder, Path = new DiskPath(path), Mode = 0x1C0 };

    private static PagedEntry File(string path) => new()
    {
        Type = PagedEntryType.File, Path = new DiskPath(path), Mode = 0x180, User = 7, Modified = new UnixTime(5, 6),
    };
}
