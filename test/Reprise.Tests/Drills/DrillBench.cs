using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Secrets;
using Reprise.Recovery.Sqlite;
using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Memory;
using Reprise.Tests.Exporting;
using Reprise.Wiring;

namespace Reprise.Tests.Drills;

/// <summary>A small application with one asset of each kind, a repository in memory, and drills of its newest point.</summary>
internal sealed class DrillBench : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly ExportWorld world = new();

    /// <summary>The folder of the application.</summary>
    public string Folder => Path.Combine(world.Scratch.Text, "shop");

    /// <summary>Where the secrets in force are, or null: the application has none.</summary>
    public string? SecretsFile { get; set; }

    /// <summary>With what points are judged.</summary>
    public SigningKeys Signing { get; set; } = SigningKeys.None;

    /// <summary>The repository's objects, for whoever damages them.</summary>
    public MemoryStore Store => world.Store;

    /// <summary>The disk that a drill sees.</summary>
    public IDisk Disk { get => world.Disk; set => world.Disk = value; }

    /// <summary>Where sandboxes are made.</summary>
    public string TemporaryFolder { get; set; } = Path.GetTempPath();

    /// <summary>How often every byte of a point was read.</summary>
    public int TimesRead { get; private set; }

    /// <summary>The key that opens the repository.</summary>
    public KeyFile Key => world.Key;

    public IReadOnlyList<CheckDefinition> Checks { get; set; } = [];

    /// <summary>What happens to assets of the sandbox, by name.</summary>
    public Func<IRestorable, DrillPlaces, IRestorable> Changed { get; set; } = (asset, _) => asset;

    /// <summary>What happens to the moment to which a server is taken on.</summary>
    public Func<RehearsedMoment, RehearsedMoment> Rehearsed { get; set; } = moment => moment;

    /// <summary>Where WAL goes in the same repository.</summary>
    public Task<WalArchive> ArchiveAsync() => world.Repository.WriteWalAsync(None);

    public PostgresHost PostgresHost => new()
    {
        Disk = world.Disk,
        Children = new ChildProcesses(TimeProvider.System),
        Clock = TimeProvider.System,
        Entropy = Reprise.Storage.Runtime.Entropy.System,
        Cpu = world.Cpu,
        Variable = name => name == "PATH" ? Environment.GetEnvironmentVariable(name) : null,
        Home = world.Scratch.Text,
        UserName = Environment.UserName,
        TemporaryFolder = world.Scratch.Text,
    };

    public PostgresAsset Database(string connection, bool isRecovered = false) =>
        new("orders", new PostgresSettings { ConnectionText = connection, IsRecovered = isRecovered }, PostgresHost);

    /// <summary>All of a server as files.</summary>
    public PostgresAsset Cluster(string connection, string data) => new(
        "orders",
        new PostgresSettings { ConnectionText = connection, Method = PostgresMethod.Physical, DataFolder = data },
        PostgresHost);

    public SqliteAsset Sqlite(string path) =>
        new("sessions", new SqliteSettings { Path = path }, world.Disk, world.Cpu, TimeProvider.System);

    public FilesAsset Files(string root) => new(
        "runtime", new FilesSettings { Root = root, Include = ["uploads/**"] }, world.Disk, world.Cpu, TimeProvider.System);

    /// <summary>References to secrets, as they are in <see cref="SecretsFile"/>.</summary>
    public SecretsAsset Secrets() => new(
        new SecretsSettings
        {
            Name = "secrets",
            References = ["JWT_SECRET"],
            Source = new SecretSource.EnvironmentFile(new DiskPath(SecretsFile ?? "/nonexistent")),
        },
        world.Disk,
        _ => null,
        world.Repository.Fingerprint);

    /// <summary>Takes a point of <paramref name="assets"/> and drills it.</summary>
    public async Task<DrillRecord> DrillAsync(params IAsset[] assets)
    {
        await TakeAsync(Signing, assets);
        return await DrillNewestAsync();
    }

    /// <summary>Takes a point as whoever has <paramref name="signing"/> would.</summary>
    public Task TakeAsync(SigningKeys signing, params IAsset[] assets) =>
        new BackupRun(world.Repository, world.Disk, TimeProvider.System).RunAsync(
            new BackupRequest
            {
                Application = "shop",
                Kind = PointKind.Manual,
                Assets = assets,
                Configuration = "application: shop\n",
                Signing = signing,
                Scratch = new DiskPath(world.Scratch.Text),
                Writer = "test",
            },
            world.Progress,
            None);

    /// <summary>
    /// Takes a point as somebody would who has the repository and its key: unlike a backup it does not mind that signing
    /// was in force.
    /// </summary>
    public async Task ForgeAsync(SigningKeys signing, IAsset asset)
    {
        var newest = (await world.Repository.ListPointsAsync(Signing, None)).Newest!; // The caller took one.
        await using var writer = await world.Repository.BeginPointAsync(signing, None);
        var context = new CaptureContext
        {
            Writer = writer, Clock = TimeProvider.System, Progress = world.Progress, ScratchFolder = world.Scratch.Text,
        };
        await writer.CommitAsync(
            newest.Manifest with
            {
                Id = writer.Id,
                Created = writer.Id.Time,
                Assets = [await asset.CaptureAsync(context, None)],
                Configuration = null,
                SignedSince = signing.Current is null ? null : newest.Manifest.SignedSince,
            },
            None);
    }

    /// <summary>Drills the newest point, whatever it is.</summary>
    /// <param name="key">opens the repository; null: its own.</param>
    /// <param name="fault">when the disaster is said to have been; null: now.</param>
    public async Task<DrillRecord> DrillNewestAsync(KeyFile? key = null, DateTimeOffset? fault = null)
    {
        using var repository = await PointRepository.OpenAsync(world.Host, key ?? world.Key, None);
        var catalog = await repository.ListPointsAsync(Signing, None);
        var entry = PointNames.Find(catalog, catalog.Points[^1].Id.Value);
        using var point = repository.OpenPoint(entry);
        var request = new DrillRequest
        {
            Point = point,
            Input = new DrillInput("r", "memory", entry.Id.Value, entry.Sha256.ToString(), entry.Manifest.Created, 1),
            Level = 4,
            Started = TimeProvider.System.GetUtcNow(),
            FaultAt = fault,
            ProveBytes = async token =>
            {
                TimesRead++;
                var report = await repository.CheckAsync([entry], ReadDepth.All, _ => { }, token);
                return new BytesProof(report.ObjectsRead, report.BytesRead, [.. report.Damage.Values]);
            },
        };
        return (await new DrillRun(Application(), Host()).RunAsync(request, None)).Record;
    }

    public void Dispose() => world.Dispose();

    private DrillApplication Application() => new()
    {
        Name = "shop",
        Objectives = new DrillObjectives(null, null, null),
        Checks = Checks,
        CompareSecrets = manifest => SecretsFactory.Compare(SecretsFile is null ? [] : [Secrets()], manifest),
        WhyNot = record => record.Kind == AssetKinds.Secrets ? "the point holds names and fingerprints only" : null,
        Production = [],
        Fingerprint = _ => new SortedDictionary<string, string>(),
        Target = Target,
        Beyond = async (manifest, record, fault, token) =>
            await new MomentChoice(world.Repository.Wal, world.Cpu).RehearseAsync(manifest, record.Name, fault, token) is { } found ? Rehearsed(found) : null,
    };

    private DrillTarget Target(DrillPlaces places)
    {
        var assets = new List<IRestorable>();
        foreach (var name in new[] { "sessions", "runtime" }) world.Disk.MakeFolder(places.Of(name));
        var file = places.Of("sessions") / "sessions.db";
        if (places.IsEmpty) world.Disk.CreateNew(file).Dispose();
        if (places.Servers.TryGetValue("orders", out var server))
            assets.Add(Database(server.Connection(places.IsEmpty ? PostgresThrowaway.EmptyDatabase : "shop"), server.IsRestored));
        assets.Add(Sqlite(file.ToString()));
        assets.Add(Files(places.Of("runtime").ToString()));
        var runner = new CheckRunner(new CheckTools
        {
            Clock = TimeProvider.System,
            Disk = world.Disk,
            Cpu = world.Cpu,
            Children = new ChildProcesses(TimeProvider.System),
            Assets = assets,
            Sql = new Dictionary<string, ISqlQuestions>
            {
                ["sessions"] = new SqliteQuestions(new Dictionary<string, string> { ["sessions"] = file.ToString() }, world.Cpu),
            },
            Folders = new Dictionary<string, string> { ["runtime"] = places.Of("runtime").ToString() },
            Redact = text => text,
        });
        return new DrillTarget(
            [.. assets.Select(a => places.IsEmpty ? a : Changed(a, places))],
            runner,
            new SortedDictionary<string, string>(),
            (check, _) => check);
    }

    private DrillHost Host() => new()
    {
        Disk = world.Disk,
        Children = new ChildProcesses(TimeProvider.System),
        Clock = TimeProvider.System,
        Postgres = PostgresHost,
        Progress = world.Progress,
        TemporaryFolder = new DiskPath(TemporaryFolder),
        ProgramPath = "/nonexistent/reprise",
        Executor = "a test",
        IsRoot = Environment.IsPrivilegedProcess,
        Tool = ("0.1.0", null),
        Environment = new SortedDictionary<string, string>(),
    };
}
