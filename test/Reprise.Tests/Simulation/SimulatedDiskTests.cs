using Reprise.Simulation.Disk;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Simulation;

/// <summary>What survives a crash of the simulated disk, and that it otherwise behaves as the real one.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public class SimulatedDiskTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DiskPath Root = new("/disk");
    private readonly DiskMedium medium = new(new FaultCounters());

    [Fact]
    public void Synced_bytes_under_a_synced_name_survive()
    {
        On(disk =>
        {
            Write(disk, Root / "a", 5000);
            disk.SyncFolder(Root);
        });
        medium.Crash(CrashStyle.DropAll, new Chance(1));
        On(disk => Assert.Equal(5000, disk.Stat(Root / "a")?.SizeBytes));
    }

    [Fact]
    public void A_name_is_lost_when_its_folder_was_not_synced()
    {
        On(disk => Write(disk, Root / "a", 5000));
        medium.Crash(CrashStyle.DropAll, new Chance(1));
        On(disk => Assert.Null(disk.Stat(Root / "a")));
    }

    [Fact]
    public void A_killed_process_loses_nothing()
    {
        On(disk =>
        {
            using var file = disk.CreateNew(Root / "a");
            file.Write(0, new byte[100]);
        });
        medium.Crash(CrashStyle.Killed, new Chance(1));
        On(disk => Assert.Equal(100, disk.Stat(Root / "a")?.SizeBytes));
    }

    [Fact]
    public void An_unsynced_write_is_dropped_kept_or_torn_by_sector()
    {
        var fates = new HashSet<string>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            var one = new DiskMedium(new FaultCounters());
            On(one, disk =>
            {
                using var file = disk.CreateNew(Root / "a");
                file.Sync();
                disk.SyncFolder(Root);
                file.Write(0, Enumerable.Repeat((byte)1, 2048).ToArray());
            });
            one.Crash(CrashStyle.Journalled, new Chance(seed));
            On(one, disk => fates.Add(Sectors(disk, Root / "a")));
        }

        Assert.Contains("", fates);
        Assert.Contains("1111", fates);
        Assert.True(fates.Count > 5, string.Join(' ', fates));
        Assert.DoesNotContain(fates, fate => fate.Contains('?', StringComparison.Ordinal));
    }

    [Fact]
    public void A_rename_between_folders_is_whole_unless_only_one_of_them_was_synced()
    {
        var seen = new HashSet<string>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            foreach (var synced in new[] { "", "a", "b" })
            {
                var one = new DiskMedium(new FaultCounters());
                On(one, disk =>
                {
                    disk.MakeFolder(Root / "a");
                    disk.MakeFolder(Root / "b");
                    Write(disk, Root / "a/x", 10);
                    disk.SyncFileSystem(Root);
                    disk.Rename(Root / "a/x", Root / "b/x");
                    if (synced.Length > 0) disk.SyncFolder(Root / synced);
                });
                one.Crash(CrashStyle.AnyName, new Chance(seed));
                On(one, disk => seen.Add(
                    $"{synced}:{(disk.Stat(Root / "a/x") is null ? "" : "a")}{(disk.Stat(Root / "b/x") is null ? "" : "b")}"));
            }
        }

        Assert.Equal([":a", ":b", "a:", "a:b", "b:ab", "b:b"], seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_a_failed_sync_had_to_write_is_not_written_by_a_later_one()
    {
        var lost = 0;
        for (ulong seed = 0; seed < 30; seed++)
        {
            var one = new DiskMedium(new FaultCounters());
            On(
                one,
                disk =>
                {
                    using var file = disk.CreateNew(Root / "a");
                    disk.SyncFolder(Root);
                    file.Write(0, Enumerable.Repeat((byte)1, 1024).ToArray());
                    Assert.Throws<RepriseException>(file.Sync);
                    file.Sync();
                },
                new FaultOnce("sync /disk/a"),
                seed);
            one.Crash(CrashStyle.DropAll, new Chance(seed));
            On(one, disk => lost += Sectors(disk, Root / "a") == "11" ? 0 : 1);
        }

        Assert.InRange(lost, 10, 29);
    }

    [Fact]
    public void A_sync_of_one_file_system_says_nothing_of_another()
    {
        var other = new DiskPath("/other");
        On(disk =>
        {
            disk.MakeFolder(other);
            Write(disk, Root / "a", 10);
            Write(disk, other / "a", 10);
            Assert.Equal(
                StorageErrors.CrossesFileSystems,
                Assert.Throws<RepriseException>(() => disk.Rename(Root / "a", other / "b")).Code);
            disk.SyncFileSystem(other);
        });
        medium.Crash(CrashStyle.DropAll, new Chance(1));
        On(disk => Assert.Equal((null, 10), (disk.Stat(Root / "a")?.SizeBytes, disk.Stat(other / "a")?.SizeBytes)));
    }

    [Fact]
    public void Whoever_had_it_open_is_dead_after_a_crash()
    {
        IDisk? old = null;
        On(disk => old = disk);
        medium.Crash(CrashStyle.Killed, new Chance(1));
        Assert.Throws<SimulatedCrashException>(() => old?.Stat(Root));
    }

    [Fact]
    public void A_lock_dies_with_its_process()
    {
        On(disk =>
        {
            Assert.NotNull(disk.TryLock(Root / "lock"));
            Assert.Null(disk.TryLock(Root / "lock"));
        });
        medium.Crash(CrashStyle.Killed, new Chance(1));
        On(disk => Assert.NotNull(disk.TryLock(Root / "lock")));
    }

    [Fact]
    public void A_disk_that_fills_up_keeps_a_part_and_says_so()
    {
        medium.CapacityBytes = 1000;
        On(disk =>
        {
            Write(disk, Root / "a", 900);
            var e = Assert.Throws<RepriseException>(() => Write(disk, Root / "b", 200));
            Assert.Equal(StorageErrors.DiskFull, e.Code);
            Assert.Equal(100, disk.Space(Root).FreeBytes);
            disk.DeleteFile(Root / "a");
            Assert.Equal(1000, disk.Space(Root).FreeBytes);
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_calls_answer_as_the_real_disk_does(ulong seed)
    {
        using var scratch = new ScratchFolder();
        var simulated = Root / "work";
        On(disk =>
        {
            disk.MakeFolder(simulated);
            var chance = new Chance(seed);
            for (var i = 0; i < 600; i++)
            {
                var call = new DiskCall(chance);
                var expected = call.On(new LinuxDisk(), scratch / ".");
                Assert.Equal($"{i} {call}: {expected}", $"{i} {call}: {call.On(disk, simulated)}");
            }
        });
    }

    private static void Write(IDisk disk, DiskPath path, int bytes)
    {
        using var file = disk.CreateNew(path);
        file.Write(0, new byte[bytes]);
        file.Sync();
    }

    private static string Sectors(IDisk disk, DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[file.Stat().SizeBytes];
        file.Read(0, bytes);
        return string.Concat(bytes.Chunk(512).Select(sector =>
            sector.All(b => b == 1) ? '1' : sector.All(b => b == 0) ? '0' : '?'));
    }

    private void On(Action<IDisk> work) => On(medium, work);

    private static void On(DiskMedium medium, Action<IDisk> work, FaultPlan? plan = null, ulong seed = 1)
    {
        using var log = new EventLog();
        var loop = new SimulationLoop(seed, Start, log);
        loop.Run(() =>
        {
            var disk = new SimulatedDisk(medium, loop, seed, plan ?? FaultPlan.None);
            disk.MakeFolder(Root);
            work(disk);
            return Task.CompletedTask;
        });
    }

    private sealed class FaultOnce(string call) : FaultPlan
    {
        private bool fired;

        public override FaultKind? Decide(CallTraits traits, string asked)
        {
            if (fired || asked != call) return null;
            fired = true;
            return FaultKind.ErrorBefore;
        }
    }
}
