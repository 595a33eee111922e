using System.Globalization;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Storage;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Files;

/// <summary>A folder with an application's files, and a repository in memory.</summary>
public sealed class FilesFixture : IDisposable
{
    public static readonly CancellationToken None = CancellationToken.None;

    private readonly ScratchFolder scratch;
    private readonly List<IDisposable> opened = [];
    private readonly SwitchedStore store = new();
    private PointRepository? repository;

    public FilesFixture(bool memory = false)
    {
        scratch = new ScratchFolder(memory);
        Real.MakeFolder(Root, 0x1ED);
    }

    public IDisk Real { get; } = Disks.OfThisMachine();

    public Cpu Cpu { get; } = Cpu.OfThisMachine();

    public DiskPath Root => scratch / "app";

    public DiskPath Outside => scratch.Folder;

    public NotingProgress Progress { get; } = new();

    public bool FailPacks
    {
        get => store.FailPacks;
        set => store.FailPacks = value;
    }

    public void Dispose()
    {
        opened.ForEach(one => one.Dispose());
        repository?.Dispose();
        scratch.Dispose();
    }

    public FilesSettings Settings(params string[] include) =>
        new() { Root = Root.ToString(), Include = include.Length == 0 ? ["**"] : include };

    public FilesAsset Asset(FilesSettings? settings = null, IDisk? disk = null, TimeProvider? clock = null) =>
        new("runtime", settings ?? Settings(), disk ?? Real, Cpu, clock ?? TimeProvider.System);

    public void Write(string path, string text, int mode = 0x1A4) => Write(new DiskPath(path), text, mode);

    public void Write(DiskPath path, string text, int mode = 0x1A4)
    {
        if (!path.Parent.IsEmpty) Real.MakeFolder(Root / path.Parent, 0x1ED);
        Real.DeleteFile(Root / path);
        using var file = Real.CreateNew(Root / path);
        file.Write(0, System.Text.Encoding.UTF8.GetBytes(text));
        Real.SetMode(Root / path, mode);
    }

    public string Read(string path)
    {
        using var file = Real.OpenRead(Root / path);
        var bytes = new byte[file.Stat().SizeBytes];
        file.Read(0, bytes);
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    public bool Exists(string path) => Real.Stat(Root / path) is not null;

    /// <summary>What the repository is kept in.</summary>
    public IStore Store => store;

    /// <summary>Captures and commits; the point is open until the end of the test.</summary>
    public async Task<Captured> CaptureAsync(FilesAsset? asset = null, Captured? last = null)
    {
        asset ??= Asset();
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu);
        repository ??= (await PointRepository.CreateAsync(host, None)).Repository;
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var context = new CaptureContext
        {
            Writer = writer,
            Clock = TimeProvider.System,
            Progress = Progress,
            ScratchFolder = scratch.Text,
            Previous = last?.Record,
            PreviousPoint = last?.Point,
        };
        var record = await asset.CaptureAsync(context, None);
        var manifest = new PointManifest
        {
            Id = writer.Id,
            Application = "test",
            Created = TimeProvider.System.GetUtcNow(),
            Kind = PointKind.Manual,
            State = PointState.Complete,
            SkewSeconds = 0,
            Writer = "test",
            Assets = [record],
        };
        await writer.CommitAsync(manifest, None);
        var entry = (await repository.ListPointsAsync(SigningKeys.None, None)).Points
            .Single(point => point.Manifest.Id == writer.Id);
        var reader = repository.OpenPoint(entry);
        opened.Add(reader);
        return new Captured(reader.Manifest.Assets.Single(), reader, [.. context.Problems]);
    }

    public static PointId Id(int number) =>
        PointId.TryParse(string.Create(CultureInfo.InvariantCulture, $"20260101T0000{number:00}Z-0000"), out var id)
            ? id
            : throw new InvalidOperationException("not an identifier");

    /// <summary>Stages and verifies.</summary>
    public async Task<RestoreItem> StageAsync(FilesAsset asset, Captured captured, int number = 1)
    {
        var item = new RestoreItem(Id(number), captured.Record);
        Assert.DoesNotContain(await asset.PreflightAsync(item, None), problem => problem.Severity == Severity.Error);
        await asset.StageAsync(item, captured.Point, Progress, None);
        var outcomes = await asset.VerifyStagedAsync(item, Progress, None);
        Assert.All(
            outcomes, outcome => Assert.True(outcome.Outcome == Outcome.Pass, $"{outcome.Name}: {outcome.Actual}"));
        return item;
    }

    public async Task<RestoreItem> RestoreAsync(FilesAsset asset, Captured captured, int number = 1)
    {
        var item = await StageAsync(asset, captured, number);
        await asset.SwapAsync(item, new Swap(Slot.New(item.RestoreId), Slot.Before(item.RestoreId)), None);
        return item;
    }

    /// <summary>
    /// Everything below a folder, one line an entry, with all that a restore promises. Slots are left out.
    /// </summary>
    public SortedDictionary<string, string> Snapshot(DiskPath? from = null, bool withRootTime = true)
    {
        var root = from ?? Root;
        var lines = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var names = new Dictionary<(long, ulong), string>();
        if (Real.Stat(root) is { } top) lines["."] = Describe(root, top, withRootTime);
        var open = new Stack<DiskPath>([root]);
        while (open.TryPop(out var folder))
        {
            foreach (var entry in Real.List(folder).OrderBy(entry => entry.Name))
            {
                if (entry.Name.ToString().StartsWith(".reprise-", StringComparison.Ordinal)) continue;
                var path = folder / entry.Name;
                var status = Real.Stat(path)!;
                var name = Convert.ToHexString(path.Bytes[(root.Bytes.Length + 1)..]);
                var line = path.ToString()[(root.ToString().Length + 1)..] + " " + Describe(path, status, true);
                if (status is { Links: > 1, Type: not FileType.Folder })
                {
                    names.TryAdd((status.Device, status.Inode), name);
                    line += " same as " + names[(status.Device, status.Inode)];
                }

                lines[name] = line;
                if (status.Type == FileType.Folder) open.Push(path);
            }
        }

        return lines;
    }

    public static bool IsRoot => Environment.IsPrivilegedProcess;

    public List<string> Slots() =>
    [
        .. Real.List(Root).Select(entry => entry.Name.ToString())
            .Where(name => name.StartsWith(".reprise-", StringComparison.Ordinal)).Order(),
    ];

    private string Describe(DiskPath path, FileStatus status, bool withTime)
    {
        var text = $"{status.Type} {Convert.ToString(status.Mode, 8)} {status.User}:{status.Group}";
        if (withTime) text += $" {status.Modified.Seconds}.{status.Modified.Nanoseconds:000000000}";
        foreach (var attribute in Real.ReadAttributes(path))
            text += $" {attribute.Name}={Convert.ToHexString(attribute.Value.Span)}";
        if (status.Type == FileType.SymbolicLink) text += " -> " + Real.ReadSymbolicLink(path);
        if (status.Type == FileType.Regular) text += $" {status.SizeBytes} " + Hash(path);
        return text;
    }

    private string Hash(DiskPath path)
    {
        using var file = Real.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        var offset = 0L;
        for (int read; (read = file.Read(offset, buffer)) > 0; offset += read) hash.AppendData(buffer.AsSpan(0, read));
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

/// <summary>What a test captured.</summary>
public sealed record Captured(AssetRecord Record, PointReader Point, IReadOnlyList<Problem> Problems);

/// <summary>Remembers what it was told.</summary>
public sealed class NotingProgress : IProgressSink
{
    public List<string> Notes { get; } = [];

    public long Bytes { get; private set; }

    public void Begin(string step, long? totalBytes) => Notes.Add("begin " + step);

    public void Advance(long bytes) => Bytes += bytes;

    public void Note(string line) => Notes.Add(line);
}

/// <summary>A store in memory that can be told to fail.</summary>
internal sealed class SwitchedStore : IStore
{
    private readonly MemoryStore inner = new();

    public bool FailPacks { get; set; }

    public StoreCapabilities Capabilities => inner.Capabilities;

    public ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken token) =>
        FailPacks && name.Value.StartsWith("packs/", StringComparison.Ordinal)
            ? throw new StoreException(new StoreFault.Failed(), name, "injected", "none")
            : inner.PutAsync(name, content, mode, token);

    public ValueTask<System.Buffers.IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken token) => inner.ReadAsync(name, range, token);

    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken token) => inner.StatAsync(name, token);

    public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken token) =>
        inner.ListAsync(prefix, token);

    public ValueTask DeleteAsync(ObjectName name, CancellationToken token) => inner.DeleteAsync(name, token);
}
