using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Drills;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Simulation;

namespace Reprise.Tests.Drills;

/// <summary>A drill takes room beside production, and is not begun where it would take the last of it.</summary>
public sealed class DrillRoomTests : IDisposable
{
    private const long Gibibyte = 1L << 30;

    private readonly DrillBench bench = new();
    private readonly string sandboxes = Directory.CreateTempSubdirectory("rd").FullName;

    public DrillRoomTests()
    {
        Directory.CreateDirectory(bench.Folder + "/uploads");
        File.WriteAllBytes(bench.Folder + "/uploads/a.bin", new byte[100_000]);
    }

    public void Dispose()
    {
        bench.Dispose();
        Directory.Delete(sandboxes, recursive: true);
    }

    [Theory]
    [InlineData(Gibibyte + 100_000, 100 * Gibibyte, true)]
    [InlineData(Gibibyte + 99_999, 100 * Gibibyte, false)]
    [InlineData(100_000 + 1_000_000, 20_000_000, true)]
    [InlineData(100_000 + 999_999, 20_000_000, false)]
    public async Task Less_room_than_it_takes_and_leaves_to_others_is_refused_before_a_byte_is_read(
        long free, long total, bool enough)
    {
        await bench.TakeAsync(bench.Signing, bench.Files(bench.Folder));
        bench.TemporaryFolder = sandboxes;
        bench.Disk = new CrampedDisk(Disks.OfThisMachine(), free, total);
        if (enough)
        {
            Assert.Equal(Outcome.Pass, (await bench.DrillNewestAsync()).Verdict);
            Assert.Equal(1, bench.TimesRead);
            return;
        }

        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.DrillNewestAsync());
        Assert.Equal((RecoveryErrors.TargetTooSmall, ExitCodes.Refused), (refused.Code, refused.Code.Exit));
        Assert.Contains("100,000", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, bench.TimesRead);
        Assert.Empty(Directory.EnumerateFileSystemEntries(sandboxes));
    }

    [Fact]
    public void Sockets_on_which_PostgreSQL_listens_are_found_in_the_table_of_the_kernel()
    {
        const string table = """
            Num       RefCount Protocol Flags    Type St Inode Path
            0000000000000000: 00000002 00000000 00010000 0001 01 20001 /run/postgresql/.s.PGSQL.5432
            0000000000000000: 00000003 00000000 00000000 0001 03 20002 /run/postgresql/.s.PGSQL.5432
            0000000000000000: 00000003 00000000 00000000 0001 03 20003 /run/idle/.s.PGSQL.1
            0000000000000000: 00000002 00000000 00010000 0001 01 20004 /srv/a b/.s.PGSQL.6000
            0000000000000000: 00000002 00000000 00010000 0001 01 20005 @/run/abstract/.s.PGSQL.5432
            0000000000000000: 00000002 00000000 00010000 0001 01 20006 /run/docker.sock
            0000000000000000: 00000002 00000000 00010000 0001 01 20007
            """;
        Assert.Equal(["/run/postgresql/.s.PGSQL.5432", "/srv/a b/.s.PGSQL.6000"], LocalServers.Listed(table));
    }

    private sealed class CrampedDisk(IDisk inner, long free, long total) : PassingDisk(inner)
    {
        public override DiskSpace Space(DiskPath path) => new(free, total, Inner.Space(path).Device);
    }
}
