using Microsoft.Data.Sqlite;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Exporting;
using Reprise.Recovery.Files;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;

namespace Reprise.Tests.Exporting;

/// <summary>The whole way: what was captured lies in the export, and comes back from a recovery.</summary>
public sealed class RealAssetsTests : IDisposable
{
    private readonly ExportWorld world = new();

    private string Source => Path.Combine(world.Scratch.Text, "shop");

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_captured_application_is_exported_and_other_programs_read_it()
    {
        var key = SigningKeys.From("k", null);
        var point = await CaptureAsync();
        var request = world.Request(point, key) with { Materialiser = For };
        var exported = await new ExportRun(world.Repository, world.Disk, TimeProvider.System, world.Cpu).RunAsync(
            request, world.Progress, ExportWorld.None);
        Assert.Empty((await world.VerifyAsync(key)).Problems);
        Assert.Equal(3, exported.Metadata.Assets.Single(a => a.Name == "orders").Rows["orders"]);
        var copy = Directory.EnumerateFiles(world.Target.ToString(), "*.db").Single();
        Assert.Equal("3", await ExecuteAsync(copy, "select count(*) from orders"));
        var unpacked = Path.Combine(world.Scratch.Text, "unpacked");
        Directory.CreateDirectory(unpacked);
        var archive = Directory.EnumerateFiles(world.Target.ToString(), "*.tar.zst").Single();
        var (exit, output) = ExportWorld.Run(unpacked, "tar", "--zstd", "-xpf", archive);
        Assert.True(exit == 0, output);
        AssertSame(unpacked);
    }

    [Fact]
    public async Task A_captured_application_is_recovered_on_a_bare_host()
    {
        await CaptureAsync();
        var recovered = await new RecoverRun(world.Repository, world.Disk, TimeProvider.System).RunAsync(
            new RecoverRequest
            {
                Folder = world.Target,
                Repository = "/r",
                KeyFile = "/k",
                RestoreSecrets = false,
                Materialiser = For,
                Secrets = world.OpenAsync,
                IsSet = _ => false,
                Places = (_, _) => null,
                Signing = SigningKeys.None,
            },
            world.Progress,
            ExportWorld.None);
        Assert.Equal(["reprise.yaml", "uploads/a.txt", "uploads/b.txt", "uploads/link"], recovered.Written);
        var configuration = Path.Combine(world.Target.ToString(), "reprise.yaml");
        Assert.Equal("application: shop\n", await File.ReadAllTextAsync(configuration));
        AssertSame(world.Target.ToString());
    }

    private async Task<PointEntry> CaptureAsync()
    {
        var root = new DiskPath(Source);
        Directory.CreateDirectory(Path.Combine(Source, "uploads/empty"));
        await File.WriteAllTextAsync(Path.Combine(Source, "uploads/a.txt"), new string('a', 100_000));
        await File.WriteAllTextAsync(Path.Combine(Source, "not-included"), "no");
        world.Disk.SetMode(root / "uploads/a.txt", 0x1A0);
        world.Disk.SetModified(root / "uploads/a.txt", new UnixTime(1_650_000_000, 42));
        Assert.True(world.Disk.Link(root / "uploads/a.txt", root / "uploads/b.txt"));
        world.Disk.MakeSymbolicLink(root / "uploads/link", new DiskPath("a.txt"));
        var file = Path.Combine(Source, "shop.db");
        await ExecuteAsync(file, "create table orders (id integer); insert into orders values (1), (2), (3)");
        await new BackupRun(world.Repository, world.Disk, TimeProvider.System).RunAsync(
            new BackupRequest
            {
                Application = "shop",
                Kind = PointKind.Manual,
                Assets = [Database("orders", file), Files(Source, "uploads/**")],
                Configuration = "application: shop\n",
                Signing = SigningKeys.None,
                Scratch = new DiskPath(world.Scratch.Text),
                Writer = "test",
            },
            world.Progress,
            ExportWorld.None);
        return (await world.Repository.ListPointsAsync(SigningKeys.None, ExportWorld.None)).Newest!;
    }

    private FilesAsset Files(string root, string include) => new(
        "runtime", new FilesSettings { Root = root, Include = [include] }, world.Disk, world.Cpu, TimeProvider.System);

    private SqliteAsset Database(string name, string file) =>
        new(name, new SqliteSettings { Path = file }, world.Disk, world.Cpu, TimeProvider.System);

    private IRestorable? For(AssetRecord record) => record.Kind == AssetKinds.Files
        ? Files(world.Scratch.Text, "**")
        : Database(record.Name, Path.Combine(world.Scratch.Text, "unused.db"));

    private void AssertSame(string actual)
    {
        var (from, to) = (new DiskPath(Source), new DiskPath(actual));
        foreach (var name in new[] { "uploads", "uploads/empty", "uploads/a.txt" })
        {
            var (before, after) = (world.Disk.Stat(from / name)!, world.Disk.Stat(to / name)!);
            Assert.Equal(
                (before.Type, before.Mode, before.User, before.Group, before.Modified),
                (after.Type, after.Mode, after.User, after.Group, after.Modified));
        }

        Assert.Equal(
            File.ReadAllText(Path.Combine(Source, "uploads/a.txt")),
            File.ReadAllText(Path.Combine(actual, "uploads/b.txt")));
        Assert.Equal(world.Disk.Stat(to / "uploads/a.txt")!.Inode, world.Disk.Stat(to / "uploads/b.txt")!.Inode);
        Assert.Equal(new DiskPath("a.txt"), world.Disk.ReadSymbolicLink(to / "uploads/link"));
        Assert.False(File.Exists(Path.Combine(actual, "not-included")));
    }

    private static async Task<string?> ExecuteAsync(string file, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
