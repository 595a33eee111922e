using System.Buffers;
using System.Buffers.Binary;
using CsCheck;
using Reprise.Recovery.Files;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Files;

public sealed class FileListTests : IDisposable
{
    private readonly FilesFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    private static FileEntry Folder(string path) => new() { Type = FileEntryType.Folder, Path = new DiskPath(path) };

    private static FileEntry Leading(FileEntryType type, string path, string target) =>
        new() { Type = type, Path = new DiskPath(path), Target = new DiskPath(target) };

    private static FileEntry Pipe(string path) => new() { Type = FileEntryType.Fifo, Path = new DiskPath(path) };

    [Fact]
    public void What_is_written_is_read()
    {
        FileEntry[] entries =
        [
            Folder("") with { Flags = FileEntryFlags.Ancestor },
            Folder("a") with
            {
                Mode = 0xFFF, User = uint.MaxValue, Group = 1, Modified = new UnixTime(-5, 999_999_999),
            },
            Pipe("a/p"),
            Pipe("a-b"),
            new()
            {
                Type = FileEntryType.File,
                Path = new DiskPath([(byte)'b', 0xff]),
                Device = -1,
                Inode = ulong.MaxValue,
                Changed = new UnixTime(long.MaxValue / 4, 1),
                Attributes = [new ExtendedAttribute("user.x", new byte[] { 0, 1 })],
                Content =
                    new Content { LengthBytes = 7, Sha256 = new Sha256Digest(new byte[32]), Parts = [Part.Hole(7)] },
            },
            new() { Type = FileEntryType.HardLink, Path = new DiskPath("c"), Target = new DiskPath([(byte)'b', 0xff]) },
            new() { Type = FileEntryType.SymbolicLink, Path = new DiskPath("d"), Target = new DiskPath("../../etc") },
            new() { Type = FileEntryType.Missing, Path = new DiskPath("e"), Target = new DiskPath("file-denied") },
        ];
        var read = Read(List(entries));
        Assert.Equal(entries.Length, read.Count);
        for (var i = 0; i < entries.Length; i++)
        {
            Assert.Equal(
                entries[i] with { Attributes = [], Content = null }, read[i] with { Attributes = [], Content = null });
            Assert.Equal(
                entries[i].Attributes.Select(a => a.Name + Convert.ToHexString(a.Value.Span)),
                read[i].Attributes.Select(a => a.Name + Convert.ToHexString(a.Value.Span)));
            Assert.Equal(entries[i].Content?.LengthBytes, read[i].Content?.LengthBytes);
        }
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("a/./x")]
    [InlineData("a//x")]
    [InlineData("a/")]
    [InlineData(".reprise-new-x")]
    [InlineData("a/.reprise-x")]
    public void A_path_that_leaves_its_folder_is_refused(string path)
    {
        AssertRefused([Folder(""), Folder("a"), Pipe(path)]);
        AssertRefused([Folder(""), Leading(FileEntryType.HardLink, "z", path)]);
    }

    /// <summary>
    /// Seed 3272: a bit flipped while the private copy of a list was read back, and a file lost an attribute without a word.
    /// </summary>
    [Fact]
    public void A_copy_that_is_read_back_as_something_else_is_refused()
    {
        var bytes = List([Folder(""), Pipe("a"), Pipe("b")]);
        var proven = new Sha256Digest(System.Security.Cryptography.SHA256.HashData(bytes));
        Assert.Equal(3, Read(bytes, proven).Count);
        var another = List([Folder(""), Pipe("a"), Pipe("c")]);
        Assert.Equal(3, Read(another).Count);
        Assert.Equal(RepositoryErrors.Malformed, Assert.Throws<RepriseException>(() => Read(another, proven)).Code);
    }

    [Fact]
    public void Order_and_parents_are_demanded()
    {
        AssertRefused([Folder(""), Pipe("b"), Pipe("a")]);
        AssertRefused([Folder(""), Pipe("a"), Pipe("a")]);
        AssertRefused([Folder(""), Folder("a"), Folder("a")]);
        AssertRefused([Folder(""), Pipe("a"), Pipe("a/b")]);
        AssertRefused([Folder(""), Folder("a"), Pipe("b/c")]);
        AssertRefused([Folder(""), Folder("a"), Pipe("ab/c")]);
        AssertRefused([Pipe("a")]);
        AssertRefused([Folder(""), Folder("a"), Pipe("b"), Pipe("a/c")]);
        AssertRefused([Folder(""), Leading(FileEntryType.SymbolicLink, "a", "/etc"), Pipe("a/b")]);
        Assert.Equal(4, Read(List([Folder(""), Folder("a"), Pipe("a/c"), Pipe("a-b")])).Count);
    }

    [Fact]
    public void Every_cut_and_every_overlong_length_is_refused()
    {
        var list = List([Folder(""), Folder("a"), Pipe("a/c")]);
        for (var length = 0; length < list.Length; length++) AssertMalformed(list[..length]);
        AssertMalformed([.. list, 0]);
        var longer = list.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(longer.AsSpan(8), uint.MaxValue);
        AssertMalformed(longer);
        var miscounted = list.ToArray();
        miscounted[^8]++;
        AssertMalformed(miscounted);
        var newer = list.ToArray();
        newer[7] = 2;
        var error = Assert.Throws<RepriseException>(() => Read(newer));
        Assert.Equal(RepositoryErrors.FormatNewer, error.Code);
    }

    [Fact]
    public void Any_bytes_are_an_entry_or_malformed_and_nothing_else()
    {
        var good = new ArrayBufferWriter<byte>();
        FileListCodec.WriteRecord(good, Pipe("some/path") with { Attributes = [new("user.a", new byte[3])] });
        var start = good.WrittenSpan.ToArray();
        Gen.Select(Gen.Int[0, start.Length - 1], Gen.Byte, Gen.Byte.Array[0, 60]).Sample((at, value, random) =>
        {
            byte[] altered = [.. start];
            altered[at] = value;
            Decode(altered);
            Decode(random);
            Decode([.. start[..at], .. random]);
        });
    }

    [Fact]
    public async Task A_hard_link_through_a_link_is_refused()
    {
        fixture.Write("secret", "outside of the tree");
        var tree = fixture.Outside / "tree";
        fixture.Real.MakeFolder(tree);
        FileEntry[] entries =
        [
            Folder(""),
            new() { Type = FileEntryType.SymbolicLink, Path = new DiskPath("a"), Target = fixture.Root },
            new() { Type = FileEntryType.HardLink, Path = new DiskPath("b"), Target = new DiskPath("a/secret") },
        ];
        var path = fixture.Outside / "list";
        using (var file = fixture.Real.CreateNew(path)) file.Write(0, List(entries));
        var captured = await fixture.CaptureAsync();
        using var list = new FileListReader(fixture.Real, path);
        var writing = new TreeWriting { Tree = tree, WithFolders = true, LeftOut = _ => false, Written = _ => { } };
        var writer = new TreeWriter(fixture.Real, fixture.Cpu, writing, new MetadataTally());
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => writer.WriteAsync(list, captured.Point, fixture.Progress, FilesFixture.None));
        Assert.Equal(RepositoryErrors.Malformed, error.Code);
        Assert.Null(fixture.Real.Stat(tree / "b"));
    }

    private static void Decode(byte[] record)
    {
        try
        {
            FileListCodec.Read(record);
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            // Refused, as it may be.
        }
    }

    private static byte[] List(IEnumerable<FileEntry> entries)
    {
        var to = new ArrayBufferWriter<byte>();
        using var encoder = new FileListEncoder();
        FileListEncoder.Begin(to);
        foreach (var entry in entries) encoder.Add(to, entry);
        encoder.End(to);
        return to.WrittenSpan.ToArray();
    }

    private List<FileEntry> Read(byte[] bytes, Sha256Digest? expected = null)
    {
        var path = fixture.Outside / "list";
        fixture.Real.DeleteFile(path);
        using (var file = fixture.Real.CreateNew(path)) file.Write(0, bytes);
        using var reader = new FileListReader(fixture.Real, path, expected: expected);
        var entries = new List<FileEntry>();
        while (reader.Next() is { } entry) entries.Add(entry);
        return entries;
    }

    private void AssertRefused(FileEntry[] entries) => AssertMalformed(List(entries));

    private void AssertMalformed(byte[] bytes) =>
        Assert.Equal(RepositoryErrors.Malformed, Assert.Throws<RepriseException>(() => Read(bytes)).Code);
}
