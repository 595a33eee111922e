using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Tests.Exporting;

namespace Reprise.Tests.Drills;

/// <summary>A small application with one asset of each kind, a repository in memory, and drills of its newest point.</summary>
internal sealed class DrillBench : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly ExportWorld world = new();

    /// <summary>The folder of the application.</summary>
    public string Folder => Path.Combine(world.Scratch.Text, "shop");

    /// <summary>The secrets as they compare with the point.</summary>
    public IReadOnlyList<SecretOutcome> Secrets { get; set; } = [];

    public IReadOnlyList<CheckDefinition> Checks { get; set; } = [];

    /// <summary>What happens to assets of the sandbox, by name.</summary>
    public Func<IRestorable, DrillPlaces, IRestorable> Changed { get; set; } = (asset, _) => asset;

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

    public PostgresAsset Database(string connection) => new("orders", new PostgresSettings { ConnectionText = connection }, PostgresHost);

    public SqliteAsset Sqlite(string path) =>
        new("sessions", new SqliteSettings { Path = path }, world.Disk, world.Cpu, TimeProvider.System);

    public FilesAsset Files(string root) => new(
        "runtime", new FilesSettings { Root = root, Include = ["uploads/**"] }, world.Disk, world.Cpu, TimeProvider.System);

    /// <summary>Takes a point of <paramref name="assets"/> and drills it.</summary>
    public async Task<DrillRecord> DrillAsync(params IAsset[] assets)
    {
        await new BackupRun(world.Repository, world.Disk, TimeProvider.System).RunAsync(
            new BackupRequest
            {
                Application = "shop",
                Kind = PointKind.Manual,
                Assets = assets,
                Configuration = "application: shop\n",
                Signing = SigningKeys.None,
                Scratch = new DiskPath(world.Scratch.Text),
                Writer = "test",
            },
            world.Progress,
            None);
        var entry = (await world.Repository.ListPointsAsync(SigningKeys.None, None)).Newest!; // It was just taken.
        using var point = world.Repository.OpenPoint(entry);
        var request = new DrillRequest
        {
            Point = point,
            Input = new DrillInput("r", "memory", entry.Id.Value, entry.Sha256.ToString(), entry.Manifest.Created, 1),
            Level = 4,
            Started = TimeProvider.System.GetUtcNow(),
            ProveBytes = _ => Task.FromResult(new BytesProof(1, 1, [])),
        };
        return (await new DrillRun(Application(), Host()).RunAsync(request, None)).Record;
    }

    public void Dispose() => world.Dispose();

    private DrillApplication Application() => new()
    {
        Name = "shop",
        Objectives = new DrillObjectives(null, null, null),
        Checks = Checks,
        CompareSecrets = _ => Secrets,
        WhyNot = _ => null,
        Production = [],
        Fingerprint = _ => new SortedDictionary<string, string>(),
        Target = Target,
    };

    private DrillTarget Target(DrillPlaces places)
    {
        var assets = new List<IRestorable>();
        foreach (var name in new[] { "sessions", "runtime" }) world.Disk.MakeFolder(places.Of(name));
        var file = places.Of("sessions") / "sessions.db";
        if (places.IsEmpty) world.Disk.CreateNew(file).Dispose();
        if (places.Servers.TryGetValue("orders", out var server))
            assets.Add(Database(server.Connection(places.IsEmpty ? PostgresThrowaway.EmptyDatabase : "shop")));
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
        TemporaryFolder = new DiskPath(Path.GetTempPath()),
        ProgramPath = "/nonexistent/reprise",
        Executor = "a test",
        IsRoot = Environment.IsPrivilegedProcess,
        Tool = ("0.1.0", null),
        Environment = new SortedDictionary<string, string>(),
    };
}
