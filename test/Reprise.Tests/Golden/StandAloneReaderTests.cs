using System.Security.Cryptography;
using Reprise.Storage.Disk;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Golden;

/// <summary>The reader that ships in the kit restores every good golden repository.</summary>
public sealed class StandAloneReaderTests : IDisposable
{
    private readonly ScratchFolder scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Somebody_in_need_reads_all_of_it() =>
        Assert.InRange((await File.ReadAllLinesAsync(StandAlone.Program)).Length, 100, 350);

    [Theory]
    [Trait("kind", "golden")]
    [InlineData("plain", "file.key", false)]
    [InlineData("plain", "sheet.txt", true)]
    [InlineData("compressed", "file.key", false)]
    [InlineData("compressed", "sheet.txt", false)]
    public async Task It_restores_every_kind_of_asset(string name, string key, bool keysAreGone)
    {
        var repository = await CopyAsync(name, keysAreGone);
        var said = await StandAlone.RunAsync(repository, Key(name, key), "list");
        Assert.StartsWith(
            "20260102T040405Z-0000 scheduled complete golden main:postgres ledger:sqlite keys:secrets files:files\n20260102T050405Z-0000 ",
            said,
            StringComparison.Ordinal);
        foreach (var (point, version) in new[] { ("20260102T040405Z-0000", 1), ("latest", 2) })
        {
            var to = Path.Combine(scratch.Text, $"out{version}");
            said = await StandAlone.RunAsync(repository, Key(name, key), "restore", point, to);
            Assert.EndsWith("\nexit 0\n", "\n" + said, StringComparison.Ordinal);
            await AssertTreeAsync(to, version);
            Assert.Equal(await GoldenFolder.InputAsync("ledger.sqlite"), await File.ReadAllBytesAsync(Path.Combine(to, "ledger/database")));
            Assert.Equal("{\"API_KEY\":\"golden\"}", await File.ReadAllTextAsync(Path.Combine(to, "keys/values")));
            Assert.Equal("application: golden\n", await File.ReadAllTextAsync(Path.Combine(to, "reprise.yaml")));
            await AssertDumpAsync(Path.Combine(to, "main/database.dump"));
        }
    }

    [Theory]
    [Trait("kind", "golden")]
    [InlineData("file.key", true, "exit 0")]
    [InlineData("before.key", false, "exit 0")]
    [InlineData("sheet.txt", false, "exit 0")]
    [InlineData("-", false, "exit 0")]
    [InlineData("revoked.key", false, "exit 3")]
    public async Task It_follows_rotated_and_revoked_keys(string key, bool keysAreGone, string exit)
    {
        var repository = await CopyAsync("rotated", keysAreGone);
        var path = key == "-" ? key : Key("rotated", key);
        var said = await StandAlone.RunAsync(repository, path, GoldenRepository.Passphrase, ["verify"]);
        Assert.EndsWith(exit + "\n", said, StringComparison.Ordinal);
        if (exit == "exit 0") Assert.Equal("points: 2\nexit 0\n", said);
        else Assert.Contains("was revoked", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_and_a_folder_that_exists_are_refused()
    {
        var repository = await CopyAsync("plain", keysAreGone: false);
        Assert.EndsWith("exit 3\n", await StandAlone.RunAsync(repository, Key("rotated", "file.key"), "list"), StringComparison.Ordinal);
        var taken = Directory.CreateDirectory(Path.Combine(scratch.Text, "taken")).FullName;
        Assert.EndsWith("exit 4\n", await StandAlone.RunAsync(repository, Key("plain", "file.key"), "restore", "latest", taken), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(taken));
        Assert.Contains("python3 reprise_reader.py REPOSITORY KEYFILE list", await StandAlone.RunAsync(repository, "x", "help"), StringComparison.Ordinal);
    }

    // Damage in one place costs what lies there, and nothing else.
    [Fact]
    public async Task What_is_damaged_is_named_and_the_rest_is_restored()
    {
        var repository = await CopyAsync("plain", keysAreGone: false);
        var pack = Directory.GetFiles(Path.Combine(repository, "packs")).MaxBy(p => new FileInfo(p).Length)!; // There are some.
        var bytes = await File.ReadAllBytesAsync(pack);
        bytes[7000] ^= 1;
        await File.WriteAllBytesAsync(pack, bytes);
        var to = Path.Combine(scratch.Text, "out");
        var said = await StandAlone.RunAsync(repository, Key("plain", "file.key"), "restore", "latest", to);
        Assert.EndsWith("exit 5\n", said, StringComparison.Ordinal);
        Assert.Contains($"packs/{Path.GetFileName(pack)}: the tag of entry ", said, StringComparison.Ordinal);
        Assert.Equal(await GoldenFolder.InputAsync("ledger.sqlite"), await File.ReadAllBytesAsync(Path.Combine(to, "ledger/database")));
    }

    private static string Key(string name, string key) => Path.Combine(GoldenFolder.Of(name), key);

    private async Task<string> CopyAsync(string name, bool keysAreGone)
    {
        var copy = Path.Combine(scratch.Text, "repository");
        await GoldenFolder.WriteAsync(copy, await GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of(name), "repository")));
        if (keysAreGone) Directory.Delete(Path.Combine(copy, "keys"), recursive: true);
        return copy;
    }

    private static async Task AssertTreeAsync(string to, int version)
    {
        var isRoot = Environment.UserName == "root";
        var owners = isRoot ? "%U:%G" : "";
        var (_, found) = await StandAlone.RunAsync("find", [Path.Combine(to, "files"), "-printf", $"%P|%y|%m|%T@|{owners}|%l\n"]);
        Assert.Equal(GoldenTree.Lines(version, isRoot), found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));

        // Through our own disk: one name is no text.
        var disk = Disks.OfThisMachine();
        var root = new DiskPath(Path.Combine(to, "files"));
        foreach (var file in GoldenTree.Files(version).Where(f => f.Entry.Type == Recovery.Files.FileEntryType.File))
        {
            using var opened = disk.OpenRead(root / file.Entry.Path);
            var bytes = new byte[file.Bytes.Length + 1];
            var length = opened.Read(0, bytes);
            Assert.Equal(Convert.ToHexString(SHA256.HashData(file.Bytes)), Convert.ToHexString(SHA256.HashData(bytes.AsSpan(0, length))));
        }

        Assert.Equal(disk.Stat(root / "hello")?.Inode, disk.Stat(root / "hello-again")?.Inode);
        var sparse = disk.Stat(root / "sparse")!; // Compared above.
        Assert.InRange(sparse.AllocatedBytes, 1, sparse.SizeBytes / 2);
        var attributes = disk.ReadAttributes(root / "sub/deep").Where(a => a.Name == "user.reprise").ToList();
        Assert.Equal("golden", System.Text.Encoding.ASCII.GetString(Assert.Single(attributes).Value.Span));
    }

    // Frames end elsewhere than where pg_dump's did; as SQL the two are one.
    private async Task AssertDumpAsync(string dump)
    {
        var programs = PostgresCluster.Find(15);
        Assert.NotNull(programs);
        var original = Path.Combine(scratch.Text, "original.dump");
        await File.WriteAllBytesAsync(original, await GoldenFolder.InputAsync("shop.dump"));
        var (exit, sql) = await StandAlone.RunAsync(Path.Combine(programs, "pg_restore"), ["-f", "-", "--restrict-key=golden", dump]);
        var (_, expected) = await StandAlone.RunAsync(Path.Combine(programs, "pg_restore"), ["-f", "-", "--restrict-key=golden", original]);
        Assert.Equal(0, exit);
        Assert.Contains("tab\\there", sql, StringComparison.Ordinal);
        Assert.Equal(expected, sql);
    }
}
