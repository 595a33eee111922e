using System.Net.Sockets;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Repository;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Files;

public sealed class FilesCaptureTests : IDisposable
{
    private readonly FilesFixture fixture = new();
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public void Dispose()
    {
        socket.Dispose();
        fixture.Dispose();
    }

    private static CancellationToken None => FilesFixture.None;

    [Fact]
    public async Task An_odd_tree_comes_back_as_it_was()
    {
        BuildOddTree();
        var before = fixture.Snapshot();
        var captured = await fixture.CaptureAsync();
        Assert.Equal("complete", captured.Record.State);
        Assert.Contains(captured.Problems, p => p.Code == RecoveryErrors.FileSkipped && p.Severity == Severity.Note);
        Assert.Equal(before, fixture.Snapshot());

        var folder = fixture.Outside / "materialised";
        fixture.Real.MakeFolder(folder);
        var paths = await fixture.Asset().MaterialiseAsync(
            captured.Record, captured.Point, folder.ToString(), Survey.Intact, fixture.Progress, None);

        var after = fixture.Snapshot(folder);
        foreach (var snapshot in new[] { before, after })
        {
            snapshot.Remove(".");
            snapshot.Remove(Convert.ToHexString("socket"u8));
        }

        Assert.Equal(before, after);
        Assert.Contains("plain.txt", paths.Named);
        Assert.Equal(
            captured.Record.Rows["files"] + captured.Record.Rows["links"] + captured.Record.Rows["pipes"], paths.Count);
        Assert.True(fixture.Real.Stat(folder / "sparse")!.AllocatedBytes < 4 << 20);
    }

    [Fact]
    public async Task Equal_trees_have_equal_hashes_and_another_byte_or_mode_another_one()
    {
        fixture.Write("a/one", "1");
        fixture.Write("a/two", "2");
        var first = (await fixture.CaptureAsync()).Record;
        var second = (await fixture.CaptureAsync()).Record;
        Assert.Equal(first.Sha256, second.Sha256);
        Assert.Equal(first.Rows, second.Rows);

        fixture.Real.SetMode(fixture.Root / "a/two", 0x180);
        var third = (await fixture.CaptureAsync()).Record;
        Assert.NotEqual(first.Sha256, third.Sha256);
        var time = fixture.Real.Stat(fixture.Root / "a/one")!.Modified;
        fixture.Real.SetMode(fixture.Root / "a/two", 0x1A4);
        using (var file = fixture.Real.OpenWrite(fixture.Root / "a/one")) file.Write(0, "9"u8);
        fixture.Real.SetModified(fixture.Root / "a/one", time);
        Assert.NotEqual(first.Sha256, (await fixture.CaptureAsync()).Record.Sha256);
    }

    [Fact]
    public async Task Patterns_and_rules_decide_and_what_holds_them_is_kept()
    {
        fixture.Write("compose.yaml", "x");
        fixture.Write("config/deep/a.yaml", "x");
        fixture.Write("config/deep/b.txt", "x");
        fixture.Write("uploads/1.jpg", "x");
        fixture.Write("uploads/debug.log", "x");
        fixture.Write("uploads/shop.db", "x");
        fixture.Write("uploads/shop.db-wal", "x");
        fixture.Write("repository/packs/1", "x");
        fixture.Write(".reprise-new-x/1", "x");
        fixture.Write("uploads/.reprise-before-x", "x");
        fixture.Real.Link(fixture.Root / "uploads/shop.db", fixture.Root / "uploads/alias");
        var settings = fixture.Settings("compose.yaml", "config/**/*.yaml", "uploads/**", "repository") with
        {
            Exclude = ["**/*.log"],
            ExcludedByRule =
                [fixture.Root + "/uploads/shop.db*", fixture.Root + "/uploads/shop.db", fixture.Root + "/repository"],
        };

        var captured = await fixture.CaptureAsync(fixture.Asset(settings));

        var folder = fixture.Outside / "out";
        fixture.Real.MakeFolder(folder);
        var paths = await fixture.Asset(settings).MaterialiseAsync(
            captured.Record, captured.Point, folder.ToString(), Survey.Intact, fixture.Progress, None);
        Assert.Equal(["compose.yaml", "config/deep/a.yaml", "uploads/1.jpg"], paths.Named.Order(StringComparer.Ordinal));
        Assert.Equal(3, captured.Record.Rows["files"]);
        Assert.Equal(3, captured.Record.Rows["folders"]);

        var notes = await fixture.Asset(settings).DiagnoseAsync(None);
        Assert.Contains(
            notes, p => p.Severity == Severity.Note && p.Message.Contains("shop.db", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("real root, rule through a link")]
    [InlineData("root through a link, real rule")]
    [InlineData("both through links")]
    public async Task Another_spelling_of_a_path_does_not_get_around_a_rule(string how)
    {
        fixture.Write("data/shop.db", "x");
        fixture.Write("data/app.txt", "x");
        fixture.Real.MakeSymbolicLink(fixture.Outside / "alias", new DiskPath("./here/.."));
        fixture.Real.MakeFolder(fixture.Outside / "here");
        var alias = fixture.Outside + "/alias/app";
        var rule = how.EndsWith("real rule", StringComparison.Ordinal) ? fixture.Root.ToString() : alias;
        var settings = fixture.Settings() with
        {
            Root = how.StartsWith("real", StringComparison.Ordinal) ? fixture.Root.ToString() : alias,
            ExcludedByRule = [rule + "/data/shop.db*"],
        };

        var captured = await fixture.CaptureAsync(fixture.Asset(settings));

        Assert.Equal(1, captured.Record.Rows["files"]);
        fixture.Write("data/shop.db-wal", "appeared later");
        var item = await fixture.RestoreAsync(fixture.Asset(settings), captured);
        Assert.True(fixture.Exists("data/shop.db-wal"));
        Assert.True(fixture.Exists("data/shop.db"));
        Assert.False(string.IsNullOrEmpty(item.RestoreId.Value));
    }

    [Fact]
    public async Task Nothing_at_all_is_an_error_and_an_empty_folder_is_not()
    {
        fixture.Write("other", "x");
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => fixture.CaptureAsync(fixture.Asset(fixture.Settings("uploads/**"))));
        Assert.Equal(RecoveryErrors.AssetEmpty, error.Code);
        var diagnosed = await fixture.Asset(fixture.Settings("uploads/**")).DiagnoseAsync(None);
        Assert.Contains(diagnosed, p => p.Code == RecoveryErrors.AssetEmpty && p.Severity == Severity.Warning);

        fixture.Real.MakeFolder(fixture.Root / "uploads");
        var captured = await fixture.CaptureAsync(fixture.Asset(fixture.Settings("uploads/**")));
        Assert.Equal(1, captured.Record.Rows["folders"]);
        Assert.Equal("complete", captured.Record.State);
    }

    [Fact]
    public async Task A_missing_root_is_said_by_everybody()
    {
        var settings = fixture.Settings() with { Root = fixture.Root + "/none" };
        var error = await Assert.ThrowsAsync<RepriseException>(() => fixture.CaptureAsync(fixture.Asset(settings)));
        Assert.Equal(RecoveryErrors.AssetEmpty, error.Code);
        Assert.Contains(await fixture.Asset(settings).DiagnoseAsync(None), p => p.Code == StorageErrors.FileMissing);
        Assert.Equal(
            Reprise.Recovery.Assets.Presence.Absent, (await fixture.Asset(settings).InspectAsync(None)).Presence);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(700_000)]
    public async Task A_file_that_cannot_be_read_is_named_and_the_rest_is_captured(int size)
    {
        fixture.Write("a", "before");
        fixture.Write("b", new string('b', size));
        fixture.Write("c", "after");
        fixture.Write("locked/inside", "x");
        foreach (var call in new[] { "OpenRead", "File.Read" })
        {
            var disk = new FaultyDisk(fixture.Real, (name, path) =>
            {
                if (name == call && path.Name.ToString() == "b")
                    throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
                if (name == "List" && path.Name.ToString() == "locked")
                    throw FaultyDisk.Failure(StorageErrors.FileDenied, path);
            });

            var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));

            Assert.Equal("incomplete", captured.Record.State);
            Assert.Equal(2, captured.Record.Rows["files"]);
            Assert.Equal(
                ["b", "locked"],
                captured.Problems.Where(p => p.Code == RecoveryErrors.FileUnreadable).Select(p => p.Where));
            var folder = fixture.Outside / ("out-" + call);
            fixture.Real.MakeFolder(folder);
            var paths = await fixture.Asset().MaterialiseAsync(
                captured.Record, captured.Point, folder.ToString(), Survey.Intact, fixture.Progress, None);
            Assert.Equal(["a", "c"], paths.Named);
        }
    }

    [Fact]
    public async Task Many_unreadable_files_are_counted_after_the_first_hundred()
    {
        for (var i = 0; i < 150; i++) fixture.Write($"f{i:000}", "x");
        fixture.Write("good", "x");
        var disk = new FaultyDisk(fixture.Real, (name, path) =>
        {
            if (name == "OpenRead" && path.Name.ToString().StartsWith('f'))
                throw FaultyDisk.Failure(StorageErrors.FileDenied, path);
        });
        var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));
        Assert.Equal(FilesCapture.NamedProblems + 1, captured.Problems.Count);
        Assert.StartsWith("50 more", captured.Problems[^1].Message, StringComparison.Ordinal);
        Assert.Equal("incomplete", captured.Record.State);
    }

    [Theory]
    [InlineData("small", 1, false, "complete")]
    [InlineData("small", 3, false, "complete")]
    [InlineData("small", 99, false, "incomplete")]
    [InlineData("large", 1, false, "complete")]
    [InlineData("large", 99, false, "incomplete")]
    [InlineData("small", 99, true, "complete")]
    [InlineData("large", 99, true, "complete")]
    public async Task A_file_that_changes_while_it_is_read_is_tried_again(
        string size, int times, bool append, string state)
    {
        var text = new string('x', size == "small" ? 1000 : 3_000_000);
        fixture.Write("file", text);
        var changes = 0;
        var disk = new FaultyDisk(fixture.Real, (name, path) =>
        {
            if (name != "File.Read" || path.Name.ToString() != "file" || changes >= times) return;
            changes++;
            using var file = fixture.Real.OpenWrite(path);
            if (append) file.Write(file.Stat().SizeBytes, "y"u8);
            else file.Write(changes % 1000, [(byte)changes]);
        });

        var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));

        Assert.Equal(state, captured.Record.State);
        Assert.Equal(
            state == "incomplete",
            captured.Problems.Any(p => p.Code == RecoveryErrors.FileChanging && p.Where == "file"));
        var folder = fixture.Outside / "out";
        fixture.Real.MakeFolder(folder);
        await fixture.Asset().MaterialiseAsync(
            captured.Record, captured.Point, folder.ToString(), Survey.Intact, fixture.Progress, None);
        using var written = fixture.Real.OpenRead(folder / "file");
        var bytes = new byte[text.Length + 1000];
        var length = written.Read(0, bytes);
        if (append)
        {
            Assert.Contains(fixture.Progress.Notes, note => note.StartsWith("file grew", StringComparison.Ordinal));
            Assert.True(length >= text.Length && length < text.Length + 20);
            Assert.Equal(text, System.Text.Encoding.ASCII.GetString(bytes, 0, text.Length));
        }
        else if (state == "complete")
        {
            Assert.Equal(fixture.Read("file"), System.Text.Encoding.UTF8.GetString(bytes, 0, length));
        }
    }

    [Fact]
    public async Task A_file_that_vanishes_is_no_problem()
    {
        fixture.Write("a", "x");
        fixture.Write("b", "x");
        fixture.Write("c/d", "x");
        fixture.Write("keep", "x");
        var disk = new FaultyDisk(fixture.Real, (name, path) =>
        {
            if (name == "OpenRead" && path.Name.ToString() is "b") fixture.Real.DeleteFile(path);
            if (name == "List" && path.Name.ToString() == "c")
            {
                fixture.Real.DeleteFile(path / "d");
                fixture.Real.DeleteFolder(path);
            }
        });
        var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));
        Assert.Equal("complete", captured.Record.State);
        Assert.Empty(captured.Problems);
        Assert.Equal(2, captured.Record.Rows["files"]);
    }

    [Fact]
    public async Task What_took_the_place_of_a_file_is_captured_as_what_it_is()
    {
        fixture.Write("a", "x");
        var disk = new FaultyDisk(fixture.Real, (name, path) =>
        {
            if (name != "OpenRead" || path.Name.ToString() != "a") return;
            fixture.Real.DeleteFile(path);
            fixture.Real.MakeSymbolicLink(path, new DiskPath("elsewhere"));
        });
        var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));
        Assert.Equal(1, captured.Record.Rows["links"]);
        Assert.Equal("complete", captured.Record.State);
    }

    [Fact]
    public async Task A_hard_link_to_a_file_that_could_not_be_read_is_missing_too()
    {
        fixture.Write("a", new string('x', 2_000_000));
        fixture.Real.Link(fixture.Root / "a", fixture.Root / "b");
        var disk = new FaultyDisk(fixture.Real, (name, path) =>
        {
            if (name == "File.Read" && path.Name.ToString() == "a")
                throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
        });
        fixture.Write("c", "x");
        var captured = await fixture.CaptureAsync(fixture.Asset(disk: disk));
        Assert.Equal("incomplete", captured.Record.State);
        Assert.Equal(1, captured.Record.Rows["files"]);
        Assert.Equal(["a", "b"], captured.Problems.Select(p => p.Where).Order());
    }

    [Fact]
    public async Task A_failing_repository_is_not_taken_for_an_unreadable_file()
    {
        fixture.Write("a", "text");
        fixture.FailPacks = true;
        var error = await Assert.ThrowsAsync<StoreException>(() => fixture.CaptureAsync());
        Assert.Equal(StorageErrors.MediumFailed, error.Code);
    }

    [Fact]
    public async Task Damage_in_the_repository_is_exit_5_and_leaves_no_live_file_touched()
    {
        fixture.Write("a", new string('a', 50_000));
        var captured = await fixture.CaptureAsync();
        var list = captured.Record.Streams["files"];
        var wrong = captured.Record with
        {
            Streams = new SortedDictionary<string, Reprise.Repository.Points.Content>(StringComparer.Ordinal)
            {
                ["files"] = list with { LengthBytes = list.LengthBytes + 1 },
            },
        };
        var before = fixture.Snapshot();
        var item = new Reprise.Recovery.Assets.RestoreItem(FilesFixture.Id(1), wrong);
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => fixture.Asset().StageAsync(item, captured.Point, fixture.Progress, None));
        Assert.Equal(RepositoryErrors.ContentDamaged, error.Code);
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
        Assert.Equal(before, fixture.Snapshot());
    }

    private void BuildOddTree()
    {
        fixture.Write("plain.txt", "plain");
        fixture.Write("empty", "");
        fixture.Write(new DiskPath("names/new\nline"), "1");
        fixture.Write(new DiskPath([.. "names/"u8, 0xff, 0xfe]), "2");
        fixture.Write(new DiskPath([.. "names/"u8, .. Enumerable.Repeat((byte)'n', 255)]), "3");
        fixture.Write("names-dash", "sorts before names/");
        fixture.Write("set/uid", "x", 0x9ED);
        fixture.Write("set/nothing", "x", 0);
        fixture.Real.MakeFolder(fixture.Root / "hollow/inner", 0x1ED);
        fixture.Real.MakeFolder(fixture.Root / "sticky");
        fixture.Real.SetMode(fixture.Root / "sticky", 0x3FF);
        fixture.Write("linked/first", "shared");
        fixture.Write("a-large", new string('l', 2_500_000));
        fixture.Real.Link(fixture.Root / "linked/first", fixture.Root / "linked/second");
        fixture.Real.Link(fixture.Root / "linked/first", fixture.Root / "third");
        fixture.Real.Link(fixture.Root / "a-large", fixture.Root / "linked/large");
        fixture.Real.MakeSymbolicLink(fixture.Root / "loop", new DiskPath("loop"));
        fixture.Real.MakeSymbolicLink(fixture.Root / "outside", new DiskPath("/etc/passwd"));
        fixture.Real.MakeSymbolicLink(fixture.Root / "dir", new DiskPath("linked"));
        fixture.Real.SetModified(fixture.Root / "loop", new UnixTime(1_000_000_000, 5));
        fixture.Real.MakeFifo(fixture.Root / "pipe", 0x1B6);
        using (var sparse = fixture.Real.CreateNew(fixture.Root / "sparse"))
        {
            sparse.SetLength(1L << 30);
            sparse.Write(500L << 20, "in the middle"u8);
        }

        Assert.True(
            fixture.Real.SetAttribute(
                fixture.Root / "plain.txt", new ExtendedAttribute("user.note", new byte[] { 1, 0, 255 })));
        Assert.True(
            fixture.Real.SetAttribute(fixture.Root / "names", new ExtendedAttribute("user.dir", new byte[300])));
        if (FilesFixture.IsRoot)
        {
            // Version 2, effective, cap_net_bind_service.
            byte[] capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            fixture.Real.SetAttribute(fixture.Root / "empty", new ExtendedAttribute("security.capability", capability));
            fixture.Real.SetOwner(fixture.Root / "set/uid", 1234, 4321);
            fixture.Real.SetMode(fixture.Root / "set/uid", 0x9ED);
            fixture.Real.SetOwner(fixture.Root / "loop", 77, 88);
            fixture.Real.SetOwner(fixture.Root / "hollow", 5, 6);
        }

        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(fixture.Root + "/socket"));
        if (!fixture.Exists("socket")) throw new InvalidOperationException("the socket is gone");
        fixture.Real.SetModified(fixture.Root / "plain.txt", new UnixTime(-1, 999_999_999));
        fixture.Real.SetModified(fixture.Root / "hollow/inner", new UnixTime(1_500_000_000, 123_456_789));
        fixture.Real.SetModified(fixture.Root / "hollow", new UnixTime(1_400_000_000, 1));
        fixture.Real.SetModified(fixture.Root / "names", new UnixTime(1_300_000_000, 2));
        fixture.Real.SetModified(fixture.Root, new UnixTime(1_200_000_000, 3));
    }
}
