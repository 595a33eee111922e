using System.Text;
using Reprise.Recovery.Files;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Golden;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Hostile;

/// <summary>Lists of files, tables, roles and values in a point, altered under a good seal.</summary>
public sealed class HostileListTests : IDisposable
{
    private const long AnObject = 80 * 1024 * 1024;
    private readonly HostileWorld world = new();
    private readonly ScratchFolder scratch = new(memory: true);

    public void Dispose()
    {
        world.Dispose();
        scratch.Dispose();
    }

    [Theory]
    [InlineData("files", "files", 150)]
    [InlineData("postgres", "toc", 60)]
    [InlineData("postgres", "tables", 60)]
    [InlineData("postgres", "roles", 30)]
    [InlineData("secrets", "values", 30)]
    public async Task Nothing_crashes_and_nothing_leaves_the_target(string kind, string stream, int rounds)
    {
        var sample = stream == "roles"
            ? "[{\"name\":\"ada\",\"superuser\":true}]"u8.ToArray()
            : await world.StreamAsync(kind, stream);
        Fuzzing.Run(rounds, [sample], bytes => world.UseStreamAsync(kind, stream, bytes).GetAwaiter().GetResult(), AnObject);
    }

    // The same lists for the stand-alone reader: what it makes of them lies below its folder, or nowhere.
    [Theory]
    [InlineData("../evil")]
    [InlineData("/{0}/evil")]
    [InlineData("a/../../evil")]
    [InlineData("link/evil")]
    [InlineData("hard")]
    [InlineData("..")]
    public async Task The_stand_alone_reader_writes_nothing_outside_of_its_folder(string path)
    {
        var outside = Directory.CreateDirectory(Path.Combine(scratch.Text, "outside")).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "secret"), "nobody links this");
        var (repository, key) = await MakeAsync(outside, path.Replace("{0}", outside.TrimStart('/'), StringComparison.Ordinal));
        var said = await StandAlone.RunAsync(repository, key, "restore", "latest", Path.Combine(scratch.Text, "out"));
        Assert.EndsWith("exit 5\n", said, StringComparison.Ordinal);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        Assert.Equal(["key", "out", "outside", "repository"], Directory.GetFileSystemEntries(scratch.Text).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(1u, Disks.OfThisMachine().Stat(new DiskPath(Path.Combine(outside, "secret")))?.Links);
    }

    private async Task<(string Repository, string Key)> MakeAsync(string outside, string path)
    {
        var store = new MemoryStore();
        var made = await PointRepository.CreateAsync(new RepositoryHost(store, TimeProvider.System, Entropy.System, new Cpu(new OnTheSpot(), 1)), default);
        using var repository = made.Repository;
        await using (var writer = await repository.BeginPointAsync(SigningKeys.None, default))
        {
            var evil = writer.Begin(Cutting.ContentDefined);
            await evil.WriteAsync("evil"u8.ToArray(), default);
            var content = await evil.CompleteAsync(default);
            FileEntry[] entries =
            [
                new() { Type = FileEntryType.Folder, Path = new DiskPath(""), Mode = 0x1ED },
                new() { Type = FileEntryType.SymbolicLink, Path = new DiskPath("link"), Target = new DiskPath(outside) },
                path == "hard"
                    ? new() { Type = FileEntryType.HardLink, Path = new DiskPath(path), Target = new DiskPath("link/secret") }
                    : new() { Type = FileEntryType.File, Path = new DiskPath(path), Mode = 0x1A4, Content = content },
            ];
            var bytes = new System.Buffers.ArrayBufferWriter<byte>();
            using var encoder = new FileListEncoder();
            FileListEncoder.Begin(bytes);
            foreach (var entry in entries) encoder.Add(bytes, entry);
            encoder.End(bytes);
            var list = writer.Begin(Cutting.ContentDefined);
            await list.WriteAsync(bytes.WrittenMemory, default);
            await writer.CommitAsync(Manifest(writer.Id, await list.CompleteAsync(default)), default);
        }

        var folder = Path.Combine(scratch.Text, "repository");
        await GoldenFolder.WriteAsync(folder, await GoldenFolder.ObjectsAsync(store));
        var key = Path.Combine(scratch.Text, "key");
        await File.WriteAllTextAsync(key, made.File.Format(), Encoding.ASCII);
        return (folder, key);
    }

    private static PointManifest Manifest(PointId id, Content list) => Manifests.Of(id, null) with
    {
        Application = "golden",
        Created = DateTimeOffset.UnixEpoch,
        Writer = "somebody",
        Assets =
        [
            new AssetRecord
            {
                Name = "files", Kind = "files", Method = "files", Moment = DateTimeOffset.UnixEpoch, State = "complete", SourceBytes = 0, StoredBytes = 0,
                Sha256 = default, Streams = new SortedDictionary<string, Content> { ["files"] = list },
            },
        ],
    };
}
