using System.Globalization;
using Microsoft.Data.Sqlite;
using Reprise.Recovery;
using Reprise.Recovery.Sqlite;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;
using static Reprise.Tests.Sqlite.SqliteBench;

namespace Reprise.Tests.Sqlite;

/// <summary>What a capture holds, and what it never does to the live database.</summary>
public class SqliteCaptureTests
{
    [Theory]
    [InlineData("wal", "2,2")]
    [InlineData("delete", "1,1")]
    [InlineData("persist", "1,1")]
    public async Task A_captured_database_is_the_same_database(string mode, string versionBytes)
    {
        await using var bench = new SqliteBench();
        var app = bench.Create(mode);
        Run(app, "PRAGMA user_version = 42; PRAGMA application_id = 77; CREATE INDEX by_note ON orders(note)");
        var captured = await bench.CaptureAsync();
        Assert.Equal("complete", captured.Record.State);
        Assert.Equal("pages", captured.Record.Method);
        Assert.Equal(2000, captured.Record.Rows["orders"]);
        Assert.Equal(0, captured.Record.Rows["empty"]);
        Assert.Equal(2, captured.Record.Rows.Count);
        Assert.Equal(mode == "wal" ? "wal" : "delete", captured.Fact("journalMode"));
        Assert.Equal("4096", captured.Fact("pageSize"));
        Assert.Equal("42", captured.Fact("userVersion"));
        Assert.Equal("77", captured.Fact("applicationId"));
        Assert.Equal("77", captured.Record.Identity["applicationId"]);
        Assert.Equal("UTF-8", captured.Fact("encoding"));
        Assert.Equal("ok", captured.Fact(SqliteFacts.Integrity));
        Assert.Equal("0", captured.Fact(SqliteFacts.ForeignKeyViolations));
        Assert.Matches(@"^3\.\d+\.\d+$", captured.Record.Versions["sqlite"]);
        Assert.Empty(captured.Context.Problems);
        Assert.Empty(Directory.GetFileSystemEntries(bench.ScratchText));

        var copy = await bench.MaterialiseAsync(captured);
        Assert.Equal(captured.Record.Sha256.ToString(), Hash(copy));
        Assert.Equal(versionBytes, string.Join(',', File.ReadAllBytes(copy)[18..20]));
        Assert.Equal([copy], Directory.GetFiles(Path.GetDirectoryName(copy)!));
        const string content = "SELECT group_concat(id || note) FROM (SELECT * FROM orders ORDER BY id)";
        Assert.Equal(Ask(app, content), AskFile(copy, content));
        Assert.Equal("ok", AskFile(copy, "PRAGMA integrity_check"));
        Assert.Equal(mode == "wal" ? "wal" : "delete", AskFile(copy, "PRAGMA journal_mode"));
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Two_captures_of_an_unchanged_database_are_identical_and_the_second_stores_nothing(string mode)
    {
        await using var bench = new SqliteBench();
        var app = bench.Create(mode);
        var first = await bench.CaptureAsync();
        var storedOnce = bench.StoredBytes();
        var second = await bench.CaptureAsync();
        var added = bench.StoredBytes() - storedOnce;
        Assert.Equal(first.Record.Sha256, second.Record.Sha256);
        Assert.True(storedOnce > 100_000, $"{storedOnce} bytes");
        Assert.True(added < 10_000, $"{added} bytes");

        // And it would notice a change.
        Run(app, "UPDATE orders SET note = 'changed' WHERE id = 7");
        var third = await bench.CaptureAsync();
        Assert.NotEqual(first.Record.Sha256, third.Record.Sha256);
    }

    [Fact]
    public async Task A_wal_that_nobody_writes_to_is_identical_before_and_after()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("wal");
        Run(app, "PRAGMA wal_autocheckpoint = 0; INSERT INTO orders(note) VALUES ('only in the wal')");
        Assert.True(new FileInfo(bench.Database + "-wal").Length > 0);
        var before = (Hash(bench.Database), Hash(bench.Database + "-wal"));
        var captured = await bench.CaptureAsync();
        Assert.Equal(before, (Hash(bench.Database), Hash(bench.Database + "-wal")));
        Assert.Equal(["shop.db", "shop.db-shm", "shop.db-wal"], bench.AppFiles());
        var copy = await bench.MaterialiseAsync(captured);
        Assert.Equal("1", AskFile(copy, "SELECT count(*) FROM orders WHERE note = 'only in the wal'"));
    }

    [Fact]
    public async Task A_wal_that_a_crash_left_is_read_but_not_folded_in()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("wal");
        Run(app, "PRAGMA wal_autocheckpoint = 0; INSERT INTO orders(note) VALUES ('only in the wal')");
        var crashed = bench.CrashCopy();
        app.Dispose();
        foreach (var file in Directory.GetFiles(bench.AppFolder)) File.Delete(file);
        foreach (var suffix in new[] { "", "-wal" }) File.Move(crashed + suffix, bench.Database + suffix);
        var before = (Hash(bench.Database), Hash(bench.Database + "-wal"));
        var captured = await bench.CaptureAsync();
        Assert.Equal(before, (Hash(bench.Database), Hash(bench.Database + "-wal")));
        Assert.Equal(2001, captured.Record.Rows["orders"]);
    }

    [Fact]
    public async Task Locks_that_our_own_process_holds_on_the_file_stay()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc/locks is Linux's");
        await using var bench = new SqliteBench();
        var app = bench.Create("delete");
        using var transaction = app.BeginTransaction(deferred: false);
        Run(app, "UPDATE orders SET note = 'uncommitted' WHERE id = 1");
        Assert.True(HoldsWriteLock(bench.Database));
        var captured = await bench.CaptureAsync();
        Assert.True(HoldsWriteLock(bench.Database));
        var copy = await bench.MaterialiseAsync(captured);
        Assert.Equal("0", AskFile(copy, "SELECT count(*) FROM orders WHERE note = 'uncommitted'"));

        // The proof that this test can fail: what a plain copy of the file does to those locks.
        File.OpenRead(bench.Database).Dispose();
        Assert.False(HoldsWriteLock(bench.Database));
    }

    [Fact]
    public async Task A_database_locked_for_longer_than_the_bound_is_busy_and_one_that_is_released_is_captured()
    {
        await using var bench = new SqliteBench { BusyBound = TimeSpan.FromMilliseconds(300) };
        var app = bench.Create("delete");
        Run(app, "BEGIN EXCLUSIVE; UPDATE orders SET note = 'half-done' WHERE id = 1");
        var began = TimeProvider.System.GetTimestamp();
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync());
        var elapsed = TimeProvider.System.GetElapsedTime(began);
        Assert.Equal(RecoveryErrors.SqliteBusy, refused.Code);
        Assert.Equal(ExitCodes.Unavailable, refused.Code.Exit);
        Assert.Equal("orders", refused.Problem.Asset);
        Assert.InRange(elapsed.TotalSeconds, 0.3, 10);

        bench.BusyBound = TimeSpan.FromSeconds(30);
        var capture = bench.CaptureAsync();
        await Task.Delay(100);
        Assert.False(capture.IsCompleted);
        Run(app, "COMMIT");
        Assert.Equal("complete", (await capture).Record.State);
    }

    [Fact]
    public async Task In_wal_mode_a_writer_in_the_middle_of_a_transaction_does_not_matter()
    {
        await using var bench = new SqliteBench { BusyBound = TimeSpan.FromMilliseconds(50) };
        var app = bench.Create("wal");
        Run(app, "BEGIN IMMEDIATE; UPDATE orders SET note = 'half-done'");
        var captured = await bench.CaptureAsync();
        Run(app, "COMMIT");
        Assert.Equal("0", captured.Fact(SqliteFacts.LongestWriterWaitSeconds));
        var copy = await bench.MaterialiseAsync(captured);
        Assert.Equal("0", AskFile(copy, "SELECT count(*) FROM orders WHERE note = 'half-done'"));
    }

    [Fact]
    public async Task In_rollback_mode_commits_start_the_copy_again_until_one_pass_is_made()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("delete", rows: 30_000);
        var commits = 0;
        var copied = 0L;

        // A commit between any two steps: the copy can never end by itself.
        bench.OnAdvance = bytes =>
        {
            copied += bytes;
            if (bytes > 0 && commits <= SqliteSnapshot.MaxRestarts)
                Run(app, $"UPDATE orders SET note = 'commit {++commits}' WHERE id % 1000 = 0");
        };
        var captured = await bench.CaptureAsync();
        Assert.True(commits > SqliteSnapshot.MaxRestarts, $"{commits} commits");
        Assert.Equal("true", captured.Fact(SqliteFacts.OnePass));
        Assert.Equal($"{SqliteSnapshot.MaxRestarts + 1}", captured.Fact(SqliteFacts.Restarts));
        Assert.Contains(bench.Notes, n => n.Contains("writers wait", StringComparison.Ordinal));
        var copy = await bench.MaterialiseAsync(captured);
        const string committed = "SELECT max(note) || '|' || count(*) FROM orders WHERE note LIKE 'commit%'";
        Assert.Equal($"commit {commits}|30", AskFile(copy, committed));
        Assert.Equal("ok", AskFile(copy, "PRAGMA integrity_check"));
    }

    [Fact]
    public async Task One_pass_that_would_make_writers_wait_for_longer_than_the_bound_is_given_up()
    {
        await using var bench = new SqliteBench { BusyBound = TimeSpan.FromTicks(1) };
        var app = bench.Create("delete", rows: 100_000);
        var commits = 0;
        bench.OnAdvance = bytes =>
        {
            if (bytes > 0 && commits <= SqliteSnapshot.MaxRestarts)
                Run(app, $"UPDATE orders SET note = {++commits} WHERE id = 1");
        };
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync());
        Assert.Equal(RecoveryErrors.SqliteBusy, refused.Code);
        Assert.Contains("one full pass", refused.Message, StringComparison.Ordinal);

        // The lock is gone with it.
        bench.OnAdvance = _ => { };
        Run(app, "UPDATE orders SET note = 'free again' WHERE id = 1");
    }

    [Fact]
    public async Task A_half_done_transaction_of_a_crashed_writer_is_named_and_left_alone()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("delete", rows: 1000);
        LeaveHotJournal(bench, app);
        var before = (Hash(bench.Database), Hash(bench.Database + "-journal"));
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync());
        Assert.Equal(RecoveryErrors.SqliteNeedsRecovery, refused.Code);
        Assert.Equal(before, (Hash(bench.Database), Hash(bench.Database + "-journal")));

        Assert.Equal("1000", AskFile(bench.Database, "SELECT count(*) FROM orders"));
        Assert.Equal(1000, (await bench.CaptureAsync()).Record.Rows["orders"]);
    }

    [Fact]
    public async Task The_private_copy_is_for_nobody_else_and_is_gone_afterwards_whatever_happens_to_the_connection()
    {
        var modes = new List<int>();
        await using var bench = new SqliteBench();
        var real = bench.Disk;
        bench.Disk = new FaultyDisk(real, (call, path) =>
        {
            if (call != nameof(IDisk.OpenRead)) return;
            if (path.IsWithin(new DiskPath(bench.ScratchText))) modes.Add(real.Stat(path)!.Mode);
            Assert.False(path.ToString().StartsWith(bench.Database, StringComparison.Ordinal));
        });
        bench.Create("wal");
        await bench.CaptureAsync();
        Assert.Equal([0x180], modes);
        Assert.Empty(Directory.GetFiles(bench.ScratchText));
    }

    [Fact]
    public async Task A_cancelled_capture_ends_and_lets_go_of_its_locks()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("delete", rows: 30_000);
        using var cancel = new CancellationTokenSource();
        bench.OnAdvance = bytes =>
        {
            if (bytes > 0) cancel.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.CaptureAsync(cancel.Token));
        bench.OnAdvance = _ => { };
        Run(app, "BEGIN EXCLUSIVE; COMMIT");
        Assert.Equal(30_000, (await bench.CaptureAsync()).Record.Rows["orders"]);
    }

    [Theory]
    [InlineData(
        "alembic:3f2a",
        "CREATE TABLE alembic_version(version_num TEXT); INSERT INTO alembic_version VALUES ('3f2a')")]
    [InlineData(
        "alembic:a,b",
        "CREATE TABLE alembic_version(version_num TEXT); INSERT INTO alembic_version VALUES ('b'), ('a')")]
    [InlineData(
        "flyway:1.2",
        "CREATE TABLE flyway_schema_history(installed_rank INT, version TEXT, success BOOLEAN);"
        + "INSERT INTO flyway_schema_history VALUES (1, '1.1', 1), (2, '1.2', 1), (3, '1.3', 0)")]
    [InlineData(
        "efcore:20260102_B",
        "CREATE TABLE \"__EFMigrationsHistory\"(\"MigrationId\" TEXT, \"ProductVersion\" TEXT);"
        + "INSERT INTO \"__EFMigrationsHistory\" VALUES ('20260101_A', '10'), ('20260102_B', '10')")]
    [InlineData(
        "django:auth.0002_b,shop.0001_a",
        "CREATE TABLE django_migrations(id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT);"
        + "INSERT INTO django_migrations(app, name) VALUES ('auth', '0001_a'), ('shop', '0001_a'), ('auth', '0002_b')")]
    [InlineData(null, "CREATE TABLE alembic_version(version_num TEXT)")]
    [InlineData(null, "CREATE TABLE alembic_version(other TEXT); INSERT INTO alembic_version VALUES ('3f2a')")]
    public async Task The_migration_that_it_was_at_is_recorded(string? expected, string setup)
    {
        await using var bench = new SqliteBench();
        Run(bench.Create("wal", rows: 1), setup);
        Assert.Equal(expected, (await bench.CaptureAsync()).Record.Migration);
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Full_text_spatial_and_other_special_tables_are_checked_and_come_back(string mode)
    {
        await using var bench = new SqliteBench();
        var app = bench.Create(mode, rows: 10);
        Run(
            app,
            """
            CREATE VIRTUAL TABLE five USING fts5(body); INSERT INTO five VALUES ('hello world');
            CREATE VIRTUAL TABLE four USING fts4(body); INSERT INTO four VALUES ('hello world');
            CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 1);
            CREATE TABLE keyed(k TEXT PRIMARY KEY, "odd "" name" INT) WITHOUT ROWID; INSERT INTO keyed VALUES ('a', 1);
            CREATE TABLE "odd "" table"(a INT, b INT AS (a * 2) STORED) STRICT;
            INSERT INTO "odd "" table"(a) VALUES (2);
            CREATE VIEW seen AS SELECT own_function(note) FROM orders;
            """);
        var captured = await bench.CaptureAsync();
        Assert.Equal("ok", captured.Fact(SqliteFacts.Integrity));
        Assert.Equal(1, captured.Record.Rows["odd \" table"]);
        Assert.Equal(1, captured.Record.Rows["keyed"]);
        Assert.DoesNotContain("five", captured.Record.Rows.Keys);
        Assert.Equal("true", captured.Fact(SqliteFacts.AllRowsCounted));
        var copy = await bench.MaterialiseAsync(captured);
        Assert.Equal("hello world", AskFile(copy, "SELECT body FROM five WHERE five MATCH 'world'"));
        Assert.Equal("hello world", AskFile(copy, "SELECT body FROM four WHERE body MATCH 'world'"));
    }

    [Fact]
    public async Task Rows_that_point_nowhere_are_a_note()
    {
        await using var bench = new SqliteBench();
        Run(
            bench.Create("delete", rows: 1),
            "PRAGMA foreign_keys = OFF; CREATE TABLE line(o REFERENCES orders(id));"
            + "INSERT INTO line VALUES (1), (8), (9)");
        var captured = await bench.CaptureAsync();
        Assert.Equal("2", captured.Fact(SqliteFacts.ForeignKeyViolations));
        Assert.Equal("complete", captured.Record.State);
        Assert.Empty(captured.Context.Problems);
    }

    [Fact]
    public async Task An_empty_file_is_an_empty_database()
    {
        await using var bench = new SqliteBench();
        File.WriteAllBytes(bench.Database, []);
        var captured = await bench.CaptureAsync();
        Assert.Empty(captured.Record.Rows);
        Assert.Equal("complete", captured.Record.State);
        Assert.Equal("0", AskFile(await bench.MaterialiseAsync(captured), "SELECT count(*) FROM sqlite_schema"));
        Assert.Equal(0, new FileInfo(bench.Database).Length);
    }

    [Fact]
    public async Task Sidecars_that_a_capture_made_for_somebody_else_are_a_warning()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give files away");
        await using var bench = new SqliteBench();
        bench.Create("wal").Dispose();
        Assert.Equal(["shop.db"], bench.AppFiles());

        // Not root, SQLite leaves them to us; as root, we do to them what it would not.
        var shared = bench.Database + "-shm";
        bench.OnAdvance = _ =>
        {
            if (File.Exists(shared)) bench.Disk.SetOwner(new DiskPath(shared), 1234, 1234);
        };
        var captured = await bench.CaptureAsync();
        var problem = captured.Context.Problems.Single();
        Assert.Equal((StorageErrors.FileDenied, Severity.Warning), (problem.Code, problem.Severity));
        Assert.Equal("complete", captured.Record.State);
        bench.OnAdvance = _ => { };
        Assert.Empty((await bench.CaptureAsync()).Context.Problems);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(65536)]
    public async Task Every_page_size_comes_back(int pageSize)
    {
        await using var bench = new SqliteBench();
        Run(bench.Open(), $"PRAGMA page_size = {pageSize}");
        var captured = await Filled(bench, pageSize);
        Assert.Equal(pageSize.ToString(CultureInfo.InvariantCulture), captured.Fact("pageSize"));
        Assert.Equal("ok", AskFile(await bench.MaterialiseAsync(captured), "PRAGMA integrity_check"));

        static Task<Captured> Filled(SqliteBench bench, int pageSize)
        {
            var app = bench.Open();
            Run(
                app,
                $"PRAGMA page_size = {pageSize}; PRAGMA journal_mode = wal;"
                + "CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)");
            Fill(app, 3000);
            return bench.CaptureAsync();
        }
    }

    internal static void LeaveHotJournal(SqliteBench bench, SqliteConnection app)
    {
        Run(app, "PRAGMA cache_size = 1; BEGIN");
        Run(app, "UPDATE orders SET note = 'rolled back later'");
        Fill(app, 20_000);
        var crashed = bench.CrashCopy();
        Run(app, "ROLLBACK");
        app.Dispose();
        foreach (var suffix in new[] { "", "-journal" })
            File.Move(crashed + suffix, bench.Database + suffix, overwrite: true);
    }

    /// <summary>Whether /proc/locks shows a write lock of this process on the file, by inode.</summary>
    private static bool HoldsWriteLock(string path)
    {
        var inode = Disks.OfThisMachine().Stat(new DiskPath(path))!.Inode;
        return File.ReadLines("/proc/locks").Any(line =>
            line.Contains(" WRITE ", StringComparison.Ordinal)
            && line.Contains($" {Environment.ProcessId} ", StringComparison.Ordinal)
            && line.Contains($":{inode} ", StringComparison.Ordinal));
    }
}
