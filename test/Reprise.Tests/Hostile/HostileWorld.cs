using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Secrets;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using Reprise.Tests.Files;
using Reprise.Tests.Golden;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Hostile;

/// <summary>
/// The golden repository with every kind of asset, in which somebody with the keys may put anything into a point; and
/// everything that reads points, tried on it.
/// </summary>
internal sealed class HostileWorld : IDisposable
{
    private readonly ScratchFolder scratch = new(memory: true);
    private readonly Cpu cpu = new(new OnTheSpot(), 1);
    private readonly SortedDictionary<string, byte[]> objects =
        GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of("plain"), "repository")).GetAwaiter().GetResult();

    private readonly KeyFile key = KeyFile.Parse(File.ReadAllText(Path.Combine(GoldenFolder.Of("plain"), "file.key")), "file.key");
    private readonly Zstd zstd = new(0);
    private readonly PointCodec codec;
    private readonly string name;

    public HostileWorld()
    {
        name = objects.Keys.Last(k => k.StartsWith("points/", StringComparison.Ordinal));
        using var opened = OpenAsync(objects).GetAwaiter().GetResult();
        codec = PointCodec.Decode(opened.Keys.Sealer.OpenObject(ObjectKind.Point, name, objects[name], zstd));
        Assert.Equal(2, GoldenReading.OfAsync(opened, null).GetAwaiter().GetResult().Contents.Keys.Select(k => k.Split(' ')[0]).Distinct().Count());
    }

    public ReadOnlyMemory<byte> Manifest => codec.ManifestBytes;

    public void Dispose()
    {
        zstd.Dispose();
        scratch.Dispose();
    }

    /// <summary>Reads everything of a point whose manifest is <paramref name="manifest"/>.</summary>
    public async Task UseManifestAsync(byte[] manifest)
    {
        var altered = new SortedDictionary<string, byte[]>(objects, StringComparer.Ordinal);
        using var repository = await OpenAsync(objects);
        var plain = new PointCodec(manifest, default, codec.TableBytes).Encode();
        altered[name] = repository.Keys.Sealer.SealObject(ObjectKind.Point, name, plain, zstd);
        using var opened = await OpenAsync(altered);
        await GoldenReading.OfAsync(opened, null);
        foreach (var point in (await opened.ListPointsAsync(SigningKeys.None, default)).Points)
        {
            using var reader = opened.OpenPoint(point);
            foreach (var asset in point.Manifest.Assets) await UseAsync(asset, reader);
        }
    }

    /// <summary>Reads everything of a point in which one stream of one asset holds <paramref name="bytes"/>.</summary>
    public async Task UseStreamAsync(string kind, string stream, byte[] bytes)
    {
        using var opened = await OpenAsync(objects);
        var good = (await opened.ListPointsAsync(SigningKeys.None, default)).Points[^1];
        await using (var writer = await opened.BeginPointAsync(SigningKeys.None, default))
        {
            var content = writer.Begin(Cutting.Every(4096));
            await content.WriteAsync(bytes, default);
            var complete = await content.CompleteAsync(default);
            var asset = good.Manifest.Assets.Single(a => a.Kind == kind);
            var streams = new SortedDictionary<string, Content>(asset.Streams.ToDictionary(s => s.Key, s => s.Value), StringComparer.Ordinal) { [stream] = complete };

            // What the lists name lies in the packs of the good point: only what the altered bytes say is new.
            await writer.CommitAsync(good.Manifest with { Id = writer.Id, Assets = [asset with { Streams = streams }], Live = [], Configuration = null }, default);
        }

        var point = (await opened.ListPointsAsync(SigningKeys.None, default)).Points[^1];
        using var reader = opened.OpenPoint(point);
        await GoldenReading.OfAsync(opened, null);
        await UseAsync(point.Manifest.Assets[0], reader);
    }

    /// <summary>The bytes of a stream as they are.</summary>
    public async Task<byte[]> StreamAsync(string kind, string stream)
    {
        using var opened = await OpenAsync(objects);
        var point = (await opened.ListPointsAsync(SigningKeys.None, default)).Points[^1];
        using var reader = opened.OpenPoint(point);
        return (await PostgresRecord.ReadAsync(reader, point.Manifest.Assets.Single(a => a.Kind == kind).Streams[stream], default)).ToArray();
    }

    private async Task<PointRepository> OpenAsync(IReadOnlyDictionary<string, byte[]> from) => await PointRepository.OpenAsync(
        new RepositoryHost(await GoldenFolder.StoreOf(from), TimeProvider.System, Entropy.System, cpu), key, default);

    private async Task UseAsync(AssetRecord asset, PointReader reader)
    {
        await TryAsync(async () => await SecretsRecord.ValuesAsync(asset, reader, default));
        await TryAsync(async () => await PostgresRecord.RolesAsync(asset, reader, default));
        await TryAsync(async () => await PostgresRecord.DigestAsync(asset, reader, default));
        await TryAsync(async () =>
        {
            var database = PostgresRecord.Databases(asset)[0];
            var tables = await PostgresRecord.TablesAsync(asset, database, reader, default);
            var head = PostgresRecord.Stream(asset, database.Prefix + "toc");
            await DumpLayout.WriteAsync(reader, head, tables, DumpLayout.NowhereElse, (_, _) => default, default);
        });
        if (asset.Streams.TryGetValue("files", out var list)) await TryAsync(() => RestoreAsync(list, reader));
    }

    // What a list says is written into a folder; beside it lies what nobody may touch.
    private async Task RestoreAsync(Content list, PointReader reader)
    {
        var disk = Disks.OfThisMachine();
        var place = Path.Combine(scratch.Text, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path.Combine(place, "tree"));
        await File.WriteAllTextAsync(Path.Combine(place, "beside"), "untouched");
        try
        {
            var spool = new DiskPath(Path.Combine(place, "list"));
            using (var file = disk.CreateNew(spool))
            {
                await foreach (var block in reader.ReadAsync(list, default)) file.Write(block.OffsetBytes, block.Bytes.Span);
            }

            using var entries = new FileListReader(disk, spool);
            var writing = new TreeWriting { Tree = new DiskPath(Path.Combine(place, "tree")), WithFolders = false, LeftOut = _ => false, Written = _ => { } };
            await new TreeWriter(disk, cpu, writing, new MetadataTally()).WriteAsync(entries, reader, new NotingProgress(), default);
        }
        finally
        {
            Assert.Equal(["beside", "list", "tree"], Directory.GetFileSystemEntries(place).Select(Path.GetFileName).Append("list").Distinct().Order(StringComparer.Ordinal));
            Assert.Equal("untouched", await File.ReadAllTextAsync(Path.Combine(place, "beside")));
        }
    }

    private static async Task TryAsync(Func<Task> read)
    {
        try
        {
            await read();
        }
        catch (RepriseException)
        {
            // Refused with one of our codes; whatever else comes fails the test.
        }
    }
}
