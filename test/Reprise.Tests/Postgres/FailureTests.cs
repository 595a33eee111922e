using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>
/// Every way in which a capture or a restore can fail: its code, nothing committed, nothing left behind.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class FailureTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly PostgresCluster cluster;
    private readonly FakeClients clients;

    public FailureTests(PostgresRoom room)
    {
        cluster = room.Cluster;
        clients = new FakeClients(cluster, bench.Folder);
        cluster.Sql("postgres", "drop database if exists failing with (force); create database failing;");
        cluster.Sql(
            "failing",
            "create table t(i int, v text); insert into t select g, md5(g::text) from generate_series(1, 20000) g;");
    }

    private PostgresAsset Asset => bench.Asset(cluster, "failing", s => s with { ClientFolder = clients.Folder });

    public void Dispose() => bench.Dispose();

    [Theory]
    [InlineData("REAL \"$@\" 2>/dev/null | head -c 300000; exit 0", "dump-invalid", "ended inside the data of t")]
    [InlineData("REAL \"$@\" 2>/dev/null | head -c 700; exit 0", "dump-invalid", "inside its table of contents")]
    [InlineData("REAL \"$@\" 2>/dev/null | head -c 300000; kill -9 $$", "child-failed", "exit 137")]
    [InlineData("REAL \"$@\"; exit 1", "child-failed", "exit 1")]
    [InlineData("REAL \"$@\"; echo 'pg_dump: error: a page is damaged' >&2", "child-failed", "a page is damaged")]
    [InlineData("echo 'this is no dump, but it is long enough to look at'", "dump-invalid", "does not begin")]
    [InlineData("exit 0", "dump-invalid", "inside its table of contents")]
    public async Task A_dump_that_fails_commits_nothing(string script, string code, string message)
    {
        clients.Set("pg_dump", script);
        var e = await Assert.ThrowsAsync<RepriseException>(() => bench.BackupAsync(Asset));
        Assert.Equal(code, e.Code.Name);
        Assert.Equal(ExitCodes.Unavailable, e.Code.Exit);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(0, await bench.PointsAsync());
        clients.Set("pg_dump", "exec REAL \"$@\"");
        var (record, _) = await bench.BackupAsync(Asset);
        Assert.Equal(20000, record.Rows["public.t"]);
    }

    [Fact]
    public async Task A_warning_is_kept_with_the_point()
    {
        clients.Set("pg_dump", "echo 'pg_dump: warning: something is odd' >&2; exec REAL \"$@\"");
        var (record, _) = await bench.BackupAsync(Asset);
        Assert.Equal("complete", record.State);
        var problem = Assert.Single(bench.Problems);
        Assert.Equal((RecoveryErrors.DumpWarning, Severity.Warning), (problem.Code, problem.Severity));
        Assert.Contains("something is odd", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_that_cannot_be_dumped_are_a_warning()
    {
        clients.Set("pg_dumpall", "echo 'pg_dumpall: error: permission denied' >&2; exit 1");
        var (record, _) = await bench.BackupAsync(Asset);
        Assert.False(record.Streams.ContainsKey("globals"));
        Assert.True(record.Streams.ContainsKey("roles"));
        Assert.Contains("roles and tablespaces", Assert.Single(bench.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_the_dump_does_not_hold_are_noticed()
    {
        // A dump that leaves rows out, as one would with a row filter of a careless wrapper.
        clients.Set("pg_dump", $"exec REAL \"$@\"");
        cluster.Sql("failing", "create table half(i int); insert into half values (1), (2);");
        var e = await Assert.ThrowsAsync<RepriseException>(() => bench.BackupAsync(bench.Asset(
            cluster, "failing", s => s with { ClientFolder = OtherSnapshot() })));
        Assert.Equal(RecoveryErrors.DumpInvalid, e.Code);
        Assert.Contains("3 rows of public.half, the server counts 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_older_than_the_server_is_refused_and_a_missing_one_named()
    {
        clients.Claim("14.11");
        var e = await Assert.ThrowsAsync<RepriseException>(() => bench.BackupAsync(Asset));
        Assert.Equal(RecoveryErrors.ClientTooOld, e.Code);
        Assert.Contains("14.11", e.Message, StringComparison.Ordinal);
        Assert.Contains("postgresql-client-15", e.Problem.Hint, StringComparison.Ordinal);

        var none = bench.Asset(cluster, "failing", s => s with { ClientFolder = "/nonexistent" });
        Assert.Equal(
            RecoveryErrors.ClientMissing,
            (await Assert.ThrowsAsync<RepriseException>(() => bench.BackupAsync(none))).Code);
        var via = bench.Asset(cluster, "failing", s => s with { Via = ["env", "PATH=/nonexistent"] });
        Assert.Equal(
            RecoveryErrors.ClientMissing,
            (await Assert.ThrowsAsync<RepriseException>(() => bench.BackupAsync(via))).Code);
    }

    [Theory]
    [InlineData(false, "child-failed")]
    [InlineData(true, "sql-failed")]
    public async Task A_restore_that_fails_half_way_leaves_production_and_can_be_discarded(bool large, string code)
    {
        var asset = large ? bench.Asset(cluster, "failing", s => s with { LargeTableBytes = 0 }) : Asset;
        // A constraint that held when the row was written, and holds no longer: what a changed function leaves behind.
        cluster.Sql("failing", """
            create function fine() returns boolean language sql
              as $f$select current_setting('application_name') <> 'reprise'$f$;
            create table aa(i int check (fine()));
            insert into aa values (1);
            """);
        var (record, point) = await bench.BackupAsync(Asset);
        var before = cluster.Dump("failing");
        var item = new RestoreItem(PostgresBench.NewId(), record);
        var e = await Assert.ThrowsAnyAsync<RepriseException>(() => asset.StageAsync(item, point, bench.Progress, None));
        Assert.Equal(code, e.Code.Name);
        Assert.Equal(large, bench.Progress.Steps.Contains("restore the rows of failing"));
        Assert.Contains("violates check constraint", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, cluster.Dump("failing"));
        Assert.Empty(Directory.GetFiles(bench.Folder));
        Assert.True((await Asset.InspectSlotAsync(item, Slot.New(item.RestoreId), None)).Exists);
        await Asset.DiscardAsync(item, Slot.New(item.RestoreId), None);
        await Asset.DiscardAsync(item, Slot.New(item.RestoreId), None);
        Assert.False((await Asset.InspectSlotAsync(item, Slot.New(item.RestoreId), None)).Exists);
        Assert.Equal(before, cluster.Dump("failing"));
    }

    [Theory]
    [InlineData("REAL \"$@\"; echo 'pg_restore: error: could not execute query' >&2")]
    [InlineData("REAL \"$@\"; exit 1")]
    [InlineData("exit 1")]
    public async Task A_restore_is_judged_by_exit_and_by_what_was_said(string script)
    {
        var (record, point) = await bench.BackupAsync(Asset);
        clients.Set("pg_restore", script);
        var item = new RestoreItem(PostgresBench.NewId(), record);
        var e = await Assert.ThrowsAsync<RepriseException>(() => Asset.StageAsync(item, point, bench.Progress, None));
        Assert.Equal(RecoveryErrors.ChildFailed, e.Code);
        await Asset.DiscardAsync(item, Slot.New(item.RestoreId), None);
    }

    [Fact]
    public async Task What_is_staged_wrong_is_said_and_an_interrupted_attempt_is_begun_again()
    {
        cluster.Sql("failing", """
            create table gone(i int);
            create table alembic_version(version_num text);
            insert into alembic_version values ('a1');
            create sequence s;
            select nextval('s'), nextval('s');
            """);
        var (record, point) = await bench.BackupAsync(Asset);
        var item = new RestoreItem(PostgresBench.NewId(), record);
        await Asset.StageAsync(item, point, bench.Progress, None);
        var staged = SlotNames.Of("failing", Slot.New(item.RestoreId));
        Assert.DoesNotContain(
            await Asset.VerifyStagedAsync(item, bench.Progress, None), outcome => outcome.Outcome == Outcome.Fail);
        cluster.Sql(staged, """
            delete from t where i <= 5;
            drop table gone;
            update alembic_version set version_num = 'b2';
            select setval('s', 1);
            """);
        var failed = (await Asset.VerifyStagedAsync(item, bench.Progress, None)).Where(o => o.Outcome == Outcome.Fail)
            .ToDictionary(o => o.Name);
        Assert.Contains(
            "public.t has 19995 rows instead of 20000", failed["orders-rows"].Actual, StringComparison.Ordinal);
        Assert.Contains("public.gone is missing", failed["orders-rows"].Actual, StringComparison.Ordinal);
        Assert.Equal(
            ("alembic:a1", "alembic:b2"), (failed["orders-migration"].Expected, failed["orders-migration"].Actual));
        Assert.Contains("public.s is at 1, it was at 2", failed["orders-sequences"].Actual, StringComparison.Ordinal);

        await Asset.StageAsync(item, point, bench.Progress, None);
        Assert.DoesNotContain(
            await Asset.VerifyStagedAsync(item, bench.Progress, None), outcome => outcome.Outcome == Outcome.Fail);
        await Asset.DiscardAsync(item, Slot.New(item.RestoreId), None);
    }

    [Fact]
    public async Task What_would_stop_a_restore_is_known_before()
    {
        var (record, _) = await bench.BackupAsync(Asset);
        Assert.Empty(await PreflightAsync(Asset, record));

        var newer = record with { Versions = With(record.Versions, "server", "99.1") };
        Assert.Contains(
            await PreflightAsync(Asset, newer),
            p => p.Code == RecoveryErrors.ServerTooOld && p.Code.Exit == ExitCodes.Refused);

        var unread = record with { Versions = With(record.Versions, "archive", "1.16") };
        Assert.Contains(await PreflightAsync(Asset, unread), p => p.Code == RecoveryErrors.ClientTooOld);

        var facts = record.Facts["databases"].Replace(
            "\"extensions\":[]", "\"extensions\":[{\"name\":\"postgis\",\"version\":\"3\"}]", StringComparison.Ordinal)
            .Replace("\"dumpBytes\":", "\"dumpBytes\":99999999", StringComparison.Ordinal);
        var odd = record with { Facts = With(record.Facts, "databases", facts) };
        var problems = await PreflightAsync(Asset, odd);
        Assert.Contains(
            problems,
            p => p.Code == RecoveryErrors.ExtensionMissing && p.Message.Contains("postgis", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Code == RecoveryErrors.TargetTooSmall && p.Severity == Severity.Error);

        cluster.Sql("postgres", "create role little login");
        var poor = bench.Asset(
            cluster, "failing", s => s with { ConnectionText = cluster.Connection("failing", "little") });
        var refused = await PreflightAsync(poor, record);
        Assert.Contains(
            refused,
            p => p.Code == RecoveryErrors.PrivilegeMissing
                && p.Message.Contains("may not create databases", StringComparison.Ordinal));
        Assert.Contains(refused, p => p.Message.Contains("cannot give objects to postgres", StringComparison.Ordinal));
        Assert.Contains(refused, p => p.Message.Contains("cannot rename database failing", StringComparison.Ordinal));
        Assert.All(refused, p => Assert.Equal("orders", p.Asset));

        var doctor = await poor.DiagnoseAsync(None);
        Assert.Contains(
            doctor,
            p => p is { Severity: Severity.Error } && p.Code == RecoveryErrors.PrivilegeMissing
                && p.Message.Contains("public.t", StringComparison.Ordinal));
        Assert.Empty(await Asset.DiagnoseAsync(None));
        cluster.Sql("postgres", "drop role little");
    }

    private static SortedDictionary<string, string> With(
        IReadOnlyDictionary<string, string> all, string key, string value) =>
        new(all.ToDictionary()) { [key] = value };

    private async Task<IReadOnlyList<Problem>> PreflightAsync(PostgresAsset asset, AssetRecord record) =>
        await asset.PreflightAsync(new RestoreItem(PostgresBench.NewId(), record), None);

    // Ignores the snapshot that it is told, after a row more has come.
    private string OtherSnapshot()
    {
        clients.Set("pg_dump", $$"""
            {{Path.Combine(cluster.Programs, "psql")}} -X -q -h {{cluster.Socket}} -U postgres -d failing \
              -c 'insert into half values (3)'
            for a in "$@"; do case $a in --snapshot=*) ;; *) set -- "$@" "$a";; esac; shift; done
            exec REAL "$@"
            """);
        return clients.Folder;
    }
}
