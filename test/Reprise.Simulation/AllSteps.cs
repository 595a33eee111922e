using System.Diagnostics;
using Reprise.Simulation.Disk;
using Reprise.Simulation.Workloads;

namespace Reprise.Simulation;

/// <summary>Fails every step of every workload, in every world.</summary>
public static class AllSteps
{
    /// <summary>Every workload with the world that it is failed in.</summary>
    public static IEnumerable<(string Name, Func<ulong, IWorkload> Make, WorldOptions World)> All()
    {
        CrashStyle[] powerLosses = [CrashStyle.DropAll, CrashStyle.Journalled, CrashStyle.AnyName];
        yield return ("backup", s => new BackupWorkload(s, 2), new WorldOptions { Medium = Medium.Store });
        yield return ("backup", s => new BackupWorkload(s, 2), new WorldOptions { Medium = Medium.RetriedStore });
        yield return ("prune", s => new PruneWorkload(s, 5, new PruneCounters()), new WorldOptions { Medium = Medium.Store });
        yield return ("prune", s => new PruneWorkload(s, 5, new PruneCounters()), new WorldOptions { Medium = Medium.RetriedStore });
        yield return ("keys", s => new KeyWorkload(s, 5), new WorldOptions { Medium = Medium.Store });
        yield return ("keys", s => new KeyWorkload(s, 5), new WorldOptions { Medium = Medium.RetriedStore });
        yield return ("wal", s => new WalWorkload(s), new WorldOptions { Medium = Medium.Store });
        yield return ("wal", s => new WalWorkload(s), new WorldOptions { Medium = Medium.RetriedStore });
        foreach (var crash in powerLosses)
        {
            var local = new WorldOptions { Medium = Medium.Local, Crash = crash };
            var disk = new WorldOptions { Medium = Medium.Store, Faults = FaultsOn.Disk, Crash = crash };
            yield return ("backup", s => new BackupWorkload(s, 2), local);
            yield return ("prune", s => new PruneWorkload(s, 4, new PruneCounters()), local);
            yield return ("keys", s => new KeyWorkload(s, 5), local);
            yield return ("wal", s => new WalWorkload(s), local);
            yield return ("rerun", s => new RerunWorkload(s, 3), local);
            yield return ("rerun", s => new RerunWorkload(s, 3), disk);
            yield return ("store", s => new StoreWorkload(s, 30), local);
            yield return ("files", s => new FilesWorkload(s), disk);
            yield return ("restore", s => new RestoreWorkload(s), disk);
            yield return ("rollback", s => new RestoreWorkload(s, checksFail: true), disk);
        }
    }

    /// <summary>Runs those whose name contains <paramref name="only"/> and tells what came of each; false when any failed.</summary>
    public static bool Run(ulong seed, string only, int stride, TextWriter output)
    {
        var good = true;
        foreach (var (name, make, world) in All().Where(w => w.Name.Contains(only, StringComparison.Ordinal)))
        {
            var watch = Stopwatch.StartNew();
            var report = FailEveryStep.Run(make, world, seed, stride: stride);
            output.WriteLine($"{name} on {world.Medium} {world.Crash}, {watch.Elapsed.TotalSeconds:F1} s: {report}");
            foreach (var failure in report.Failures) output.WriteLine("  " + failure);
            good &= report.Failures.Count == 0;
        }

        return good;
    }
}
