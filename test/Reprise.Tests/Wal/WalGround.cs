using System.Globalization;
using System.Text.RegularExpressions;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Wal;

/// <summary>What pg_waldump says of one record.</summary>
/// <param name="At">where it begins.</param>
/// <param name="Commit">when it was committed; null: it is no commit.</param>
internal sealed record DumpedRecord(Lsn At, DateTimeOffset? Commit);

/// <summary>A server that writes WAL of many kinds, and what PostgreSQL's own tools say of it.</summary>
internal static partial class WalGround
{
    public static readonly int[] Majors = [15, 17, 18];

    /// <summary>What the PostgreSQL room stands on.</summary>
    public static PostgresHost Host() => new()
    {
        Disk = Disks.OfThisMachine(),
        Children = new ChildProcesses(TimeProvider.System),
        Clock = TimeProvider.System,
        Entropy = Entropy.System,
        Cpu = Cpu.OfThisMachine(),
        Variable = _ => null,
        Home = "/nonexistent",
        UserName = "postgres",
        TemporaryFolder = Path.GetTempPath(),
    };

    /// <summary>Starts a server with segments of a size; 16 is the usual one.</summary>
    public static PostgresCluster Start(int major, int segmentMegabytes = 16, string settings = "")
    {
        var cluster = PostgresCluster.Start(major, settings: $"full_page_writes = on\nwal_keep_size = 2GB\nautovacuum = off\nmin_wal_size = 256MB\nmax_wal_size = 1GB\n{settings}");
        if (segmentMegabytes == 16) return cluster;
        cluster.Sql("postgres", "checkpoint");
        cluster.Stop();
        var size = segmentMegabytes.ToString(CultureInfo.InvariantCulture);
        var reset = AsServer(cluster, "pg_resetwal", "-f", $"--wal-segsize={size}", "-D", cluster.Data);
        Assert.True(reset.Exit == 0, reset.Output);
        cluster.StartServer();
        return cluster;
    }

    /// <summary>Writes rows, large values, sub-transactions, a prepared one's kin and switches: about 6 MB of WAL and two segments a round.</summary>
    public static void Work(PostgresCluster cluster, int rounds = 2)
    {
        for (var i = 0; i < rounds; i++)
        {
            cluster.Sql("postgres", """
                create table if not exists t(id serial primary key, v text);
                insert into t(v) select repeat(md5(g::text), 1 + g % 60) from generate_series(1, 3000) g;
                begin; savepoint a; insert into t(v) values ('a'); savepoint b; insert into t(v) values ('b'); commit;
                insert into t(v) select string_agg(md5((g * random())::text), '') from generate_series(1, 30000) g;
                update t set v = v || 'x' where id % 3 = 0;
                select pg_create_restore_point('here');
                select pg_logical_emit_message(true, 'test', 'message');
                select pg_switch_wal();
                insert into t(v) values ('after');
                """);
        }
    }

    public static (int Exit, string Output) AsServer(PostgresCluster cluster, string program, params string[] arguments)
    {
        string[] user = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : [];
        string[] all = [.. user, Path.Combine(cluster.Programs, program), .. arguments];
        return PostgresCluster.Run(all[0], all[1..]);
    }

    /// <summary>The segments of the newest timeline, in order, that are whole; the last is the one being written.</summary>
    public static List<string> Segments(PostgresCluster cluster, bool started = true)
    {
        var current = started ? cluster.Sql("postgres", "select pg_walfile_name(pg_current_wal_insert_lsn())") : "Z";
        return
        [
            .. Directory.EnumerateFiles(Path.Combine(cluster.Data, "pg_wal"))
                .Where(f => WalFile.Parse(Path.GetFileName(f)) is WalFile.Segment { IsPartial: false })
                .Where(f => string.CompareOrdinal(Path.GetFileName(f), current) <= 0)
                .Order(StringComparer.Ordinal),
        ];
    }

    public static string PgWal(PostgresCluster cluster, string name) => Path.Combine(cluster.Data, "pg_wal", name);

    /// <summary>Every record that begins in the segment and ends where pg_waldump can see it.</summary>
    public static List<DumpedRecord> Dump(PostgresCluster cluster, string segment)
    {
        var result = PostgresCluster.Run("env", ["TZ=UTC", Path.Combine(cluster.Programs, "pg_waldump"), segment]);
        return [.. RecordLine().Matches(result.Output).Select(Of)];

        static DumpedRecord Of(Match match)
        {
            Assert.True(Lsn.TryParse(match.Groups["lsn"].Value, out var lsn));
            return new DumpedRecord(
                lsn,
                match.Groups["time"].Success
                    ? DateTimeOffset.ParseExact(match.Groups["time"].Value, "yyyy-MM-dd HH:mm:ss.ffffff 'UTC'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)
                    : null);
        }
    }

    public static WalExpectation Expect(byte[] segment, uint timeline = 1)
    {
        var header = WalWalker.HeaderOf(segment, out var wrong);
        Assert.True(header is not null, wrong);
        return new WalExpectation(header.SegmentBytes, header.Identifier, header.Major, timeline);
    }

    public static WalWalker Walk(byte[] segment, WalExpectation? expected = null, Random? pieces = null)
    {
        expected ??= Expect(segment);
        var walker = new WalWalker(expected, WalWalker.HeaderOf(segment, out _)!.Start); // Expect looked.
        for (var at = 0; at < segment.Length;)
        {
            var length = Math.Min(pieces?.Next(1, 20_000) ?? segment.Length, segment.Length - at);
            walker.Take(segment.AsSpan(at, length));
            at += length;
        }

        return walker;
    }

    [GeneratedRegex(@"^rmgr: .*?lsn: (?<lsn>[0-9A-F]+/[0-9A-F]+), prev .*?desc: ((COMMIT|COMMIT_PREPARED) (?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC))?.*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex RecordLine();
}
