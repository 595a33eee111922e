using Reprise.Simulation;
using Reprise.Simulation.Disk;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Workloads;

namespace Reprise.Tests.Simulation;

/// <summary>
/// The real code fails at every step, once for each kind. The crash styles and kinds that are left out here to be quick
/// run with <c>./dev sim --steps</c>.
/// </summary>
public class FailEveryStepTests
{
    [Theory]
    [InlineData(Medium.Store)]
    [InlineData(Medium.RetriedStore)]
    public void A_backup_to_a_store_survives_every_fault_at_every_step(Medium medium) =>
        Passes(FailEveryStep.Run(seed => new BackupWorkload(seed, 2), new WorldOptions { Medium = medium }, seed: 1), 15);

    [Fact]
    public void A_backup_to_a_folder_survives_a_crash_and_a_failure_at_every_step() => Passes(
        FailEveryStep.Run(
            seed => new BackupWorkload(seed, 1),
            new WorldOptions { Medium = Medium.Local, Crash = CrashStyle.AnyName },
            seed: 1,
            [FaultKind.CrashBefore, FaultKind.ErrorAfter, FaultKind.OutOfSpace]),
        30);

    [Theory]
    [InlineData(Medium.Store, CrashStyle.Journalled)]
    [InlineData(Medium.RetriedStore, CrashStyle.Journalled)]
    [InlineData(Medium.Local, CrashStyle.DropAll)]
    public void Wal_that_was_acknowledged_is_there_whatever_fails(Medium medium, CrashStyle crash) => Passes(
        FailEveryStep.Run(seed => new WalWorkload(seed), new WorldOptions { Medium = medium, Crash = crash }, seed: 1, stride: 3), 8);

    [Theory]
    [InlineData(Medium.Store)]
    [InlineData(Medium.RetriedStore)]
    public void Keys_change_wholly_or_can_be_changed_again_whatever_fails(Medium medium) => Passes(
        FailEveryStep.Run(seed => new KeyWorkload(seed, 5), new WorldOptions { Medium = medium }, seed: 1, stride: 11), 28);

    [Theory]
    [InlineData(Medium.Store, 17)]
    [InlineData(Medium.Local, 67)]
    public void Backups_and_prunes_beside_each_other_lose_nothing_whatever_fails(Medium medium, int stride) => Passes(
        FailEveryStep.Run(
            seed => new PruneWorkload(seed, 5, new PruneCounters()),
            new WorldOptions { Medium = medium, Crash = CrashStyle.AnyName },
            seed: 1,
            [FaultKind.ErrorBefore, FaultKind.ErrorAfter, FaultKind.CrashBefore, FaultKind.CrashAfter],
            stride: stride),
        60);

    [Theory]
    [InlineData(CrashStyle.DropAll)]
    [InlineData(CrashStyle.Journalled)]
    [InlineData(CrashStyle.AnyName)]
    public void A_local_store_keeps_what_it_acknowledged_whatever_fails(CrashStyle crash) => Passes(
        FailEveryStep.Run(
            seed => new StoreWorkload(seed, 30), new WorldOptions { Medium = Medium.Local, Crash = crash }, seed: 1),
        20);

    [Fact]
    public void Files_are_wholly_new_or_wholly_former_after_a_crash_at_every_step() => Passes(
        FailEveryStep.Run(
            seed => new FilesWorkload(seed),
            new WorldOptions { Medium = Medium.Store, Faults = FaultsOn.Disk, Crash = CrashStyle.Journalled },
            seed: 1,
            [FaultKind.CrashAfter, FaultKind.ErrorAfter],
            stride: 2),
        80);

    [Theory]
    [InlineData(false, CrashStyle.DropAll)]
    [InlineData(true, CrashStyle.AnyName)]
    public void A_restore_is_wholly_done_or_wholly_taken_back_whatever_fails(bool checksFail, CrashStyle crash) => Passes(
        FailEveryStep.Run(
            seed => new RestoreWorkload(seed, checksFail),
            new WorldOptions { Medium = Medium.Store, Faults = FaultsOn.Disk, Crash = crash },
            seed: 1,
            [FaultKind.CrashBefore, FaultKind.CrashAfter, FaultKind.ErrorAfter],
            stride: 9),
        150);

    private static void Passes(FailEveryStepReport report, int leastSteps)
    {
        Assert.True(report.Failures.Count == 0, string.Join('\n', report.Failures));

        // A workload that stopped doing anything would pass as well.
        foreach (var (kind, steps) in report.Steps.Where(s => s.Key is FaultKind.CrashAfter or FaultKind.ErrorAfter))
            Assert.True(steps >= leastSteps, $"{kind} only fired at {steps} calls");
    }
}
