using System.Globalization;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>
/// A server that asks for passwords, over the wire and through a prefix: what is wrong is told apart.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class LoginTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly PostgresCluster cluster = PostgresCluster.Start(15, tcp: true);

    public LoginTests()
    {
        cluster.Sql(
            "postgres", "create role shop login superuser password 'p w\"$''x'; create database shop owner shop;");
        cluster.Sql("shop", "create table t(i int); insert into t values (1), (2);");
        File.WriteAllText(
            Path.Combine(cluster.Data, "pg_hba.conf"),
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        cluster.Sql("postgres", "select pg_reload_conf()");
    }

    private string Port => cluster.Port.ToString(CultureInfo.InvariantCulture);

    private string Good => $"postgresql://shop:p%20w%22%24%27x@127.0.0.1:{Port}/shop";

    private IReadOnlyList<string> Inside =>
        ["env", "PGHOST=127.0.0.1", $"PGPORT={Port}", $"PATH={cluster.Programs}:/usr/bin:/bin"];

    public void Dispose()
    {
        bench.Dispose();
        cluster.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_reason_has_its_code(bool via)
    {
        var (record, point) = await bench.BackupAsync(Asset(Good, via));
        Assert.Equal(2, record.Rows["public.t"]);
        await bench.RestoreAsync(Asset(Good, via), record, point);
        Assert.Equal("2", await Asset(Good, via).AskAsync("select count(*) from t;", None));
        Assert.Null(await Asset(Good, via).AskAsync("select i from t where i > 5", None));
        Assert.Equal("", await Asset(Good, via).AskAsync("select ''", None));
        Assert.Equal("a\nb", await Asset(Good, via).AskAsync("select E'a\\nb'", None));
        Assert.Equal(
            RecoveryErrors.SqlFailed, (await FailsAsync(() => Asset(Good, via).AskAsync("select 1/0", None))).Code);
        Assert.Equal(
            RecoveryErrors.SqlFailed, (await FailsAsync(() => Asset(Good, via).AskAsync("delete from t", None))).Code);
        Assert.Equal(
            RecoveryErrors.SqlFailed, (await FailsAsync(() => Asset(Good, via).AskAsync("selekt", None))).Code);

        var wrong = await FailsAsync(
            () => bench.BackupAsync(Asset(Good.Replace("p%20w", "wrong", StringComparison.Ordinal), via)));
        Assert.Equal((RecoveryErrors.PasswordRefused, ExitCodes.Unavailable), (wrong.Code, wrong.Code.Exit));
        Assert.DoesNotContain("wrong", wrong.ToString(), StringComparison.Ordinal);
        var none = await FailsAsync(() => bench.BackupAsync(Asset($"postgresql://shop@127.0.0.1:{Port}/shop", via)));
        Assert.Equal(RecoveryErrors.PasswordRefused, none.Code);
        var missing = await FailsAsync(() => bench.BackupAsync(Asset(Good + "pe", via)));
        Assert.Equal(RecoveryErrors.DatabaseMissing, missing.Code);
        Assert.Equal(Presence.Absent, (await Asset(Good + "pe", via).InspectAsync(None)).Presence);

        cluster.Stop();
        var down = await FailsAsync(() => bench.BackupAsync(Asset(Good, via)));
        Assert.Equal((RecoveryErrors.DatabaseUnavailable, ExitCodes.Unavailable), (down.Code, down.Code.Exit));
        var state = await Asset(Good, via).InspectAsync(None);
        Assert.Equal(
            (Presence.Unreadable, RecoveryErrors.DatabaseUnavailable), (state.Presence, state.Unreadable?.Code));
        Assert.Contains(await Asset(Good, via).DiagnoseAsync(None), p => p.Code == RecoveryErrors.DatabaseUnavailable);
    }

    [Theory]
    [InlineData("trust", "scram-sha-256", true)]
    [InlineData("scram-sha-256", "scram-sha-256", true)]
    [InlineData("password", "scram-sha-256", true)]
    [InlineData("md5", "md5", true)]
    [InlineData("reject", "scram-sha-256", false)]
    public async Task Large_tables_are_read_whatever_the_server_asks_for(string method, string stored, bool isIn)
    {
        cluster.Sql("shop", $"set password_encryption = '{stored}'; alter role shop password 'p w\"$''x'");
        await File.WriteAllTextAsync(
            Path.Combine(cluster.Data, "pg_hba.conf"), $"local all all trust\nhost all all 127.0.0.1/32 {method}\n");
        cluster.Sql("postgres", "select pg_reload_conf()");
        var target = new PostgresConnection
        {
            Host = "127.0.0.1", Port = cluster.Port, User = "shop", Password = "p w\"$'x", Database = "shop",
        };
        using var connection = await OpenAsync(target);
        Assert.Equal(isIn, connection is not null);
        if (connection is null) return;
        Assert.Equal("2", await connection.AskAsync("select count(*) from t", None));
        var error = await Assert.ThrowsAsync<SqlException>(() => connection.AskAsync("select 1/0", None));
        Assert.Equal("22012", error.State);
        error = await Assert.ThrowsAsync<SqlException>(
            () => connection.CopyOutAsync("copy (select 1/(3-g) from generate_series(1,9) g) to stdout", Nothing, None));
        Assert.Equal("22012", error.State);
        var bytes = 0L;
        var rows = await connection.CopyOutAsync(
            "copy (select g, repeat('x', g % 3000) from generate_series(1, 20000) g) to stdout",
            (block, _) =>
            {
                bytes += block.Length;
                return ValueTask.CompletedTask;
            },
            None);
        Assert.Equal(20000, rows);
        Assert.Equal(
            await connection.AskAsync(
                "select sum(length(g::text) + 2 + g % 3000) from generate_series(1, 20000) g", None),
            bytes.ToString(CultureInfo.InvariantCulture));
        if (method is "trust") return;
        using var wrong = await OpenAsync(target with { Password = "p w" });
        Assert.Null(wrong);
        using var none = await OpenAsync(target with { Password = null });
        Assert.Null(none);
    }

    [Fact]
    public async Task A_connection_that_is_ended_in_the_middle_of_rows_is_an_error()
    {
        using var connection = await OpenAsync(
            new PostgresConnection { Host = cluster.Socket, Port = cluster.Port, User = "postgres", Database = "shop" });
        Assert.NotNull(connection);
        var pid = await connection.AskAsync("select pg_backend_pid()", None);
        var isEnded = false;
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => connection.CopyOutAsync(
            "copy (select repeat('x', 1000) from generate_series(1, 2000000)) to stdout",
            (_, _) =>
            {
                if (!isEnded) cluster.Sql("shop", $"select pg_terminate_backend({pid})");
                isEnded = true;
                return ValueTask.CompletedTask;
            },
            None));
        Assert.Equal(RecoveryErrors.DatabaseUnavailable, error.Code);
        await Assert.ThrowsAnyAsync<RepriseException>(() => connection.AskAsync("select 1", None));
    }

    [Fact]
    public void A_server_that_does_not_know_the_password_is_noticed()
    {
        // The example of RFC 7677, section 3, with the nonce that it uses.
        var scram = new Scram("pencil", new byte[18]);
        var challenge = scram.First()["n,,n=,".Length..] + "%hvYDpWUa2RaTCAfuxFIlj)hNlF,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        Assert.NotNull(scram.Final(challenge));
        Assert.False(scram.Accepts("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        Assert.False(scram.Accepts("e=other-error"));
        Assert.Null(scram.Final("r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        Assert.Null(scram.Final(challenge.Replace("4096", "999999999", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task No_password_is_in_an_argument()
    {
        var clients = new FakeClients(cluster, bench.Folder);
        var log = Path.Combine(bench.Folder, "arguments");
        foreach (var program in (string[])["pg_dump", "pg_restore", "pg_dumpall", "psql"])
        {
            clients.Set(program, $"tr '\\0' ' ' </proc/$PPID/cmdline >>{log}; echo \"$@\" >>{log}; exec REAL \"$@\"");
        }

        foreach (var via in (bool[])[false, true])
        {
            var asset = bench.Asset(cluster, "", s => s with
            {
                ConnectionText = Good,
                ClientFolder = clients.Folder,
                Via = via
                    ? ["env", "PGHOST=127.0.0.1", $"PGPORT={Port}", $"PATH={clients.Folder}:/usr/bin:/bin"]
                    : null,
            });
            var (record, point) = await bench.BackupAsync(asset);
            await bench.RestoreAsync(asset, record, point);
        }

        var arguments = await File.ReadAllTextAsync(log);
        Assert.Contains("--snapshot=", arguments, StringComparison.Ordinal);
        Assert.DoesNotContain("p w", arguments, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefix_that_leads_nowhere_is_named()
    {
        string[] nowhere = ["sh", "-c", "echo 'Error: No such container: db' >&2; exit 1"];
        var asset = bench.Asset(cluster, "", s => s with { ConnectionText = Good, Via = nowhere });
        var e = await FailsAsync(() => bench.BackupAsync(asset));
        Assert.Equal(RecoveryErrors.DatabaseUnavailable, e.Code);
        Assert.Contains("No such container: db", e.Message, StringComparison.Ordinal);
    }

    private static Task<RepriseException> FailsAsync(Func<Task> action) =>
        Assert.ThrowsAnyAsync<RepriseException>(action);

    private Task<WireConnection?> OpenAsync(PostgresConnection target) => WireConnection.TryOpenAsync(
        target, "shop", Reprise.Storage.Runtime.Entropy.System, Reprise.Storage.Runtime.Cpu.OfThisMachine(), None);

    private static ValueTask Nothing(ReadOnlyMemory<byte> block, CancellationToken cancellationToken) => default;

    private PostgresAsset Asset(string connection, bool via) =>
        bench.Asset(cluster, "", s => s with { ConnectionText = connection, Via = via ? Inside : null });
}
