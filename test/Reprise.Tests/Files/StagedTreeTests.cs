using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Files;

public sealed class StagedTreeTests : IDisposable
{
    private readonly FilesFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    private static CancellationToken None => FilesFixture.None;

    [Theory]
    [InlineData("a byte", "runtime-content")]
    [InlineData("a shorter file", "runtime-content")]
    [InlineData("a file gone", "runtime-files")]
    [InlineData("a file more", "runtime-files")]
    [InlineData("a mode", "runtime-metadata")]
    [InlineData("a time", "runtime-metadata")]
    [InlineData("a link", "runtime-metadata")]
    [InlineData("a type", "runtime-metadata")]
    [InlineData("a hard link", "runtime-metadata")]
    public async Task What_is_staged_wrongly_is_found(string what, string question)
    {
        var (asset, item, tree) = await StageAsync();
        var time = fixture.Real.Stat(tree / "a")!.Modified;
        switch (what)
        {
            case "a byte":
                using (var file = fixture.Real.OpenWrite(tree / "a")) file.Write(1, "X"u8);
                fixture.Real.SetModified(tree / "a", time);
                break;
            case "a shorter file":
                using (var file = fixture.Real.OpenWrite(tree / "a")) file.SetLength(2);
                fixture.Real.SetModified(tree / "a", time);
                break;
            case "a file gone":
                fixture.Real.DeleteFile(tree / "a");
                break;
            case "a file more":
                fixture.Real.CreateNew(tree / "folder/more").Dispose();
                break;
            case "a mode":
                fixture.Real.SetMode(tree / "a", 0x1FF);
                break;
            case "a time":
                fixture.Real.SetModified(
                    tree / "a", new UnixTime(time.Seconds, (time.Nanoseconds + 1) % 1_000_000_000));
                break;
            case "a link":
                fixture.Real.DeleteFile(tree / "link");
                fixture.Real.MakeSymbolicLink(tree / "link", new DiskPath("b"));
                break;
            case "a type":
                fixture.Real.DeleteFile(tree / "a");
                fixture.Real.MakeFolder(tree / "a");
                break;
            default:
                fixture.Real.DeleteFile(tree / "folder/same");
                fixture.Real.CreateNew(tree / "folder/same").Dispose();
                break;
        }

        var outcomes = await asset.VerifyStagedAsync(item, fixture.Progress, None);

        var wrong = outcomes.Single(outcome => outcome.Name == question);
        Assert.Equal(Outcome.Fail, wrong.Outcome);
        Assert.True(wrong.Required);
        Assert.Equal(ReasonOf(question), wrong.Reason);
        Assert.NotEmpty(wrong.Actual!);
    }

    private static string ReasonOf(string question) => question switch
    {
        "runtime-files" => "file-missing",
        "runtime-content" => "file-altered",
        _ => "file-metadata-differs",
    };

    [Fact]
    public async Task A_list_that_was_exchanged_is_found()
    {
        var (asset, item, tree) = await StageAsync();
        using (var list = fixture.Real.OpenWrite(tree.Parent / "list")) list.Write(40, [0x55]);
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => asset.VerifyStagedAsync(item, fixture.Progress, None));
        Assert.Equal(RecoveryErrors.StagedWrong, error.Code);
    }

    [Fact]
    public async Task Without_the_right_to_give_files_away_it_restores_and_says_so()
    {
        Assert.SkipUnless(FilesFixture.IsRoot, "only root can make the files of others");
        fixture.Write("program", "x", 0x9ED);
        fixture.Real.SetOwner(fixture.Root / "program", 1234, 1234);
        fixture.Real.SetMode(fixture.Root / "program", 0x9ED);
        var disk = new FaultyDisk(fixture.Real, (call, path) =>
        {
            if (call == "SetOwner") throw FaultyDisk.Failure(StorageErrors.FileDenied, path);
        });
        var asset = fixture.Asset(disk: disk);
        var captured = await fixture.CaptureAsync(asset);
        var item = new RestoreItem(FilesFixture.Id(1), captured.Record);

        await asset.StageAsync(item, captured.Point, fixture.Progress, None);
        var outcomes = await asset.VerifyStagedAsync(item, fixture.Progress, None);

        Assert.Contains(fixture.Progress.Notes, note => note.Contains("run as root", StringComparison.Ordinal));
        Assert.All(outcomes.Where(outcome => outcome.Required), outcome => Assert.Equal(Outcome.Pass, outcome.Outcome));
        var owners = outcomes.Single(outcome => outcome.Name == "runtime-owners");
        Assert.Equal(Outcome.Fail, owners.Outcome);
        var staged = fixture.Real.Stat(fixture.Root / $".reprise-new-{item.RestoreId}/tree/program")!;
        Assert.Equal(0x1ED, staged.Mode);
    }

    [Fact]
    public async Task A_place_that_is_too_small_is_refused_before_anything_is_touched()
    {
        fixture.Write("a", "x");
        var captured = await fixture.CaptureAsync();
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in captured.Record.Facts) facts[key] = value;
        facts["bytes"] = (1L << 60).ToString();
        var item = new RestoreItem(FilesFixture.Id(1), captured.Record with { Facts = facts });
        var problem = Assert.Single(
            await fixture.Asset().PreflightAsync(item, None), p => p.Severity == Severity.Error);
        Assert.Equal(RecoveryErrors.TargetTooSmall, problem.Code);
        var fine = await fixture.Asset().PreflightAsync(item with { Record = captured.Record }, None);
        Assert.DoesNotContain(fine, p => p.Severity == Severity.Error);
    }

    [Fact]
    public async Task A_disk_that_fills_up_while_staging_touches_nothing_live()
    {
        fixture.Write("a", "x");
        fixture.Write("large", new string('l', 2_000_000));
        var captured = await fixture.CaptureAsync();
        var before = fixture.Snapshot();
        var disk = new FaultyDisk(fixture.Real, (call, path) =>
        {
            if (call == "File.Write" && path.Name.ToString() == "large")
                throw FaultyDisk.Failure(StorageErrors.DiskFull, path);
        });
        var item = new RestoreItem(FilesFixture.Id(1), captured.Record);
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => fixture.Asset(disk: disk).StageAsync(item, captured.Point, fixture.Progress, None));
        Assert.Equal(StorageErrors.DiskFull, error.Code);
        Assert.Equal(before, fixture.Snapshot());
        await fixture.StageAsync(fixture.Asset(), captured);
        Assert.Equal(before, fixture.Snapshot());
    }

    private async Task<(FilesAsset Asset, RestoreItem Item, DiskPath Tree)> StageAsync()
    {
        fixture.Write("a", "aaaa");
        fixture.Write("folder/b", "bbbb");
        fixture.Real.Link(fixture.Root / "folder/b", fixture.Root / "folder/same");
        fixture.Real.MakeSymbolicLink(fixture.Root / "link", new DiskPath("a"));
        var asset = fixture.Asset();
        var item = await fixture.StageAsync(asset, await fixture.CaptureAsync(asset));
        return (asset, item, fixture.Root / $".reprise-new-{item.RestoreId}/tree");
    }
}
