using System.Globalization;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Wal;

/// <summary>WAL of real servers into a repository and out of it again.</summary>
public sealed class WalPushGetTests : WalRepository
{
    private readonly IDisk disk = Disks.OfThisMachine();
    private readonly ScratchFolder scratch = new();

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        scratch.Dispose();
    }

    [Theory]
    [InlineData(15, 16)]
    [InlineData(18, 64)]
    public async Task What_comes_back_is_bit_for_bit_what_went_in(int major, int megabytes)
    {
        using var cluster = WalGround.Start(major, megabytes);
        WalGround.Work(cluster);
        var segments = WalGround.Segments(cluster);
        foreach (var file in segments[..^1])
        {
            var pushed = await PushAsync(cluster, file);
            Assert.Equal((WalStored.New, megabytes * 1024L * 1024), (pushed.Stored, pushed.Range?.LengthBytes));
            Assert.Equal(WalStored.Same, (await PushAsync(cluster, file)).Stored);
        }

        foreach (var file in segments[..^1])
        {
            Assert.Equal(WalAnswer.Fetched, await GetAsync(cluster, Path.GetFileName(file)));
            Assert.Equal(await File.ReadAllBytesAsync(file), await File.ReadAllBytesAsync(Target));
        }

        File.Delete(Target);
        Assert.Equal(WalAnswer.NoLater, await GetAsync(cluster, Path.GetFileName(segments[^1])));
        Assert.Equal(WalAnswer.NoLater, await GetAsync(cluster, "00000002.history"));
        Assert.False(File.Exists(Target));
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
    }

    [Fact]
    public async Task What_is_not_what_its_name_says_is_refused()
    {
        using var cluster = WalGround.Start(17);
        WalGround.Work(cluster);
        var segments = WalGround.Segments(cluster);
        var (first, second, current) = (segments[0], segments[1], segments[^1]);
        await RefusedAsync("recycled", Copy(cluster, first, Path.GetFileName(second)), "its name");
        await RefusedAsync("being written", current, "");
        var torn = Copy(cluster, second, Path.GetFileName(second));
        using (var stream = File.OpenWrite(torn))
        {
            stream.Seek(500_000, SeekOrigin.Begin);
            stream.Write(new byte[100_000]);
        }

        await RefusedAsync("torn", torn, "at ");
        await File.WriteAllBytesAsync(torn, (await File.ReadAllBytesAsync(second))[..^8192]);
        await RefusedAsync("cut", torn, "16769024");
        await File.WriteAllBytesAsync(torn, []);
        await RefusedAsync("empty", torn, "");
        // Servers of one major have one identifier here: they are clones of one cluster.
        using (var other = WalGround.Start(18))
        {
            WalGround.Work(other, 1);
            await RefusedAsync("of another cluster", Copy(cluster, WalGround.Segments(other)[1], Path.GetFileName(second)), "cluster");
        }

        var unknown = await Assert.ThrowsAsync<RepriseException>(() => PushAsync(cluster, Copy(cluster, second, "letter")));
        Assert.Equal(WalErrors.NameUnknown, unknown.Code);
        Assert.DoesNotContain(Store.Names(), n => n.Folder == "wal");

        async Task RefusedAsync(string what, string file, string why)
        {
            var refused = await Assert.ThrowsAsync<RepriseException>(() => PushAsync(cluster, file));
            Assert.True(refused.Code == WalErrors.Invalid, $"{what}: {refused.Problem}");
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_segment_that_is_missing_is_a_gap_and_never_the_end()
    {
        using var cluster = WalGround.Start(15);
        WalGround.Work(cluster, 6);
        var segments = WalGround.Segments(cluster)[..^1];
        Assert.True(segments.Count >= 5, $"{segments.Count} segments");
        foreach (var file in segments.Where((_, i) => i is not (0 or 2)).SkipLast(1)) await PushAsync(cluster, file);

        foreach (var missing in (int[])[0, 2])
        {
            var gap = await Assert.ThrowsAsync<RepriseException>(() => GetAsync(cluster, Path.GetFileName(segments[missing])));
            Assert.Equal(RepositoryErrors.WalGap, gap.Code);
        }

        Assert.Equal(WalAnswer.NoLater, await GetAsync(cluster, Path.GetFileName(segments[^1])));
        Assert.Equal(WalAnswer.Fetched, await GetAsync(cluster, Path.GetFileName(segments[1])));
        var backup = Copy(cluster, segments[0], "000000010000000000000009.00000028.backup", "START WAL LOCATION: 0/9000028");
        await PushAsync(cluster, backup);
        Assert.Equal(WalAnswer.Fetched, await GetAsync(cluster, Path.GetFileName(backup)));
        Assert.Equal("START WAL LOCATION: 0/9000028", await File.ReadAllTextAsync(Target));
    }

    [Fact]
    public async Task Part_of_a_segment_is_filled_up_with_zeros_and_pieces_are_put_together()
    {
        using var cluster = WalGround.Start(18);
        WalGround.Work(cluster, 1);
        var segments = WalGround.Segments(cluster);
        await PushAsync(cluster, segments[0]);
        var lineage = (await Archive.LineagesAsync(ClusterFolder.Read(disk, new DiskPath(cluster.Data)).Identifier, None)).Single();
        var bytes = await File.ReadAllBytesAsync(segments[1]);
        var start = WalWalker.HeaderOf(bytes, out _)!.Start; // A segment of a server.
        var at = 0;
        foreach (var length in (int[])[8192, 1, 70_000, 123_457])
        {
            await Archive.StoreAsync(lineage.Id, 1, start.Plus(at), bytes.AsMemory(at, length), isPartial: false, None);
            at += length;
        }

        Assert.Equal(WalAnswer.Fetched, await GetAsync(cluster, Path.GetFileName(segments[1])));
        var got = await File.ReadAllBytesAsync(Target);
        Assert.Equal(bytes.Length, got.Length);
        Assert.Equal(bytes[..at], got[..at]);
        Assert.Equal(-1, got.AsSpan(at).IndexOfAnyExcept((byte)0));

        await Archive.StoreAsync(lineage.Id, 1, start.Plus(at + 100), bytes.AsMemory(at + 100, 5000), isPartial: false, None);
        var gap = await Assert.ThrowsAsync<RepriseException>(() => GetAsync(cluster, Path.GetFileName(segments[1])));
        Assert.Equal(RepositoryErrors.WalGap, gap.Code);
    }

    [Fact]
    public async Task A_copy_that_was_promoted_is_refused_until_it_is_adopted_and_the_other_keeps_its_own()
    {
        using var production = WalGround.Start(17);
        WalGround.Work(production, 1);
        foreach (var file in WalGround.Segments(production)[..^1]) await PushAsync(production, file);

        // Two copies of one past: both become timeline 2.
        production.Sql("postgres", "checkpoint");
        production.Stop();
        using var test = new Copied(production, scratch.Text);
        test.Promote();
        test.Sql("insert into t(v) values ('the test'); select pg_switch_wal(); insert into t(v) values ('more')");
        var stopped = await Assert.ThrowsAsync<RepriseException>(() => PushAsync(test.Data, test.SegmentsOf(1)[0]));
        Assert.Equal(RepositoryErrors.WalClaimed, stopped.Code);
        await PushAsync(test.Data, test.Wal("00000002.history"));
        foreach (var file in test.SegmentsOf(2)[..^1]) await PushAsync(test.Data, file);

        using var real = new Copied(production, scratch.Text);
        real.Promote();
        real.Sql("insert into t(v) values ('the real one'), ('and more'); select pg_switch_wal(); insert into t(v) values ('more')");
        var refused = await Assert.ThrowsAsync<RepriseException>(() => PushAsync(real.Data, real.SegmentsOf(2)[0]));
        Assert.Equal(RepositoryErrors.WalClaimed, refused.Code);

        var adopted = await new WalAdopt(Archive, disk).RunAsync(new DiskPath(real.Data), None);
        Assert.Equal(1u, adopted.Fork?.Timeline);
        Assert.Equal(2u, adopted.Timeline);
        foreach (var file in real.SegmentsOf(2)[..^1]) Assert.Equal(WalStored.New, (await PushAsync(real.Data, file)).Stored);
        Assert.Null((await new WalAdopt(Archive, disk).RunAsync(new DiskPath(real.Data), None)).Fork);

        foreach (var (copy, name) in new[] { (real, "real"), (test, null) })
        {
            var segment = copy.SegmentsOf(2)[0];
            var lineage = name is null ? Archive.NameOf(Identifier(production), 0) : null;
            Assert.Equal(WalAnswer.Fetched, await GetAsync(copy.Data, Path.GetFileName(segment), lineage));
            Assert.Equal(await File.ReadAllBytesAsync(segment), await File.ReadAllBytesAsync(Target));
        }

        // What both have in common is found through either; nobody guesses for a third.
        var common = WalGround.Segments(production, started: false)[0];
        Assert.Equal(WalAnswer.Fetched, await GetAsync(real.Data, Path.GetFileName(common)));
        Assert.Equal(await File.ReadAllBytesAsync(common), await File.ReadAllBytesAsync(Target));
        var ambiguous = await Assert.ThrowsAsync<RepriseException>(() => GetAsync(production.Data, Path.GetFileName(common)));
        Assert.Equal(WalErrors.LineageAmbiguous, ambiguous.Code);
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
    }

    [Fact]
    public async Task A_recovery_asks_in_vain_where_the_repository_knows_nothing_of_the_cluster()
    {
        using var cluster = WalGround.Start(15);
        var missing = await Assert.ThrowsAsync<RepriseException>(() => GetAsync(cluster, "000000010000000000000001"));
        Assert.Equal(WalErrors.LineageMissing, missing.Code);
        var nowhere = Assert.Throws<RepriseException>(() => ClusterFolder.Find(disk, new DiskPath(scratch.Text) / "a/b", new DiskPath(scratch.Text)));
        Assert.Equal(WalErrors.NoCluster, nowhere.Code);
    }

    private string Target => Path.Combine(scratch.Text, "RECOVERYXLOG");

    private ulong Identifier(PostgresCluster cluster) => ClusterFolder.Read(disk, new DiskPath(cluster.Data)).Identifier;

    private Task<WalPushed> PushAsync(PostgresCluster cluster, string file) => PushAsync(cluster.Data, file);

    private Task<WalPushed> PushAsync(string folder, string file) =>
        new WalPush(Archive, disk).RunAsync(new DiskPath(file), new DiskPath(folder), None);

    private Task<WalAnswer> GetAsync(PostgresCluster cluster, string name) => GetAsync(cluster.Data, name);

    private Task<WalAnswer> GetAsync(string folder, string name, string? lineage = null) =>
        new WalGet(Archive, disk, Entropy.System).RunAsync(name, new DiskPath(Target), new DiskPath(folder), lineage, None);

    private string Copy(PostgresCluster cluster, string segment, string name, string? text = null)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(scratch.Text, "pg_wal")).FullName, name);
        if (text is null) File.Copy(segment, path, overwrite: true);
        else File.WriteAllText(path, text);
        return path;
    }

    /// <summary>A copy of a stopped server, as somebody makes one by hand.</summary>
    private sealed class Copied : IDisposable
    {
        private readonly PostgresCluster original;

        public Copied(PostgresCluster original, string folder)
        {
            this.original = original;
            Data = Path.Combine(folder, "copy" + Guid.NewGuid().ToString("N")[..6]);
            PostgresCluster.Run("cp", ["-a", original.Data, Data]);
            File.Delete(Path.Combine(Data, "postmaster.pid"));
            Socket = Directory.CreateDirectory(Path.Combine(folder, "s" + Guid.NewGuid().ToString("N")[..4])).FullName;
            PostgresCluster.Run("chmod", ["777", folder, Socket]);
            PostgresCluster.Run("chmod", ["700", Data]);
            File.AppendAllText(Path.Combine(Data, "postgresql.conf"), $"\nunix_socket_directories = '{Socket}'\n");
            File.WriteAllText(Path.Combine(Data, "standby.signal"), "");
        }

        public string Data { get; }

        private string Socket { get; }

        public string Wal(string name) => Path.Combine(Data, "pg_wal", name);

        public void Promote()
        {
            PgCtl("-o", $"-c unix_socket_directories={Socket}", "-l", Data + ".log", "-w", "-t", "60", "start");
            PgCtl("-w", "promote");
        }

        public void Sql(string sql)
        {
            var result = PostgresCluster.Run(
                Path.Combine(original.Programs, "psql"),
                ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", Socket, "-p", original.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", "postgres", "-f", "-"],
                sql);
            Assert.True(result.Exit == 0, result.Output);
        }

        public List<string> SegmentsOf(uint timeline) =>
        [
            .. Directory.EnumerateFiles(Path.Combine(Data, "pg_wal"))
                .Where(f => WalFile.Parse(Path.GetFileName(f)) is WalFile.Segment { IsPartial: false } s && s.Timeline == timeline)
                .Where(f => WalWalker.HeaderOf(File.ReadAllBytes(f), out _) is { } h && Path.GetFileName(f) == WalFile.Segment.NameOf(timeline, h.Start, h.SegmentBytes))
                .Order(StringComparer.Ordinal),
        ];

        public void Dispose() => WalGround.AsServer(original, "pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");

        private void PgCtl(params string[] arguments)
        {
            PostgresCluster.Run("chown", ["-R", "postgres:", Data, Socket]);
            var result = WalGround.AsServer(original, "pg_ctl", ["-D", Data, .. arguments]);
            Assert.True(result.Exit == 0, result.Output + (File.Exists(Data + ".log") ? File.ReadAllText(Data + ".log") : ""));
        }
    }
}
