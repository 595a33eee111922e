using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Storage;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Storage.Wrapping;

namespace Reprise.Tests.Storage;

public sealed class RetryingStoreTests
{
    private static readonly ObjectName Name = new("points/one");
    private static readonly byte[] Content = [1, 2, 3];

    private readonly MemoryStore memory = new();
    private readonly ScriptedStore scripted;
    private readonly RetryingStore store;

    public RetryingStoreTests()
    {
        scripted = new ScriptedStore(memory);
        var policy = new RetryPolicy
        {
            FirstPause = TimeSpan.FromMilliseconds(2),
            LongestPause = TimeSpan.FromMilliseconds(5),
        };
        store = new RetryingStore(scripted, policy, TimeProvider.System, new SeededEntropy(1));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fault_that_passes_is_not_seen()
    {
        scripted.Fail(new StoreFault.Throttled(), new StoreFault.Unreachable());
        await store.PutAsync(Name, Content, PutMode.CreateNew, Token);
        scripted.Fail(new StoreFault.Failed());
        using var read = await store.ReadAsync(Name, new ByteRange(0, 3), Token);
        Assert.Equal(Content, read.Memory.ToArray());
        scripted.Fail(new StoreFault.Failed());
        Assert.NotNull(await store.StatAsync(Name, Token));
        scripted.Fail(new StoreFault.Failed(), new StoreFault.Failed());
        await store.DeleteAsync(Name, Token);
        Assert.Null(await memory.StatAsync(Name, Token));
    }

    [Fact]
    public async Task Attempts_are_bounded_and_folded_into_one_error()
    {
        scripted.Fail(
            new StoreFault.Unreachable(),
            new StoreFault.Throttled(),
            new StoreFault.Unreachable(),
            new StoreFault.Throttled(),
            new StoreFault.Unreachable(),
            new StoreFault.Throttled());
        var failure = await Assert.ThrowsAsync<StoreException>(async () => await store.StatAsync(Name, Token));
        Assert.Equal(5, scripted.Calls);
        Assert.IsType<StoreFault.Unreachable>(failure.Fault);
        Assert.Contains("5 attempts", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Throttled", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_pass_is_not_tried_again()
    {
        StoreFault[] lasting = [new StoreFault.Denied(), new StoreFault.OutOfSpace(), new StoreFault.NotFound()];
        foreach (var fault in lasting)
        {
            scripted.Calls = 0;
            scripted.Fail(fault);
            var failure = await Assert.ThrowsAsync<StoreException>(
                async () => await store.PutAsync(Name, Content, PutMode.CreateNew, Token));
            Assert.Equal(fault, failure.Fault);
            Assert.Equal(1, scripted.Calls);
        }
    }

    [Fact]
    public async Task A_creation_whose_answer_was_lost_is_ours()
    {
        scripted.FailAfterEffect = true;
        scripted.Fail(new StoreFault.Failed());
        await store.PutAsync(Name, Content, PutMode.CreateNew, Token);
        Assert.Equal(3, (await memory.StatAsync(Name, Token))?.SizeBytes);
    }

    [Fact]
    public async Task A_creation_that_landed_after_we_had_looked_is_ours()
    {
        scripted.Fail(new StoreFault.Failed());
        scripted.BeforePut = call => call == 3 ? memory.PutAsync(Name, Content, PutMode.CreateNew, Token) : default;
        await store.PutAsync(Name, Content, PutMode.CreateNew, Token);
        Assert.Equal(3, (await memory.StatAsync(Name, Token))?.SizeBytes);
    }

    [Fact]
    public async Task A_creation_that_another_won_is_not_ours()
    {
        await memory.PutAsync(Name, new byte[] { 9, 9, 9 }, PutMode.CreateNew, Token);
        scripted.Fail(new StoreFault.Failed());
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync(Name, Content, PutMode.CreateNew, Token));
        Assert.IsType<StoreFault.AlreadyExists>(failure.Fault);
    }

    [Fact]
    public async Task Equal_bytes_of_another_are_refused_when_nothing_of_ours_was_sent()
    {
        await memory.PutAsync(Name, Content, PutMode.CreateNew, Token);
        scripted.Fail(new StoreFault.Throttled());
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync(Name, Content, PutMode.CreateNew, Token));
        Assert.IsType<StoreFault.AlreadyExists>(failure.Fault);
    }

    [Fact]
    public async Task An_early_doubt_is_kept_in_the_final_error()
    {
        scripted.Fail(
            new StoreFault.Failed(),
            new StoreFault.Unreachable(),
            new StoreFault.Unreachable(),
            new StoreFault.Unreachable(),
            new StoreFault.Unreachable());
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync(Name, Content, PutMode.CreateNew, Token));
        Assert.True(failure.Fault.MayHaveTakenEffect);
    }

    [Fact]
    public async Task A_broken_listing_goes_on_where_it_was()
    {
        for (var i = 0; i < 10; i++)
            await memory.PutAsync(new ObjectName($"packs/{i}"), Content, PutMode.CreateNew, Token);
        scripted.BreakListingsAfter = 4;
        scripted.Fail(new StoreFault.Failed(), new StoreFault.Throttled());
        var listed = new List<string>();
        await foreach (var info in store.ListAsync(ObjectPrefix.All, Token)) listed.Add(info.Name.Value);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"packs/{i}"), listed);
    }

    [Fact]
    public async Task A_listing_that_gets_no_further_ends()
    {
        for (var i = 0; i < 3; i++)
            await memory.PutAsync(new ObjectName($"packs/{i}"), Content, PutMode.CreateNew, Token);
        scripted.BreakListingsAfter = 2;
        scripted.Fail([.. Enumerable.Repeat(new StoreFault.Throttled(), 6)]);
        var listed = 0;
        var failure = await Assert.ThrowsAsync<StoreException>(async () =>
        {
            await foreach (var _ in store.ListAsync(ObjectPrefix.All, Token)) listed++;
        });
        Assert.Equal((2, 5), (listed, scripted.Calls));
        Assert.Equal("injected Throttled 5 (5 attempts)", failure.Message);
    }

    [Fact]
    public async Task Failures_that_differ_in_a_number_only_are_told_once_with_their_count()
    {
        scripted.Fail(
            new StoreFault.Throttled(),
            new StoreFault.Unreachable(),
            new StoreFault.Throttled(),
            new StoreFault.Unreachable(),
            new StoreFault.Failed());
        var failure = await Assert.ThrowsAsync<StoreException>(async () => await store.StatAsync(Name, Token));
        Assert.Equal(
            "injected Failed 5 (5 attempts; before that: injected Throttled (2 times); injected Unreachable (2 times))",
            failure.Message);
    }

    [Fact]
    public async Task Cancelling_ends_the_waiting()
    {
        var policy = new RetryPolicy { FirstPause = TimeSpan.FromDays(1), LongestPause = TimeSpan.FromDays(1) };
        var patient = new RetryingStore(scripted, policy, TimeProvider.System, new SeededEntropy(1));
        scripted.Fail(new StoreFault.Throttled());
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await patient.StatAsync(Name, source.Token));
    }

    /// <summary>Fails the next calls as it was told, before or after they take effect.</summary>
    private sealed class ScriptedStore(IStore inner) : IStore
    {
        private readonly Queue<StoreFault> faults = new();

        public int Calls { get; set; }

        public Func<int, ValueTask> BeforePut { get; set; } = _ => default;

        public bool FailAfterEffect { get; set; }

        public int BreakListingsAfter { get; set; }

        public StoreCapabilities Capabilities => inner.Capabilities;

        public void Fail(params StoreFault[] next)
        {
            faults.Clear();
            foreach (var fault in next) faults.Enqueue(fault);
        }

        public async ValueTask PutAsync(
            ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
        {
            if (!FailAfterEffect) Step();
            await BeforePut(Calls);
            await inner.PutAsync(name, content, mode, cancellationToken);
            if (FailAfterEffect) Step();
        }

        public ValueTask<IMemoryOwner<byte>> ReadAsync(
            ObjectName name, ByteRange range, CancellationToken cancellationToken)
        {
            Step();
            return inner.ReadAsync(name, range, cancellationToken);
        }

        public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken)
        {
            Step();
            return inner.StatAsync(name, cancellationToken);
        }

        public async IAsyncEnumerable<ObjectInfo> ListAsync(
            ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var count = 0;
            await foreach (var info in inner.ListAsync(prefix, cancellationToken))
            {
                if (count++ == BreakListingsAfter) Step();
                yield return info;
            }
        }

        public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken)
        {
            Step();
            return inner.DeleteAsync(name, cancellationToken);
        }

        private void Step()
        {
            Calls++;
            if (faults.TryDequeue(out var fault))
            {
                var sentence = "injected " + fault.GetType().Name;
                throw new StoreException(fault, Name, $"{sentence} {Calls}", "none") { Sentence = sentence };
            }
        }
    }
}
