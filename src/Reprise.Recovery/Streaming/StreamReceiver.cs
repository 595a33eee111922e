using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Repository.Format;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Streaming;

/// <summary>
/// Takes what a server streams. One message is awaited at a time, by one reader; everything that is sent is sent by the same
/// loop. The server is told that something is durable only after it is.
/// </summary>
internal sealed class StreamReceiver(
    ReplicationConnection connection,
    StreamPulse pulse,
    WalArchive archive,
    WalLineage lineage,
    WalExpectation facts,
    WalStreamSettings settings,
    TimeProvider clock,
    WalStreamTally tally,
    Action<Problem> say)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TalkEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SilentAfter = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(10);

    // A commit that waits for us behind a long load does not wait for its end.
    private static readonly TimeSpan HurryEvery = TimeSpan.FromMilliseconds(100);

    private readonly WalAncestry ancestry = new(archive, lineage);
    private IReadOnlyList<WalPiece> pieces = [];
    private StreamBlock block = null!; // RunAsync begins one before anything else.
    private WalWalker walker = null!; // As the block.
    private Lsn? known;
    private Lsn? fork;
    private Lsn begin;
    private Lsn? told;
    private bool isCompared;
    private long pendingSince;
    private long talked;
    private long heard;
    private Task sweeping = Task.CompletedTask;

    /// <summary>Receives until the timeline ends or <paramref name="cancellationToken"/> says so.</summary>
    public async Task RunAsync(Lsn start, Lsn? there, Lsn? forked, CancellationToken cancellationToken)
    {
        (begin, known, fork) = (start, there, forked);
        pieces = await ancestry.PiecesAsync(facts.Timeline, cancellationToken);
        walker = new WalWalker(facts, start);
        talked = heard = pendingSince = clock.GetTimestamp();
        Begin(start);
        using var hearing = new CancellationTokenSource();
        Task<ReplicationMessage>? next = null;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                next ??= connection.NextAsync(hearing.Token);
                if (IsDue(isIdle: !next.IsCompleted)) await StoreAsync(cancellationToken);
                await BeatAsync(cancellationToken);
                if (!next.IsCompleted) await WaitAsync(next, cancellationToken);
                await TalkAsync(cancellationToken);
                if (!next.IsCompleted) continue;
                var message = await next;
                next = null;
                heard = clock.GetTimestamp();
                if (!await TakeAsync(message, cancellationToken)) break;
            }

            await FinishAsync();
        }
        catch (Exception e) when (e is OperationCanceledException || (e as RepriseException)?.Code == RecoveryErrors.DatabaseUnavailable)
        {
            await FinishAsync();
            throw;
        }
        finally
        {
            hearing.Cancel();
            connection.Dispose();
            if (next is not null) await EndedAsync(next);
            await EndedAsync(sweeping);
        }
    }

    private void Begin(Lsn at)
    {
        var length = Math.Min(facts.SegmentBytes, Limits.MaxWalRangeBytes);
        block = new StreamBlock(archive, lineage.Id, facts.Timeline, new Lsn(at.Value - (at.Value % (ulong)length)), facts.SegmentBytes);
        isCompared = (known is not { } end || end <= block.Start) && !HoldsFork;
    }

    private bool HoldsFork => fork is { } at && at > block.Start && at <= block.End;

    private bool IsDue(bool isIdle)
    {
        if (!isCompared) return false;
        if (IsNews) return true;
        if (!block.HasPending) return false;
        var waited = clock.GetElapsedTime(pendingSince);
        return waited >= settings.FlushEvery || ((pulse.IsAwaited || told is null) && (isIdle || waited >= HurryEvery));
    }

    // Also what an earlier connection made durable and could not say any more: commits may wait for just that.
    private bool IsNews => block.Durable > (told ?? begin) || (told is null && known is not null);

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        await pulse.BeatAsync(walker.LastCommit, cancellationToken);
        if (pulse.TakeWorry() is { } worry) say(worry);
    }

    // Waits for what comes next, but not longer than what came may wait.
    private async Task WaitAsync(Task next, CancellationToken cancellationToken)
    {
        var pause = isCompared && block.HasPending ? settings.FlushEvery - clock.GetElapsedTime(pendingSince) : LookEvery;
        if (pause > LookEvery) pause = LookEvery;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(next, Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, clock, waiting.Token));
        waiting.Cancel();
    }

    // The server ends a connection on which nothing is said for wal_sender_timeout; and we one on which it is silent.
    private async Task TalkAsync(CancellationToken cancellationToken)
    {
        if (clock.GetElapsedTime(talked) < TalkEvery) return;
        if (clock.GetElapsedTime(heard) is var silence && silence > SilentAfter) throw connection.Silent(silence);
        await ConfirmAsync(asks: true, cancellationToken);
    }

    private ValueTask ConfirmAsync(bool asks, CancellationToken cancellationToken)
    {
        talked = clock.GetTimestamp();
        return connection.ConfirmAsync(told ?? default, asks, cancellationToken);
    }

    /// <returns>false: the timeline has ended.</returns>
    private async Task<bool> TakeAsync(ReplicationMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case ReplicationMessage.Wal wal:
                await TakeAsync(wal, cancellationToken);
                return true;
            case ReplicationMessage.Alive { Asks: true }:
                // A server that shuts down waits until everything is confirmed.
                if (isCompared && block.HasPending) await StoreAsync(cancellationToken);
                else await ConfirmAsync(asks: false, cancellationToken);
                return true;
            case ReplicationMessage.Alive:
                return true;
            case ReplicationMessage.Ended:
                return false;
            default:
                throw new InvariantException($"a message {message.GetType().Name}");
        }
    }

    private async Task TakeAsync(ReplicationMessage.Wal wal, CancellationToken cancellationToken)
    {
        if (wal.Start != block.Received)
        {
            throw new RepriseException(
                WalErrors.Invalid, $"the server sent WAL from {wal.Start} where {block.Received} was to come", "look at the server's log");
        }

        for (var left = wal.Bytes; !left.IsEmpty;)
        {
            var count = Math.Min(left.Length, block.Room.Length);
            if (!block.HasPending) pendingSince = clock.GetTimestamp();
            left[..count].CopyTo(block.Room);
            left = left[count..];
            walker.Take(block.Came(count));
            if (walker.Fault is { } fault)
                throw new RepriseException(WalErrors.Invalid, $"what the server sent at {fault.At} is refused: {fault.Message}", "look at the server's log and at its disk");
            if (!isCompared) isCompared = await CompareAsync(cancellationToken);
            if (!block.IsFull) continue;
            await StoreAsync(cancellationToken);

            // Commits may be waiting: the crumbs of the block go while the next one fills.
            await sweeping;
            sweeping = block.SweepAsync(cancellationToken);
            Begin(block.End);
        }
    }

    private async Task<bool> CompareAsync(CancellationToken cancellationToken)
    {
        if (HoldsFork)
        {
            if (block.Received < fork) return false;
            await ancestry.CompareAsync(facts.Timeline, block.Start, block.Content, cancellationToken);
        }

        return known is not { } end || await block.CompareAsync(ancestry, pieces, end, cancellationToken);
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        var storing = block.StoreAsync(cancellationToken);
        while (!storing.IsCompleted)
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(storing, Task.Delay(TalkEvery, clock, waiting.Token));
            waiting.Cancel();
            if (storing.IsCompleted || cancellationToken.IsCancellationRequested) break;
            try
            {
                // A repository that is slow is no reason for the server to end the connection.
                await ConfirmAsync(asks: false, cancellationToken);
            }
            catch
            {
                await EndedAsync(storing);
                throw;
            }
        }

        await storing;
        pendingSince = clock.GetTimestamp();
        if (!IsNews) return;
        Remember();
        await ConfirmAsync(asks: false, cancellationToken);
    }

    private void Remember()
    {
        tally.From ??= begin;
        told = tally.Confirmed = block.Durable;
    }

    // Whatever ended it: what came is kept, and the server told of it if it still listens, so that the next connection has less to ask for.
    private async Task FinishAsync()
    {
        if (!isCompared || walker.Fault is not null) return;
        using var within = new CancellationTokenSource(EndWithin, clock);
        if (block.HasPending) await block.StoreAsync(within.Token);
        if (IsNews) Remember();
        try
        {
            await ConfirmAsync(asks: false, within.Token);
            await connection.LeaveAsync(within.Token);
        }
        catch (Exception e) when (e is OperationCanceledException || (e as RepriseException)?.Code == RecoveryErrors.DatabaseUnavailable)
        {
            // It no longer listens. The next connection tells it.
        }
    }

    // What was left behind is not of interest any more: it failed because it was told to, or for the reason that is on its way already.
    private static async Task EndedAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is OperationCanceledException or RepriseException)
        {
            // See above.
        }
    }
}
