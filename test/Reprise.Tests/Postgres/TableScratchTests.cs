using Reprise.Recovery.Postgres.Tables;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Postgres;

/// <summary>The folder for a copy of a server lies where everybody may write.</summary>
public sealed class TableScratchTests : IDisposable
{
    private readonly string place = Directory.CreateTempSubdirectory("rts").FullName;

    private DiskPath Folder => new DiskPath(place) / "scratch";

    public void Dispose() => Directory.Delete(place, recursive: true);

    [Fact]
    public async Task A_folder_of_another_user_is_neither_used_nor_deleted()
    {
        const uint nobody = 65534;
        var host = WalGround.Host();
        host.Disk.MakeFolder(Folder);
        var kept = Path.Combine(place, "scratch", "kept");
        await File.WriteAllTextAsync(kept, "theirs", TestContext.Current.CancellationToken);
        host.Disk.SetOwner(Folder, nobody, nobody);
        var scratch = new TableScratch(host, Folder);
        await RefusedAsync(() => scratch.MakeAsync(default));
        await RefusedAsync(() => scratch.ClearAsync(default));
        Assert.Equal("theirs", await File.ReadAllTextAsync(kept, TestContext.Current.CancellationToken));
        host.Disk.SetOwner(Folder, host.Disk.Stat(new DiskPath(place))!.User, 0);
        await scratch.MakeAsync(default);
        Assert.False(File.Exists(kept));
        await scratch.ClearAsync(default);
        Assert.False(scratch.IsLeft);
    }

    [Fact]
    public async Task A_link_is_not_followed()
    {
        var host = WalGround.Host();
        var theirs = Directory.CreateDirectory(Path.Combine(place, "theirs")).FullName;
        await File.WriteAllTextAsync(Path.Combine(theirs, "kept"), "theirs", TestContext.Current.CancellationToken);
        host.Disk.MakeSymbolicLink(Folder, new DiskPath(theirs));
        await RefusedAsync(() => new TableScratch(host, Folder).MakeAsync(default));
        Assert.True(File.Exists(Path.Combine(theirs, "kept")));
    }

    private static async Task RefusedAsync(Func<Task> call) =>
        Assert.Equal(StorageErrors.FileDenied, (await Assert.ThrowsAsync<RepriseException>(call)).Code);
}
