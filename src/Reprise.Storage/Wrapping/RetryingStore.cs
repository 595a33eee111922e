using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Reprise.Storage.Runtime;

namespace Reprise.Storage.Wrapping;

/// <summary>How patiently <see cref="RetryingStore"/> tries.</summary>
public sealed record RetryPolicy
{
    /// <summary>Calls in all, the first included (default 5).</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The longest pause after the first failure; it doubles with each (default 200 ms).</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>No pause is longer (default 10 s).</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// The only place that tries again. Pauses are random between nothing and a bound that doubles, so that many clients do
/// not come back at once. A put that may have taken effect is looked at before it is repeated: equal bytes under the
/// name are ours. The final error folds all attempts into one.
/// </summary>
public sealed class RetryingStore(IStore inner, RetryPolicy policy, TimeProvider clock, Entropy entropy) : IStore
{
    /// <inheritdoc />
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <inheritdoc />
    public void Expect(ObjectName name, IReadOnlyList<ByteRange> ranges) => inner.Expect(name, ranges);

    /// <inheritdoc />
    public async ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        var attempts = new Attempts(policy, clock, entropy);
        StoreException? taken = null;
        while (true)
        {
            try
            {
                if (attempts.MayHaveTakenEffect && await HoldsAsync(name, content, cancellationToken)) return;
                if (taken is not null) throw taken;
                await inner.PutAsync(name, content, mode, cancellationToken);
                return;
            }
            catch (StoreException e) when (
                taken is null && attempts.MayHaveTakenEffect && e.Fault is StoreFault.AlreadyExists)
            {
                // What was sent first may have landed only now, after we had looked: look again.
                taken = e;
            }
            catch (StoreException e) when (e.Fault.Retry)
            {
                await attempts.PauseAfterAsync(e, cancellationToken);
            }
        }
    }

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.ReadAsync(name, range, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.StatAsync(name, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectName? last = null;
        var listing = GoOnAsync(
            () => last is { } seen
                ? inner.ListAfterAsync(prefix, seen, cancellationToken)
                : inner.ListAsync(prefix, cancellationToken),
            info => last is not { } seen || info.Name > seen,
            cancellationToken);
        await foreach (var info in listing)
        {
            last = info.Name;
            yield return info;
        }
    }

    /// <inheritdoc />
    public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.DeleteAsync(name, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectVersion> VersionsAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectVersion? last = null;
        var given = new HashSet<ObjectVersion>();
        var listing = GoOnAsync(
            () => last is null
                ? inner.VersionsAsync(prefix, cancellationToken)
                : inner.VersionsAfterAsync(prefix, last, cancellationToken),
            given.Add,
            cancellationToken);
        await foreach (var version in listing)
        {
            last = version;
            yield return version;
        }
    }

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadVersionAsync(
        ObjectVersion version, ByteRange range, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.ReadVersionAsync(version, range, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public ValueTask ProtectAsync(ObjectVersion version, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.ProtectAsync(version, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public ValueTask UncoverAsync(ObjectVersion deletion, CancellationToken cancellationToken) =>
        AgainAsync(() => inner.UncoverAsync(deletion, cancellationToken), cancellationToken);

    // A listing that breaks goes on behind what was handed out. What is new counts as success, so that attempts are bounded
    // for each page: a long listing over a bad line ends, and one that gets no further does too.
    private async IAsyncEnumerable<T> GoOnAsync<T>(
        Func<IAsyncEnumerable<T>> list, Func<T, bool> isNew, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var attempts = new Attempts(policy, clock, entropy);
        while (true)
        {
            StoreException failure;
            await using var listing = list().GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                try
                {
                    if (!await listing.MoveNextAsync()) yield break;
                }
                catch (StoreException e) when (e.Fault.Retry)
                {
                    failure = e;
                    break;
                }

                if (!isNew(listing.Current)) continue;
                attempts.Succeeded();
                yield return listing.Current;
            }

            await attempts.PauseAfterAsync(failure, cancellationToken);
        }
    }

    private async ValueTask AgainAsync(Func<ValueTask> call, CancellationToken cancellationToken) => await AgainAsync(async () =>
    {
        await call();
        return true;
    }, cancellationToken);

    // For calls that may simply be repeated.
    private async ValueTask<T> AgainAsync<T>(Func<ValueTask<T>> call, CancellationToken cancellationToken)
    {
        var attempts = new Attempts(policy, clock, entropy);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (StoreException e) when (e.Fault.Retry)
            {
                await attempts.PauseAfterAsync(e, cancellationToken);
            }
        }
    }

    /// <summary>Whether the object holds exactly these bytes by now.</summary>
    private async ValueTask<bool> HoldsAsync(
        ObjectName name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (await inner.StatAsync(name, cancellationToken) is not { } info || info.SizeBytes != content.Length)
            return false;
        try
        {
            using var there = await inner.ReadAsync(name, new ByteRange(0, content.Length), cancellationToken);
            return there.Memory.Span.SequenceEqual(content.Span);
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound or StoreFault.Truncated)
        {
            // Somebody deleted or replaced it since the stat, so it is not ours.
            return false;
        }
    }

    /// <summary>The failures of one call so far.</summary>
    private sealed class Attempts(RetryPolicy policy, TimeProvider clock, Entropy entropy)
    {
        private readonly List<StoreException> failures = [];

        /// <summary>Whether any failure so far leaves open that the call took effect.</summary>
        public bool MayHaveTakenEffect { get; private set; }

        /// <summary>Begins to count anew.</summary>
        public void Succeeded()
        {
            failures.Clear();
            MayHaveTakenEffect = false;
        }

        /// <summary>Waits before the next attempt, or throws when there is none.</summary>
        public async ValueTask PauseAfterAsync(StoreException failure, CancellationToken cancellationToken)
        {
            failures.Add(failure);
            MayHaveTakenEffect |= failure.Fault.MayHaveTakenEffect;
            if (failures.Count >= policy.Attempts) throw Fold(failure);
            var bound = Math.Min(
                policy.LongestPause.TotalMilliseconds,
                policy.FirstPause.TotalMilliseconds * Math.Pow(2, failures.Count - 1));
            var share = BinaryPrimitives.ReadUInt32LittleEndian(entropy.Bytes(4)) / (double)uint.MaxValue;
            await Task.Delay(TimeSpan.FromMilliseconds(bound * share), clock, cancellationToken);
        }

        private StoreException Fold(StoreException last)
        {
            if (failures.Count == 1) return last;
            StoreFault fault = MayHaveTakenEffect && !last.Fault.MayHaveTakenEffect
                ? new StoreFault.Failed()
                : last.Fault;
            var others = failures.Take(failures.Count - 1)
                .GroupBy(failure => failure.Sentence, StringComparer.Ordinal)
                .Where(same => !string.Equals(same.Key, last.Sentence, StringComparison.Ordinal))
                .Select(same => same.Key + (same.Count() > 1 ? $" ({same.Count()} times)" : ""))
                .ToList();
            var before = others.Count == 0 ? "" : "; before that: " + string.Join("; ", others);
            return new StoreException(
                fault, last.Name, $"{last.Message} ({failures.Count} attempts{before})", last.Problem.Hint, last);
        }
    }
}
