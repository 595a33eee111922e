namespace Reprise.Acceptance.BadInput;

/// <summary>
/// A disk that fills up in each phase: said as such, with the place; nothing half-done is taken for done, nothing is
/// left beside the data, and with room the same command passes.
/// </summary>
public class FullDiskTests
{
    private const string WithStop = """
        control:
          stop:  [sh, -c, "test ! -e ../full || dd if=/dev/zero of=$(cat ../full)/ballast bs=4k 2>/dev/null || true"]
          start: ["true"]

        """;

    [Fact]
    public async Task The_repository_is_full_while_a_backup_writes_its_packs()
    {
        using var application = SmallApplication.Make();
        using var disk = await TinyDisk.MountAsync(application.Repository, 2 << 20);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        var points = await application.PointsAsync();
        application.Fill(seed: 2, rows: 500, files: 12, fileBytes: 400_000);
        var before = application.Everything();
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "disk-full");
        Assert.Equal(before, application.Everything());
        Assert.Equal(points, await application.PointsAsync());
        (await application.RepriseAsync("verify", "--json")).MustExit(0).Json("verify");
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(application.Repository, ".tmp")));

        await disk.GrowAsync(32 << 20);
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
        (await application.RepriseAsync("restore", "--yes")).MustExit(0);
    }

    [Fact]
    public async Task The_repository_has_no_room_for_even_a_first_object()
    {
        using var application = await SmallApplication.WithPointAsync();
        var points = await application.PointsAsync();
        await application.ToolAsync("mv", application.Repository, application.Path("copy"));
        using var disk = await TinyDisk.MountAsync(application.Repository, 4 << 20);
        await application.ToolAsync("cp", "-a", application.Path("copy") + "/.", application.Repository);
        disk.Fill();
        application.Fill(seed: 2, rows: 500);
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "disk-full");
        Assert.Equal(points, await application.PointsAsync());

        // The way back needs the repository too: without a safety point nothing is published.
        var before = application.Everything();
        var problem = (await application.RepriseAsync("restore", "--yes", "--json"))
            .MustFail("restore", 3, "safety-impossible");
        Assert.Contains("no space left", problem.Said(), StringComparison.Ordinal);
        Assert.Equal(before, application.Everything());
        disk.MakeRoom();
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
    }

    [Fact]
    public async Task The_folder_for_temporary_files_is_full_while_a_database_is_copied()
    {
        using var application = await SmallApplication.WithPointAsync(rows: 8_000);
        using var disk = await TinyDisk.MountAsync(application.Path("scratch"), 400_000);
        application.Variables["TMPDIR"] = disk.Folder;
        var points = await application.PointsAsync();
        var before = application.Everything();
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "disk-full");
        Assert.Equal(before, application.Everything());
        Assert.Equal(points, await application.PointsAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Folder));

        await disk.GrowAsync(16 << 20);
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Folder));
    }

    [Fact]
    public async Task The_target_runs_out_of_files_while_data_is_staged()
    {
        using var application = SmallApplication.Make();
        // Bytes are plenty, so that the preflight has no reason to refuse: it is the number of files that ends.
        using var disk = await TinyDisk.MountAsync(application.Path("app"), 64 << 20, files: 90);
        Build(application, files: 60);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        application.Fill(seed: 2, rows: 20, files: 60);
        var before = application.Everything();
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "disk-full");
        Assert.Equal(before, application.Everything());

        await disk.GrowAsync(64 << 20);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.NotEqual(before, application.Everything());
    }

    [Theory]
    [InlineData("app")]
    [InlineData("state")]
    [InlineData("recovery")]
    public async Task A_disk_that_fills_up_once_the_application_is_stopped_changes_nothing_or_everything(string full)
    {
        using var application = SmallApplication.Make();
        using var disk = await TinyDisk.MountAsync(application.Path(full), 64 << 20);
        if (full == "app") Build(application, files: 6);
        application.WriteConfiguration(SmallApplication.Configuration + WithStop);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        var wanted = application.Data();
        application.Fill(seed: 2, rows: 700);
        var old = application.Data();

        await File.WriteAllTextAsync(application.Path("full"), disk.Folder);
        var run = await application.RepriseAsync("restore", "--yes", "--json");
        run.Json("restore");
        File.Delete(application.Path("full"));
        if (full == "recovery") run.MustFail("restore", 3, "safety-impossible");
        else if (full == "state") run.MustFail("restore", 7, "put-back-failed");
        else if (run.Exit != 0) run.MustFail("restore", 4, "disk-full");
        Assert.Equal(run.Exit == 0 ? wanted : old, application.Data());

        disk.MakeRoom();
        var status = (await application.RepriseAsync("status", "--json")).Result("status");
        Assert.True((run.Exit == 7 ? 1 : 0) == status.GetProperty("interrupted").GetArrayLength(), $"{status}\n{run}");
        if (run.Exit == 7) (await application.RepriseAsync("undo", "--yes", "--json")).MustExit(0).Json("undo");
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(wanted, application.Data());
    }

    [Fact]
    public async Task The_state_folder_is_full_before_a_restore_begins()
    {
        using var application = SmallApplication.Make();
        using var disk = await TinyDisk.MountAsync(application.StateFolder, 1 << 20);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        application.Fill(seed: 2, rows: 20);
        disk.Fill();
        var before = application.Everything();
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "disk-full");
        Assert.Equal(before, application.Everything());
        disk.MakeRoom();
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
    }

    [Fact]
    public async Task A_backup_that_is_committed_is_not_called_failed_because_the_state_folder_is_full()
    {
        using var application = await SmallApplication.WithPointAsync();
        Directory.Delete(application.StateFolder, recursive: true);
        using var disk = await TinyDisk.MountAsync(application.StateFolder, 1 << 20);
        (await application.RepriseAsync("backup")).MustExit(0);
        disk.Fill();
        var before = await application.PointsAsync();
        var run = await application.RepriseAsync("backup", "--json");
        run.Json("backup");
        var after = await application.PointsAsync();
        // Exit 4 would promise that nothing was committed; that this host cannot remember the point is a warning.
        Assert.Equal(before.Count + 1, after.Count);
        Assert.Contains("disk-full", run.MustExit(0).ProblemCodes());
        disk.MakeRoom();
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
    }

    private static void Build(SmallApplication application, int files)
    {
        Directory.CreateDirectory(application.Path("app/data"));
        Directory.CreateDirectory(application.Path("app/uploads"));
        application.WriteConfiguration(SmallApplication.Configuration);
        application.Fill(seed: 1, rows: 500, files: files, fileBytes: 2_000);
    }
}
