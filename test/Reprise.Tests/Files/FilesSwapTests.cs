using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Files;

public sealed class FilesSwapTests : IDisposable
{
    private readonly FilesFixture fixture = new(memory: true);

    public void Dispose() => fixture.Dispose();

    private static CancellationToken None => FilesFixture.None;

    private static Slot New(int number) => Slot.New(FilesFixture.Id(number));

    private static Slot Before(int number) => Slot.Before(FilesFixture.Id(number));

    [Fact]
    public async Task A_restore_brings_the_point_and_an_undo_brings_everything_back()
    {
        BuildLive();
        var asset = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(asset);
        var atCapture = fixture.Snapshot();
        Disturb();
        var disturbed = fixture.Snapshot();

        var item = await fixture.RestoreAsync(asset, captured);

        var restored = fixture.Snapshot();
        Assert.Equal(Expected(atCapture, disturbed), restored);
        Assert.Equal([".reprise-before-" + item.RestoreId], fixture.Slots());
        Assert.True((await asset.InspectSlotAsync(item, Before(1), None)).Exists);
        Assert.False((await asset.InspectSlotAsync(item, New(1), None)).Exists);

        await asset.SwapAsync(item, new Swap(New(1), Before(1)), None);
        Assert.Equal(restored, fixture.Snapshot());

        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal(disturbed, fixture.Snapshot());
        await asset.SwapAsync(item, new Swap(Before(2), Before(3)), None);
        Assert.Equal(restored, fixture.Snapshot());
        await asset.SwapAsync(item, new Swap(Before(3), Before(4)), None);
        Assert.Equal(disturbed, fixture.Snapshot());
        await asset.DiscardAsync(item, Before(4), None);
        await asset.DiscardAsync(item, Before(4), None);
        Assert.Empty(fixture.Slots());
        Assert.Equal(disturbed, fixture.Snapshot());
    }

    [Fact]
    public async Task A_swap_that_fails_at_any_step_is_finished_by_the_next_call()
    {
        await FailEveryStepAsync(async (asset, item, disturbed, restored) =>
        {
            await asset.SwapAsync(item, new Swap(New(1), Before(1)), None);
            Assert.Equal(restored, fixture.Snapshot(withRootTime: false));
            Assert.Equal([".reprise-before-" + item.RestoreId], fixture.Slots());
            await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
            Assert.Equal(disturbed, fixture.Snapshot(withRootTime: false));
        });
    }

    [Fact]
    public async Task A_swap_that_fails_at_any_step_can_be_taken_back_and_done_again()
    {
        await FailEveryStepAsync(async (asset, item, disturbed, restored) =>
        {
            if ((await asset.InspectSlotAsync(item, Before(1), None)).Exists)
            {
                await asset.SwapAsync(item, new Swap(Before(1), New(1)), None);
                await asset.SwapAsync(item, new Swap(Before(1), New(1)), None);
            }

            Assert.Equal(disturbed, fixture.Snapshot(withRootTime: false));
            await asset.SwapAsync(item, new Swap(New(1), Before(1)), None);
            Assert.Equal(restored, fixture.Snapshot(withRootTime: false));
            await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
            Assert.Equal(disturbed, fixture.Snapshot(withRootTime: false));
        });
    }

    [Fact]
    public async Task A_taking_back_that_fails_at_any_step_is_finished_by_the_next_call()
    {
        // After the plan is written, in each phase of the forward swap; every step of taking that back is failed.
        foreach (var forward in new[] { 20, 30, 42, 54 })
        {
            var failing = forward;
            await FailEveryStepAsync(
                async (asset, item, disturbed, restored) =>
                {
                    await asset.SwapAsync(item, new Swap(Before(1), New(1)), None);
                    Assert.Equal(disturbed, fixture.Snapshot(withRootTime: false));
                    await asset.SwapAsync(item, new Swap(New(1), Before(1)), None);
                    Assert.Equal(restored, fixture.Snapshot(withRootTime: false));
                    await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
                },
                async (item, good) => await Assert.ThrowsAsync<RepriseException>(() => fixture
                    .Asset(Settings(), FailingAt(failing))
                    .SwapAsync(item, new Swap(New(1), Before(1)), None)),
                new Swap(Before(1), New(1)),
                every: 3);
        }
    }

    [Fact]
    public async Task With_nothing_incoming_everything_live_is_set_aside()
    {
        BuildLive();
        var asset = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(asset);
        var item = new RestoreItem(FilesFixture.Id(1), captured.Record);
        var before = fixture.Snapshot();

        await asset.SwapAsync(item, new Swap(null, Before(1)), None);
        await asset.SwapAsync(item, new Swap(null, Before(1)), None);

        Assert.False(fixture.Exists("uploads/a/1.jpg"));
        Assert.False(fixture.Exists("config/a.yaml"));
        Assert.False(fixture.Exists("only"));
        Assert.True(fixture.Exists("uploads/debug.log"));
        Assert.True(fixture.Exists("foreign"));
        Assert.True((await asset.InspectSlotAsync(item, Before(1), None)).Exists);
        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task Onto_an_empty_place_and_back_to_nothing()
    {
        BuildLive();
        var asset = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(asset);
        var atCapture = fixture.Snapshot();
        new FilesSlots(fixture.Real, fixture.Outside).DeleteTree(fixture.Root);
        Assert.Equal(Presence.Absent, (await asset.InspectAsync(None)).Presence);

        var item = await fixture.RestoreAsync(asset, captured);

        Assert.True(fixture.Exists("uploads/a/1.jpg"));
        Assert.False(fixture.Exists("uploads/debug.log"));
        Assert.False(fixture.Exists("foreign"));
        var restored = fixture.Snapshot(withRootTime: false);
        foreach (var (path, line) in restored)
            if (path != ".") Assert.Equal(atCapture[path], line);
        Assert.False((await asset.InspectSlotAsync(item, Before(1), None)).Exists);
        await asset.SwapAsync(item, new Swap(null, Before(2)), None);
        Assert.Single(fixture.Snapshot());
        await asset.SwapAsync(item, new Swap(Before(2), Before(3)), None);
        Assert.Equal(restored, fixture.Snapshot(withRootTime: false));
    }

    [Fact]
    public async Task Nothing_is_written_through_a_link_that_leads_elsewhere()
    {
        BuildLive();
        var asset = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(asset);
        var elsewhere = fixture.Outside / "elsewhere";
        fixture.Real.MakeFolder(elsewhere);
        Delete("uploads");
        Delete("config");
        fixture.Real.MakeSymbolicLink(fixture.Root / "uploads", elsewhere);
        fixture.Real.MakeSymbolicLink(fixture.Root / "config", elsewhere);
        var before = fixture.Snapshot();

        var item = await fixture.RestoreAsync(asset, captured);

        Assert.Empty(fixture.Real.List(elsewhere));
        Assert.Equal(FileType.Folder, fixture.Real.Stat(fixture.Root / "uploads")?.Type);
        Assert.Equal(FileType.Folder, fixture.Real.Stat(fixture.Root / "config")?.Type);
        Assert.Equal("one", fixture.Read("uploads/a/1.jpg"));
        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task Files_and_folders_may_have_changed_places()
    {
        fixture.Write("x", "was a file");
        fixture.Write("y/inside", "was in a folder");
        fixture.Real.MakeFolder(fixture.Root / "y/hollow");
        var asset = fixture.Asset();
        var captured = await fixture.CaptureAsync(asset);
        var atCapture = fixture.Snapshot();
        Delete("x");
        Delete("y");
        fixture.Write("x/inside", "now in a folder");
        fixture.Write("y", "now a file");
        var before = fixture.Snapshot();

        var item = await fixture.RestoreAsync(asset, captured);

        Assert.Equal(atCapture, fixture.Snapshot());
        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task A_folder_with_files_of_others_is_not_removed_for_a_file()
    {
        fixture.Write("x", "was a file");
        var settings = fixture.Settings() with { Exclude = ["**/*.log"] };
        var asset = fixture.Asset(settings);
        var captured = await fixture.CaptureAsync(asset);
        Delete("x");
        fixture.Write("x/kept.log", "not of this asset");
        var item = await fixture.StageAsync(asset, captured);
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => asset.SwapAsync(item, new Swap(New(1), Before(1)), None));
        Assert.Equal(StorageErrors.FileExists, error.Code);
        Assert.Equal("not of this asset", fixture.Read("x/kept.log"));
        await asset.SwapAsync(item, new Swap(Before(1), New(1)), None);
        Assert.Equal("not of this asset", fixture.Read("x/kept.log"));
    }

    [Fact]
    public async Task What_appears_during_a_swap_is_neither_lost_nor_overwritten()
    {
        fixture.Write("a", "old");
        var asset = fixture.Asset();
        var captured = await fixture.CaptureAsync(asset);
        fixture.Write("a", "live");
        var item = await fixture.StageAsync(asset, captured);
        var disk = new FaultyDisk(fixture.Real, (call, path) =>
        {
            if (call == "RenameNew" && path == fixture.Root / "a" && !fixture.Exists("a"))
                fixture.Write("a", "written by somebody");
        });
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => fixture.Asset(disk: disk).SwapAsync(item, new Swap(New(1), Before(1)), None));
        Assert.Equal(RecoveryErrors.TargetInUse, error.Code);
        Assert.Equal("written by somebody", fixture.Read("a"));
        var problems = await asset.DiagnoseAsync(None);
        Assert.Contains(problems, p => p.Code == RecoveryErrors.OperationInterrupted);
        var other = new RestoreItem(FilesFixture.Id(9), captured.Record);
        Assert.Contains(await asset.PreflightAsync(other, None), p => p.Code == RecoveryErrors.OperationInterrupted);
        Assert.DoesNotContain(
            await asset.PreflightAsync(item, None), p => p.Code == RecoveryErrors.OperationInterrupted);
        var discard = await Assert.ThrowsAsync<RepriseException>(() => asset.DiscardAsync(item, Before(1), None));
        Assert.Equal(RecoveryErrors.OperationInterrupted, discard.Code);

        fixture.Real.DeleteFile(fixture.Root / "a");
        await asset.SwapAsync(item, new Swap(New(1), Before(1)), None);
        Assert.Equal("old", fixture.Read("a"));
    }

    [Fact]
    public async Task Another_file_system_below_the_root_is_copied_and_compared()
    {
        BuildLive();
        var disk = new FaultyDisk(fixture.Real, (call, path) =>
        {
            if (call != "RenameNew" || !path.ToString().Contains("/uploads/a/", StringComparison.Ordinal)) return;
            if (fixture.Real.Stat(path.Parent / ".reprise-part") is null)
                throw FaultyDisk.Failure(StorageErrors.CrossesFileSystems, path);
        });
        Delete("uploads/same.jpg");
        var asset = fixture.Asset(Settings(), disk);
        var captured = await fixture.CaptureAsync(asset);
        var atCapture = fixture.Snapshot();
        Disturb();
        var disturbed = fixture.Snapshot();
        var item = await fixture.RestoreAsync(asset, captured);
        Assert.Equal(Expected(atCapture, disturbed), fixture.Snapshot());
        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal(disturbed, fixture.Snapshot());
    }

    [Fact]
    public async Task Swapping_in_what_is_not_staged_is_refused()
    {
        BuildLive();
        var asset = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(asset);
        var item = new RestoreItem(FilesFixture.Id(1), captured.Record);
        var before = fixture.Snapshot();
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => asset.SwapAsync(item, new Swap(New(1), Before(1)), None));
        Assert.Equal(StorageErrors.FileMissing, error.Code);
        Assert.Equal(before, fixture.Snapshot());

        var disk = FailingAt(25);
        await Assert.ThrowsAsync<RepriseException>(
            () => fixture.Asset(Settings(), disk).StageAsync(item, captured.Point, fixture.Progress, None));
        await Assert.ThrowsAsync<RepriseException>(() => asset.SwapAsync(item, new Swap(New(1), Before(1)), None));
        await Assert.ThrowsAsync<RepriseException>(() => asset.VerifyStagedAsync(item, fixture.Progress, None));
        Assert.Equal(before, fixture.Snapshot());
        await asset.DiscardAsync(item, New(1), None);
        Assert.Equal(before, fixture.Snapshot());
        Assert.Empty(fixture.Slots());
    }

    [Fact]
    public async Task What_another_asset_owns_by_now_is_neither_restored_nor_moved()
    {
        fixture.Write("data/app.txt", "text");
        fixture.Write("data/new.db", "captured as a file");
        var captured = await fixture.CaptureAsync(fixture.Asset());
        fixture.Write("data/new.db", "a database by now");
        var settings = fixture.Settings() with { ExcludedByRule = [fixture.Root + "/data/new.db*"] };
        var asset = fixture.Asset(settings);
        var item = await fixture.RestoreAsync(asset, captured);
        Assert.Equal("a database by now", fixture.Read("data/new.db"));
        Assert.Contains(fixture.Progress.Notes, note => note.Contains("another asset owns", StringComparison.Ordinal));
        await asset.SwapAsync(item, new Swap(Before(1), Before(2)), None);
        Assert.Equal("a database by now", fixture.Read("data/new.db"));
    }

    private static FilesSettings SettingsOf(FilesFixture fixture) => fixture.Settings(
        "compose.yaml", "config/*.yaml", "uploads/**", "only/here") with { Exclude = ["**/*.log"] };

    private FilesSettings Settings() => SettingsOf(fixture);

    private void BuildLive()
    {
        fixture.Write("compose.yaml", "services");
        fixture.Write("config/a.yaml", "a");
        fixture.Write("config/b.yaml", "b", 0x180);
        fixture.Write("config/local.txt", "not of the asset");
        fixture.Write("uploads/a/1.jpg", "one");
        fixture.Write("uploads/a/2.jpg", "two");
        fixture.Write("uploads/debug.log", "excluded");
        fixture.Write("foreign", "not of the asset");
        fixture.Real.MakeFolder(fixture.Root / "uploads/hollow", 0x1ED);
        fixture.Real.Link(fixture.Root / "uploads/a/1.jpg", fixture.Root / "uploads/same.jpg");
        fixture.Real.MakeSymbolicLink(fixture.Root / "uploads/latest", new DiskPath("a/1.jpg"));
        fixture.Write("only/here/x", "x");
        fixture.Real.SetMode(fixture.Root / "uploads/a", 0x16D);
        fixture.Real.SetModified(fixture.Root / "uploads/a", new UnixTime(1_100_000_000, 7));
        fixture.Real.SetModified(fixture.Root / "uploads", new UnixTime(1_200_000_000, 8));
        fixture.Real.SetModified(fixture.Root / "config", new UnixTime(1_300_000_000, 9));
    }

    private void Disturb()
    {
        fixture.Real.SetMode(fixture.Root / "uploads/a", 0x1ED);
        fixture.Write("compose.yaml", "changed");
        fixture.Real.DeleteFile(fixture.Root / "config/b.yaml");
        fixture.Write("config/new.yaml", "the point does not know it");
        fixture.Write("uploads/debug.log", "still written");
        fixture.Write("uploads/later/3.jpg", "three");
        fixture.Real.MakeFolder(fixture.Root / "uploads/empty-later", 0x1C0);
        fixture.Real.DeleteFolder(fixture.Root / "uploads/hollow");
        Delete("only");
        fixture.Real.SetModified(fixture.Root / "uploads/later", new UnixTime(1_400_000_000, 1));
        fixture.Real.SetModified(fixture.Root / "uploads", new UnixTime(1_500_000_000, 2));
        fixture.Real.SetModified(fixture.Root / "config", new UnixTime(1_600_000_000, 3));
        fixture.Real.SetModified(fixture.Root, new UnixTime(1_700_000_000, 4));
    }

    /// <summary>The point's entries, and what is not of the asset as it is live.</summary>
    private static SortedDictionary<string, string> Expected(
        SortedDictionary<string, string> atCapture, SortedDictionary<string, string> live)
    {
        var expected = new SortedDictionary<string, string>(atCapture, StringComparer.Ordinal);
        foreach (var (path, line) in live)
        {
            var name = path == "." ? "" : line.Split(' ')[0];
            if (name is "" or "config" or "config/local.txt" or "foreign" or "uploads/debug.log") expected[path] = line;
        }

        return expected;
    }

    private void Delete(string path)
    {
        if (fixture.Real.Stat(fixture.Root / path)?.Type == FileType.Folder)
            new FilesSlots(fixture.Real, fixture.Root).DeleteTree(fixture.Root / path);
        else
            fixture.Real.DeleteFile(fixture.Root / path);
    }

    private FaultyDisk FailingAt(int failing)
    {
        var step = 0;
        return new FaultyDisk(fixture.Real, (call, path) =>
        {
            if (FaultyDisk.Changes.Contains(call) && step++ == failing)
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
    }

    /// <summary>
    /// Fails a swap at its 1st, 2nd, … change until it passes, each time from the same start, and lets
    /// <paramref name="then"/> bring it to an end, and back, with a disk that works.
    /// </summary>
    private async Task FailEveryStepAsync(
        Func<FilesAsset, RestoreItem, SortedDictionary<string, string>, SortedDictionary<string, string>, Task> then,
        Func<RestoreItem, FilesAsset, Task>? first = null,
        Swap? swap = null,
        int every = 1)
    {
        Delete("");
        fixture.Real.MakeFolder(fixture.Root, 0x1ED);
        BuildLive();
        var good = fixture.Asset(Settings());
        var captured = await fixture.CaptureAsync(good);
        var atCapture = fixture.Snapshot(withRootTime: false);
        Disturb();
        var disturbed = fixture.Snapshot(withRootTime: false);
        for (var failing = 0; ; failing += every)
        {
            var item = await fixture.StageAsync(good, captured);
            if (first is not null) await first(item, good);
            var failed = false;
            try
            {
                await fixture.Asset(Settings(), FailingAt(failing))
                    .SwapAsync(item, swap ?? new Swap(New(1), Before(1)), None);
            }
            catch (RepriseException e) when (e.Message.StartsWith("injected", StringComparison.Ordinal))
            {
                failed = true;
            }

            await then(good, item, disturbed, Expected(atCapture, disturbed));
            Assert.Equal(disturbed, fixture.Snapshot(withRootTime: false));
            for (var slot = 1; slot <= 2; slot++) await good.DiscardAsync(item, Before(slot), None);
            if (!failed)
            {
                Assert.True(failing > 10, $"only {failing} steps were failed");
                return;
            }
        }
    }
}
