using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Sqlite;

/// <summary>
/// The exchange of a database with its sidecars, stopped at every single step. Plain files stand for databases: the
/// exchange never opens them.
/// </summary>
public sealed class SqliteSwapTests : IDisposable
{
    private static readonly string[] Suffixes = ["", "-wal", "-shm", "-journal"];
    private static readonly PointId Id = PointId.At(new DateTimeOffset(2026, 11, 22, 3, 15, 2, TimeSpan.Zero));
    private static readonly Swap Restore = new(Slot.New(Id), Slot.Before(Id));
    private static readonly Swap Undo = new(Slot.Before(Id), Slot.New(Id));

    // Thousands of syncs: they are counted and stopped at, but need not reach a disk.
    private readonly DirectoryInfo folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory("/dev/shm/reprise-test-" + Guid.NewGuid().ToString("n"))
        : Directory.CreateTempSubdirectory("reprise-test-");

    private readonly IDisk real = Disks.OfThisMachine();

    private string Live => folder.FullName + "/shop.db";

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Everything_of_the_old_database_leaves_together_and_undo_brings_it_back()
    {
        Put(Live, "old", "", "-wal", "-shm", "-journal");
        Put(Live + $".new-{Id}", "new", "");
        Run(real, Restore);
        AssertSet(Live, "new", "");
        AssertSet(Live + $".before-{Id}", "old", "", "-wal", "-shm", "-journal");
        AssertSet(Live + $".new-{Id}", "-");

        // What the restored application wrote meanwhile is kept in turn.
        Put(Live, "new", "-wal");
        Run(real, Undo);
        AssertSet(Live, "old", "", "-wal", "-shm", "-journal");
        AssertSet(Live + $".new-{Id}", "new", "", "-wal");
        AssertSet(Live + $".before-{Id}", "-");
        Run(real, Restore);
        AssertSet(Live, "new", "", "-wal");
        AssertNoMarkers();
    }

    [Theory]
    [InlineData("|-wal|-shm|-journal", "")]
    [InlineData("|-wal|-shm", "|-journal|-wal")]
    [InlineData("-wal|-journal", "")]
    [InlineData("none", "|-wal")]
    [InlineData("|-journal", "none")]
    public void Stopped_at_any_step_the_same_call_goes_on(string oldFiles, string newFiles)
    {
        var steps = CountSteps(oldFiles, newFiles);
        Assert.InRange(steps, 4, 40);
        for (var stop = 1; stop <= steps; stop++)
        {
            Prepare(oldFiles, newFiles);
            Assert.Throws<RepriseException>(() => Run(StopAt(stop), Swap(newFiles)));
            AssertNothingMixed(oldFiles, newFiles, stop);
            Run(real, Swap(newFiles));
            AssertExchanged(oldFiles, newFiles);
            Run(real, Swap(newFiles));
            AssertExchanged(oldFiles, newFiles);
        }
    }

    [Theory]
    [InlineData("|-wal|-shm|-journal", "")]
    [InlineData("|-wal", "|-journal|-wal")]
    public void Stopped_at_any_step_and_again_at_any_step_it_still_ends_well(string oldFiles, string newFiles)
    {
        var steps = CountSteps(oldFiles, newFiles);
        for (var first = 1; first <= steps; first++)
        {
            for (var second = 1; second <= steps + 2; second++)
            {
                Prepare(oldFiles, newFiles);
                Assert.Throws<RepriseException>(() => Run(StopAt(first), Swap(newFiles)));
                var again = StopAt(second);
                try
                {
                    Run(again, Swap(newFiles));
                }
                catch (RepriseException e) when (e.Code == StorageErrors.MediumFailed)
                {
                    AssertNothingMixed(oldFiles, newFiles, second);
                }

                Run(real, Swap(newFiles));
                AssertExchanged(oldFiles, newFiles);
            }
        }
    }

    [Theory]
    [InlineData("|-wal|-shm|-journal", "")]
    [InlineData("|-wal", "|-journal|-wal")]
    public void Stopped_at_any_step_the_opposite_exchange_brings_back_what_was_there(string oldFiles, string newFiles)
    {
        var steps = CountSteps(oldFiles, newFiles);
        for (var stop = 1; stop <= steps; stop++)
        {
            Prepare(oldFiles, newFiles);
            Assert.Throws<RepriseException>(() => Run(StopAt(stop), Restore));

            // Until the marker was made, there is nothing to take back.
            var markers = Directory.GetFiles(folder.FullName, "*.reprise-swap-*");
            if (markers.Length > 0 || File.Exists(Live + $".before-{Id}")) Run(real, Undo);
            AssertSet(Live, "old", oldFiles.Split('|'));
            AssertSet(Live + $".new-{Id}", "new", newFiles.Split('|'));
            AssertNoMarkers();
        }
    }

    [Fact]
    public void With_nothing_to_come_the_live_files_just_leave()
    {
        var leave = new Swap(null, Slot.Before(Id));
        for (var stop = 1; ; stop++)
        {
            Prepare("|-wal", "none");
            try
            {
                Run(StopAt(stop), leave);
                break;
            }
            catch (RepriseException e) when (e.Code == StorageErrors.MediumFailed)
            {
                Run(real, leave);
            }

            AssertSet(Live, "-");
            AssertSet(Live + $".before-{Id}", "old", "", "-wal");
            Run(real, leave);
        }

        AssertSet(Live, "-");
        AssertSet(Live + $".before-{Id}", "old", "", "-wal");
    }

    [Fact]
    public void With_nothing_live_and_nothing_staged_it_says_so()
    {
        Prepare("none", "none");
        Assert.Equal(RecoveryErrors.StagedWrong, Assert.Throws<RepriseException>(() => Run(real, Restore)).Code);
    }

    [Fact]
    public void Nothing_is_ever_replaced_when_the_application_comes_back_in_the_middle()
    {
        Prepare("|-wal", "");

        // Stopped while the live file is away; then the application starts and makes itself a new one.
        var disk = new FaultyDisk(real, (call, path) =>
        {
            if (call == nameof(IDisk.RenameNew) && path.ToString().EndsWith("-wal", StringComparison.Ordinal))
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
        Assert.Throws<RepriseException>(() => Run(disk, Restore));
        File.WriteAllText(Live, "made by the application");
        var refused = Assert.Throws<RepriseException>(() => Run(real, Restore));
        Assert.Equal(StorageErrors.FileExists, refused.Code);
        Assert.Equal("made by the application", File.ReadAllText(Live));
        Assert.Equal("old", File.ReadAllText(Live + $".before-{Id}"));
        Assert.Equal("new", File.ReadAllText(Live + $".new-{Id}"));

        File.Move(Live, folder.FullName + "/elsewhere");
        Run(real, Restore);
        AssertExchanged("|-wal", "");
    }

    [Fact]
    public void A_rename_that_got_half_way_as_link_and_unlink_is_finished()
    {
        Prepare("|-wal", "");
        var disk = new FaultyDisk(real, (call, path) =>
        {
            if (call == nameof(IDisk.RenameNew) && path.ToString() == Live + $".before-{Id}")
            {
                real.Link(new DiskPath(Live), path);
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
            }
        });
        Assert.Throws<RepriseException>(() => Run(disk, Restore));
        Assert.True(File.Exists(Live) && File.Exists(Live + $".before-{Id}"));
        Run(real, Restore);
        AssertExchanged("|-wal", "");
    }

    [Fact]
    public void A_marker_that_was_cut_off_while_it_was_made_means_that_nothing_moved()
    {
        Prepare("|-wal", "");
        File.WriteAllText(Live + ".reprise-swap-aside", "new-2026");
        Assert.Null(new SqliteSwap(real, Place(real)).Unfinished());
        Run(real, Restore);
        AssertExchanged("|-wal", "");
    }

    private static Swap Swap(string newFiles) => newFiles == "none" ? new Swap(null, Slot.Before(Id)) : Restore;

    private SqlitePlace Place(IDisk disk) => SqlitePlace.Resolve(disk, new DiskPath(Live));

    // An empty folder in place of /proc: who holds the file is another test's question, and costs a scan each time.
    private void Run(IDisk disk, Swap swap) =>
        new SqliteSwap(disk, Place(disk), new FileHolders(real, new DiskPath(folder.FullName))).Run(swap);

    private void Prepare(string oldFiles, string newFiles)
    {
        foreach (var file in Directory.GetFiles(folder.FullName)) File.Delete(file);
        Put(Live, "old", oldFiles.Split('|'));
        Put(Live + $".new-{Id}", "new", newFiles.Split('|'));
    }

    private int CountSteps(string oldFiles, string newFiles)
    {
        var steps = 0;
        Prepare(oldFiles, newFiles);
        Run(new FaultyDisk(real, (call, _) => steps += FaultyDisk.Changes.Contains(call) ? 1 : 0), Swap(newFiles));
        AssertExchanged(oldFiles, newFiles);
        return steps;
    }

    private FaultyDisk StopAt(int step)
    {
        var steps = 0;
        return new FaultyDisk(real, (call, path) =>
        {
            if (FaultyDisk.Changes.Contains(call) && ++steps >= step)
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
    }

    private static void Put(string main, string content, params string[] suffixes)
    {
        foreach (var suffix in suffixes.Where(s => s != "none")) File.WriteAllText(main + suffix, content + suffix);
    }

    /// <summary>Whenever there is a main file, exactly its own sidecars are beside it; and nothing is lost.</summary>
    private void AssertNothingMixed(string oldFiles, string newFiles, int step)
    {
        if (File.Exists(Live))
        {
            var owner = File.ReadAllText(Live);
            AssertSet(Live, owner, (owner == "old" ? oldFiles : newFiles).Split('|'));
        }

        foreach (var (files, content) in new[] { (oldFiles, "old"), (newFiles, "new") })
        {
            foreach (var suffix in files.Split('|').Where(s => s != "none"))
            {
                var found = new[] { Live, Live + $".new-{Id}", Live + $".before-{Id}" }
                    .Count(m => File.Exists(m + suffix) && File.ReadAllText(m + suffix) == content + suffix);
                Assert.True(found == 1, $"step {step}: {content}{suffix} is there {found} times");
            }
        }
    }

    private void AssertExchanged(string oldFiles, string newFiles)
    {
        AssertSet(Live, "new", newFiles.Split('|'));
        AssertSet(Live + $".before-{Id}", "old", oldFiles.Split('|'));
        AssertSet(Live + $".new-{Id}", "-");
        AssertNoMarkers();
    }

    private static void AssertSet(string main, string content, params string[] suffixes)
    {
        foreach (var suffix in Suffixes)
        {
            var expected = suffixes.Contains(suffix, StringComparer.Ordinal) ? content + suffix : null;
            Assert.Equal(expected, File.Exists(main + suffix) ? File.ReadAllText(main + suffix) : null);
        }
    }

    private void AssertNoMarkers() =>
        Assert.Empty(Directory.GetFiles(folder.FullName, "*.reprise-swap-*"));
}
