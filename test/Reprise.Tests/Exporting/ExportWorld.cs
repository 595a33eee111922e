using System.Diagnostics;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Exporting;

/// <summary>A repository in memory, a folder, and assets that write what a test tells them.</summary>
public sealed class ExportWorld : IDisposable
{
    public static readonly CancellationToken None = CancellationToken.None;

    public ExportWorld()
    {
        Host = new RepositoryHost(Store, TimeProvider.System, Entropy.System, Cpu);
        var made = PointRepository.CreateAsync(Host, None).GetAwaiter().GetResult();
        (Repository, Key) = (made.Repository, made.File);
    }

    public RepositoryHost Host { get; }

    /// <summary>The key that opens the repository.</summary>
    public KeyFile Key { get; }

    public MemoryStore Store { get; } = new();

    public PointRepository Repository { get; }

    public ScratchFolder Scratch { get; } = new();

    public IDisk Disk { get; set; } = Disks.OfThisMachine();

    public Cpu Cpu { get; } = Cpu.OfThisMachine();

    public Noted Progress { get; } = new();

    public Dictionary<string, FakeAsset> Assets { get; } = new(StringComparer.Ordinal);

    public List<KeptSecret> Secrets { get; } = [];

    public DiskPath Target => Scratch / "export";

    /// <summary>
    /// Commits a point that holds <paramref name="assets"/> and one content, <paramref name="text"/>.
    /// </summary>
    public async Task<PointEntry> CommitAsync(
        IReadOnlyList<AssetRecord> assets,
        string text = "application: shop\n",
        SigningKeys? signing = null,
        Func<PointManifest, PointManifest>? change = null)
    {
        signing ??= SigningKeys.None;
        var earlier = await Repository.ListPointsAsync(signing, None);
        await using var writer = await Repository.BeginPointAsync(signing, None);
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(Encoding.UTF8.GetBytes(text), None);
        var manifest = new PointManifest
        {
            Id = writer.Id,
            Application = "shop",
            Created = writer.Id.Time,
            Kind = PointKind.Manual,
            State = PointState.Complete,
            SkewSeconds = 0.25,
            Writer = "test",
            Assets = assets,
            Configuration = await content.CompleteAsync(None),
            Live = [.. earlier.Points.Select(p => new PointReference(p.Id, p.Sha256))],
            SignedSince = signing.Current is null ? null : writer.Id,
        };
        await writer.CommitAsync(change is null ? manifest : change(manifest), None);
        return (await Repository.ListPointsAsync(signing, None)).Newest!;
    }

    public static AssetRecord Record(string name, string kind) => new()
    {
        Name = name,
        Kind = kind,
        Method = kind == AssetKinds.Postgres ? "logical" : kind,
        Moment = DateTimeOffset.UnixEpoch.AddDays(20000),
        State = AssetStates.Complete,
        SourceBytes = 100,
        StoredBytes = 10,
        Sha256 = default,
        Rows = new SortedDictionary<string, long>(StringComparer.Ordinal) { ["orders"] = 3 },
        Versions = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["server"] = "17.2" },
    };

    /// <summary>A record whose asset writes <paramref name="write"/>.</summary>
    public AssetRecord Add(string name, string kind, Action<string> write)
    {
        Assets[name] = new FakeAsset(name, kind, write);
        return Record(name, kind);
    }

    public AssetRecord AddFiles(string name, params (string Path, string Text)[] files) =>
        Add(name, AssetKinds.Files, folder =>
        {
            foreach (var (path, text) in files)
            {
                var full = Path.Combine(folder, path);
                Directory.CreateDirectory(Path.GetDirectoryName(full)!);
                File.WriteAllText(full, text);
            }
        });

    public List<ObjectName> PackNames() =>
        [.. Store.Names().Where(n => n.Value.StartsWith("packs/", StringComparison.Ordinal))];

    public ExportRequest Request(PointEntry point, SigningKeys? signing = null) => new()
    {
        Point = point,
        Folder = Target,
        Materialiser = record => Assets.GetValueOrDefault(record.Name),
        Secrets = OpenAsync,
        Signing = signing ?? SigningKeys.None,
        Writer = "reprise test",
    };

    public Task<ExportResult> ExportAsync(PointEntry point, SigningKeys? signing = null) =>
        new ExportRun(Repository, Disk, TimeProvider.System, Cpu).RunAsync(Request(point, signing), Progress, None);

    public Task<ExportVerificationResult> VerifyAsync(SigningKeys? signing = null) =>
        new ExportVerification(Disk, Cpu).RunAsync(Target, signing ?? SigningKeys.None, Progress, None);

    /// <summary>What lies beside the target: its name when it exists, and everything unfinished.</summary>
    public List<string> Around() =>
        [.. Directory.EnumerateFileSystemEntries(Scratch.Text, "export*")
            .Select(p => Path.GetFileName(p)!)
            .Order(StringComparer.Ordinal)];

    public static (int Exit, string Output) Run(string folder, params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }

    public Task<IReadOnlyList<KeptSecret>> OpenAsync(
        AssetRecord record, PointReader point, bool withValues, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<KeptSecret>>([.. Secrets.Select(s => withValues ? s : s with { Value = null })]);

    public void Dispose()
    {
        Repository.Dispose();
        Scratch.Dispose();
    }
}

/// <summary>Remembers what was noted.</summary>
public sealed class Noted : IProgressSink
{
    public List<string> Lines { get; } = [];

    public void Begin(string step, long? totalBytes)
    {
    }

    public void Advance(long bytes)
    {
    }

    public void Note(string line) => Lines.Add(line);
}

/// <summary>An asset that can only be written into a folder.</summary>
public class FakeAsset(string name, string kind, Action<string> write) : IRestorable
{
    public string Name => name;

    public string Kind => kind;

    public Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        write(folder);
        return Task.FromResult(WrittenPaths.Of(
            [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(folder, f))]));
    }

    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}

/// <summary>An asset whose tree is read entry by entry.</summary>
public sealed class FakeTree(string name, IReadOnlyList<TreeEntry> entries)
    : FakeAsset(name, AssetKinds.Files, _ => throw new InvalidOperationException("the tree can be read")), ITreeSource
{
    public async IAsyncEnumerable<TreeEntry> WalkAsync(
        AssetRecord record,
        PointReader point,
        string scratchFolder,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var entry in entries) yield return entry;
        await Task.CompletedTask;
    }
}
