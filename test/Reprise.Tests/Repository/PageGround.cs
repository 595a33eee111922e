using Reprise.Repository;
using Reprise.Repository.Pages;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>Files in memory that change, and points that hold them by pages, each beside the one before.</summary>
internal sealed class PageGround : IDisposable
{
    public const int PageBytes = 8192;
    private const int BlockBytes = 32 * PageBytes;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly Random random;
    private PointRepository? repository;

    public PageGround(int seed) => random = new Random(seed);

    public ArrivingStore Store { get; } = new();

    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>What the last capture did.</summary>
    public long Carried { get; private set; }

    public long Stored { get; private set; }

    public Problem? Damage { get; private set; }

    public void Dispose() => repository?.Dispose();

    public async Task<PointRepository> RepositoryAsync() => repository ??= (await PointRepository.CreateAsync(
        new RepositoryHost(Store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine()), None)).Repository;

    /// <summary>Pages that compress to about the half of their size.</summary>
    public byte[] Pages(int count)
    {
        var bytes = new byte[count * PageBytes];
        for (var page = 0; page < count; page++) random.NextBytes(bytes.AsSpan(page * PageBytes, PageBytes / 2));
        return bytes;
    }

    /// <summary>Writes into a page of a file.</summary>
    public void Touch(string file, int page) => random.NextBytes(Files[file].AsSpan(page * PageBytes, 64));

    /// <summary>Takes a point, beside <paramref name="last"/> when there is one.</summary>
    public async Task<Taken> TakeAsync(Taken? last)
    {
        var into = await RepositoryAsync();
        await using var writer = await into.BeginPointAsync(SigningKeys.None, None);

        // A point that a prune has dropped is nobody's base.
        var entry = (await into.ListPointsAsync(SigningKeys.None, None)).Points.FirstOrDefault(p => p.Id == last?.Id);
        using var reader = entry is null ? null : into.OpenPoint(entry);
        await using var known = reader is null ? null : await KnownTree.OpenAsync(writer, reader, last!.Contents, PageBytes, None); // It is last's.
        var pages = known is null ? new PagesWriter(writer, PageBytes) : await PagesWriter.BesideAsync(writer, known, None);
        var contents = await WriteAsync(pages);
        Damage = known?.Damage;
        await writer.FlushAsync(None);
        var catalog = await into.ListPointsAsync(SigningKeys.None, None);
        var committed = await writer.CommitAsync(Manifests.After(catalog, writer.Id, contents.Map), None);
        return new Taken(committed.Manifest.Id, contents);
    }

    /// <summary>What a point gives back.</summary>
    public async Task<SortedDictionary<string, byte[]>> ReadAsync(Taken taken)
    {
        using var point = (await RepositoryAsync()).OpenPoint(await EntryAsync(taken));
        var reader = new PagesReader(point, taken.Contents);
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        var crcs = new Dictionary<string, uint>();
        await foreach (var entry in reader.EntriesAsync(None))
        {
            if (entry.Type != PagedEntryType.File) continue;
            files[entry.Path.ToString()] = new byte[entry.LengthBytes];
            crcs[entry.Path.ToString()] = entry.Crc32C;
        }

        for (var source = 0; source < reader.Sources; source++)
        {
            await foreach (var run in reader.RunsAsync(source, None))
                run.Bytes.CopyTo(files[run.Entry.Path.ToString()].AsMemory((int)run.OffsetBytes));
        }

        Assert.All(files, file => Assert.Equal(Crc32C.Of(file.Value), crcs[file.Key]));
        return files;
    }

    /// <summary>That a point gives back what the files are.</summary>
    public async Task AssertHoldsAsync(Taken taken)
    {
        var back = await ReadAsync(taken);
        Assert.Equal(Files.Keys, back.Keys);
        foreach (var (path, bytes) in Files) Assert.True(bytes.AsSpan().SequenceEqual(back[path]), path);
    }

    public async Task<PointEntry> EntryAsync(Taken taken) =>
        (await (await RepositoryAsync()).ListPointsAsync(SigningKeys.None, None)).Points.Single(p => p.Id == taken.Id);

    private async Task<PagedContents> WriteAsync(PagesWriter pages)
    {
        using var hasher = pages.NewHasher();
        await pages.AddAsync(new PagedEntry { Type = PagedEntryType.Folder, Path = default, Mode = 0x1C0 }, None);
        foreach (var (path, bytes) in Files)
        {
            await pages.AddAsync(new PagedEntry { Type = PagedEntryType.File, Path = new DiskPath(path), Mode = 0x180 }, None);
            for (var at = 0; at < bytes.Length; at += BlockBytes)
                await pages.AppendAsync(hasher.Block(bytes.AsMemory(at, Math.Min(BlockBytes, bytes.Length - at))), None);
            await pages.EndAsync(None);
        }

        var contents = await pages.CompleteAsync(None);
        (Carried, Stored) = (pages.CarriedPages, pages.StoredPages);
        return contents;
    }
}

/// <summary>A point that was taken.</summary>
internal sealed record Taken(PointId Id, PagedContents Contents);
