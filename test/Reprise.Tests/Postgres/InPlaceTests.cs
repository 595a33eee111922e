using System.Diagnostics;
using System.Globalization;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Restoring;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Postgres;

/// <summary>The files of a server in the place of the live ones, and back.</summary>
[Collection(PostgresTests.Name)]
public sealed class InPlaceTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task A_server_under_load_is_stopped_replaced_and_started_and_undo_gives_it_back(int major)
    {
        using var ground = new InPlaceGround(major);
        var server = ground.Server;
        var load = Load(server);
        try
        {
            await Task.Delay(1000);
            await ground.BackupAsync();
            server.Sql("postgres", "insert into marks values (2)");
            var report = await ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl));
            Assert.Equal(RestoreOutcome.Kept, report.Outcome);
            Assert.Equal(SafetyKind.SetAside, report.Safety.State);
            Assert.Equal(Outcome.Pass, report.Checks.Single(c => c.Name == "orders-replay").Outcome);
            var former = Assert.Single(report.Former);
            Assert.StartsWith(ground.Data + ".before-", former.Where, StringComparison.Ordinal);
        }
        finally
        {
            load.Kill();
            await load.WaitForExitAsync();
        }

        Assert.Equal("1", ground.Marks);
        Assert.Equal(ground.Space, server.Sql("postgres", "select pg_tablespace_location(oid) from pg_tablespace where spcname = 'fast'"));
        Assert.Equal("20000", server.Sql("postgres", "select count(*) from spaced"));
        Assert.Equal("off", server.Sql("postgres", "show archive_mode"));
        Assert.Equal("f", server.Sql("postgres", "select pg_is_in_recovery()"));
        Assert.Equal(ground.Data, server.Sql("postgres", "show data_directory"));
        Assert.Equal("", server.Sql("postgres", "select string_agg(name, ',') from pg_settings where name like 'recovery_target%' and setting <> '' and name not in ('recovery_target_timeline', 'recovery_target_action', 'recovery_target_inclusive')"));
        var check = PostgresCluster.Run(Path.Combine(server.Programs, "pg_amcheck"), ["-h", server.Socket, "-U", "postgres", "--install-missing", "--heapallindexed", "-d", "postgres"]);
        Assert.True(check.Exit == 0, check.Output);
        server.Sql("postgres", "insert into marks values (30)");

        var asset = ground.Asset(InPlaceGround.WithPgCtl);
        Assert.Equal(RestoreOutcome.Kept, (await ground.UndoAsync(asset)).Outcome);
        Assert.Equal("1,2", ground.Marks);
        server.Sql("postgres", "insert into marks values (3)");
        Assert.Equal(RestoreOutcome.Kept, (await ground.UndoAsync(asset)).Outcome);
        Assert.Equal("1,30", ground.Marks);
        Assert.Equal(RestoreOutcome.Kept, (await ground.UndoAsync(asset)).Outcome);
        Assert.Equal("1,2,3", ground.Marks);
    }

    [Fact]
    public async Task The_former_server_comes_back_bit_by_bit_and_the_restored_one_too()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.Server.Sql("postgres", "insert into marks values (2); insert into spaced values (-1)");
        ground.StopServer();
        var former = ground.Print(ground.Data);
        var asset = ground.Asset();
        var restored = await ground.RestoreAsync(asset);
        InPlaceGround.AssertSame(former, ground.Print(ground.Data + $".before-{restored.RestoreId}", $"before-{restored.RestoreId}"));
        var fresh = ground.Print(ground.Data);
        var undone = await ground.UndoAsync(asset);
        InPlaceGround.AssertSame(former, ground.Print(ground.Data));
        InPlaceGround.AssertSame(fresh, ground.Print(ground.Data + $".before-{undone.RestoreId}", $"before-{undone.RestoreId}"));
        await ground.UndoAsync(asset);
        InPlaceGround.AssertSame(fresh, ground.Print(ground.Data));
        ground.Server.StartServer();
        Assert.Equal("1", ground.Marks);
        ground.StopServer();

        // Whoever restored once may do so again: the server that is there was put there by us.
        var again = await ground.RestoreAsync(asset);
        Assert.Equal(RestoreOutcome.Kept, again.Outcome);
        Assert.NotEmpty(await ground.Run(asset).ForgetAsync(again.RestoreId.ToString(), CancellationToken.None));
        Assert.False(Directory.Exists(ground.Data + $".before-{again.RestoreId}"));
        Assert.DoesNotContain(Directory.EnumerateDirectories(ground.Space), d => d.EndsWith(again.RestoreId.ToString(), StringComparison.Ordinal));
        ground.Server.StartServer();
        Assert.Equal("1", ground.Marks);
    }

    [Fact]
    public async Task A_server_that_runs_and_that_nobody_may_stop_is_refused_and_goes_on()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        var before = Names(ground);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(s => s with { ServerIsStopped = true })));
        Assert.Equal(RecoveryErrors.TargetInUse, error.Code);
        Assert.Contains("postgres", error.Message, StringComparison.Ordinal);

        // A folder in which nothing works is no proof when the server answers from another one.
        ground.Data += ".elsewhere";
        var asset = ground.Asset(InPlaceGround.WithPgCtl);
        var elsewhere = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(asset));
        Assert.Equal(RecoveryErrors.TargetInUse, elsewhere.Code);
        Assert.Equal(before, Names(ground));
        Assert.Equal("1", ground.Marks);
    }

    [Fact]
    public async Task Whoever_is_connected_is_not_cut_off_while_nobody_stops_the_application()
    {
        using var ground = new InPlaceGround(15) { HasControl = false };
        await ground.BackupAsync();
        var load = Load(ground.Server);
        try
        {
            await Task.Delay(500);
            var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl)));
            Assert.Equal(RecoveryErrors.TargetInUse, error.Code);
            Assert.Contains("pgbench", error.Message, StringComparison.Ordinal);
            Assert.False(load.HasExited);
        }
        finally
        {
            load.Kill();
            await load.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Another_server_at_the_same_place_is_refused_until_its_code_is_given()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.StopServer();
        Directory.Move(ground.Data, ground.Data + ".gone");
        Directory.Move(ground.Space, ground.Space + ".gone");
        PostgresCluster.Run("runuser", ["-u", "postgres", "--", Path.Combine(ground.Server.Programs, "initdb"), "-D", ground.Data, "-U", "postgres", "--no-sync"]);
        var asset = ground.Asset();
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(asset));
        Assert.Equal(RecoveryErrors.TargetIdentity, error.Code);
        var plan = await ground.Run(asset).PlanAsync(new RestoreRequest { Point = ground.Point! }, CancellationToken.None);
        var code = plan.Assets.Single().AcceptCode;
        Assert.DoesNotContain("as many rows", plan.Sentences.GetBack, StringComparison.Ordinal);
        Assert.Contains($"--accept-target {code}", error.Problem.Hint, StringComparison.Ordinal);
        var report = await ground.RestoreAsync(asset, new RestoreChoices { AcceptTargets = [code!] });
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        ground.Server.StartServer();
        Assert.Equal("1", ground.Marks);
    }

    [Fact]
    public async Task A_full_disk_while_it_is_staged_leaves_production_running_and_nothing_behind()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.Server.Sql("postgres", "insert into marks values (2)");
        var before = Names(ground);
        var writes = 0;
        var full = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
        {
            if (call == "File.Write" && path.ToString().Contains(".new-", StringComparison.Ordinal) && writes++ > 200)
                throw FaultyDisk.Failure(StorageErrors.DiskFull, path);
        });
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl, full)));
        Assert.Equal(StorageErrors.DiskFull, error.Code);
        Assert.Equal(before, Names(ground));
        Assert.Equal("1,2", ground.Marks);
    }

    [Fact]
    public async Task A_pid_file_whose_process_cannot_be_seen_is_no_proof_until_somebody_vouches()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.Server.Stop();
        Assert.True(File.Exists(Path.Combine(ground.Data, "postmaster.pid")) || Stale(ground));
        var container = new ContainerDisk(Disks.OfThisMachine());
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(disk: container)));
        Assert.Equal(RecoveryErrors.TargetInUse, error.Code);
        Assert.Contains("--server-is-stopped", error.Problem.Hint, StringComparison.Ordinal);
        var report = await ground.RestoreAsync(ground.Asset(s => s with { ServerIsStopped = true }, container));
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        ground.Server.StartServer();
        Assert.Equal("1", ground.Marks);
    }

    [Fact]
    public async Task Checks_that_fail_bring_the_former_server_back_and_start_it()
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.Server.Sql("postgres", "insert into marks values (2)");
        ground.Checks = [new CheckDefinition.Sql { Name = "orders-readable", Asset = "orders", Query = "" }];
        ground.Answer = _ => ground.Marks == "1" ? Outcome.Fail : Outcome.CouldNotVerify;
        var report = await ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl));
        Assert.Equal(RestoreOutcome.RolledBack, report.Outcome);
        Assert.Equal(Outcome.Fail, report.Checks.Single(c => c.Name == "orders-readable").Outcome);
        Assert.Equal("1,2", ground.Marks);
        Assert.True(Directory.Exists(ground.Data + $".new-{report.RestoreId}"));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(12, false)]
    [InlineData(26, true)]
    public async Task A_restore_that_is_killed_while_it_exchanges_is_continued_or_undone(int step, bool isContinued)
    {
        using var ground = new InPlaceGround(15);
        await ground.BackupAsync();
        ground.Server.Sql("postgres", "insert into marks values (2)");
        var steps = -1;
        var dying = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
        {
            // From the marker on; when it is dead it does nothing more.
            if (steps < 0 && path.ToString().EndsWith(".reprise-swap.new", StringComparison.Ordinal) && call == nameof(IDisk.CreateNew)) steps = 0;
            if (steps > step || (steps >= 0 && FaultyDisk.Changes.Contains(call) && steps++ >= step))
            {
                steps = int.MaxValue;
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
            }
        });
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl, dying)));
        Assert.Equal(RecoveryErrors.PutBackFailed, error.Code);
        var refused = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(ground.Asset(InPlaceGround.WithPgCtl)));
        Assert.Equal(RecoveryErrors.OperationInterrupted, refused.Code);
        Assert.True(File.Exists(Path.Combine(ground.Data, "PG_VERSION")));
        var asset = ground.Asset(InPlaceGround.WithPgCtl);
        var report = isContinued ? await ground.ContinueAsync(asset) : await ground.UndoAsync(asset);
        Assert.DoesNotContain(report.Problems, p => p.Severity == Severity.Error);
        Assert.Equal(isContinued && report.Outcome == RestoreOutcome.Kept ? "1" : "1,2", ground.Marks);
        Assert.False(File.Exists(ground.Data + ".reprise-swap"));
    }

    [Fact]
    public async Task A_data_directory_that_is_a_mount_is_exchanged_in_it_and_never_without_its_version()
    {
        using var ground = new InPlaceGround(15);
        ground.StopServer();
        var moved = ground.Data + ".volume";
        Directory.Move(ground.Data, moved);
        Directory.CreateDirectory(ground.Data);
        if (PostgresCluster.Run("mount", ["--bind", moved, ground.Data]).Exit != 0) Assert.Skip("nothing may be mounted here");
        try
        {
            ground.Server.StartServer();
            await ground.BackupAsync();
            ground.Server.Sql("postgres", "insert into marks values (2)");
            ground.StopServer();
            var former = ground.Print(ground.Data);
            using var entrypoint = new EntryPoint(ground.Data);
            var asset = ground.Asset();
            var restored = await ground.RestoreAsync(asset);
            Assert.Equal(RestoreOutcome.Kept, restored.Outcome);
            var where = Assert.Single(restored.Former).Where;
            Assert.Equal($"{ground.Data}/reprise.before-{restored.RestoreId}", where);
            InPlaceGround.AssertSame(former, ground.Print(where, $"before-{restored.RestoreId}"));
            ground.Server.StartServer();
            Assert.Equal("1", ground.Marks);

            // The former data in it is no part of the server.
            var stored = ground.Bench.StoredBytes;
            await ground.BackupAsync();
            Assert.InRange(ground.Bench.StoredBytes - stored, 1, stored / 2);
            ground.StopServer();
            await ground.UndoAsync(asset);
            InPlaceGround.AssertSame(former, ground.Print(ground.Data));
            Assert.Equal(0, entrypoint.Initialised);
            ground.Server.StartServer();
            Assert.Equal("1,2", ground.Marks);
            ground.Server.Stop();
        }
        finally
        {
            ground.Server.Stop();
            PostgresCluster.Run("umount", [ground.Data]);
        }
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_moment_comes_back_in_place_and_a_restore_that_was_interrupted_before_keeps_to_it(int major)
    {
        using var ground = new InPlaceGround(major);
        var server = ground.Server;
        await ground.BackupAsync();
        server.Sql("postgres", "insert into marks values (5)");
        var wanted = server.Sql("postgres", "select pg_current_wal_insert_lsn()");
        server.Sql("postgres", "insert into marks values (6)");
        server.Sql("postgres", "select pg_switch_wal(); select pg_logical_emit_message(true, 'x', 'y')");
        var archive = await ground.PushAsync();
        var moment = (await new MomentChoice(archive, Cpu.OfThisMachine()).FindAsync(
            ground.Bench.Manifests, null, "orders", new MomentWish.Place(Lsn.Parse(wanted)), new MomentPath(null, null), CancellationToken.None)).Moment;
        Assert.NotNull(moment);

        // Killed while it is staged: what is done again is the same moment.
        var dying = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
        {
            if (call == nameof(IDisk.SyncFileSystem)) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
            if (call == nameof(IDisk.DeleteFolder)) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
        var broken = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.RestoreAsync(
            ground.Asset(s => InPlaceGround.WithPgCtl(s) with { Archive = archive }, dying), moment: moment));
        Assert.Equal(RecoveryErrors.PutBackFailed, broken.Code);
        var report = await ground.ContinueAsync(ground.Asset(s => InPlaceGround.WithPgCtl(s) with { Archive = archive }));
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Contains($"up to {moment.Target}", report.Checks.Single(c => c.Name == "orders-replay").Expected, StringComparison.Ordinal);
        Assert.Equal("1,5", ground.Marks);
        await ground.UndoAsync(ground.Asset(InPlaceGround.WithPgCtl));
        Assert.Equal("1,5,6", ground.Marks);
    }

    [Fact]
    public async Task A_host_that_lost_everything_gets_its_server_back_and_undo_takes_it_away()
    {
        using var ground = new InPlaceGround(17);
        await ground.BackupAsync();
        ground.StopServer();
        Directory.Delete(ground.Data, recursive: true);
        Directory.Delete(ground.Space, recursive: true);
        var asset = ground.Asset(InPlaceGround.WithPgCtl);
        var report = await ground.RestoreAsync(asset);
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal("1", ground.Marks);
        Assert.Equal("20000", ground.Server.Sql("postgres", "select count(*) from spaced"));
        await ground.UndoAsync(asset);
        Assert.False(Directory.Exists(ground.Data));
        await ground.UndoAsync(asset);
        Assert.Equal("1", ground.Marks);
    }

    private static bool Stale(InPlaceGround ground)
    {
        // An immediate stop takes it away; a crash does not.
        File.WriteAllText(Path.Combine(ground.Data, "postmaster.pid"), $"999999\n{ground.Data}\n1\n5432\n{ground.Server.Socket}\n\n1 1\n");
        return true;
    }

    private static string Names(InPlaceGround ground) => string.Join(
        '\n',
        Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(ground.Data)!).Concat(Directory.EnumerateFileSystemEntries(ground.Space)).Order(StringComparer.Ordinal));

    private static Process Load(PostgresCluster server)
    {
        string[] reached = ["-h", server.Socket, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres"];
        var made = PostgresCluster.Run(Path.Combine(server.Programs, "pgbench"), [.. reached, "-i", "-q", "-s", "2", "postgres"]);
        Assert.True(made.Exit == 0, made.Output);
        return Process.Start(new ProcessStartInfo(Path.Combine(server.Programs, "pgbench"), [.. reached, "-n", "-c", "2", "-R", "100", "-T", "120", "postgres"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
    }

    /// <summary>A process that does not see those of other containers.</summary>
    private sealed class ContainerDisk(IDisk inner) : Simulation.PassingDisk(inner)
    {
        public override DiskPath ReadSymbolicLink(DiskPath path) =>
            path.ToString() == "/proc/self/ns/pid" ? new DiskPath("pid:[4026532999]") : base.ReadSymbolicLink(path);
    }

    /// <summary>What an image of PostgreSQL does whenever it is started: it makes a server where it finds none.</summary>
    private sealed class EntryPoint : IDisposable
    {
        private readonly CancellationTokenSource end = new();
        private readonly Thread thread;

        public EntryPoint(string data)
        {
            thread = new Thread(() =>
            {
                while (!end.IsCancellationRequested)
                {
                    if (!File.Exists(Path.Combine(data, "PG_VERSION"))) Initialised++;
                }
            });
            thread.Start();
        }

        public int Initialised { get; private set; }

        public void Dispose()
        {
            end.Cancel();
            thread.Join();
            end.Dispose();
        }
    }
}
