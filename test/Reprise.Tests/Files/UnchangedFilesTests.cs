using System.Collections.Concurrent;
using Reprise.Recovery.Files;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Simulation;

namespace Reprise.Tests.Files;

/// <summary>Files that did not change are not read again; whatever may have changed is.</summary>
public sealed class UnchangedFilesTests : IDisposable
{
    private readonly FilesFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    private static CancellationToken None => FilesFixture.None;

    [Fact]
    public async Task Old_files_are_not_read_again_and_come_back_from_the_later_point()
    {
        fixture.Write("a/one", "1");
        fixture.Write("a/two", "2");
        fixture.Write("b", "");
        fixture.Real.Link(fixture.Root / "a/one", fixture.Root / "c");
        var first = await fixture.CaptureAsync(Later());
        fixture.Write("new", "3");
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("0", Unread(first));
        Assert.Equal("3", Unread(second));
        Assert.Equal(first.Record.SourceBytes + 1, second.Record.SourceBytes);

        var before = fixture.Snapshot();
        foreach (var name in new[] { "a/one", "a/two", "b", "c", "new" }) fixture.Real.DeleteFile(fixture.Root / name);
        await fixture.RestoreAsync(fixture.Asset(), second);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task Nothing_is_read_of_them()
    {
        fixture.Write("one", "1");
        fixture.Write("two", "2");
        var first = await fixture.CaptureAsync(Later());
        var disk = new OpenedDisk(fixture.Real);
        await fixture.CaptureAsync(Later(disk), first);
        Assert.DoesNotContain(disk.Opened, path => path.IsWithin(fixture.Root));
        fixture.Write("three", "3");
        await fixture.CaptureAsync(Later(disk), first);
        Assert.Contains(disk.Opened, path => path == fixture.Root / "three");
    }

    [Fact]
    public async Task Young_files_are_read_again()
    {
        fixture.Write("one", "1");
        var first = await fixture.CaptureAsync();
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("0", Unread(second));
        var third = await fixture.CaptureAsync(Later(), second);
        Assert.Equal("1", Unread(third));
    }

    [Fact]
    public async Task Another_content_of_the_same_size_and_time_is_seen()
    {
        fixture.Write("one", "1");
        var first = await fixture.CaptureAsync(Later());
        var status = fixture.Real.Stat(fixture.Root / "one")!;
        using (var file = fixture.Real.OpenWrite(fixture.Root / "one")) file.Write(0, "2"u8);
        fixture.Real.SetModified(fixture.Root / "one", status.Modified);
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("0", Unread(second));
        Assert.NotEqual(first.Record.Sha256, second.Record.Sha256);
    }

    [Fact]
    public async Task A_file_that_took_the_place_of_another_is_read()
    {
        fixture.Write("one", "1");
        fixture.Write("other", "2");
        var first = await fixture.CaptureAsync(Later());
        var status = fixture.Real.Stat(fixture.Root / "one")!;
        fixture.Real.SetModified(fixture.Root / "other", status.Modified);
        fixture.Real.Rename(fixture.Root / "other", fixture.Root / "one");
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("0", Unread(second));
    }

    [Fact]
    public async Task Without_its_pack_a_file_is_read_and_stored_again()
    {
        fixture.Write("one", "1");
        var first = await fixture.CaptureAsync(Later());
        var large = new byte[30 << 20];
        new Random(1).NextBytes(large);
        Write("two", large);
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("1", Unread(second));
        await DeletePacksAsync(first);
        var third = await fixture.CaptureAsync(Later(), second);

        // The list of the second point may have gone with the pack of the first: then all is read, and said.
        var said = third.Problems.Any(p => p.Severity == Severity.Warning && p.Message.Contains("every file is read", StringComparison.Ordinal));
        Assert.Equal(said ? "0" : "1", Unread(third));
        var before = fixture.Snapshot();
        await fixture.RestoreAsync(fixture.Asset(), third);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task A_long_list_of_parts_is_taken_over_or_read_again_when_a_pack_of_it_is_gone()
    {
        var large = new byte[30 << 20];
        new Random(2).NextBytes(large);
        Write("large", large);
        var first = await fixture.CaptureAsync(Later());
        var second = await fixture.CaptureAsync(Later(), first);
        Assert.Equal("1", Unread(second));
        Assert.True(second.Record.StoredBytes < 100_000);
        var before = fixture.Snapshot();
        await fixture.RestoreAsync(fixture.Asset(), second);
        Assert.Equal(before, fixture.Snapshot());

        // The first pack that was written holds only bytes of the file, not its list.
        await fixture.Store.DeleteAsync(await FirstPackAsync(), None);
        fixture.Real.SetModified(fixture.Root / "large", new UnixTime(1_600_000_000, 0));
        var third = await fixture.CaptureAsync(Later(), second);
        Assert.Equal("0", Unread(third));
        before = fixture.Snapshot();
        await fixture.RestoreAsync(fixture.Asset(), third, 2);
        Assert.Equal(before, fixture.Snapshot());
    }

    [Fact]
    public async Task Where_times_tell_nothing_every_file_is_read()
    {
        using var memory = new FilesFixture(memory: true);
        memory.Write("one", "1");
        var first = await memory.CaptureAsync(Later(memory.Real, memory));
        var second = await memory.CaptureAsync(Later(memory.Real, memory), first);
        Assert.Equal("0", Unread(second));
    }

    private static string Unread(Captured captured) => captured.Record.Facts["unread"];

    private FilesAsset Later(IDisk? disk = null, FilesFixture? of = null) =>
        (of ?? fixture).Asset(disk: disk, clock: new LaterClock());

    private void Write(string path, byte[] bytes)
    {
        using var file = fixture.Real.CreateNew(fixture.Root / path);
        file.Write(0, bytes);
    }

    private async Task DeletePacksAsync(Captured of)
    {
        foreach (var pack in await of.Point.PacksOfAsync(of.Record.Streams["files"], None))
            await fixture.Store.DeleteAsync(new ObjectName("packs/" + pack), None);
    }

    private async Task<ObjectName> FirstPackAsync()
    {
        var names = new List<ObjectInfo>();
        await foreach (var info in fixture.Store.ListAsync(new ObjectPrefix("packs"), None)) names.Add(info);
        return names.MaxBy(n => n.SizeBytes)!.Name;
    }

    private sealed class OpenedDisk(IDisk inner) : PassingDisk(inner)
    {
        public ConcurrentBag<DiskPath> Opened { get; } = [];

        public override IDiskFile OpenRead(DiskPath path)
        {
            Opened.Add(path);
            return base.OpenRead(path);
        }
    }

    /// <summary>Two minutes ahead: everything in the folder is old.</summary>
    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(2);
    }
}
