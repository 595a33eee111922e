using System.Runtime.Versioning;
using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Storage;

[SupportedOSPlatform("linux")]
public sealed class DiskTests : IDisposable
{
    private readonly ScratchFolder scratch = new();
    private readonly IDisk disk = Disks.OfThisMachine();

    public void Dispose() => scratch.Dispose();

    public static TheoryData<string> Both => ["linux", "portable"];

    private static IDisk Named(string kind) => kind == "linux" ? new LinuxDisk() : new PortableDisk();

    [Fact]
    public void Linux_gets_the_disk_of_linux() => Assert.IsType<LinuxDisk>(disk);

    [Fact]
    public void A_status_is_what_stat_prints()
    {
        File.WriteAllText(scratch.Text + "/file", "hello");
        File.SetUnixFileMode(scratch.Text + "/file", (UnixFileMode)0x9A0);
        disk.SetModified(scratch / "file", new UnixTime(-5, 123_456_789));
        Assert.True(disk.Link(scratch / "file", scratch / "second"));

        var status = disk.Stat(scratch / "file");

        Assert.NotNull(status);
        var info = new System.Diagnostics.ProcessStartInfo(
            "stat", ["-c", "%f %h %u %g %i %s %b %d %X", scratch.Text + "/file"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = System.Diagnostics.Process.Start(info)!;
        var words = process.StandardOutput.ReadToEnd().Split();
        Assert.Equal(FileType.Regular, status.Type);
        Assert.Equal(Convert.ToInt32(words[0], 16) & 0xFFF, status.Mode);
        Assert.Equal(0x9A0, status.Mode);
        Assert.Equal(uint.Parse(words[1]), status.Links);
        Assert.Equal(2u, status.Links);
        Assert.Equal(uint.Parse(words[2]), status.User);
        Assert.Equal(uint.Parse(words[3]), status.Group);
        Assert.Equal(ulong.Parse(words[4]), status.Inode);
        Assert.Equal(long.Parse(words[5]), status.SizeBytes);
        Assert.Equal(long.Parse(words[6]) * 512, status.AllocatedBytes);
        Assert.Equal(long.Parse(words[7]), status.Device);
        Assert.Equal(new UnixTime(-5, 123_456_789), status.Modified);
        Assert.True(status.Changed.Seconds > 1_600_000_000);
    }

    // Killed between making a file and deleting it, a restore left that file beside the database for ever.
    [Fact]
    public async Task Trying_whether_a_folder_can_be_written_shows_no_name()
    {
        var seen = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var ended = new TaskCompletionSource();
        using var watcher = new FileSystemWatcher(scratch.Text);
        watcher.Created += (_, created) =>
        {
            seen.Enqueue(created.Name ?? "");
            if (created.Name == "last") ended.TrySetResult();
        };
        watcher.EnableRaisingEvents = true;
        disk.CreateUnnamed(scratch / "probe").Dispose();
        disk.CreateNew(scratch / "last").Dispose();
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(["last"], seen);
        var missing = Assert.Throws<RepriseException>(() => disk.CreateUnnamed(scratch / "nowhere/probe"));
        Assert.Equal(StorageErrors.FileMissing, missing.Code);
    }

    [Fact]
    public void Names_that_are_not_text_are_listed_and_opened()
    {
        var longest = Enumerable.Repeat((byte)'n', 255).ToArray();
        byte[][] names = [[0xff, 0xfe], "new\nline"u8.ToArray(), "é"u8.ToArray(), longest];
        foreach (var name in names)
        {
            using var file = disk.CreateNew(scratch.Folder / new DiskPath(name));
            file.Write(0, name);
        }

        var listed = disk.List(scratch.Folder).Select(entry => entry.Name).Order().ToList();

        Assert.Equal(names.Select(name => new DiskPath(name)).Order(), listed);
        foreach (var name in listed)
        {
            using var file = disk.OpenRead(scratch.Folder / name);
            var content = new byte[300];
            Assert.True(content.AsSpan(0, file.Read(0, content)).SequenceEqual(name.Bytes));
        }
    }

    [Fact]
    public void A_folder_of_many_entries_is_listed_whole()
    {
        for (var i = 0; i < 3_000; i++) disk.CreateNew(scratch / $"entry-with-a-rather-long-name-{i}").Dispose();
        Assert.Equal(3_000, disk.List(scratch.Folder).Select(entry => entry.Name).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void What_is_written_is_read(string kind)
    {
        var own = Named(kind);
        var content = Encoding.UTF8.GetBytes(new string('x', 100_000));
        using (var file = own.CreateNew(scratch / "file"))
        {
            file.Write(10, content);
            file.Sync();
            Assert.Equal(100_010, file.Stat().SizeBytes);
        }

        own.SyncFolder(scratch.Folder);
        using var read = own.OpenRead(scratch / "file");
        var buffer = new byte[200_000];
        Assert.Equal(100_010, read.Read(0, buffer));
        Assert.Equal(new byte[10], buffer[..10]);
        Assert.Equal(content, buffer[10..100_010]);
        Assert.Equal(0, read.Read(100_010, buffer));
        Assert.Equal(0, read.Read(0, []));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Renaming_replaces_or_refuses(string kind)
    {
        var own = Named(kind);
        File.WriteAllText(scratch.Text + "/a", "a");
        File.WriteAllText(scratch.Text + "/b", "b");

        Assert.False(own.RenameNew(scratch / "a", scratch / "b"));
        Assert.Equal("b", File.ReadAllText(scratch.Text + "/b"));
        Assert.True(own.RenameNew(scratch / "a", scratch / "c"));
        own.Exchange(scratch / "b", scratch / "c");
        Assert.Equal("a", File.ReadAllText(scratch.Text + "/b"));
        own.Rename(scratch / "b", scratch / "c");
        Assert.Equal("a", File.ReadAllText(scratch.Text + "/c"));
        Assert.Null(own.Stat(scratch / "b"));
        own.DeleteFile(scratch / "c");
        own.DeleteFile(scratch / "c");
        Assert.Empty(own.List(scratch.Folder));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Folders_are_made_with_their_parents_and_deleted_empty_only(string kind)
    {
        var own = Named(kind);
        own.MakeFolder(scratch / "a/b/c");
        own.MakeFolder(scratch / "a/b/c");
        Assert.Equal(FileType.Folder, own.Stat(scratch / "a/b/c")?.Type);
        Assert.Equal(
            StorageErrors.FileExists, Assert.Throws<RepriseException>(() => own.DeleteFolder(scratch / "a")).Code);
        own.DeleteFolder(scratch / "a/b/c");
        own.DeleteFolder(scratch / "a/b/c");
        Assert.Null(own.Stat(scratch / "a/b/c"));
        Assert.Null(own.Stat(scratch / "a/b/c/d"));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void A_failure_has_its_code_and_its_path(string kind)
    {
        var own = Named(kind);
        File.WriteAllText(scratch.Text + "/file", "x");

        var missing = Assert.Throws<RepriseException>(() => own.OpenRead(scratch / "none"));
        var exists = Assert.Throws<RepriseException>(() => own.CreateNew(scratch / "file"));
        var folder = Assert.Throws<RepriseException>(() => own.List(scratch / "none").ToList());

        Assert.Equal(StorageErrors.FileMissing, missing.Code);
        Assert.Equal((scratch / "none").ToString(), missing.Problem.Where);
        Assert.NotEmpty(missing.Problem.Hint);
        Assert.Equal(StorageErrors.FileExists, exists.Code);
        Assert.Equal(StorageErrors.FileMissing, folder.Code);
    }

    [Fact]
    public void A_full_disk_says_so()
    {
        // /dev/full is a device, so the write itself is tried through a file that is bound to it by libc only.
        var fault = LinuxFault.Of(28, "write", scratch / "file");
        Assert.Equal(StorageErrors.DiskFull, fault.Code);
        Assert.Contains("errno 28", fault.Message, StringComparison.Ordinal);
        Assert.Equal(StorageErrors.DiskFull, LinuxFault.Of(122, "write", scratch / "file").Code);
        Assert.Equal(StorageErrors.FileDenied, LinuxFault.Of(13, "open", scratch / "file").Code);
        Assert.Equal(StorageErrors.FileDenied, LinuxFault.Of(1, "open", scratch / "file").Code);
        Assert.Equal(StorageErrors.MediumFailed, LinuxFault.Of(5, "read", scratch / "file").Code);
    }

    [Fact]
    public void Only_regular_files_are_opened_and_no_link_is_followed()
    {
        File.WriteAllText(scratch.Text + "/file", "x");
        disk.MakeSymbolicLink(scratch / "link", new DiskPath("file"));
        disk.MakeFifo(scratch / "pipe", 0x1B4);

        Assert.Equal("file", disk.ReadSymbolicLink(scratch / "link").ToString());
        Assert.Equal(FileType.SymbolicLink, disk.Stat(scratch / "link")?.Type);
        Assert.Equal(FileType.Fifo, disk.Stat(scratch / "pipe")?.Type);
        foreach (var name in new[] { "link", "pipe", "." })
            Assert.Equal(
                StorageErrors.FileDenied, Assert.Throws<RepriseException>(() => disk.OpenRead(scratch / name)).Code);
        var types = disk.List(scratch.Folder).ToDictionary(entry => entry.Name.ToString(), entry => entry.Type);
        Assert.Equal(FileType.SymbolicLink, types["link"]);
        Assert.Equal(FileType.Fifo, types["pipe"]);
        Assert.Equal(FileType.Regular, types["file"]);
    }

    [Fact]
    public void Holes_are_seen()
    {
        using var file = disk.CreateNew(scratch / "sparse");
        file.SetLength(1 << 30);
        file.Write(512 << 20, new byte[4096]);

        Assert.Equal(512 << 20, file.NextData(0));
        Assert.Equal((512 << 20) + 4096, file.NextHole(512 << 20));
        Assert.Null(file.NextData((512 << 20) + 4096));
        Assert.Equal(0, file.NextHole(0));
        Assert.True(file.Stat().AllocatedBytes < 1 << 20);
    }

    [Fact]
    public void Reserving_keeps_the_length()
    {
        using var file = disk.CreateNew(scratch / "file");
        file.Reserve(1 << 20);
        Assert.Equal(0, file.Stat().SizeBytes);
        Assert.True(file.Stat().AllocatedBytes >= 1 << 20);
    }

    [Fact]
    public void Attributes_come_back_sorted()
    {
        disk.CreateNew(scratch / "file").Dispose();
        Assert.Empty(disk.ReadAttributes(scratch / "file"));
        Assert.True(disk.SetAttribute(scratch / "file", new ExtendedAttribute("user.z", new byte[] { 1, 0, 2 })));
        Assert.True(disk.SetAttribute(scratch / "file", new ExtendedAttribute("user.a", ReadOnlyMemory<byte>.Empty)));
        Assert.False(disk.SetAttribute(scratch / "file", new ExtendedAttribute("nonsense", new byte[1])));

        var read = disk.ReadAttributes(scratch / "file");

        Assert.Equal(["user.a", "user.z"], read.Select(attribute => attribute.Name));
        Assert.Equal([1, 0, 2], read[1].Value.ToArray());
    }

    [Fact]
    public void Times_modes_and_owners_are_set()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give a file away");
        disk.CreateNew(scratch / "file").Dispose();
        disk.MakeSymbolicLink(scratch / "link", new DiskPath("nowhere"));

        disk.SetOwner(scratch / "file", 1234, 4321);
        disk.SetMode(scratch / "file", 0x9ED);
        disk.SetModified(scratch / "file", new UnixTime(4_000_000_000, 999_999_999));
        disk.SetOwner(scratch / "link", 77, 88);
        disk.SetModified(scratch / "link", new UnixTime(1, 2));

        var file = disk.Stat(scratch / "file")!;
        Assert.Equal((1234u, 4321u, 0x9ED), (file.User, file.Group, file.Mode));
        Assert.Equal(new UnixTime(4_000_000_000, 999_999_999), file.Modified);
        var link = disk.Stat(scratch / "link")!;
        Assert.Equal((77u, 88u, new UnixTime(1, 2)), (link.User, link.Group, link.Modified));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void A_lock_is_held_by_one(string kind)
    {
        var own = Named(kind);
        var held = own.TryLock(scratch / "lock");
        Assert.NotNull(held);
        Assert.Null(own.TryLock(scratch / "lock"));
        held.Dispose();
        using var again = own.TryLock(scratch / "lock");
        Assert.NotNull(again);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Room_is_told_for_a_path_that_is_not_there_yet(string kind)
    {
        var space = Named(kind).Space(scratch / "not/there/yet");
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
        var drive = new DriveInfo("/tmp");
        Assert.Equal(drive.TotalSize, space.TotalBytes);
        if (kind == "linux") Assert.Equal(disk.Stat(scratch.Folder)!.Device, space.Device);
    }

    [Fact]
    public void A_file_used_after_closing_is_refused()
    {
        var file = disk.CreateNew(scratch / "file");
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Write(0, new byte[1]));
    }

    [Fact]
    public void A_move_between_file_systems_is_told_apart()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "a second file system is needed");
        disk.CreateNew(scratch / "file").Dispose();
        var other = new DiskPath("/dev/shm/reprise-" + Guid.NewGuid().ToString("N"));
        var fault = Assert.Throws<RepriseException>(() => disk.RenameNew(scratch / "file", other));
        Assert.Equal(StorageErrors.CrossesFileSystems, fault.Code);
    }
}
