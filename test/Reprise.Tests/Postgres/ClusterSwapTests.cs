using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.InPlace;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Postgres;

/// <summary>
/// The exchange of two data directories, killed before every single change of the disk, beside one another and in a mount.
/// </summary>
public sealed class ClusterSwapTests : IDisposable
{
    private static readonly PointId Id = PointId.At(new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero));
    private static readonly Swap There = new(Slot.New(Id), Slot.Before(Id));
    private static readonly Swap Back = new(Slot.Before(Id), Slot.New(Id));

    // Thousands of syncs: in memory where there is a file system in it.
    private readonly string place = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), "rsw" + Guid.NewGuid().ToString("N"))).FullName;

    private int round;

    public void Dispose() => Directory.Delete(place, recursive: true);

    public static TheoryData<bool, bool> Places => new() { { false, true }, { true, true }, { false, false }, { true, false } };

    [Theory]
    [MemberData(nameof(Places))]
    public void An_exchange_that_is_killed_anywhere_is_finished_or_taken_back_exactly(bool isMount, bool hadLive)
    {
        var steps = 0;
        for (var killed = true; killed; steps++)
        {
            foreach (var isFinished in new[] { true, false })
            {
                var world = new Ground(Path.Combine(place, $"{round++}"), isMount, hadLive);
                var (former, fresh) = (world.Print(world.Place.Data), world.Print(world.Place.In(Slot.New(Id))));
                killed = world.RunUntil(steps, There);
                world.AssertNoServerStartsOnHalf();
                var back = hadLive ? Back : new Swap(null, Slot.New(Id));
                if (!isFinished && world.RunUntil(steps % 9, back)) world.AssertNoServerStartsOnHalf();
                world.Swap.Run(isFinished ? There : back, () => { });
                Assert.Null(world.Swap.Unfinished());
                if (isFinished)
                {
                    Assert.Equal(fresh, world.Print(world.Place.Data));
                    if (hadLive) Assert.Equal(former, world.Print(world.Place.In(Slot.Before(Id))));
                }
                else
                {
                    Assert.Equal(fresh, world.Print(world.Place.In(Slot.New(Id))));
                    if (hadLive) Assert.Equal(former, world.Print(world.Place.Data));
                }

                world.AssertWhole(isFinished ? "new" : hadLive ? "old" : null);
            }
        }

        Assert.InRange(steps, hadLive ? 20 : 10, 200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_way_back_can_be_killed_anywhere_too_and_again(bool isMount)
    {
        for (var (steps, killed) = (0, true); killed; steps++)
        {
            var world = new Ground(Path.Combine(place, $"{round++}"), isMount, hadLive: true);
            var (former, fresh) = (world.Print(world.Place.Data), world.Print(world.Place.In(Slot.New(Id))));
            world.Swap.Run(There, () => { });
            var later = PointId.At(new DateTimeOffset(2026, 11, 22, 4, 0, 0, TimeSpan.Zero));
            var undo = new Swap(Slot.Before(Id), Slot.Before(later));
            killed = world.RunUntil(steps, undo);
            if (killed) world.RunUntil(steps / 2, undo);
            world.Swap.Run(undo, () => { });
            Assert.Equal(former, world.Print(world.Place.Data));
            Assert.Equal(fresh, world.Print(world.Place.In(Slot.Before(later))));
            world.AssertWhole("old");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_move_that_fails_for_ever_is_taken_back_from_where_it_is(bool isMount)
    {
        // The rename of the tablespace's folder is refused again and again, as on a disk that went read-only.
        var world = new Ground(Path.Combine(place, "stuck"), isMount, hadLive: true);
        var former = world.Print(world.Place.Data);
        world.Fault = (call, path) => call == nameof(IDisk.RenameNew) && path.Name.ToString() == "PG_15_1" ? StorageErrors.MediumFailed : null;
        for (var i = 0; i < 2; i++)
            Assert.Equal(StorageErrors.MediumFailed, Assert.Throws<RepriseException>(() => world.Swap.Run(There, () => { })).Code);
        world.Swap.Run(Back, () => { });
        Assert.Equal(former, world.Print(world.Place.Data));
        world.AssertWhole("old");
    }

    [Fact]
    public void A_server_that_was_started_meanwhile_stops_the_exchange_and_finds_its_files_untouched()
    {
        var world = new Ground(Path.Combine(place, "race"), isMount: false, hadLive: true);
        var former = world.Print(world.Place.Data);
        var refusal = FaultyDisk.Failure(RecoveryErrors.TargetInUse, world.Place.Data);
        Assert.Throws<RepriseException>(() => world.Swap.Run(There, () => throw refusal));
        Assert.Equal(former, world.Print(world.Place.Data));
        Assert.Null(world.Swap.Unfinished());
    }

    [Fact]
    public void A_tablespace_folder_that_the_live_server_does_not_use_is_nobody_elses_to_move()
    {
        var world = new Ground(Path.Combine(place, "foreign"), isMount: false, hadLive: true);
        File.Delete(Path.Combine(world.Place.Data.ToString(), "pg_tblspc", "16400"));
        var former = world.Print(world.Place.Data);
        var error = Assert.Throws<RepriseException>(() => world.Swap.Run(There, () => { }));
        Assert.Equal(RecoveryErrors.PhysicalInPlace, error.Code);
        Assert.Equal(former, world.Print(world.Place.Data));
        Assert.Equal("old", File.ReadAllText(Path.Combine(world.Space, "PG_15_1", "5", "16401")));
    }

    [Fact]
    public void A_marker_that_somebody_changed_is_not_believed()
    {
        var world = new Ground(Path.Combine(place, "marker"), isMount: false, hadLive: true);
        world.RunUntil(12, There);
        File.WriteAllText(world.Place.Marker.ToString(), "{ \"incoming\": ");
        var error = Assert.Throws<RepriseException>(() => world.Swap.Run(Back, () => { }));
        Assert.Equal(RecoveryErrors.OperationInterrupted, error.Code);
    }

    /// <summary>Two small data directories with a tablespace each, and an entry point that makes a new one where it finds none.</summary>
    private sealed class Ground
    {
        private readonly string root;
        private readonly bool hadLive;
        private readonly IDisk real = Disks.OfThisMachine();
        private readonly FaultyDisk disk;
        private int left = int.MaxValue;

        public Ground(string root, bool isMount, bool hadLive)
        {
            (this.root, this.hadLive) = (root, hadLive);
            disk = new FaultyDisk(real, Before);
            var data = Path.Combine(root, "data");
            Space = Path.Combine(root, "fast");
            Directory.CreateDirectory(Space);
            Directory.CreateDirectory(data);
            if (isMount) File.WriteAllText(Path.Combine(root, "mountinfo"), $"1 2 0:1 / {data} rw - ext4 none rw\n");
            var mounts = isMount ? new MountedDisk(disk, Path.Combine(root, "mountinfo")) : (IDisk)disk;
            if (!hadLive && !isMount) Directory.Delete(data);
            var made = ClusterPlace.Resolve(mounts, new DiskPath(data));
            Assert.Equal(isMount, made.IsMount);
            Place = made;
            if (hadLive) Fill(data, "old", Space);
            if (isMount) Directory.CreateDirectory(Path.Combine(data, "lost+found"));
            Fill(Place.In(Slot.New(Id)).ToString(), "new", SwapPlanning.SlotOf(new DiskPath(Space), "PG_15_1", Slot.New(Id)).ToString());
            Swap = new ClusterSwap(disk, Place);
        }

        public ClusterPlace Place { get; }

        public ClusterSwap Swap { get; }

        public string Space { get; }

        public Func<string, DiskPath, ErrorCode?>? Fault { get; set; }

        /// <summary>Whether it was killed before it was done.</summary>
        public bool RunUntil(int steps, Swap swap)
        {
            left = steps;
            try
            {
                Swap.Run(swap, () => { });
                return false;
            }
            catch (RepriseException e) when (e.Code == StorageErrors.MediumFailed)
            {
                return true;
            }
            finally
            {
                left = int.MaxValue;
            }
        }

        /// <summary>What an image's entry point or a supervisor would do now must not hurt.</summary>
        public void AssertNoServerStartsOnHalf()
        {
            var data = Place.Data.ToString();
            if (hadLive) Assert.True(File.Exists(Path.Combine(data, "PG_VERSION")), "an entry point would run initdb");
            if (!File.Exists(Path.Combine(data, "global", "pg_control"))) return;
            AssertWhole(File.ReadAllText(Path.Combine(data, "base", "5", "1259")));
        }

        /// <summary>Everything that is live is of one server.</summary>
        public void AssertWhole(string? which)
        {
            var data = Place.Data.ToString();
            if (which is null)
            {
                Assert.False(File.Exists(Path.Combine(data, "PG_VERSION")));
                return;
            }

            foreach (var file in new[] { "postgresql.conf", "base/5/1259", "pg_tblspc/16400/PG_15_1/5/16401" })
                Assert.Equal(which, File.ReadAllText(Path.Combine(data, file)));
            Assert.Equal(which == "old" ? 1 : 2, File.ReadAllBytes(Path.Combine(data, "global", "pg_control"))[0]);
            Assert.False(File.Exists(Path.Combine(data, "global", ClusterTree.HeldName)));
        }

        /// <summary>Every file with its number, time, mode and bytes, those of its tablespace too; of the folder as it is named now.</summary>
        public SortedDictionary<string, string> Print(DiskPath folder)
        {
            var print = new SortedDictionary<string, string>(StringComparer.Ordinal);
            if (real.Stat(folder) is null) return print;
            var tree = new ClusterTree(real, Place, folder);
            Add(folder.ToString(), "");

            // Its link says where it will be live; until then they lie in the slot there.
            var slot = folder == Place.Data ? "" : "PG_15_1." + folder.Name.ToString()[(Place.IsMount ? "reprise." : "data.").Length..];
            if (tree.IsCluster) Add(Path.Combine(Space, slot, "PG_15_1"), "space/");
            return print;

            void Add(string at, string prefix)
            {
                if (!Directory.Exists(at)) return;
                foreach (var entry in real.List(new DiskPath(at)))
                {
                    var path = new DiskPath(at) / entry.Name;
                    if (at == Place.Data.ToString() && ClusterPlace.Stays(entry.Name)) continue;
                    var status = real.Stat(path)!;
                    if (status.Type == FileType.Folder) Add(path.ToString(), prefix + entry.Name + "/");
                    else if (status.Type == FileType.Regular)
                        print[prefix + entry.Name] = $"{status.Inode} {status.Mode} {status.Modified} {Convert.ToHexString(File.ReadAllBytes(path.ToString()))}";
                }
            }
        }

        private void Before(string call, DiskPath path)
        {
            if (Fault?.Invoke(call, path) is { } code) throw FaultyDisk.Failure(code, path);
            if (!FaultyDisk.Changes.Contains(call)) return;
            if (left-- <= 0) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        }

        private void Fill(string data, string which, string space)
        {
            foreach (var folder in new[] { "global", "base/5", "pg_tblspc", "pg_wal" }) Directory.CreateDirectory(Path.Combine(data, folder));
            File.WriteAllText(Path.Combine(data, "PG_VERSION"), "15\n");
            foreach (var file in new[] { "postgresql.conf", "base/5/1259", "pg_wal/" + which }) File.WriteAllText(Path.Combine(data, file), which);
            var control = new byte[8192];
            control[0] = (byte)(which == "old" ? 1 : 2);
            control[12] = 1;
            BitConverter.TryWriteBytes(control.AsSpan(288), Reprise.Storage.Runtime.Crc32C.Of(control.AsSpan(0, 288)));
            File.WriteAllBytes(Path.Combine(data, "global", "pg_control"), control);
            Directory.CreateDirectory(Path.Combine(space, "PG_15_1", "5"));
            File.WriteAllText(Path.Combine(space, "PG_15_1", "5", "16401"), which);
            File.CreateSymbolicLink(Path.Combine(data, "pg_tblspc", "16400"), Space);
        }
    }

    /// <summary>A disk on which something is mounted.</summary>
    private sealed class MountedDisk(IDisk inner, string mounts) : Simulation.PassingDisk(inner)
    {
        public override IDiskFile OpenRead(DiskPath path) =>
            base.OpenRead(path.ToString() == "/proc/self/mountinfo" ? new DiskPath(mounts) : path);
    }
}
