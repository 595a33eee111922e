using Reprise.Simulation.Disk;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Simulation.Store;
using Reprise.Simulation.Workloads;
using Reprise.Storage.Errors;

namespace Reprise.Simulation;

/// <summary>What one seed came to.</summary>
/// <param name="Seed">which.</param>
/// <param name="Failure">why it failed, or null.</param>
/// <param name="Line">what happened, in one line.</param>
/// <param name="Counters">every fault and crash effect.</param>
/// <param name="Prunes">what its prunes did.</param>
public sealed record SeedResult(ulong Seed, string? Failure, string Line, FaultCounters Counters, PruneCounters Prunes);

/// <summary>
/// One seed chooses everything: the medium, what a crash leaves, what is done, by how many clients, how often and how
/// what fails, and in which order ready work runs. The same seed gives the same run.
/// <para>Fault budget: one to four lives under at most four faults each, and a crash at any step in one life of three;
/// after each life faults stop, and a new process must find a legal state and succeed. At the end one object of a
/// distant store may be damaged at rest.</para>
/// </summary>
public static class SeedRun
{
    private const int MostLives = 4;
    private const int MostJournalCalls = 100;

    /// <summary>Runs one seed. <paramref name="verbose"/> hears every event.</summary>
    public static SeedResult Run(ulong seed, TextWriter? verbose = null, Func<WorldOptions, WorldOptions>? plant = null)
    {
        var counters = new FaultCounters();
        var prunes = new PruneCounters();
        using var log = new EventLog(verbose);
        var chance = Chance.For(seed, "profile");
        var options = new WorldOptions
        {
            Medium = chance.Pick(Enum.GetValues<Medium>()),
            Crash = chance.Pick([CrashStyle.DropAll, CrashStyle.Journalled, CrashStyle.AnyName]),
        };
        if (plant is not null) options = plant(options);
        log.Notable($"{options.Medium} {options.Crash}");
        string? failure = null;
        try
        {
            var world = new World(options, counters);
            switch (chance.Below(13))
            {
                case 0: RunStore(seed, chance, world, log); break;
                case 1 or 2: RunFiles(seed, chance, options, counters, log); break;
                case 3 or 4 or 5 or 6: Live(new PruneWorkload(seed, chance.Between(2, 8), prunes), chance, world, log); break;
                case 7: Live(new KeyWorkload(seed, chance.Between(3, 7)), chance, world, log); break;
                case 8: Live(new RerunWorkload(seed, chance.Between(2, 4)), chance, chance.OneIn(2) ? OnDisk(options, counters) : world, log); break;
                default: RunBackups(seed, chance, world, log); break;
            }
        }
        catch (Exception e) when (e is SimulationFailureException or RepriseException or InvariantException)
        {
            failure = e.Message;
        }

        return new SeedResult(seed, failure, log.Line(), counters, prunes);
    }

    private static void RunStore(ulong seed, Chance chance, World world, EventLog log)
    {
        var workload = new StoreWorkload(seed, chance.Between(5, 40));
        Live(workload, chance, world, log);
    }

    private static void RunFiles(
        ulong seed, Chance chance, WorldOptions options, FaultCounters counters, EventLog log)
    {
        IWorkload workload = chance.OneIn(3) ? new FilesWorkload(seed) : new RestoreWorkload(seed, chance.OneIn(3));
        Live(workload, chance, OnDisk(options, counters), log);
    }

    // The repository lies elsewhere and is well; the disk of the machine fails.
    private static World OnDisk(WorldOptions options, FaultCounters counters) =>
        new(options with { Medium = Medium.Store, Faults = FaultsOn.Disk }, counters);

    private static void RunBackups(ulong seed, Chance chance, World world, EventLog log)
    {
        var bytes = chance.OneIn(6) ? 3_000_000 : 40_000;
        var workload = new BackupWorkload(seed, chance.Between(1, 3), bytes);
        workload.Twice = chance.OneIn(3);
        Live(workload, chance, world, log);
        if (workload.HasRepository && world.Options.Medium != Medium.Local && chance.OneIn(2))
            Harm(workload, chance, world, log);
    }

    private static void Live(IWorkload workload, Chance chance, World world, EventLog log)
    {
        log.Notable(workload.Name);
        var kinds = workload.Faults(world).Where(_ => !chance.OneIn(3)).ToList();

        // Many faults of one kind reach what a mixture ends before.
        if (kinds.Count > 0 && chance.OneIn(4)) kinds = [chance.Pick(kinds)];
        var (dies, within) = workload is RestoreWorkload ? (2, 200) : (3, 300);
        var seldom = world.FaultsOnDisk ? 120 : 30;
        world.Live(chance.Next(), FaultPlan.None, log, workload.PrepareAsync);
        for (var lives = chance.Between(1, MostLives); lives > 0 && workload.GoesOn; lives--)
        {
            var trial = chance.Next();
            FaultPlan plan = new FaultBudget(trial, kinds, chance.Between(3, seldom), chance.Below(5));

            // Some phases of a restore are over within a few calls: a crash beside a change of its journal meets them all.
            if (workload is RestoreWorkload && chance.OneIn(3))
            {
                var kind = chance.Pick([FaultKind.CrashBefore, FaultKind.CrashAfter]);
                plan = new FaultsOnly(new FaultAt(kind, chance.Between(1, MostJournalCalls)), "/restores/");
            }

            var crash = chance.OneIn(dies) ? chance.Between(1, within) : 0;
            world.Live(trial, plan, log, workload.LiveAsync, crash);
            world.Live(trial + 1, FaultPlan.None, log, workload.JudgeAsync);
            log.Notable("legal");
        }
    }

    private static void Harm(BackupWorkload workload, Chance chance, World world, EventLog log)
    {
        var names = world.Store.Names.Where(n => n.StartsWith("packs/", StringComparison.Ordinal)
            || n.StartsWith("points/", StringComparison.Ordinal)
            || n.StartsWith("index/", StringComparison.Ordinal)).ToList();
        var name = chance.Pick(names);
        var kind = chance.Pick([FaultKind.LostObject, FaultKind.CutObject, FaultKind.FlippedObject]);
        Damage damage = kind switch
        {
            FaultKind.LostObject => new Damage.Lost(),
            FaultKind.CutObject => new Damage.Truncated(chance.Below(world.Store.Find(name)?.Length ?? 1)),
            _ => new Damage.Flipped(chance.Below(1 << 20), (byte)(1 << chance.Below(8))),
        };
        world.Store.Harm(name, damage);
        world.Disk.Counters.Add(kind);
        log.Notable($"{kind} {name}");
        var whole = 0;
        world.Live(chance.Next(), FaultPlan.None, log, async life => whole = await workload.JudgeDamagedAsync(life, name));
        log.Notable($"{whole} points came back");
    }
}
