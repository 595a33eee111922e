using Microsoft.Data.Sqlite;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Postgres;

namespace Reprise.Tests.Drills;

/// <summary>What a drill of a sound point says, and what it asks.</summary>
public sealed class DrillTests(ShopServer server) : IClassFixture<ShopServer>, IDisposable
{
    private readonly DrillBench bench = new();

    /// <summary>Every row of the small database names a file.</summary>
    public static CheckDefinition.Set Set => new()
    {
        Name = "uploads-are-there", Asset = "sessions", Query = "select name from sessions", Files = "runtime",
    };

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task A_sound_backup_passes_and_nothing_is_left_of_the_sandbox()
    {
        bench.Checks = [Set];
        var record = await bench.DrillAsync(bench.Database(server.Shop), Sessions(), bench.Files(bench.Folder));
        Assert.True(record.Verdict == Outcome.Pass, string.Join('\n', record.Findings));
        Assert.Equal(4, record.Level);
        Assert.Equal(Outcome.Pass, record.CleanUp.Outcome);
        Assert.Equal(Outcome.CouldNotVerify, record.Separation.Outcome);
        Assert.True(record.Checks.Single(c => c.Check.Name == "uploads-are-there").Discriminates);
        Assert.True(record.Checks.Single(c => c.Check.Name == "orders-content").Discriminates);
        Assert.False(record.Checks.Single(c => c.Check.Name == "orders-amcheck").Discriminates);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"reprise-drill-{record.Id}*"));
    }

    [Fact]
    public async Task A_table_that_was_read_beside_the_dump_is_compared_too()
    {
        var large = new PostgresSettings { ConnectionText = server.Shop, LargeTableBytes = 1 };
        var record = await bench.DrillAsync(new PostgresAsset("orders", large, bench.PostgresHost));
        Twins.AssertPasses(record, "orders-content");
        Assert.Equal(Outcome.Pass, record.Checks.Single(c => c.Check.Name == "orders-digest").Check.Outcome);
    }

    [Fact]
    public async Task A_question_that_nothing_answers_as_well_is_named()
    {
        bench.Checks = [new CheckDefinition.Sqlite { Name = "anything", Asset = "sessions", Query = "select 1", Expect = null }];
        var record = await bench.DrillAsync(Sessions());
        Assert.Equal(Outcome.Pass, record.Verdict);
        Assert.False(record.Checks.Single(c => c.Check.Name == "anything").Discriminates);
        Assert.Equal("note", record.Findings.Single(f => f.Code == "check-not-discriminating").Severity);
    }

    private Reprise.Recovery.Sqlite.SqliteAsset Sessions()
    {
        var file = Path.Combine(Directory.CreateDirectory(bench.Folder + "/uploads").Parent!.FullName, "sessions.db"); // just made
        File.WriteAllText(bench.Folder + "/uploads/a.txt", "a");
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "create table sessions(id int primary key, name text); insert into sessions values (1, 'uploads/a.txt')";
        command.ExecuteNonQuery();
        return bench.Sqlite(file);
    }
}
