using System.Diagnostics;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;
using static Reprise.Tests.Sqlite.SqliteBench;

namespace Reprise.Tests.Sqlite;

/// <summary>Staging, proving, exchanging and undoing with real databases.</summary>
public class SqliteRestoreTests
{
    private const string Content = "SELECT count(*) || ':' || max(id) || ':' || sum(length(note)) FROM orders";
    private static readonly PointId Id = PointId.At(new DateTimeOffset(2026, 11, 22, 3, 15, 2, TimeSpan.Zero));
    private static readonly Swap Restore = new(Slot.New(Id), Slot.Before(Id));
    private static readonly Swap Undo = new(Slot.Before(Id), Slot.New(Id));

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task A_restore_brings_back_the_point_and_undo_what_was_there(string mode)
    {
        await using var bench = new SqliteBench();
        var app = bench.Create(mode);
        bench.Disk.SetMode(new DiskPath(bench.Database), 0x1A4);
        var wanted = Ask(app, Content);
        var item = await CaptureAsync(bench);
        Run(app, "PRAGMA wal_autocheckpoint = 0; DELETE FROM orders WHERE id % 2 = 0; DROP TABLE empty");
        var lost = Ask(app, Content);
        var crashed = bench.CrashCopy();
        app.Dispose();
        foreach (var suffix in new[] { "", "-wal" })
        {
            if (File.Exists(crashed + suffix)) File.Move(crashed + suffix, bench.Database + suffix, overwrite: true);
        }

        var live = Hashes(bench.Database);
        if (mode == "wal") Assert.Contains("shop.db-wal", bench.AppFiles());
        Assert.Empty(await PreflightAsync(bench, item.Item));
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        Assert.Equal(live, Hashes(bench.Database));
        var checks = await bench.Asset.VerifyStagedAsync(item.Item, bench, None);
        Assert.Equal(["orders-bytes", "orders-integrity", "orders-rows"], checks.Select(c => c.Name));
        Assert.All(checks, c => Assert.Equal(Outcome.Pass, c.Outcome));
        Assert.True((await bench.Asset.InspectSlotAsync(item.Item, Slot.New(Id), None)).Exists);

        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Equal(["shop.db", .. live.Keys.Select(k => $"shop.db.before-{Id}{k}")], bench.AppFiles());
        Assert.Equal(0x1A4, bench.Disk.Stat(new DiskPath(bench.Database))!.Mode);
        var before = await bench.Asset.InspectSlotAsync(item.Item, Slot.Before(Id), None);
        Assert.True(before is { Exists: true, SizeBytes: > 0 });
        Assert.Equal($"{bench.Database}.before-{Id}", before.Where);
        Assert.Equal(wanted, AskFile(bench.Database, Content));
        Assert.Equal(mode, AskFile(bench.Database, "PRAGMA journal_mode"));

        await bench.Asset.SwapAsync(item.Item, Undo, None);
        Assert.Equal(live, Hashes(bench.Database));
        Assert.Equal(lost, AskFile(bench.Database, Content));
        await bench.Asset.DiscardAsync(item.Item, Slot.New(Id), None);
        await bench.Asset.DiscardAsync(item.Item, Slot.New(Id), None);
        Assert.DoesNotContain(bench.AppFiles(), f => f.Contains(".new-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_leftover_hot_journal_never_meets_the_restored_file()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("delete", rows: 1000);
        var item = await CaptureAsync(bench);
        Run(app, "UPDATE orders SET note = 'after the point'");
        SqliteCaptureTests.LeaveHotJournal(bench, app);
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);

        // What happens without the rule: the journal of the old database rolls its pages into the restored one.
        var careless = Path.GetDirectoryName(bench.CrashCopy()) + "/shop.db";
        File.Copy(bench.Database + $".new-{Id}", careless, overwrite: true);
        Assert.Equal("ok", AskFile(careless, "PRAGMA integrity_check"));
        Assert.Equal("1000", AskFile(careless, "SELECT count(*) FROM orders WHERE note = 'after the point'"));

        Assert.Equal(Presence.Unreadable, (await bench.Asset.InspectAsync(None)).Presence);
        var live = Hashes(bench.Database);
        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Equal([$"shop.db", $"shop.db.before-{Id}", $"shop.db.before-{Id}-journal"], bench.AppFiles());
        Assert.Equal("0", AskFile(bench.Database, "SELECT count(*) FROM orders WHERE note = 'after the point'"));
        Assert.Equal(item.Item.Record.Sha256.ToString(), Hash(bench.Database));
        await bench.Asset.SwapAsync(item.Item, Undo, None);
        Assert.Equal(live, Hashes(bench.Database));
    }

    [Fact]
    public async Task An_unreadable_target_is_moved_aside_without_being_opened()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("wal");
        var item = await CaptureAsync(bench);
        app.Dispose();
        foreach (var file in Directory.GetFiles(bench.AppFolder)) File.WriteAllText(file, "overwritten by something");
        File.WriteAllText(bench.Database + "-wal", "rubbish");
        var live = Hashes(bench.Database);
        var real = bench.Disk;
        bench.Disk = new FaultyDisk(real, (call, path) => Assert.False(
            call is nameof(IDisk.OpenRead) or nameof(IDisk.OpenWrite)
            && path.ToString().StartsWith(bench.Database, StringComparison.Ordinal)
            && !path.ToString().Contains(".reprise-swap-", StringComparison.Ordinal),
            $"{call} {path}"));
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        await bench.Asset.SwapAsync(item.Item, Restore, None);
        bench.Disk = real;
        Assert.Equal("2000", AskFile(bench.Database, "SELECT count(*) FROM orders"));
        await bench.Asset.SwapAsync(item.Item, Undo, None);
        Assert.Equal(live, Hashes(bench.Database));
    }

    [Fact]
    public async Task A_database_that_a_process_has_open_is_not_exchanged()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's");
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var item = await CaptureAsync(bench);
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        var files = bench.AppFiles();
        using (var holder = Hold(bench.Database))
        {
            var refused = await Assert.ThrowsAsync<RepriseException>(
                () => bench.Asset.SwapAsync(item.Item, Restore, None));
            Assert.Equal(RecoveryErrors.TargetInUse, refused.Code);
            Assert.Contains($"sleep (pid {holder.Id})", refused.Message, StringComparison.Ordinal);
            Assert.Equal(files, bench.AppFiles());

            var note = (await PreflightAsync(bench, item.Item)).Single();
            Assert.Equal((RecoveryErrors.TargetInUse, Severity.Note), (note.Code, note.Severity));
            Assert.Contains($"sleep (pid {holder.Id})", (await bench.Asset.InspectAsync(None)).Users);
            End(holder);
        }

        var users = (await bench.Asset.InspectAsync(None)).Users;
        Assert.DoesNotContain(users, u => u.StartsWith("sleep", StringComparison.Ordinal));
        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Contains($"shop.db.before-{Id}", bench.AppFiles());
    }

    [Fact]
    public async Task A_process_that_opens_it_at_the_last_moment_gets_it_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's");
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        File.WriteAllText(bench.Database + "-journal", "a sidecar");
        var item = await CaptureWithoutJournalAsync(bench);
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        var files = bench.AppFiles();
        Process? late = null;
        var real = bench.Disk;
        bench.Disk = new FaultyDisk(real, (call, _) =>
        {
            if (call == nameof(IDisk.RenameNew)) late ??= Hold(bench.Database);
        });
        var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.Asset.SwapAsync(item.Item, Restore, None));
        Assert.Equal(RecoveryErrors.TargetInUse, refused.Code);
        Assert.Equal(files, bench.AppFiles());
        End(late!);
        late!.Dispose();
        bench.Disk = real;
        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Contains($"shop.db.before-{Id}-journal", bench.AppFiles());
    }

    [Theory]
    [InlineData("byte", "orders-bytes")]
    [InlineData("row", "orders-rows")]
    [InlineData("page", "orders-integrity")]
    public async Task What_is_staged_wrong_is_found(string damage, string check)
    {
        await using var bench = new SqliteBench();
        bench.Create("delete", rows: 5000).Dispose();
        var item = await CaptureAsync(bench);
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        var staged = bench.Database + $".new-{Id}";
        if (damage == "row") AskFile(staged, "DELETE FROM orders WHERE id = 1");
        if (damage != "row")
        {
            var bytes = File.ReadAllBytes(staged);
            if (damage == "byte") bytes[71] ^= 1;
            else Array.Clear(bytes, 4096 * 20, 300);
            File.WriteAllBytes(staged, bytes);
        }

        var checks = await bench.Asset.VerifyStagedAsync(item.Item, bench, None);
        var failed = checks.Single(c => c.Name == check);
        Assert.Equal(Outcome.Fail, failed.Outcome);
        Assert.True(failed.Required);
        Assert.NotEqual(failed.Expected, failed.Actual);
        Assert.NotNull(failed.Reason);
        Assert.Equal(Outcome.Fail, checks.Single(c => c.Name == "orders-bytes").Outcome);
        Assert.DoesNotContain(bench.AppFiles(), f => f.EndsWith("-wal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_staged_is_an_error_and_not_a_pass()
    {
        await using var bench = new SqliteBench();
        bench.Create("wal");
        var item = await CaptureAsync(bench);
        var refused = await Assert.ThrowsAsync<RepriseException>(
            () => bench.Asset.VerifyStagedAsync(item.Item, bench, None));
        Assert.Equal(RecoveryErrors.StagedWrong, refused.Code);
    }

    [Fact]
    public async Task Staging_that_is_interrupted_starts_again_and_leaves_the_live_file_alone()
    {
        await using var bench = new SqliteBench();
        bench.Create("wal").Dispose();
        var item = await CaptureAsync(bench);
        var live = Hashes(bench.Database);
        var real = bench.Disk;
        for (var stop = 1; ; stop++)
        {
            var step = 0;
            var last = stop;
            bench.Disk = new FaultyDisk(real, (call, path) =>
            {
                if (FaultyDisk.Changes.Contains(call) && ++step == last)
                    throw FaultyDisk.Failure(StorageErrors.DiskFull, path);
            });
            try
            {
                await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
                Assert.True(stop > 5, $"{stop} steps");
                break;
            }
            catch (RepriseException e) when (e.Code == StorageErrors.DiskFull)
            {
                Assert.Equal(live, Hashes(bench.Database));
            }
        }

        bench.Disk = real;
        var checks = await bench.Asset.VerifyStagedAsync(item.Item, bench, None);
        Assert.All(checks, c => Assert.Equal(Outcome.Pass, c.Outcome));
    }

    [Fact]
    public async Task Too_little_room_and_a_folder_in_the_way_are_said_before_anything_is_touched()
    {
        await using var bench = new SqliteBench();
        bench.Create("wal").Dispose();
        var item = await CaptureAsync(bench);
        var content = item.Item.Record.Streams[SqliteFacts.Stream] with { LengthBytes = 1L << 60 };
        var huge = item.Item with
        {
            Record = item.Item.Record with
            {
                Streams = new SortedDictionary<string, Content> { [SqliteFacts.Stream] = content },
            },
        };
        var problem = (await PreflightAsync(bench, huge)).Single();
        Assert.Equal((RecoveryErrors.TargetTooSmall, ExitCodes.Refused), (problem.Code, problem.Code.Exit));

        foreach (var file in Directory.GetFiles(bench.AppFolder)) File.Delete(file);
        Directory.CreateDirectory(bench.Database);
        Assert.Equal(StorageErrors.FileExists, (await PreflightAsync(bench, item.Item)).Single().Code);
    }

    [Fact]
    public async Task A_folder_that_may_not_be_written_is_said_in_advance()
    {
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var item = await CaptureAsync(bench);
        var real = bench.Disk;
        bench.Disk = new FaultyDisk(real, (call, path) =>
        {
            if (call == nameof(IDisk.CreateNew)) throw FaultyDisk.Failure(StorageErrors.FileDenied, path);
        });
        Assert.Equal(StorageErrors.FileDenied, (await PreflightAsync(bench, item.Item)).Single().Code);
        bench.Disk = real;
        Assert.Empty(await PreflightAsync(bench, item.Item));
        Assert.Equal(["shop.db"], bench.AppFiles());
    }

    [Fact]
    public async Task On_a_bare_host_folder_and_file_come_back_with_mode_and_owner()
    {
        await using var bench = new SqliteBench();
        bench.Create("wal").Dispose();
        bench.Disk.SetMode(new DiskPath(bench.Database), 0x1A0);
        bench.Disk.SetMode(new DiskPath(bench.AppFolder), 0x1F9);
        if (Environment.IsPrivilegedProcess)
        {
            bench.Disk.SetOwner(new DiskPath(bench.Database), 1234, 5678);
            bench.Disk.SetOwner(new DiskPath(bench.AppFolder), 4321, 8765);
        }

        var (file, folder) = (Permissions(bench, bench.Database), Permissions(bench, bench.AppFolder));
        var item = await CaptureAsync(bench);
        Directory.Delete(bench.AppFolder, recursive: true);
        Assert.Empty(await PreflightAsync(bench, item.Item));
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Equal(file, Permissions(bench, bench.Database));
        Assert.Equal(folder, Permissions(bench, bench.AppFolder));
        Assert.Equal("2000", AskFile(bench.Database, "SELECT count(*) FROM orders"));
        Assert.Empty(bench.Notes);
    }

    [Fact]
    public async Task Behind_a_symbolic_link_the_file_is_exchanged_where_it_is()
    {
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var link = bench.ScratchText + "/link.db";
        File.CreateSymbolicLink(link, "../app/shop.db");
        var item = await CaptureAsync(bench);
        var asset = bench.AssetAt(link);
        await asset.StageAsync(item.Item, item.Reader, bench, None);
        await asset.SwapAsync(item.Item, Restore, None);
        Assert.Equal(["shop.db", $"shop.db.before-{Id}"], bench.AppFiles());
        Assert.Equal("../app/shop.db", new FileInfo(link).LinkTarget);
        Assert.True(asset.Owns(new DiskPath(link)));
    }

    [Fact]
    public async Task A_target_is_described_with_rows_identity_and_size()
    {
        await using var bench = new SqliteBench();
        var app = bench.Create("wal", rows: 12);
        Run(app, "PRAGMA application_id = 5");
        var state = await bench.Asset.InspectAsync(None);
        Assert.Equal(Presence.Readable, state.Presence);
        Assert.True(state.HasData);
        Assert.Equal(12, state.Rows["orders"]);
        Assert.Equal(bench.Database, state.Where);
        Assert.Equal("5", state.Identity["applicationId"]);
        Assert.Equal(bench.Database, state.Identity["path"]);
        Assert.True(state.SizeBytes > new FileInfo(bench.Database).Length);
        var captured = await bench.CaptureAsync();
        Assert.Equal(captured.Record.Identity, state.Identity);

        Run(app, "DELETE FROM orders");
        Assert.False((await bench.Asset.InspectAsync(None)).HasData);
    }

    [Fact]
    public async Task An_interrupted_exchange_is_named_and_its_slots_are_not_touched()
    {
        await using var bench = new SqliteBench();
        bench.Create("delete").Dispose();
        var item = await CaptureAsync(bench);
        await bench.Asset.StageAsync(item.Item, item.Reader, bench, None);
        var real = bench.Disk;
        bench.Disk = new FaultyDisk(real, (call, path) =>
        {
            if (call == nameof(IDisk.Rename)) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
        await Assert.ThrowsAsync<RepriseException>(() => bench.Asset.SwapAsync(item.Item, Restore, None));
        bench.Disk = real;
        var state = await bench.Asset.InspectAsync(None);
        Assert.Equal(Presence.Unreadable, state.Presence);
        Assert.Equal(RecoveryErrors.OperationInterrupted, state.Unreadable!.Code);
        foreach (var work in new Func<Task>[]
        {
            () => bench.Asset.DiscardAsync(item.Item, Slot.Before(Id), None),
            () => bench.Asset.StageAsync(item.Item, item.Reader, bench, None),
            () => bench.CaptureAsync(),
        })
        {
            Assert.Equal(
                RecoveryErrors.OperationInterrupted, (await Assert.ThrowsAsync<RepriseException>(work)).Code);
        }

        await bench.Asset.SwapAsync(item.Item, Restore, None);
        Assert.Equal("2000", AskFile(bench.Database, "SELECT count(*) FROM orders"));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("-wal", true)]
    [InlineData("-shm", true)]
    [InlineData("-journal", true)]
    [InlineData(".new-20261122T031502Z-7f3a", true)]
    [InlineData(".before-20261122T031502Z-7f3a-wal", true)]
    [InlineData(".reprise-swap-aside", true)]
    [InlineData(".bak", false)]
    [InlineData("2", false)]
    public async Task Its_own_files_are_known(string suffix, bool owns)
    {
        await using var bench = new SqliteBench();
        Assert.Equal(owns, bench.Asset.Owns(new DiskPath(bench.Database + suffix)));
    }

    private static async Task<(RestoreItem Item, PointReader Reader)> CaptureAsync(SqliteBench bench)
    {
        var captured = await bench.CaptureAsync();
        return (new RestoreItem(Id, captured.Record), captured.Reader);
    }

    /// <summary>Without the note that some processes may not be looked at, which depends on the machine.</summary>
    private static async Task<IReadOnlyList<Problem>> PreflightAsync(SqliteBench bench, RestoreItem item) =>
        [.. (await bench.Asset.PreflightAsync(item, None))
            .Where(p => !p.Message.Contains("could not be asked", StringComparison.Ordinal))];

    /// <summary>A file that only looks like a journal must not be there while SQLite reads.</summary>
    private static async Task<(RestoreItem Item, PointReader Reader)> CaptureWithoutJournalAsync(SqliteBench bench)
    {
        var journal = bench.Database + "-journal";
        File.Move(journal, journal + ".away");
        var item = await CaptureAsync(bench);
        File.Move(journal + ".away", journal);
        return item;
    }

    private static SortedDictionary<string, string> Hashes(string main)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var suffix in new[] { "", "-wal", "-shm", "-journal" })
        {
            if (File.Exists(main + suffix)) hashes[suffix] = Hash(main + suffix);
        }

        return hashes;
    }

    private static (int Mode, uint User, uint Group) Permissions(SqliteBench bench, string path)
    {
        var status = bench.Disk.Stat(new DiskPath(path))!;
        return (status.Mode, status.User, status.Group);
    }

    /// <summary>A process that has the file open and does nothing.</summary>
    private static Process Hold(string path)
    {
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", "exec sleep 60 < \"$0\"", path } };
        var process = Process.Start(start)!;
        while (File.ReadAllText($"/proc/{process.Id}/comm").Trim() != "sleep") Thread.Sleep(2);
        return process;
    }

    private static void End(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }
}
