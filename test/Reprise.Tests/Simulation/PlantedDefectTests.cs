using Reprise.Simulation;
using Reprise.Simulation.Disk;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Workloads;

namespace Reprise.Tests.Simulation;

/// <summary>
/// The simulator is tested too: each planted defect must be found, and for the reason that it was planted for. The same
/// runs without the defect pass in <see cref="FailEveryStepTests"/>.
/// </summary>
public class PlantedDefectTests
{
    [Theory]
    [InlineData(StoreDefect.GivesOtherBytes, FaultKind.Delay, "is damaged")]
    [InlineData(StoreDefect.ForgetsInACrash, FaultKind.CrashAfter, "pack")]
    [InlineData(StoreDefect.DeniesWhatItDid, FaultKind.ErrorAfter, "was said to have failed")]
    public void A_store_that_lies_is_found(StoreDefect defect, FaultKind kind, string why)
    {
        var world = new WorldOptions { Medium = Medium.Store, PlantedStore = inner => new PlantedStore(inner, defect) };
        var report = FailEveryStep.Run(seed => new BackupWorkload(seed, 2), world, seed: 1, [kind]);
        Assert.Contains(report.Failures, failure => failure.Contains(why, StringComparison.Ordinal));
    }

    [Fact]
    public void A_creation_that_is_not_atomic_is_found()
    {
        var world = new WorldOptions
        {
            Medium = Medium.Store, PlantedStore = inner => new PlantedStore(inner, StoreDefect.CreatesOverAnother),
        };
        var report = FailEveryStep.Run(
            seed => new BackupWorkload(seed, 1) { Twice = true }, world, seed: 1, [FaultKind.Throttled], rounds: 3);
        Assert.Contains(report.Failures, failure => failure.Contains("is gone", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(DiskDefect.FoldersAreNotSynced, FaultKind.CrashBefore, CrashStyle.DropAll)]
    [InlineData(DiskDefect.FilesAreNotSynced, FaultKind.CrashAfter, CrashStyle.Journalled)]
    [InlineData(DiskDefect.PublishesByCopy, FaultKind.CrashBefore, CrashStyle.Journalled)]
    public void A_local_store_that_forgets_a_sync_is_found(DiskDefect defect, FaultKind kind, CrashStyle crash)
    {
        var world = new WorldOptions
        {
            Medium = Medium.Local, Crash = crash, PlantedDisk = inner => new PlantedDisk(inner, defect),
        };
        var report = FailEveryStep.Run(seed => new StoreWorkload(seed, 30), world, seed: 1, [kind], rounds: 2);
        Assert.Contains(report.Failures, failure => failure.Contains("holds", StringComparison.Ordinal));
    }

    [Fact]
    public void A_swap_of_files_that_forgets_to_sync_is_found()
    {
        var world = new WorldOptions
        {
            Medium = Medium.Store,
            Faults = FaultsOn.Disk,
            Crash = CrashStyle.AnyName,
            PlantedDisk = inner => new PlantedDisk(inner, DiskDefect.FileSystemIsNotSynced),
        };
        var report = FailEveryStep.Run(seed => new FilesWorkload(seed), world, seed: 1, [FaultKind.CrashAfter]);
        Assert.NotEmpty(report.Failures);
    }
}
