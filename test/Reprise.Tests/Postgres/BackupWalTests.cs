using Reprise.Recovery;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>The WAL of a backup: real segments are walked as pg_waldump walks them, and what is not as it was written is refused.</summary>
[Collection(PostgresTests.Name)]
public sealed class BackupWalTests : IDisposable
{
    private const string Keep = "wal_keep_size = 1GB";
    private const int SegmentBytes = 16 * 1024 * 1024;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly string place = Directory.CreateTempSubdirectory("rph").FullName;

    public BackupWalTests() => PostgresCluster.Run("chmod", ["755", place]);

    public void Dispose()
    {
        bench.Dispose();
        Directory.Delete(place, recursive: true);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Real_wal_is_walked_like_pg_waldump_does_it(int major)
    {
        using var cluster = PostgresCluster.Start(major, settings: Keep);
        var facts = await FactsAsync(cluster);
        var start = Here(cluster);
        cluster.Sql("postgres", """
            create table t as select i, repeat('x', 500) s from generate_series(1, 60000) i; create index on t(i);
            select pg_switch_wal(); update t set i = i + 1 where i % 3 = 0; select pg_logical_emit_message(true, 'big', repeat('y', 3000000))
            """);
        var stop = Here(cluster);
        var found = Walk(cluster.Data, facts, start, stop);
        Assert.True(stop.Value - start.Value > 3UL * SegmentBytes, $"{start} to {stop}");
        Assert.False(found.HasTablespaces);
        var dumped = PostgresCluster.Run(
            Path.Combine(cluster.Programs, "pg_waldump"), ["-p", Path.Combine(cluster.Data, "pg_wal"), "-s", start.ToString(), "-e", stop.ToString()]);
        Assert.Equal(dumped.Output.Split('\n').Count(line => line.StartsWith("rmgr:", StringComparison.Ordinal)), found.Records);

        var folder = Directory.CreateDirectory(Path.Combine(place, "space")).FullName;
        if (Environment.UserName == "root") PostgresCluster.Run("chown", ["postgres:postgres", folder]);
        cluster.Sql("postgres", $"create tablespace space location '{folder}'");
        Assert.True(Walk(cluster.Data, facts, stop, Here(cluster)).HasTablespaces);
    }

    [Fact]
    public async Task What_postgresql_did_not_write_is_refused()
    {
        using var cluster = PostgresCluster.Start(15, settings: Keep);
        var facts = await FactsAsync(cluster);
        var start = Here(cluster);
        cluster.Sql("postgres", "create table t as select i, repeat('x', 500) s from generate_series(1, 60000) i");
        var stop = Here(cluster);
        var copy = Directory.CreateDirectory(Path.Combine(place, "copy", "pg_wal")).FullName;
        var names = BackupWal.Segments(start, stop, facts.Timeline, SegmentBytes).ToList();
        Assert.True(names.Count > 2);
        foreach (var name in names) File.Copy(Path.Combine(cluster.Data, "pg_wal", name), Path.Combine(copy, name));
        Walk(Path.Combine(place, "copy"), facts, start, stop);

        // The middle of a record is no place to begin or to end.
        Refused(facts, new Lsn(start.Value + 8), stop);
        Refused(facts, start, new Lsn(stop.Value - 8));
        Refused(facts with { System = "1" }, new Lsn((start.Value / SegmentBytes * SegmentBytes) + SegmentBytes), stop);
        Refused(facts with { Timeline = 2 }, start, stop);

        var second = Path.Combine(copy, names[1]);
        var good = await File.ReadAllBytesAsync(second);
        var random = new Random(11);
        for (var i = 0; i < 200; i++)
        {
            // Padding between records is nobody's.
            var altered = (byte[])good.Clone();
            var (at, bit) = (random.Next(SegmentBytes), random.Next(8));
            if (i % 4 == 0) at = (at / 8192 * 8192) + random.Next(24);
            altered[at] ^= (byte)(1 << bit);
            await File.WriteAllBytesAsync(second, altered);
            if (IsPadding(good, at) || IsOfNobody(at % 8192, bit)) continue;
            Refused(facts, start, stop);
        }

        await File.WriteAllBytesAsync(second, good[..(good.Length / 2)]);
        Refused(facts, start, stop);
        File.Delete(second);
        Refused(facts, start, stop);

        // A segment that is used again still holds the WAL of long ago.
        File.Copy(Path.Combine(copy, names[0]), second);
        Refused(facts, start, stop);
    }

    // Two flags of a page's header that change nothing, and the four unused bytes behind it.
    private static bool IsOfNobody(int at, int bit) => (at == 2 && bit is 2 or 3) || at is >= 20 and < 24;

    // Zeros behind a record up to the next multiple of eight.
    private static bool IsPadding(byte[] bytes, int at) =>
        bytes[at] == 0 && (at % 8 != 0) && bytes.AsSpan(at, 8 - (at % 8)).IndexOfAnyExcept((byte)0) < 0;

    private void Refused(ServerFacts facts, Lsn start, Lsn stop)
    {
        var error = Assert.Throws<RepriseException>(() => Walk(Path.Combine(place, "copy"), facts, start, stop));
        Assert.Equal(RecoveryErrors.WalRangeBroken, error.Code);
    }

    // Where it lies, and while it passes: both see the same, and refuse the same.
    private static WalFindings Walk(string data, ServerFacts facts, Lsn start, Lsn stop)
    {
        WalFindings? passed = null;
        var refused = Record.Exception(() => passed = Pass(data, facts, start, stop));
        using var range = new BackupWal(Disks.OfThisMachine(), new DiskPath(Path.Combine(data, "pg_wal")), facts);
        WalFindings? walked = null;
        var broken = Record.Exception(() => walked = range.Walk(start, stop, None));
        Assert.Equal(walked, passed);
        Assert.Equal(RecoveryErrors.WalRangeBroken, (refused as RepriseException)?.Code ?? RecoveryErrors.WalRangeBroken);
        return walked ?? throw broken!; // One of them.
    }

    private static WalFindings Pass(string data, ServerFacts facts, Lsn start, Lsn stop)
    {
        const int piece = 100_000;
        var passing = new PassingWal(facts, start, stop);
        foreach (var name in BackupWal.Segments(start, stop, facts.Timeline, facts.WalSegmentBytes))
        {
            var file = Path.Combine(data, "pg_wal", name);
            if (!File.Exists(file)) break; // As little comes of a file that is gone.
            var bytes = File.ReadAllBytes(file);
            for (var at = 0; at < bytes.Length; at += piece) passing.Take(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
        }

        return passing.End();
    }

    private async Task<ServerFacts> FactsAsync(PostgresCluster cluster)
    {
        var server = new PostgresServer(new PostgresSettings { ConnectionText = cluster.Connection("postgres") }, bench.Host);
        await using var session = await BackupSession.OpenAsync(server, "postgres", isStreamed: false, None);
        return session.Server;
    }

    // Everything up to here is written, and a record begins here.
    private static Lsn Here(PostgresCluster cluster)
    {
        cluster.Sql("postgres", "select pg_logical_emit_message(true, 'here', 'x')");
        return Lsn.Parse(cluster.Sql("postgres", "select pg_current_wal_flush_lsn()"));
    }
}
