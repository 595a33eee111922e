using Reprise.Storage;
using Reprise.Storage.Conformance;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Storage.Wrapping;

namespace Reprise.Tests.Storage;

public sealed class StoreTests : IDisposable
{
    private static readonly ObjectName Name = new("packs/ab/abcdef");

    private readonly ScratchFolder scratch = new();
    private readonly Cpu cpu = Cpu.OfThisMachine();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("memory")]
    [InlineData("local")]
    [InlineData("local on the portable disk")]
    [InlineData("local, two clients")]
    [InlineData("retrying")]
    public async Task A_store_keeps_the_semantics(string kind)
    {
        IStore store = kind switch
        {
            "memory" => new MemoryStore(),
            "local" => Local(),
            "local on the portable disk" => LocalStore.Create(new PortableDisk(), scratch.Folder, cpu, Entropy.System),
            "local, two clients" => new Alternating(Local(), Local()),
            _ => new RetryingStore(Local(), new RetryPolicy(), TimeProvider.System, Entropy.System),
        };

        var results = await new StoreConformance(store, Entropy.System).RunAsync(Token);

        var known = kind == "local on the portable disk"
            ? results.Where(result => result.Name != "create-new-one-winner") // Atomic on Windows only; it says so.
            : results;
        Assert.All(known, result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
        Assert.True(results.Count >= 18);
        if (kind.StartsWith("local", StringComparison.Ordinal))
            Assert.Empty(Directory.GetFiles(scratch.Text + "/.tmp"));
    }

    [Theory]
    [InlineData("list-order")]
    [InlineData("put-then-read")]
    [InlineData("create-new-one-winner")]
    [InlineData("create-new-refuses")]
    [InlineData("truncated-range")]
    [InlineData("list-after-write")]
    public async Task A_store_that_breaks_the_semantics_is_found(string broken)
    {
        var results = await new StoreConformance(new BrokenStore(broken), Entropy.System).RunAsync(Token);
        Assert.Contains(results, result => result.Name == broken && !result.Passed && result.Detail.Length > 0);
    }

    [Fact]
    public async Task A_missing_folder_is_unreachable_and_not_empty()
    {
        var missing = scratch / "not-mounted";
        var opening = Assert.Throws<StoreException>(
            () => LocalStore.Open(Disks.OfThisMachine(), missing, cpu, Entropy.System));
        Assert.IsType<StoreFault.Unreachable>(opening.Fault);

        var store = Local();
        await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token);
        Directory.Move(scratch.Text, scratch.Text + "-away");
        try
        {
            Func<Task>[] calls =
            [
                async () => (await store.ReadAsync(Name, new ByteRange(0, 3), Token)).Dispose(),
                async () => await store.StatAsync(Name, Token),
                async () => await store.DeleteAsync(Name, Token),
                async () => await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token),
                async () => await store.PutAsync(Name, new byte[3], PutMode.Replace, Token),
                async () =>
                    { await foreach (var _ in store.ListAsync(ObjectPrefix.All, Token)) Assert.Fail("listed"); },
            ];
            foreach (var call in calls)
            {
                var failure = await Assert.ThrowsAsync<StoreException>(call);
                Assert.IsType<StoreFault.Unreachable>(failure.Fault);
                Assert.Equal("store-unavailable", failure.Code.Name);
                Assert.Contains("mount", failure.Problem.Hint, StringComparison.Ordinal);
            }

            Assert.False(Directory.Exists(scratch.Text));
        }
        finally
        {
            Directory.Move(scratch.Text + "-away", scratch.Text);
        }
    }

    [Fact]
    public async Task Files_are_private_and_foreign_files_are_not_objects()
    {
        var store = Local();
        await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token);
        File.WriteAllText(scratch.Text + "/.hidden", "x");
        Directory.CreateDirectory(scratch.Text + "/lost+found");
        Directory.CreateDirectory(scratch.Text + "/a/b/c/d");
        File.WriteAllText(scratch.Text + "/a/b/c/d/too-deep", "x");

        var listed = new List<ObjectName>();
        await foreach (var info in store.ListAsync(ObjectPrefix.All, Token)) listed.Add(info.Name);

        Assert.Equal([Name], listed);
        var disk = Disks.OfThisMachine();
        Assert.Equal(0x180, disk.Stat(scratch / "packs/ab/abcdef")?.Mode);
        Assert.Equal(0x1C0, disk.Stat(scratch / "packs/ab")?.Mode);
        Assert.NotNull(store.Capabilities.Device);
    }

    [Fact]
    public async Task A_put_that_fails_at_any_step_leaves_nothing_or_all_and_succeeds_when_repeated()
    {
        foreach (var mode in Enum.GetValues<PutMode>())
        {
            for (var failing = 0; ; failing++)
            {
                var name = new ObjectName($"packs/{mode}/{failing}");
                var step = 0;
                var disk = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
                {
                    if (FaultyDisk.Changes.Contains(call) && step++ == failing)
                        throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
                });
                var store = new LocalStore(disk, scratch.Folder, cpu, Entropy.System);
                var content = new byte[1000 + failing];
                var failed = false;
                try
                {
                    await store.PutAsync(name, content, mode, Token);
                }
                catch (StoreException e)
                {
                    failed = true;
                    Assert.IsType<StoreFault.Failed>(e.Fault);
                }

                if (failed && mode != PutMode.Replace) Assert.Null(await store.StatAsync(name, Token));
                Assert.Empty(
                    Directory.Exists(scratch.Text + "/.tmp") ? Directory.GetFiles(scratch.Text + "/.tmp") : []);
                if (!failed) break;
                await store.PutAsync(name, content, mode, Token);
                using var read = await store.ReadAsync(name, new ByteRange(0, content.Length), Token);
                Assert.Equal(content, read.Memory.ToArray());
            }
        }
    }

    [Fact]
    public async Task An_object_is_synced_before_it_is_named_and_its_folder_after()
    {
        var calls = new List<string>();
        var disk = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
        {
            if (FaultyDisk.Changes.Contains(call)) calls.Add(call + " " + path.ToString()[scratch.Text.Length..]);
        });
        var store = new LocalStore(disk, scratch.Folder, cpu, Entropy.System);

        await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token);

        var sync = calls.FindIndex(call => call.StartsWith("File.Sync", StringComparison.Ordinal));
        var rename = calls.IndexOf("RenameNew /packs/ab/abcdef");
        Assert.True(sync >= 0 && sync < rename, string.Join('\n', calls));
        Assert.Equal("SyncFolder /packs/ab", calls[^1]);
        Assert.Contains("SyncFolder /packs", calls);
        Assert.Contains("SyncFolder ", calls);
    }

    [Fact]
    public async Task A_full_disk_and_a_refusal_are_told_apart()
    {
        foreach (var (code, fault) in new (ErrorCode, Type)[]
        {
            (StorageErrors.DiskFull, typeof(StoreFault.OutOfSpace)),
            (StorageErrors.FileDenied, typeof(StoreFault.Denied)),
        })
        {
            var disk = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
            {
                if (call == "File.Write") throw FaultyDisk.Failure(code, path);
            });
            var store = new LocalStore(disk, scratch.Folder, cpu, Entropy.System);
            var failure = await Assert.ThrowsAsync<StoreException>(
                async () => await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token));
            Assert.IsType(fault, failure.Fault);
            Assert.Equal(Name, failure.Name);
        }
    }

    [Fact]
    public async Task A_store_for_reading_refuses_to_change()
    {
        var inner = new MemoryStore();
        await inner.PutAsync(Name, new byte[] { 1, 2, 3 }, PutMode.CreateNew, Token);
        var store = new ReadOnlyStore(inner);

        var put = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync(Name, new byte[3], PutMode.Replace, Token));
        var delete = await Assert.ThrowsAsync<StoreException>(async () => await store.DeleteAsync(Name, Token));

        Assert.IsType<StoreFault.Denied>(put.Fault);
        Assert.IsType<StoreFault.Denied>(delete.Fault);
        using var read = await store.ReadAsync(Name, new ByteRange(0, 3), Token);
        Assert.Equal([1, 2, 3], read.Memory.ToArray());
        Assert.Equal(3, (await store.StatAsync(Name, Token))?.SizeBytes);
    }

    private LocalStore Local() => LocalStore.Create(Disks.OfThisMachine(), scratch.Folder, cpu, Entropy.System);

    /// <summary>Every call goes to the other client of the same medium.</summary>
    private sealed class Alternating(IStore one, IStore other) : IStore
    {
        private int calls;

        public StoreCapabilities Capabilities => one.Capabilities;

        private IStore Next => (Interlocked.Increment(ref calls) & 1) == 0 ? one : other;

        public ValueTask PutAsync(
            ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken token) =>
            Next.PutAsync(name, content, mode, token);

        public ValueTask<System.Buffers.IMemoryOwner<byte>> ReadAsync(
            ObjectName name, ByteRange range, CancellationToken token) =>
            Next.ReadAsync(name, range, token);

        public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken token) =>
            Next.StatAsync(name, token);

        public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken token) =>
            Next.ListAsync(prefix, token);

        public ValueTask DeleteAsync(ObjectName name, CancellationToken token) => Next.DeleteAsync(name, token);
    }
}
