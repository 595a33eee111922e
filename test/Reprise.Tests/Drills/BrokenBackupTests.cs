using Microsoft.Data.Sqlite;
using Reprise.Recovery.Evidence;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Tests.Repository;

namespace Reprise.Tests.Drills;

/// <summary>
/// Points of SQLite, files and secrets, repositories and keys that are broken, each in its own way and beside a twin that
/// differs in that alone: one fails for its own reason, the other passes. What is damaged is the source, or what is
/// sealed; for PostgreSQL see <see cref="BrokenDatabaseTests"/>.
/// </summary>
public sealed class BrokenBackupTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly DrillBench bench = new();

    public BrokenBackupTests()
    {
        Directory.CreateDirectory(bench.Folder + "/uploads");
        Write("a.txt", "a");
        Write("b.txt", "b");
        Execute("create table sessions(id int primary key, name text); create index by_name on sessions(name);"
            + "insert into sessions values (1, 'uploads/a.txt'), (2, 'uploads/b.txt')");
    }

    private string SessionsFile => bench.Folder + "/sessions.db";

    private string CopyFile => bench.Folder + "/copy.db";

    public void Dispose() => bench.Dispose();

    // The log is of a time before the last row was moved into the database: opened together, the two are the older state.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_beside_a_write_ahead_log_of_an_earlier_time(bool stale)
    {
        using var writer = await BeginWritingAsync();
        Execute(writer, "insert into sessions values (3, 'earlier')");
        File.Copy(SessionsFile + "-wal", bench.Folder + "/earlier-wal");
        Execute(writer, "pragma wal_checkpoint(truncate); insert into sessions values (4, 'later'); pragma wal_checkpoint(truncate)");
        File.Copy(SessionsFile, CopyFile);
        File.Copy(stale ? bench.Folder + "/earlier-wal" : SessionsFile + "-wal", CopyFile + "-wal");
        await AssertRowsAsync(stale);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_that_was_copied_without_its_write_ahead_log(bool without)
    {
        using var writer = await BeginWritingAsync();
        Execute(writer, "insert into sessions values (3, 'late')");
        File.Copy(SessionsFile, CopyFile);
        if (!without) File.Copy(SessionsFile + "-wal", CopyFile + "-wal");
        await AssertRowsAsync(without);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_index_that_does_not_fit_its_table(bool broken)
    {
        if (broken)
        {
            Execute("pragma writable_schema = 1;"
                + "update sqlite_schema set sql = 'CREATE INDEX by_name ON sessions(id)' where name = 'by_name'");
        }

        Judge(broken, await bench.DrillAsync(bench.Sqlite(SessionsFile)), "staged-integrity-differ", "sessions-integrity");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_that_the_point_speaks_of_and_does_not_hold(bool broken)
    {
        var asset = ReadAgain(() =>
        {
            if (broken) File.Delete(bench.Folder + "/uploads/a.txt");
        });
        Judge(broken, await bench.DrillAsync(asset), "file-missing", "runtime-files");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_that_was_altered_after_the_manifest(bool broken)
    {
        var asset = ReadAgain(() => Write("a.txt", broken ? "A" : "a"));
        Judge(broken, await bench.DrillAsync(asset), "file-altered", "runtime-content");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_that_points_to_a_file_that_is_not_there(bool broken)
    {
        bench.Checks = [DrillTests.Set];
        Execute("insert into sessions values (3, 'uploads/c.txt')");
        if (!broken) Write("c.txt", "c");
        Judge(
            broken,
            await bench.DrillAsync(bench.Sqlite(SessionsFile), bench.Files(bench.Folder)),
            "file-missing",
            "uploads-are-there");
    }

    // The point is sound; what came back of it is not. Only the sandbox can be broken for that.
    [Theory]
    [InlineData("file-missing", "runtime-files")]
    [InlineData("file-altered", "runtime-content")]
    public async Task A_file_that_came_back_otherwise_or_not_at_all(string reason, string check)
    {
        bench.Changed = (asset, places) => asset.Name != "runtime" ? asset : new HookedAsset(asset)
        {
            Staged = _ => Break(reason, places.Of("runtime").ToString()),
        };
        Twins.AssertFails(await bench.DrillAsync(bench.Files(bench.Folder)), reason, check);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_secret_that_is_another_one_now(bool broken)
    {
        bench.SecretsFile = bench.Folder + "/.env";
        await File.WriteAllTextAsync(bench.SecretsFile, "JWT_SECRET=one\n", None);
        await bench.TakeAsync(bench.Signing, bench.Files(bench.Folder), bench.Secrets());
        if (broken) await File.WriteAllTextAsync(bench.SecretsFile, "JWT_SECRET=two\n", None);
        Judge(broken, await bench.DrillNewestAsync(), "secret-differs", "secret-JWT_SECRET");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pack_in_which_one_byte_was_altered(bool broken)
    {
        await bench.TakeAsync(bench.Signing, bench.Sqlite(SessionsFile));
        var pack = bench.Store.Names().First(n => n.Value.StartsWith("packs/", StringComparison.Ordinal));
        var bytes = (await bench.Store.BytesAsync(pack)).ToArray();
        bytes[bytes.Length / 2] ^= (byte)(broken ? 1 : 0);
        await bench.Store.PutAsync(pack, bytes, PutMode.Replace, None);
        Judge(broken, await bench.DrillNewestAsync(), "object-damaged", "point-bytes");
    }

    [Fact]
    public async Task With_the_key_of_another_repository_nothing_is_drilled()
    {
        await bench.TakeAsync(bench.Signing, bench.Files(bench.Folder));
        using var other = new DrillBench();
        await AssertRefusedAsync("key-wrong", other.Key);
        Twins.AssertPasses(await bench.DrillNewestAsync(), "runtime-files");
    }

    // Who has the repository and its key, and not the key of the metadata.
    [Theory]
    [InlineData("the key", null)]
    [InlineData("another key", "signature-wrong")]
    [InlineData("", "signature-missing")]
    public async Task A_manifest_that_somebody_else_made_is_not_drilled(string signing, string? refusal)
    {
        bench.Signing = SigningKeys.From("the key", null);
        await bench.TakeAsync(bench.Signing, bench.Files(bench.Folder));
        await bench.ForgeAsync(SigningKeys.From(signing, null), bench.Files(bench.Folder));
        if (refusal is not null) await AssertRefusedAsync(refusal, null);
        else Twins.AssertPasses(await bench.DrillNewestAsync(), "runtime-files");
    }

    [Theory]
    [InlineData("the key", true)]
    [InlineData("another key", false)]
    [InlineData("", false)]
    public async Task A_manifest_that_somebody_else_made_does_not_say_what_need_not_be_read(string signing, bool isBase)
    {
        bench.Signing = SigningKeys.From("the key", null);
        await bench.TakeAsync(bench.Signing, bench.Files(bench.Folder));
        await bench.ForgeAsync(SigningKeys.From(signing, null), bench.Files(bench.Folder));
        var seen = new List<bool>();
        var asset = new HookedAsset(bench.Files(bench.Folder))
        {
            Captured = (record, context) =>
            {
                seen.Add(context.PreviousPoint is not null);
                return Task.FromResult(record);
            },
        };
        await bench.TakeAsync(bench.Signing, asset);
        Assert.Equal([isBase], seen);
    }

    private async Task AssertRefusedAsync(string code, KeyFile? key)
    {
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.DrillNewestAsync(key));
        Assert.Equal(code, refused.Code.Name);
    }

    private static void Judge(bool broken, DrillRecord record, string reason, string check)
    {
        if (broken) Twins.AssertFails(record, reason, check);
        else Twins.AssertPasses(record, check);
    }

    // The manifest is of the live database; what is sealed was read from a copy of its files.
    private async Task AssertRowsAsync(bool broken)
    {
        var record = await bench.DrillAsync(new HookedDatabase(bench.Sqlite(CopyFile))
        {
            Captured = async (made, context) =>
                made with { Rows = (await bench.Sqlite(SessionsFile).CaptureAsync(context, None)).Rows },
        });
        Judge(broken, record, "staged-rows-differ", "sessions-rows");
    }

    // The manifest is of the files as they were; what is sealed was read again when something had happened to them.
    private HookedAsset ReadAgain(Action meanwhile) => new(bench.Files(bench.Folder))
    {
        Captured = async (made, context) =>
        {
            meanwhile();
            return made with { Streams = (await bench.Files(bench.Folder).CaptureAsync(context, None)).Streams };
        },
    };

    // A time to the second, which .NET can set again as it was.
    private void Write(string name, string text)
    {
        File.WriteAllText($"{bench.Folder}/uploads/{name}", text);
        File.SetLastWriteTimeUtc($"{bench.Folder}/uploads/{name}", DateTime.UnixEpoch.AddDays(20000));
    }

    private static void Break(string reason, string folder)
    {
        var file = Directory.EnumerateFiles(folder, "a.txt", SearchOption.AllDirectories).Single();
        var time = File.GetLastWriteTimeUtc(file);
        if (reason == "file-missing") File.Delete(file);
        else File.WriteAllText(file, "A");
        if (File.Exists(file)) File.SetLastWriteTimeUtc(file, time);
    }

    private async Task<SqliteConnection> BeginWritingAsync()
    {
        var writer = new SqliteConnection($"Data Source={SessionsFile};Pooling=False");
        await writer.OpenAsync(None);
        Execute(writer, "pragma journal_mode = wal; pragma wal_autocheckpoint = 0");
        return writer;
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={SessionsFile};Pooling=False");
        connection.Open();
        Execute(connection, sql);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
