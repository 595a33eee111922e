using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>Targets that a restore refuses before it changes anything: exit 3, and everything is as before.</summary>
public class TargetInputTests
{
    [Fact]
    public async Task A_folder_that_is_not_empty_is_refused()
    {
        using var application = await SmallApplication.WithPointAsync();
        var folder = application.Path("copy");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "mine.txt"), "mine");
        foreach (var command in new[] { "restore", "recover", "export" })
        {
            string[] asked = command == "export"
                ? [command, "latest", "--to", folder, "--json"]
                : [command, "--to", folder, "--json"];
            (await application.RepriseAsync(asked)).MustFail(command, 3, "target-not-empty");
            Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(folder, "mine.txt")));
            Assert.Single(Directory.EnumerateFileSystemEntries(folder));
            File.Delete(Path.Combine(folder, "mine.txt"));
            (await application.RepriseAsync(asked)).MustExit(0).Json(command);
            Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(Path.Combine(folder, "mine.txt"), "mine");
        }
    }

    [Fact]
    public async Task A_database_that_somebody_holds_open_is_refused_until_it_is_let_go()
    {
        using var application = await SmallApplication.WithPointAsync();
        application.Fill(seed: 2, rows: 30);
        var before = application.Everything();
        using (var holder = RunningProgram.Start(
            new Surroundings(), ["sh", "-c", "exec 3<\"$1\"; exec sleep 60", "sh", application.Database]))
        {
            Assert.True(await SmallApplication.WaitAsync(() => Holds(holder.Id, application.Database)));
            var problem = (await application.RepriseAsync("restore", "--yes", "--json"))
                .MustFail("restore", 3, "target-in-use");
            Assert.Contains(holder.Id.ToString(), problem.Said(), StringComparison.Ordinal);
            Assert.Equal(before, application.Everything());
        }

        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.NotEqual(before, application.Everything());
    }

    [Fact]
    public async Task Another_disk_with_data_is_another_target_and_is_named_before_it_may_be_written()
    {
        using var application = await SmallApplication.WithPointAsync();
        var old = application.Data();
        using (await TinyDisk.MountAsync(application.Path("app/data"), 4 << 20))
        {
            using (await TinyDisk.MountAsync(application.Path("app/uploads"), 4 << 20))
            {
                application.Fill(seed: 3, rows: 40);
                var other = application.Everything();
                var problem = (await application.RepriseAsync("restore", "--yes", "--json"))
                    .MustFail("restore", 3, "target-identity");
                Assert.Contains("--accept-target", problem.Said(), StringComparison.Ordinal);
                Assert.Equal(other, application.Everything());

                (await application.RepriseAsync("restore", "--yes", "--accept-target", "0000", "--json"))
                    .MustFail("restore", 3, "target-identity");
                Assert.Equal(other, application.Everything());
                string[] accepted = await AcceptedAsync(application);
                (await application.RepriseAsync([.. accepted, "--json"])).MustExit(0).Json("restore");
                Assert.Equal(old, application.Data());
            }
        }

        Assert.Equal(old, application.Data());
        application.Fill(seed: 4, rows: 40);
        (await application.RepriseAsync("restore", "--yes")).MustExit(0);
        Assert.Equal(old, application.Data());
    }

    [Fact]
    public async Task A_disk_without_room_for_both_is_refused_before_anything_is_staged()
    {
        using var application = SmallApplication.Make();
        using var disk = await TinyDisk.MountAsync(application.Path("app"), 64 << 20);
        application.WriteConfiguration(SmallApplication.Configuration);
        Directory.CreateDirectory(application.Path("app/data"));
        Directory.CreateDirectory(application.Path("app/uploads"));
        application.Fill(seed: 1, rows: 500, fileBytes: 300_000);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        disk.Fill(leaveBytes: 500_000);
        var before = application.Everything();
        var problem = (await application.RepriseAsync("restore", "--yes", "--json"))
            .MustFail("restore", 3, "target-too-small");
        Assert.Contains("room", problem.Said(), StringComparison.Ordinal);
        Assert.Equal(before, application.Everything());

        disk.MakeRoom();
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
    }

    // What the refusals print is what goes on: each is followed until none is left.
    private static async Task<string[]> AcceptedAsync(SmallApplication application)
    {
        string[] asked = ["restore", "--yes"];
        var plan = (await application.RepriseAsync("restore", "--plan", "--json")).Json("restore");
        foreach (var problem in plan.GetProperty("problems").EnumerateArray())
        {
            var words = problem.Said().Split([' ', '\'', ',', ';']);
            var option = Array.IndexOf(words, "--accept-target");
            if (option >= 0) asked = [.. asked, "--accept-target", words[option + 1]];
        }

        return asked;
    }

    private static bool Holds(int process, string path)
    {
        try
        {
            return Directory.GetFiles($"/proc/{process}/fd")
                .Any(fd => File.ResolveLinkTarget(fd, returnFinalTarget: false)?.FullName == path);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
