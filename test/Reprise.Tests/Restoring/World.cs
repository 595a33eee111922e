using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Restoring;

/// <summary>
/// An application with two assets, its disk, and what happened to it, over the life of several processes.
/// </summary>
public sealed class World
{
    public static readonly PointId PointName = PointId.At(new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero));

    public static readonly IReadOnlyList<string> Names = ["orders", "uploads"];

    private static readonly string[] Restored = ["a", "b", "c"];
    private static readonly string[] Former = ["b", "c", "d", "e"];

    public World(bool wasThere = true)
    {
        WasThere = wasThere;
        if (!wasThere) return;
        foreach (var name in Names)
        {
            foreach (var file in Former) Medium.Files[new DiskPath($"/data/{name}/{file}")] =
                Encoding.UTF8.GetBytes($"former {file}");
        }
    }

    public MemoryFiles Medium { get; } = new();

    public bool WasThere { get; }

    public bool IsRunning { get; set; } = true;

    public bool StartFails { get; set; }

    public bool StopFails { get; set; }

    public Action? WhenStarting { get; set; }

    public Action? WhenStopping { get; set; }

    /// <summary>What was done to the application and asked, in order.</summary>
    public List<string> Story { get; } = [];

    public ManualClock Clock { get; } = new();

    public static PointManifest Manifest(PointState state = PointState.Complete) => new()
    {
        Id = PointName,
        Application = "shop",
        Created = PointName.Time,
        Kind = PointKind.Manual,
        State = state,
        SkewSeconds = 0,
        Writer = "test",
        Assets = [.. Names.Select(n => FolderAsset.Record(n, Restored.ToDictionary(f => f, f => $"restored {f}")))],
    };

    /// <summary>What is live: "former", "restored", "nothing", or the list of what is mixed.</summary>
    public string Live(string name) => Describe($"/data/{name}", Medium);

    public string Live() => Names.Select(Live).Distinct().ToList() is [var all]
        ? all
        : "mixed: " + string.Join(" and ", Names.Select(Live));

    /// <summary>Everything that lies in some slot of an asset, described.</summary>
    public IReadOnlyList<string> Aside(string name) =>
        [.. Medium.Files.Keys.Select(p => p.Parent).Distinct()
            .Where(f => f.ToString().StartsWith($"/data/{name}.", StringComparison.Ordinal))
            .Select(f => Describe(f.ToString(), Medium))
            .Where(d => d != "nothing")];

    public Life Begin(Steps? steps = null)
    {
        // A process that died holds no lock any more.
        Medium.Locked.Clear();
        return new Life(this, steps ?? Steps.Untouched);
    }

    private static string Describe(string folder, MemoryFiles medium)
    {
        var files = medium.Files
            .Where(f => f.Key.Parent == new DiskPath(folder) && f.Key.Name != new DiskPath(".whole"))
            .ToDictionary(f => f.Key.Name.ToString(), f => Encoding.UTF8.GetString(f.Value));
        if (files.Count == 0) return "nothing";
        if (Is(files, "restored", Restored)) return "restored";
        return Is(files, "former", Former) ? "former" : "[" + string.Join(", ", files.Values) + "]";
    }

    private static bool Is(Dictionary<string, string> files, string what, string[] names) =>
        files.Count == names.Length && names.All(n => files.GetValueOrDefault(n) == $"{what} {n}");
}

/// <summary>A clock that moves only a little with every look, so that identifiers differ.</summary>
public sealed class ManualClock : TimeProvider
{
    private DateTimeOffset now = new(2026, 11, 22, 11, 12, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => now = now.AddMilliseconds(1);

    public void Advance(TimeSpan time) => now += time;
}

/// <summary>One process in the world.</summary>
public sealed class Life
{
    private readonly World world;
    private readonly Steps steps;

    public Life(World world, Steps steps)
    {
        this.world = world;
        this.steps = steps;
        Disk = new MemoryDisk(world.Medium, steps);
        State = new StateFolder(Disk, new DiskPath("/state"));
        Assets = [.. World.Names.Select(n => new FolderAsset(n, world.Medium, steps))];
        Dialogue = new Script();
        CaptureSafety = SafetyAsync;
        Checks =
        [
            new CheckDefinition.Sql { Name = "rows", Asset = "orders", Query = "" },
            new CheckDefinition.Tcp { Name = "health", Host = "localhost", Port = 1 },
        ];
    }

    public MemoryDisk Disk { get; }

    public StateFolder State { get; }

    public IReadOnlyList<FolderAsset> Assets { get; }

    public Script Dialogue { get; }

    public IReadOnlyList<CheckDefinition> Checks { get; set; }

    /// <summary>Answers a check; by default data checks pass, and application checks pass while it runs.</summary>
    public Func<CheckDefinition, bool, Outcome>? Answer { get; set; }

    public bool HasControl { get; set; } = true;

    public IReadOnlyList<SecretOutcome> Secrets { get; set; } = [];

    public Func<IReadOnlyList<IAsset>, CancellationToken, Task<SafetyResult>> CaptureSafety { get; set; }

    public IReadOnlyDictionary<string, IReadOnlyList<IReadOnlyDictionary<string, string>>> Known { get; set; } =
        new SortedDictionary<string, IReadOnlyList<IReadOnlyDictionary<string, string>>>();

    public static PointReader Reader(PointManifest? manifest = null) => new(
        new RepositoryHost(new MemoryStore(), TimeProvider.System, Entropy.System, Cpu.OfThisMachine()),
        null!,
        null!,
        manifest ?? World.Manifest(),
        null!);

    public RestoreRun Run() => new(
        new RestoreApplication
        {
            Name = "shop",
            Assets = Assets,
            Control = HasControl ? new ApplicationControl("stop it", StopAsync, "start it", StartAsync) : null,
            Checks = Checks,
            KeepFormer = TimeSpan.FromHours(72),
            CompareSecrets = (_, _) => Task.FromResult(Secrets),
            CaptureSafety = (assets, token) => CaptureSafety(assets, token),
            KnownIdentities = Known,
        },
        new RestoreHost(
            Disk, State, world.Clock, TimeZoneInfo.Utc, new Asker(this, world), Dialogue, new Silence())
        {
            Scratch = new DiskPath("/tmp"),
        });

    public async Task<RestoreReport> RestoreAsync(RestoreChoices? choices = null, params IReadOnlyList<string> only)
    {
        using var reader = Reader();
        return await Run().RunAsync(
            new RestoreRequest { Point = reader, OnlyAssets = only, Choices = choices ?? new RestoreChoices() },
            steps.Token);
    }

    public Task<RestoreReport> UndoAsync(string? restore = null) =>
        Run().UndoAsync(restore, new RestoreChoices(), steps.Token);

    public Task<RestoreReport> ContinueAsync() =>
        Run().ContinueAsync((_, _) => Task.FromResult(Reader()), new RestoreChoices(), steps.Token);

    private Task<ChildResult> StopAsync(CancellationToken cancellationToken) => steps.Do("stop", default, () =>
    {
        world.Story.Add("stop");
        world.WhenStopping?.Invoke();
        if (world.StopFails) return Task.FromResult(new ChildResult(1, "", "cannot stop", TimeSpan.Zero));
        world.IsRunning = false;
        return Task.FromResult(new ChildResult(0, "", "", TimeSpan.Zero));
    });

    private Task<ChildResult> StartAsync(CancellationToken cancellationToken) => steps.Do("start", default, () =>
    {
        world.Story.Add("start on " + world.Live());
        world.WhenStarting?.Invoke();
        if (world.StartFails) return Task.FromResult(new ChildResult(1, "", "cannot start", TimeSpan.Zero));
        world.IsRunning = true;
        return Task.FromResult(new ChildResult(0, "", "", TimeSpan.Zero));
    });

    private Task<SafetyResult> SafetyAsync(IReadOnlyList<IAsset> assets, CancellationToken cancellationToken) =>
        steps.Do("safety", default, () =>
        {
            world.Story.Add("safety of " + string.Join(", ", assets.Select(a => a.Name)) + " on " + world.Live());
            return Task.FromResult(new SafetyResult(
                PointId.At(world.Clock.GetUtcNow()),
                [.. assets.Select(a => FolderAsset.Record(a.Name, new Dictionary<string, string> { ["x"] = "y" }))],
                new SortedDictionary<string, Problem>()));
        });

    private sealed class Asker(Life life, World world) : ICheckRunner
    {
        public Task<CheckOutcome> AskAsync(
            CheckDefinition check, CheckSubject subject, Patience patience, CancellationToken cancellationToken) =>
            life.steps.Do("ask " + check.Name, default, () =>
            {
                world.Story.Add($"ask {check.Name} {(world.IsRunning ? "running" : "stopped")} on {world.Live()}");
                var outcome = life.Answer?.Invoke(check, world.IsRunning)
                    ?? (check.When == CheckTime.Data || world.IsRunning ? Outcome.Pass : Outcome.Fail);
                return Task.FromResult(new CheckOutcome
                {
                    Name = check.Name, Level = check.Level, Outcome = outcome, Required = check.Required,
                });
            });
    }

    private sealed class Silence : IProgressSink
    {
        public void Begin(string step, long? totalBytes)
        {
        }

        public void Advance(long bytes)
        {
        }

        public void Note(string line)
        {
        }
    }
}

/// <summary>A person with prepared answers, or nobody.</summary>
public sealed class Script : IRestoreDialogue
{
    public bool IsInteractive { get; set; }

    public Confirmation Confirmation { get; set; } = Confirmation.Given;

    public bool SaysStopped { get; set; } = true;

    public Queue<Verdict> Verdicts { get; } = [];

    public List<PhaseReport> Phases { get; } = [];

    public List<string> Asked { get; } = [];

    public Action? WhenToStart { get; set; }

    public RestorePlan? Plan { get; private set; }

    public Task<Confirmation> ConfirmAsync(RestorePlan plan, CancellationToken cancellationToken)
    {
        Plan = plan;
        return Task.FromResult(Confirmation);
    }

    public Task<bool> AskIsStoppedAsync(string why, CancellationToken cancellationToken)
    {
        Asked.Add("stopped? " + why);
        return Task.FromResult(SaysStopped);
    }

    public Task AskToStartAsync(CancellationToken cancellationToken)
    {
        Asked.Add("start");
        WhenToStart?.Invoke();
        return Task.CompletedTask;
    }

    public Task<Verdict> AskVerdictAsync(VerdictQuestion question, CancellationToken cancellationToken)
    {
        Asked.Add("verdict on " + string.Join(", ", question.Failed.Select(f => f.Name)));
        return Task.FromResult(Verdicts.Dequeue());
    }

    public void OnPhase(PhaseReport phase) => Phases.Add(phase);

    public void OnCheck(CheckOutcome outcome)
    {
    }
}
