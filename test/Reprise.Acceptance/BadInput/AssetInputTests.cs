using System.Text.Json;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>Data that cannot be captured as it should be: said, and never a point that looks whole.</summary>
public class AssetInputTests
{
    [Theory]
    [InlineData("3.bin")]
    [InlineData("sub")]
    public async Task What_may_not_be_read_is_named_and_the_point_is_incomplete(string name)
    {
        using var application = await SmallApplication.WithPointAsync();
        var complete = Assert.Single(await application.PointsAsync());
        Directory.CreateDirectory(application.Path("app/uploads/sub"));
        await File.WriteAllTextAsync(application.Path("app/uploads/sub/deep.txt"), "deep");
        await application.BecomeNobodyAsync();
        var locked = application.Path("app/uploads/" + name);
        var mode = File.GetUnixFileMode(locked);
        File.SetUnixFileMode(locked, UnixFileMode.None);
        var run = await application.RepriseAsync("backup", "--json");
        var problem = run.MustFail("backup", 7, "file-unreadable");
        Assert.Contains(name, problem.Said(), StringComparison.Ordinal);
        Assert.Equal("uploads", problem.GetProperty("asset").GetString());
        Assert.Equal("incomplete", StateOf(run));

        // latest is the newest complete point, and the incomplete one says so when it is asked for by name.
        var plan = (await application.RepriseAsync("restore", "--plan", "--json")).Json("restore");
        Assert.Equal(complete, plan.GetProperty("result").GetProperty("point").GetString());
        File.SetUnixFileMode(locked, mode);
        var good = await application.RepriseAsync("backup", "--json");
        good.MustExit(0).Json("backup");
        Assert.Equal("complete", StateOf(good));
        var before = application.Data();
        File.Delete(application.Path("app/uploads/sub/deep.txt"));
        (await application.RepriseAsync("restore", "--yes")).MustExit(0);
        Assert.Equal(before, application.Data());
    }

    [Fact]
    public async Task An_incomplete_point_brings_back_what_it_has_and_ends_with_what_is_missing()
    {
        using var application = await SmallApplication.WithPointAsync();
        await application.BecomeNobodyAsync();
        var locked = application.Path("app/uploads/3.bin");
        File.SetUnixFileMode(locked, UnixFileMode.None);
        (await application.RepriseAsync("backup", "--json")).MustExit(7);
        File.SetUnixFileMode(locked, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var incomplete = (await application.PointsAsync()).Max(StringComparer.Ordinal)!; // There are two.
        var run = await application.RepriseAsync("restore", incomplete, "--yes", "--json");
        run.MustExit(7).Json("restore");
        Assert.Contains("point-incomplete", run.ProblemCodes());
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_is_named_until_it_rests()
    {
        using var application = await SmallApplication.WithPointAsync();
        var busy = application.Path("app/uploads/busy.log");
        using var resting = new CancellationTokenSource();
        var writing = WriteAsync(busy, grows: false, resting.Token);
        Assert.True(await SmallApplication.WaitAsync(() => File.Exists(busy)));
        var run = await application.RepriseAsync("backup", "--json");
        await resting.CancelAsync();
        await writing;
        var problem = run.MustFail("backup", 7, "file-changing");
        Assert.Contains("busy.log", problem.Said(), StringComparison.Ordinal);
        Assert.Equal("incomplete", StateOf(run));

        var good = await application.RepriseAsync("backup", "--json");
        good.MustExit(0).Json("backup");
        Assert.Equal("complete", StateOf(good));
    }

    [Fact]
    public async Task A_log_that_grows_is_kept_as_it_was_when_it_was_opened()
    {
        using var application = await SmallApplication.WithPointAsync();
        var busy = application.Path("app/uploads/busy.log");
        using var resting = new CancellationTokenSource();
        var writing = WriteAsync(busy, grows: true, resting.Token);
        Assert.True(await SmallApplication.WaitAsync(() => File.Exists(busy)));
        var run = await application.RepriseAsync("backup", "--json");
        await resting.CancelAsync();
        await writing;
        Assert.Equal("complete", StateOf(run.MustExit(0)));
        var folder = application.Path("copy");
        (await application.RepriseAsync("restore", "--to", folder)).MustExit(0);
        var copies = Directory.GetFiles(folder, "busy.log", SearchOption.AllDirectories);
        var kept = await File.ReadAllBytesAsync(Assert.Single(copies));
        Assert.True((await File.ReadAllBytesAsync(busy)).AsSpan().StartsWith(kept));
    }

    [Theory]
    [InlineData("file-missing")]
    [InlineData("asset-empty")]
    [InlineData("sqlite-unreadable")]
    public async Task Data_that_is_not_there_or_is_something_else_makes_no_point(string code)
    {
        using var application = await SmallApplication.WithPointAsync();
        var content = await File.ReadAllBytesAsync(application.Database);
        var before = await application.PointsAsync();
        if (code == "file-missing") File.Delete(application.Database);
        else if (code == "sqlite-unreadable") await File.WriteAllTextAsync(application.Database, "this is no database");
        else Directory.Move(application.Path("app/uploads"), application.Path("uploads"));
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, code);
        Assert.Equal(before, await application.PointsAsync());

        if (code == "asset-empty") Directory.Move(application.Path("uploads"), application.Path("app/uploads"));
        else await File.WriteAllBytesAsync(application.Database, content);
        (await application.RepriseAsync("backup", "--json")).MustExit(0);
    }

    private static string? StateOf(ProgramRun backup)
    {
        using var document = JsonDocument.Parse(backup.Output);
        return document.RootElement.GetProperty("result").GetProperty("point").GetProperty("state").GetString();
    }

    // Large enough that reading it takes longer than the pause between two writes.
    private static Task WriteAsync(string path, bool grows, CancellationToken resting) => Task.Run(
        () =>
        {
            using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            file.Write(new byte[8 << 20]);
            for (var line = 0; !resting.IsCancellationRequested; line++)
            {
                if (!grows) file.Position = line % 500 * 16_000;
                file.Write("one more line\n"u8);
            }
        },
        CancellationToken.None);
}
