using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Windows;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Postgres;

/// <summary>One server for the tests of this room, which run one after another.</summary>
public sealed class PostgresRoom : IDisposable
{
    private PostgresCluster? cluster;

    /// <summary>PostgreSQL 15, started by the first test that needs it.</summary>
    public PostgresCluster Cluster => cluster ??= PostgresCluster.Start(15);

    public void Dispose() => cluster?.Dispose();
}

[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresRoom>
{
    public const string Name = "postgres";
}

/// <summary>A repository in memory, and the steps of a backup and a restore in the order of the contract.</summary>
public sealed class PostgresBench : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();
    private readonly ScratchFolder scratch = new();
    private readonly List<PointReader> readers = [];
    private PointRepository? repository;

    public NoteSink Progress { get; } = new();

    public List<Problem> Problems { get; } = [];

    public string Folder => scratch.Text;

    /// <summary>Everything that is committed, the newest first.</summary>
    public List<PointManifest> Manifests { get; } = [];

    /// <summary>Where WAL goes in the same repository.</summary>
    public async Task<WalArchive> ArchiveAsync() => await (await RepositoryAsync()).WriteWalAsync(None);

    public long StoredBytes => store.SizeBytes();

    public Dictionary<string, string?> Variables { get; } = new()
    {
        ["PATH"] = Environment.GetEnvironmentVariable("PATH"),
    };

    public PostgresHost Host => new()
    {
        Disk = Disks.OfThisMachine(),
        Children = new ChildProcesses(TimeProvider.System),
        Clock = TimeProvider.System,
        Entropy = Entropy.System,
        Cpu = Cpu.OfThisMachine(),
        Variable = name => Variables.GetValueOrDefault(name),
        Home = scratch.Text,
        UserName = "nobody",
        TemporaryFolder = scratch.Text,
    };

    public PostgresAsset Asset(
        PostgresCluster cluster, string database, Func<PostgresSettings, PostgresSettings>? change = null)
    {
        var settings =
            new PostgresSettings { ConnectionText = cluster.Connection(database), ClientFolder = cluster.Programs };
        return new PostgresAsset("orders", change?.Invoke(settings) ?? settings, Host);
    }

    /// <summary>
    /// Captures and commits, beside an earlier point if one is given; the record and a reader of the point come back.
    /// </summary>
    public async Task<(AssetRecord Record, PointReader Point)> BackupAsync(
        PostgresAsset asset, (AssetRecord Record, PointReader Point)? last = null, CancellationToken cancellationToken = default)
    {
        var into = await RepositoryAsync();
        await using var writer = await into.BeginPointAsync(SigningKeys.None, None);
        var context = new CaptureContext
        {
            Writer = writer,
            Clock = TimeProvider.System,
            Progress = Progress,
            ScratchFolder = scratch.Text,
            Previous = last?.Record,
            PreviousPoint = last?.Point,
        };
        var record = await asset.CaptureAsync(context, cancellationToken);
        Problems.AddRange(context.Problems);
        await writer.CommitAsync(
            new PointManifest
            {
                Id = writer.Id,
                Application = "shop",
                Created = TimeProvider.System.GetUtcNow(),
                Kind = PointKind.Manual,
                State = PointState.Complete,
                SkewSeconds = 0,
                Writer = "test",
                Assets = [record],
            },
            None);
        var entry = (await into.ListPointsAsync(SigningKeys.None, None)).Points.Single(
            point => point.Id == writer.Id);
        var reader = into.OpenPoint(entry);
        readers.Add(reader);
        Manifests.Insert(0, entry.Manifest);
        return (entry.Manifest.Assets.Single(), reader);
    }

    private async Task<PointRepository> RepositoryAsync() => repository ??= (await PointRepository.CreateAsync(
        new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine()), None)).Repository;

    /// <summary>How many points are committed.</summary>
    public async Task<int> PointsAsync() =>
        repository is null ? 0 : (await repository.ListPointsAsync(SigningKeys.None, None)).Points.Count;

    /// <summary>Drops points, then deletes the WAL that none needs.</summary>
    public async Task<WalPruneReport> PruneAsync(params PointId[] drop)
    {
        var into = await RepositoryAsync();
        var before = await into.ListPointsAsync(SigningKeys.None, None);
        var report = await into.PruneAsync(c => [.. c.Points.Where(p => drop.Contains(p.Id))], SigningKeys.None, None);
        Manifests.RemoveAll(m => report.Dropped.Contains(m.Id));
        return await into.PruneWalAsync(now => WalNeeds.Of(now.Points, new HashSet<PointId>()), before, SigningKeys.None, None);
    }

    /// <summary>A fresh identifier for a restore.</summary>
    public static PointId NewId() => PointId.At(TimeProvider.System.GetUtcNow());

    /// <summary>Stages, verifies and swaps.</summary>
    public async Task<RestoreItem> RestoreAsync(PostgresAsset asset, AssetRecord record, PointReader point)
    {
        var item = new RestoreItem(NewId(), record);
        var problems = await asset.PreflightAsync(item, None);
        Assert.DoesNotContain(problems, problem => problem.Severity == Severity.Error);
        await asset.StageAsync(item, point, Progress, None);
        foreach (var outcome in await asset.VerifyStagedAsync(item, Progress, None))
        {
            Assert.True(
                outcome.Outcome is Outcome.Pass or Outcome.NotApplicable,
                $"{outcome.Name}: {outcome.Outcome}, expected {outcome.Expected}, got {outcome.Actual}");
        }

        await asset.SwapAsync(item, new Swap(Slot.New(item.RestoreId), Slot.Before(item.RestoreId)), None);
        return item;
    }

    public void Dispose()
    {
        foreach (var reader in readers) reader.Dispose();
        repository?.Dispose();
        scratch.Dispose();
    }
}

/// <summary>Remembers steps and notes.</summary>
public sealed class NoteSink : IProgressSink
{
    public List<string> Notes { get; } = [];

    public List<string> Steps { get; } = [];

    public long Bytes { get; private set; }

    public void Begin(string step, long? totalBytes) => Steps.Add(step);

    public void Advance(long bytes) => Bytes += bytes;

    public void Note(string line) => Notes.Add(line);
}
