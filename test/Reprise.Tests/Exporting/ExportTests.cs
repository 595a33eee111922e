using System.Text;
using System.Text.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Exporting;

/// <summary>An export is used with the tools of the trade, and is there whole or not at all.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly ExportWorld world = new();
    private readonly IDisk disk = Disks.OfThisMachine();

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task Other_programs_accept_it()
    {
        var key = SigningKeys.From("schlüssel & 1", null);
        world.Secrets.Add(new KeptSecret("JWT_SECRET", "do-not-leak-this"));
        var point = await world.CommitAsync([
            world.Add("orders", AssetKinds.Postgres, folder =>
            {
                File.WriteAllText(Path.Combine(folder, "globals.sql"), "create role shop;\n");
                File.WriteAllText(Path.Combine(folder, "orders.dump"), "PGDMP...");
            }),
            world.Add("sessions", AssetKinds.Sqlite, folder => File.WriteAllText(
                Path.Combine(folder, "sessions.db"), "SQLite format 3")),
            world.AddFiles("runtime", ("compose.yaml", "services: {}\n"), ("uploads/a.txt", "A")),
            ExportWorld.Record("secrets", AssetKinds.Secrets)], signing: key);
        var result = await world.ExportAsync(point, key);

        var time = point.Id.Value[..16];
        string[] expected =
        [
            "SHA256SUMS", "metadata.json", "metadata.json.hmac",
            $"shop_orders_{time}.dump", $"shop_orders_{time}.globals.sql",
            $"shop_runtime_{time}.tar.zst", $"shop_sessions_{time}.db",
        ];
        Assert.Equal(expected, result.Files);
        Assert.Empty(result.Problems);
        var folder = world.Target.ToString();
        Assert.Equal(
            expected,
            Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var sums = ExportWorld.Run(folder, "sha256sum", "--strict", "-c", "SHA256SUMS");
        Assert.True(sums.Exit == 0, sums.Output);
        Assert.Equal(6, sums.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        var openssl = ExportWorld.Run(
            folder, "openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "key:schlüssel & 1", "metadata.json");
        var hmac = await File.ReadAllTextAsync(Path.Combine(folder, "metadata.json.hmac"));
        Assert.Equal(openssl.Output.Trim().Split(' ')[^1] + "\n", hmac);
        var tested = ExportWorld.Run(folder, "zstd", "-q", "-t", $"shop_runtime_{time}.tar.zst");
        Assert.True(tested.Exit == 0, tested.Output);
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var content = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file));
            Assert.DoesNotContain("do-not-leak-this", content, StringComparison.Ordinal);
        }

        Assert.Empty((await world.VerifyAsync(key)).Problems);
    }

    [Fact]
    public async Task The_metadata_tells_a_script_everything_in_the_words_of_the_contract()
    {
        world.Secrets.Add(new KeptSecret("JWT_SECRET", "v"));
        var release = new ReleaseFacts { Commit = new string('a', 40), Dirty = true, Images = ["db=x@sha256:1"] };
        var point = await world.CommitAsync(
            [
                world.Add("orders", AssetKinds.Sqlite, folder => File.WriteAllText(
                    Path.Combine(folder, "x.db"), "12345")) with { Migration = "alembic:3f2a" },
                ExportWorld.Record("secrets", AssetKinds.Secrets),
            ],
            change: m => m with { Release = release });
        await world.ExportAsync(point);
        var text = await File.ReadAllTextAsync((world.Target / "metadata.json").ToString());
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(text);
        var root = json.RootElement;
        Assert.Equal("reprise/export/v1", root.GetProperty("schema").GetString());
        Assert.Equal("shop", root.GetProperty("application").GetString());
        Assert.Equal(point.Id.Value, root.GetProperty("point").GetString());
        Assert.Equal("manual", root.GetProperty("kind").GetString());
        Assert.Equal("complete", root.GetProperty("state").GetString());
        Assert.False(root.GetProperty("signed").GetBoolean());
        Assert.True(root.GetProperty("release").GetProperty("dirty").GetBoolean());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("release").GetProperty("composeSha256").ValueKind);
        var asset = root.GetProperty("assets")[0];
        Assert.Equal("2024-10-04T00:00:00.000Z", asset.GetProperty("moment").GetString());
        Assert.Equal("alembic:3f2a", asset.GetProperty("migration").GetString());
        Assert.Equal(5, asset.GetProperty("sizeBytes").GetInt64());
        const string sha256 = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5";
        Assert.Equal(sha256, asset.GetProperty("sha256").GetString());
        Assert.Equal(3, asset.GetProperty("rows").GetProperty("orders").GetInt64());
        Assert.Equal("17.2", asset.GetProperty("versions").GetProperty("server").GetString());
        var secrets = root.GetProperty("assets")[1];
        Assert.Equal(JsonValueKind.Null, secrets.GetProperty("file").ValueKind);
        Assert.Equal("JWT_SECRET", secrets.GetProperty("references")[0].GetString());
    }

    [Fact]
    public async Task Tar_brings_back_modes_times_links_and_attributes()
    {
        var attributes = false;
        var record = world.Add("runtime", AssetKinds.Files, folder =>
        {
            var path = new DiskPath(folder);
            disk.MakeFolder(path / "locked");
            Write(path / "locked/inside.txt", "inside");
            Write(path / "first", new string('x', 70_000));
            Assert.True(disk.Link(path / "first", path / "second"));
            disk.MakeSymbolicLink(path / "link", new DiskPath("../no/where"));
            disk.MakeFifo(path / "pipe", 0x1B0);
            Write(path / "empty", "");
            disk.SetMode(path / "first", 0x9ED);
            disk.SetModified(path / "first", new UnixTime(1_700_000_000, 123_456_789));
            attributes = disk.SetAttribute(
                path / "first", new ExtendedAttribute("user.a=b%", new byte[] { 0, 1, 10, 255 }));
            disk.SetModified(path / "empty", new UnixTime(-2, 500_000_000));
            disk.SetMode(path / "locked", 0x16D);
        });
        var point = await world.CommitAsync([record]);
        await world.ExportAsync(point);
        var target = Unpack();
        Assert.Equal(0x9ED, disk.Stat(target / "first")!.Mode);
        Assert.Equal(new UnixTime(1_700_000_000, 123_456_789), disk.Stat(target / "first")!.Modified);
        Assert.Equal(disk.Stat(target / "first")!.Inode, disk.Stat(target / "second")!.Inode);
        Assert.Equal(70_000, disk.Stat(target / "second")!.SizeBytes);
        Assert.Equal(new DiskPath("../no/where"), disk.ReadSymbolicLink(target / "link"));
        Assert.Equal(FileType.Fifo, disk.Stat(target / "pipe")!.Type);
        Assert.Equal(new UnixTime(-2, 500_000_000), disk.Stat(target / "empty")!.Modified);
        Assert.Equal(0x16D, disk.Stat(target / "locked")!.Mode);
        Assert.Equal("inside", await File.ReadAllTextAsync((target / "locked/inside.txt").ToString()));
        if (!attributes) Assert.Skip("this file system has no user attributes");
        var attribute = Assert.Single(disk.ReadAttributes(target / "first"), a => a.Name == "user.a=b%");
        Assert.Equal([0, 1, 10, 255], attribute.Value.ToArray());
    }

    [Fact]
    public async Task A_tree_in_a_point_becomes_an_archive_with_names_owners_and_sizes_that_text_could_not_hold()
    {
        var text = string.Concat(Enumerable.Repeat("0123456789abcdef", 20_000));
        Content? content = null;
        var record = ExportWorld.Record("runtime", AssetKinds.Files);
        var point = await world.CommitAsync([record], text, change: m =>
        {
            content = m.Configuration;
            return m;
        });
        var deep = new DiskPath(string.Join('/', Enumerable.Repeat("a-folder-with-a-long-name", 8)));
        var odd = new DiskPath([(byte)'o', 0xFF, 0xFE, (byte)'\n', (byte)'d']);
        var file = Entry(FileType.Regular, odd) with
        {
            Content = content,
            SizeBytes = content!.LengthBytes,
            User = 3_000_000_000,
            Group = 77,
        };
        var long1 = new DiskPath("über-" + new string('n', 90));
        world.Assets["runtime"] = new FakeTree("runtime", [
            Entry(FileType.Folder, default), .. Parents(deep), file,
            Entry(FileType.Regular, deep / "hard") with { HardLinkTo = odd },
            Entry(FileType.SymbolicLink, long1) with { LinkText = deep }]);
        await world.ExportAsync(point);
        var target = Unpack();
        Assert.Equal(text, await ReadAsync(target / odd));
        Assert.Equal(disk.Stat(target / odd)!.Inode, disk.Stat(target / deep / "hard")!.Inode);
        Assert.Equal(deep, disk.ReadSymbolicLink(target / long1));
        if (Environment.UserName != "root") Assert.Skip("owners are unpacked by root only");
        Assert.Equal(3_000_000_000, disk.Stat(target / odd)!.User);
        Assert.Equal(77u, disk.Stat(target / odd)!.Group);
    }

    [Fact]
    public async Task Without_a_key_it_says_unsigned()
    {
        var result = await world.ExportAsync(await world.CommitAsync([world.AddFiles("runtime", ("a", "b"))]));
        var note = Assert.Single(result.Problems);
        Assert.Equal(ExportErrors.ExportUnsigned, note.Code);
        Assert.Equal(Severity.Note, note.Severity);
        Assert.False(File.Exists((world.Target / "metadata.json.hmac").ToString()));
    }

    [Fact]
    public async Task A_target_that_holds_anything_is_refused_and_an_empty_one_taken()
    {
        var point = await world.CommitAsync([world.AddFiles("runtime", ("a", "b"))]);
        disk.MakeFolder(world.Target);
        Write(world.Target / "mine", "keep");
        await RefusedAsync(RecoveryErrors.TargetNotEmpty, point);
        Assert.Equal("keep", await ReadAsync(world.Target / "mine"));
        Assert.Equal(["export"], world.Around());
        disk.DeleteFile(world.Target / "mine");
        await world.ExportAsync(point);
        Assert.True(File.Exists((world.Target / "SHA256SUMS").ToString()));
        await RefusedAsync(RecoveryErrors.TargetNotEmpty, point);
        Folders.DeleteTree(disk, world.Target);
        Write(world.Target, "a file");
        await RefusedAsync(StorageErrors.FileExists, point);
        Assert.Equal("a file", await ReadAsync(world.Target));
    }

    [Fact]
    public async Task A_failing_asset_leaves_nothing_and_its_error_stands()
    {
        var record = world.Add("runtime", AssetKinds.Files, folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "half"));
            disk.SetMode(new DiskPath(folder) / "half", 0x140);
            throw new RepriseException(RepositoryErrors.ContentDamaged, "broken", "none");
        });
        await RefusedAsync(RepositoryErrors.ContentDamaged, await world.CommitAsync([record]));
        Assert.Empty(world.Around());
    }

    [Fact]
    public async Task Any_failing_step_leaves_a_whole_export_or_none()
    {
        var key = SigningKeys.From("k", null);
        var point = await world.CommitAsync(
            [
                world.AddFiles("runtime", ("a", "b")),
                world.Add("s", AssetKinds.Sqlite, folder => File.WriteAllText(Path.Combine(folder, "s.db"), "db")),
            ],
            signing: key);
        for (var failing = 1; ; failing++)
        {
            var step = 0;
            world.Disk = new FaultyDisk(disk, (call, path) =>
            {
                if (FaultyDisk.Changes.Contains(call) && ++step == failing)
                    throw FaultyDisk.Failure(StorageErrors.DiskFull, path);
            });
            try
            {
                await world.ExportAsync(point, key);
                Assert.True(failing > 15, $"only {failing} steps");
                return;
            }
            catch (RepriseException e)
            {
                Assert.Equal(StorageErrors.DiskFull, e.Code);
            }

            // The last step makes the name durable; failing there leaves the name, and behind it a whole export.
            world.Disk = disk;
            if (world.Around() is ["export"]) Assert.Empty((await world.VerifyAsync(key)).Problems);
            else Assert.Empty(world.Around());
            Folders.DeleteTree(disk, world.Target);
        }
    }

    [Fact]
    public async Task A_killed_export_leaves_no_folder_of_the_name_and_the_next_one_says_what_is_left()
    {
        var point = await world.CommitAsync([world.AddFiles("runtime", ("a", "b"))]);
        var dead = false;
        world.Disk = new FaultyDisk(disk, (call, path) =>
        {
            // From the renaming on nothing works any more, as after a kill.
            dead |= call == nameof(IDisk.Rename);
            if (dead) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
        await RefusedAsync(StorageErrors.MediumFailed, point);
        var left = Assert.Single(world.Around());
        Assert.StartsWith("export.partial-", left, StringComparison.Ordinal);
        Assert.Contains(world.Progress.Lines, l => l.Contains(left, StringComparison.Ordinal));
        world.Disk = disk;
        var result = await world.ExportAsync(point);
        var note = Assert.Single(result.Problems, p => p.Code == ExportErrors.PartialLeft);
        Assert.Contains(left, note.Message, StringComparison.Ordinal);
        Assert.Equal(["export", left], world.Around());
    }

    [Fact]
    public async Task A_forged_point_is_refused_and_an_incomplete_one_named()
    {
        var record = world.AddFiles("runtime", ("a", "b"));
        var signed = await world.CommitAsync([record], signing: SigningKeys.From("one", null));
        var catalog = await world.Repository.ListPointsAsync(SigningKeys.From("two", null), ExportWorld.None);
        var seen = catalog.Points.Single();
        Assert.Equal(signed.Id, seen.Id);
        await RefusedAsync(RepositoryErrors.SignatureWrong, seen);
        Assert.Empty(world.Around());
        var incomplete = await world.CommitAsync([record], signing: SigningKeys.From("one", null), change: m => m with
        {
            State = PointState.Incomplete,
            Problems = [new RecordedProblem { Code = "file-unreadable", Message = "uploads/x cannot be read" }],
        });
        var result = await world.ExportAsync(incomplete, SigningKeys.From("one", null));
        var problem = Assert.Single(result.Problems);
        Assert.Equal(ExitCodes.Incomplete, problem.Code.Exit);
        Assert.Equal("uploads/x cannot be read", result.Metadata.Problems.Single().Message);
    }

    [Fact]
    public async Task Damage_in_the_repository_stops_it()
    {
        Content? content = null;
        var record = ExportWorld.Record("runtime", AssetKinds.Files);
        var point = await world.CommitAsync([record], new string('x', 100_000), change: m =>
        {
            content = m.Configuration;
            return m;
        });
        world.Assets["runtime"] = new FakeTree("runtime", [
            Entry(FileType.Regular, new DiskPath("f")) with { Content = content, SizeBytes = content!.LengthBytes }]);
        foreach (var name in world.PackNames())
        {
            var bytes = await world.Store.BytesAsync(name);
            bytes[bytes.Length / 2] ^= 1;
            await world.Store.PutAsync(name, bytes, PutMode.Replace, ExportWorld.None);
        }

        var error = await Assert.ThrowsAsync<RepriseException>(() => world.ExportAsync(point));
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
        Assert.Empty(world.Around());
    }

    [Fact]
    public async Task Names_hold_nothing_that_a_shell_or_a_path_would_read()
    {
        var point = await world.CommitAsync(
            [
                world.Add("../a b", AssetKinds.Sqlite, folder => Write(new DiskPath(folder) / "x.sqlite3", "1")),
                world.Add("a-b", AssetKinds.Sqlite, folder => Write(new DiskPath(folder) / "x.sqlite3", "2")),
                world.Add("all", AssetKinds.Postgres, folder =>
                {
                    foreach (var name in new[] { "one.dump", "two.dump", "globals.sql" })
                        Write(new DiskPath(folder) / name, name);
                }),
            ],
            change: m => m with { Application = "my 'shop'" });
        var result = await world.ExportAsync(point);
        var time = point.Id.Value[..16];
        Assert.Equal(
            [
                "SHA256SUMS", "metadata.json", $"my--shop-_a-b-2_{time}.db", $"my--shop-_a-b_{time}.db",
                $"my--shop-_all-one_{time}.dump", $"my--shop-_all-two_{time}.dump", $"my--shop-_all_{time}.globals.sql",
            ],
            result.Files);
        Assert.Equal(3, result.Metadata.Assets[2].Also.Count + 1);
        Assert.EndsWith(".dump", result.Metadata.Assets[2].File, StringComparison.Ordinal);
        Assert.DoesNotContain((await world.VerifyAsync()).Problems, p => p.Severity == Severity.Error);
    }

    [Fact]
    public async Task What_nobody_can_write_is_refused()
    {
        var point = await world.CommitAsync([ExportWorld.Record("x", AssetKinds.Postgres)]);
        await RefusedAsync(ExportErrors.AssetNotExportable, point);
        Assert.Empty(world.Around());
    }

    private async Task RefusedAsync(ErrorCode code, PointEntry point)
    {
        var error = await Assert.ThrowsAsync<RepriseException>(() => world.ExportAsync(point));
        Assert.Equal(code, error.Code);
    }

    private DiskPath Unpack()
    {
        var target = world.Scratch / "unpacked";
        disk.MakeFolder(target);
        var archive = Directory.EnumerateFiles(world.Target.ToString(), "*.tar.zst").Single();
        var (exit, output) = ExportWorld.Run(
            target.ToString(), "tar", "--zstd", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", archive);
        // GNU tar wonders at every time before 1970, and sets it.
        var isFine = output.Split('\n').All(l => l.Length == 0 || l.Contains("implausibly", StringComparison.Ordinal));
        Assert.True(exit == 0 && isFine, output);
        return target;
    }

    private static IEnumerable<TreeEntry> Parents(DiskPath path)
    {
        for (var at = path.Bytes.IndexOf((byte)'/'); at >= 0;)
        {
            yield return Entry(FileType.Folder, new DiskPath(path.Bytes[..at]));
            var next = path.Bytes[(at + 1)..].IndexOf((byte)'/');
            at = next < 0 ? -1 : at + 1 + next;
        }

        yield return Entry(FileType.Folder, path);
    }

    private static TreeEntry Entry(FileType type, DiskPath path) => new()
    {
        Type = type,
        Path = path,
        Mode = type == FileType.Folder ? 0x1ED : 0x1A4,
        User = 0,
        Group = 0,
        Modified = new UnixTime(1_600_000_000, 1),
    };

    private void Write(DiskPath path, string text)
    {
        using var file = disk.CreateNew(path);
        file.Write(0, Encoding.UTF8.GetBytes(text));
    }

    private Task<string> ReadAsync(DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[file.Stat().SizeBytes];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return Task.FromResult(Encoding.UTF8.GetString(bytes));
    }
}
