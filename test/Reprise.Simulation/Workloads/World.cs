using Reprise.Repository;
using Reprise.Simulation.Disk;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Simulation.Store;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Local;
using Reprise.Storage.Runtime;
using Reprise.Storage.Wrapping;

namespace Reprise.Simulation.Workloads;

/// <summary>What a repository lies on in a simulated world.</summary>
public enum Medium
{
    /// <summary>A store of objects far away, without retries: each fault reaches the repository.</summary>
    Store,

    /// <summary>The same behind the retrying that the program uses.</summary>
    RetriedStore,

    /// <summary>The real local store on a simulated disk.</summary>
    Local,
}

/// <summary>What fails.</summary>
public enum FaultsOn
{
    /// <summary>What the repository lies on.</summary>
    Repository,

    /// <summary>The disk of the machine, and the repository only when it lies on it.</summary>
    Disk,
}

/// <summary>What a world is made of.</summary>
public sealed record WorldOptions
{
    /// <summary>What a repository lies on.</summary>
    public required Medium Medium { get; init; }

    /// <summary>What fails.</summary>
    public FaultsOn Faults { get; init; } = FaultsOn.Repository;

    /// <summary>What a crash leaves on the disk.</summary>
    public CrashStyle Crash { get; init; } = CrashStyle.Journalled;

    /// <summary>A defect planted between the repository and its store, or null.</summary>
    public Func<IStore, IStore>? PlantedStore { get; init; }

    /// <summary>A defect planted between everything and the disk, or null.</summary>
    public Func<IDisk, IDisk>? PlantedDisk { get; init; }
}

/// <summary>What survives every crash: the media, and time.</summary>
public sealed class World(WorldOptions options, FaultCounters counters)
{
    private DateTimeOffset now = new(2026, 11, 22, 3, 15, 0, TimeSpan.Zero);

    /// <summary>Where the local store lies on the disk.</summary>
    public static DiskPath Repository { get; } = new("/backup/repository");

    /// <summary>Where private copies lie on the disk.</summary>
    public static DiskPath Scratch { get; } = new("/scratch");

    /// <summary>Its options.</summary>
    public WorldOptions Options => options;

    /// <summary>Whether it is the disk that fails.</summary>
    public bool FaultsOnDisk => options.Medium == Medium.Local || options.Faults == FaultsOn.Disk;

    /// <summary>The disk of the machine.</summary>
    public DiskMedium Disk { get; } = new(counters);

    /// <summary>The store far away.</summary>
    public StoreMedium Store { get; } = new();

    /// <summary>
    /// One life of a process: runs <paramref name="work"/> under <paramref name="plan"/> to its end or to a crash, which
    /// the media then suffer. False: it crashed.
    /// </summary>
    public bool Live(ulong seed, FaultPlan plan, EventLog log, Func<Life, Task> work, long crashAtStep = 0)
    {
        var loop = new SimulationLoop(seed, now, log) { CrashAtStep = crashAtStep };
        var crashed = false;
        try
        {
            var life = new Life(this, loop, seed, plan, counters);
            loop.Run(async () =>
            {
                await work(life);
                if (life.InFlight > 0)
                    throw new SimulationFailureException($"{life.InFlight} calls to the store go on after the work has ended");
            });
        }
        catch (SimulatedCrashException)
        {
            crashed = true;
            Disk.Crash(CrashStyleFor(seed), Chance.For(seed, "crash"));
        }

        now = loop.Clock.GetUtcNow() + TimeSpan.FromSeconds(1);
        return !crashed;
    }

    // A store far away does not care whether our process or our machine died.
    private CrashStyle CrashStyleFor(ulong seed) =>
        Chance.For(seed, "style").OneIn(8) ? CrashStyle.Killed : options.Crash;
}

/// <summary>What one process has in its hands, until it ends or crashes.</summary>
public sealed class Life
{
    private readonly List<SimulatedStore> stores = [];
    private readonly World world;
    private readonly ulong seed;
    private readonly FaultPlan plan;
    private readonly FaultCounters counters;

    internal Life(World world, SimulationLoop loop, ulong seed, FaultPlan plan, FaultCounters counters)
    {
        this.world = world;
        this.seed = seed;
        this.plan = plan;
        this.counters = counters;
        Loop = loop;
        Entropy = new SeededEntropy(Chance.For(seed, "entropy").Next());
        Chance = Chance.For(seed, "life");
        Cpu = new Cpu(loop.Scheduler, 2);
        IDisk disk = new SimulatedDisk(world.Disk, loop, seed, world.FaultsOnDisk ? plan : FaultPlan.None);
        Disk = world.Options.PlantedDisk?.Invoke(disk) ?? disk;
    }

    /// <summary>Where it runs.</summary>
    public SimulationLoop Loop { get; }

    /// <summary>Its generator.</summary>
    public Entropy Entropy { get; }

    /// <summary>Where its work runs.</summary>
    public Cpu Cpu { get; }

    /// <summary>What is drawn in this life alone.</summary>
    public Chance Chance { get; }

    /// <summary>Its disk.</summary>
    public IDisk Disk { get; }

    /// <summary>The world that it lives in.</summary>
    public World World => world;

    /// <summary>By how much the clock of a client is wrong.</summary>
    public Func<int, TimeSpan> WrongBy { get; set; } = _ => TimeSpan.Zero;

    /// <summary>Notes that a way back was gone.</summary>
    public void Count(RecoveryBranch branch) => counters.Add(branch);

    /// <summary>The disk as somebody else uses it, whom nothing fails.</summary>
    internal IDisk SoundDisk => new SimulatedDisk(world.Disk, Loop, seed, FaultPlan.None);

    internal int InFlight => stores.Sum(s => s.InFlight);

    /// <summary>
    /// Opens the store as a client of its own; <paramref name="client"/> tells several of one life apart. Each has a clock
    /// that may be wrong by <see cref="WrongBy"/>.
    /// </summary>
    public async Task<RepositoryHost> ConnectAsync(int client = 0)
    {
        var store = world.Options.Medium == Medium.Local
            ? await Cpu.RunAsync(() => (IStore)LocalStore.Create(Disk, World.Repository, Cpu, Entropy), CancellationToken.None)
            : Remote(client);
        if (world.Options.PlantedStore is { } planted) store = planted(store);
        if (world.Options.Medium == Medium.RetriedStore)
            store = new RetryingStore(store, new RetryPolicy(), Loop.Clock, Entropy);
        return new RepositoryHost(store, new WrongClock(Loop.Clock, WrongBy(client)), Entropy, Cpu);
    }

    private SimulatedStore Remote(int client)
    {
        var store = new SimulatedStore(world.Store, Loop, seed + (ulong)client, world.FaultsOnDisk ? FaultPlan.None : plan, counters);
        stores.Add(store);
        return store;
    }
}
