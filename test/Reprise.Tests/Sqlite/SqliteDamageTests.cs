using System.Text;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Sqlite;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using SQLitePCL;
using static Reprise.Tests.Sqlite.SqliteBench;

namespace Reprise.Tests.Sqlite;

/// <summary>A damaged or odd source is told apart, named, and never taken for a good one.</summary>
public class SqliteDamageTests
{
    [Fact]
    public async Task A_corrupted_page_makes_the_record_damaged_and_the_bytes_are_kept_as_they_are()
    {
        await using var bench = new SqliteBench();
        bench.Create("delete", rows: 5000).Dispose();
        var bytes = File.ReadAllBytes(bench.Database);
        Array.Clear(bytes, 4096 * 20, 300);
        File.WriteAllBytes(bench.Database, bytes);
        var captured = await bench.CaptureAsync();
        Assert.Equal("damaged", captured.Record.State);
        Assert.Equal("damaged", captured.Fact(SqliteFacts.Integrity));
        var problem = captured.Context.Problems.Single();
        Assert.Equal(RecoveryErrors.SqliteDamaged, problem.Code);
        Assert.Equal(Severity.Error, problem.Severity);
        Assert.Equal(ExitCodes.Incomplete, problem.Code.Exit);
        Assert.Equal(("orders", bench.Database), (problem.Asset, problem.Where));
        Assert.DoesNotContain('\n', problem.Message);
        var copy = File.ReadAllBytes(await bench.MaterialiseAsync(captured));
        Assert.Equal(bytes[4096..], copy[4096..]);
    }

    [Fact]
    public async Task A_damaged_schema_page_is_captured_all_the_same()
    {
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var bytes = File.ReadAllBytes(bench.Database);
        Array.Clear(bytes, 100, 300);
        File.WriteAllBytes(bench.Database, bytes);
        var captured = await bench.CaptureAsync();
        Assert.Equal("damaged", captured.Record.State);
        Assert.Equal(RecoveryErrors.SqliteDamaged, captured.Context.Problems.Single().Code);
        Assert.Empty(captured.Record.Rows);
        Assert.Equal("false", captured.Fact(SqliteFacts.AllRowsCounted));
    }

    [Theory]
    [InlineData("text")]
    [InlineData("header")]
    [InlineData("truncated")]
    public async Task What_SQLite_cannot_open_is_refused_and_nothing_is_captured(string damage)
    {
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var bytes = File.ReadAllBytes(bench.Database);
        if (damage == "text") bytes = Encoding.UTF8.GetBytes(new string('x', 9000));
        if (damage == "header") Array.Clear(bytes, 0, 16);
        if (damage == "truncated") bytes = bytes[..(bytes.Length / 2)];
        File.WriteAllBytes(bench.Database, bytes);
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync());
        Assert.Equal(RecoveryErrors.SqliteUnreadable, refused.Code);
        Assert.Equal(ExitCodes.Unavailable, refused.Code.Exit);
        Assert.Contains(bench.Database, refused.Message, StringComparison.Ordinal);

        var state = await bench.Asset.InspectAsync(None);
        Assert.Equal(Presence.Unreadable, state.Presence);
        Assert.True(state.HasData);
        Assert.Equal(RecoveryErrors.SqliteUnreadable, state.Unreadable!.Code);
        Assert.Equal(RecoveryErrors.SqliteUnreadable, (await bench.Asset.DiagnoseAsync(None)).Single().Code);
    }

    [Fact]
    public async Task A_missing_file_and_a_folder_are_told_apart()
    {
        await using var bench = new SqliteBench();
        Assert.Equal(
            StorageErrors.FileMissing, (await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync())).Code);
        Assert.Equal(StorageErrors.FileMissing, (await bench.Asset.DiagnoseAsync(None)).Single().Code);
        Assert.Equal(Presence.Absent, (await bench.Asset.InspectAsync(None)).Presence);

        Directory.CreateDirectory(bench.Database);
        Assert.Equal(
            StorageErrors.FileDenied, (await Assert.ThrowsAsync<RepriseException>(() => bench.CaptureAsync())).Code);
        Assert.Equal(Presence.Unreadable, (await bench.Asset.InspectAsync(None)).Presence);

        Directory.Delete(bench.Database);
        bench.Create("wal");
        Assert.Empty(await bench.Asset.DiagnoseAsync(None));
    }

    [Theory]
    [InlineData(raw.SQLITE_CANTOPEN, "file-denied")]
    [InlineData(raw.SQLITE_BUSY | (1 << 8), "sqlite-busy")]
    [InlineData(raw.SQLITE_LOCKED, "sqlite-busy")]
    [InlineData(raw.SQLITE_READONLY | (3 << 8), "sqlite-needs-recovery")]
    [InlineData(raw.SQLITE_READONLY, "file-denied")]
    [InlineData(raw.SQLITE_NOTADB, "sqlite-unreadable")]
    [InlineData(raw.SQLITE_CORRUPT, "sqlite-unreadable")]
    [InlineData(raw.SQLITE_FULL, "disk-full")]
    [InlineData(raw.SQLITE_IOERR | (1 << 8), "medium-failed")]
    public void Each_answer_of_SQLite_has_its_code(int result, string code)
    {
        var failure = SqliteResultException.Of(result, "no", new DiskPath("/data/x.db"));
        Assert.Equal(code, failure.Code.Name);
        Assert.Equal("/data/x.db", failure.Problem.Where);
        Assert.Equal(ExitCodes.Unavailable, failure.Code.Exit);
    }

    [Fact]
    public async Task A_collation_of_the_applications_own_is_could_not_verify_and_not_a_failure()
    {
        await using var bench = new SqliteBench();
        CreateWithCollation(bench);
        var captured = await bench.CaptureAsync();
        Assert.Equal("complete", captured.Record.State);
        Assert.Equal(SqliteFacts.CouldNotVerify, captured.Fact(SqliteFacts.Integrity));
        Assert.Contains("OWNORDER", captured.Fact(SqliteFacts.IntegrityDetail), StringComparison.Ordinal);
        Assert.Empty(captured.Context.Problems);
        Assert.Contains(bench.Notes, n => n.Contains("integrity_check cannot run", StringComparison.Ordinal));
        Assert.Equal(2, captured.Record.Rows["names"]);
    }

    [Fact]
    public async Task Damage_beside_a_table_that_cannot_be_checked_is_found()
    {
        await using var bench = new SqliteBench();
        CreateWithCollation(bench);
        var root = int.Parse(AskFile(bench.Database, "SELECT rootpage FROM sqlite_schema WHERE name = 'plain'"));
        var bytes = File.ReadAllBytes(bench.Database);
        Array.Fill<byte>(bytes, 0xFF, ((root - 1) * 4096) + 4, 50);
        File.WriteAllBytes(bench.Database, bytes);
        var captured = await bench.CaptureAsync();
        Assert.Equal("damaged", captured.Record.State);
    }

    [Fact]
    public async Task A_function_of_the_applications_own_is_could_not_verify()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("wal");
        app.CreateFunction("own", (string value) => value.Length, isDeterministic: true);
        Run(app, "CREATE INDEX by_own ON orders(own(note))");
        var captured = await bench.CaptureAsync();
        Assert.Equal(SqliteFacts.CouldNotVerify, captured.Fact(SqliteFacts.Integrity));
        Assert.Equal("complete", captured.Record.State);
    }

    private static void CreateWithCollation(SqliteBench bench)
    {
        using var app = bench.Create("delete");
        app.CreateCollation("OWNORDER", string.CompareOrdinal);
        Run(app, "CREATE TABLE names(name TEXT COLLATE OWNORDER); CREATE INDEX by_name ON names(name)");
        Run(app, "INSERT INTO names VALUES ('a'), ('b'); CREATE TABLE plain(x); INSERT INTO plain VALUES (1), (2)");
    }
}
