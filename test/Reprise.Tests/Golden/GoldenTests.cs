using Reprise.Repository;
using Reprise.Repository.Sealing;
using Reprise.Storage.Runtime;
using Reprise.Tests.Cli;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Golden;

/// <summary>
/// The committed repositories are read, and written again to the byte: a changed byte is a change of the format, which needs
/// a decision. <c>REPRISE_WRITE_GOLDEN=1</c> writes them, as long as the version is not frozen.
/// </summary>
public class GoldenTests
{
    [Theory]
    [Trait("kind", "golden")]
    [InlineData("plain")]
    [InlineData("rotated")]
    public async Task Written_again_every_byte_is_the_same(string name)
    {
        var written = await GoldenRepository.WriteAsync(name);
        var objects = await GoldenFolder.ObjectsAsync(written.Store);
        if (GoldenFolder.IsWriting) await SaveAsync(name, written);
        var golden = await GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of(name), "repository"));
        Assert.Equal(golden.Keys, objects.Keys);
        foreach (var (path, bytes) in golden) Assert.True(bytes.AsSpan().SequenceEqual(objects[path]), $"{path} has other bytes");
        foreach (var (file, text) in written.Keys)
            Assert.Equal(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of(name), file)), text);
    }

    [Fact]
    [Trait("kind", "golden")]
    public async Task Compressed_frames_decode_to_the_same()
    {
        var written = await GoldenRepository.WriteAsync("compressed");
        if (GoldenFolder.IsWriting) await SaveAsync("compressed", written);
        var golden = await GoldenFolder.LoadAsync("compressed");
        var key = KeyFile.Parse(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of("compressed"), "file.key")), "file.key");
        var (now, then) = (await GoldenReading.OfAsync(written.Store, key, null), await GoldenReading.OfAsync(golden, key, null));
        Assert.Empty(then.Problems);
        Assert.NotEmpty(then.Contents);
        Assert.Equal(Decoded(then), Decoded(now));

        // And they are those of the repository that is compared to the byte.
        var plainKey = KeyFile.Parse(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of("plain"), "file.key")), "file.key");
        Assert.Equal(Decoded(await GoldenReading.OfAsync(await GoldenFolder.LoadAsync("plain"), plainKey, null)), Decoded(then));
        Assert.True(golden.SizeBytes() < (await GoldenFolder.LoadAsync("plain")).SizeBytes());
    }

    [Fact]
    [Trait("kind", "golden")]
    public async Task They_are_small()
    {
        foreach (var name in GoldenRepository.Names)
        {
            var objects = (await GoldenFolder.LoadAsync(name)).Objects();
            Assert.InRange(objects.Where(o => !o.Name.Value.StartsWith("packs/", StringComparison.Ordinal)).Sum(o => o.SizeBytes), 1, 64 * 1024);
            Assert.InRange(objects.Sum(o => o.SizeBytes), 1, 256 * 1024);
        }
    }

    [Fact]
    [Trait("kind", "golden")]
    public async Task Every_key_opens_what_it_should()
    {
        var store = await GoldenFolder.LoadAsync("rotated");
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        using (var opened = await PointRepository.OpenAsync(host, GoldenRepository.Passphrase, default))
            Assert.Equal(2, (await GoldenReading.OfAsync(opened, null)).Contents.Count);
        foreach (var file in new[] { "file.key", "before.key", "sheet.txt" })
        {
            var reading = await GoldenReading.OfAsync(store, await KeyAsync("rotated", file), null);
            Assert.Empty(reading.Problems);
            Assert.Equal(2, reading.Contents.Values.Count(c => c is not null));
        }

        var revoked = await GoldenReading.OfAsync(store, await KeyAsync("rotated", "revoked.key"), null);
        Assert.Equal(RepositoryErrors.KeyRevoked, revoked.Refused?.Code);
    }

    [Theory]
    [Trait("kind", "golden")]
    [InlineData("plain")]
    [InlineData("rotated")]
    public async Task With_all_keys_deleted_the_key_file_alone_gives_everything_back(string name)
    {
        var store = await GoldenFolder.LoadAsync(name);
        var key = await KeyAsync(name, "file.key");
        var whole = await GoldenReading.OfAsync(store, key, null);
        foreach (var gone in store.Names().Where(n => n.Value.StartsWith("keys/", StringComparison.Ordinal)).ToList())
            await store.DeleteAsync(gone, default);
        var reading = await GoldenReading.OfAsync(store, key, null);
        Assert.NotEmpty(whole.Contents);
        Assert.DoesNotContain(null, whole.Contents.Values);
        Assert.Equal(whole.Contents, reading.Contents);
        Assert.All(reading.Problems, p => Assert.StartsWith("keys/", p.Where, StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_all_keys_deleted_the_command_ends_with_exit_0()
    {
        using var scratch = new ScratchFolder(memory: true);
        var repository = Path.Combine(scratch.Text, "repository");
        await GoldenFolder.WriteAsync(repository, await GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of("plain"), "repository")));
        Directory.Delete(Path.Combine(repository, "keys"), recursive: true);
        var bench = new CommandBench { WorkingFolder = scratch.Text };
        bench.Environment["HOME"] = scratch.Text;
        bench.Environment["BACKUP_METADATA_HMAC_KEY"] = "golden";
        bench.Operations = Composition.Operations(bench.Host);
        var to = Path.Combine(scratch.Text, "out");
        var exit = await bench.RunAsync(
            "recover", "--repository", repository, "--key-file", Path.Combine(GoldenFolder.Of("plain"), "file.key"), "--to", to);
        Assert.True(exit == 0, bench.Out + bench.Error);
        var (_, found) = await StandAlone.RunAsync("find", [to, "-name", "hello*", "-size", "22c"]);
        Assert.Equal(2, found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("hello for the 2. time\n", await File.ReadAllTextAsync(found.Split('\n')[0]));
    }

    // Lists say where chunks lie and how long their frames are.
    private static List<KeyValuePair<string, string?>> Decoded(GoldenReading reading) => [.. reading.Contents.Where(
        c => !c.Key.EndsWith("files/files", StringComparison.Ordinal) && !c.Key.EndsWith("/tables", StringComparison.Ordinal))];

    private static async Task<KeyFile> KeyAsync(string name, string file) =>
        KeyFile.Parse(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of(name), file)), file);

    private static async Task SaveAsync(string name, GoldenRepository written)
    {
        await GoldenFolder.WriteAsync(Path.Combine(GoldenFolder.Of(name), "repository"), await GoldenFolder.ObjectsAsync(written.Store));
        foreach (var (file, text) in written.Keys) await File.WriteAllTextAsync(Path.Combine(GoldenFolder.Of(name), file), text);
    }
}
