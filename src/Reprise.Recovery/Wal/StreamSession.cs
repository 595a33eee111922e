using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;
using Reprise.Recovery.Postgres;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>How a stream is set.</summary>
public sealed record WalStreamSettings
{
    /// <summary>The replication slot; made when it is not there. The server keeps WAL for it.</summary>
    public required string Slot { get; init; }

    /// <summary>What the server calls us: the name for <c>synchronous_standby_names</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What came is durable within this time, also when no commit waits for us.</summary>
    public TimeSpan FlushEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a server may commit nothing before it is made to; null: for ever.</summary>
    public TimeSpan? HeartbeatEvery { get; init; }
}

/// <summary>What a stream has done.</summary>
public sealed class WalStreamTally
{
    /// <summary>The lineage, or null: it never came so far.</summary>
    public string? Lineage { get; set; }

    /// <summary>The timeline.</summary>
    public uint Timeline { get; set; }

    /// <summary>Where the server's WAL was first confirmed.</summary>
    public Lsn? From { get; set; }

    /// <summary>What the server was told is durable.</summary>
    public Lsn? Confirmed { get; set; }

    /// <summary>How often the connection was made.</summary>
    public int Connections { get; set; }

    /// <summary>How often a server that was quiet was made to commit.</summary>
    public int Heartbeats { get; set; }
}

/// <summary>
/// One connection of a stream: from the segment before what the repository has, until the connection or the timeline ends.
/// The server is told that something is durable only after it is.
/// </summary>
internal sealed class StreamSession(
    WalArchive archive, PostgresServer server, WalStreamSettings settings, WalOwner owner, TimeProvider clock, WalStreamTally tally) : IAsyncDisposable
{
    /// <summary>What a server says of WAL that it has removed.</summary>
    public const string Removed = "58P01";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(10);

    private readonly PhysicalReplicationConnection connection = new(ReplicationText(server.Connection, settings));
    private StreamPulse? pulse;
    private WalExpectation? expected;
    private WalLineage? lineage;
    private StreamBlock? block;
    private WalWalker? walker;
    private Lsn? fork;
    private Lsn reached;
    private Lsn? known;
    private bool isCompared;
    private Task sweeping = Task.CompletedTask;

    /// <summary>Whether the server would keep WAL for the slot until its disk is full.</summary>
    public bool IsUnbounded => pulse?.IsUnbounded == true;

    /// <summary>Connects, and makes the slot when there is none; returns from where on the server keeps WAL for it.</summary>
    public async Task<Lsn> OpenAsync(CancellationToken cancellationToken)
    {
        await connection.Open(cancellationToken);
        var system = await connection.IdentifySystem(cancellationToken);
        var segment = SegmentBytes(await connection.Show("wal_segment_size", cancellationToken));
        expected = new WalExpectation(
            segment, ulong.Parse(system.SystemId, CultureInfo.InvariantCulture), connection.PostgreSqlVersion.Major, system.Timeline);
        if (expected.Major is not (15 or 17 or 18))
        {
            throw new RepriseException(
                WalErrors.MajorUnsupported, $"the server is PostgreSQL {expected.Major}", "PostgreSQL 15, 17 and 18 are supported");
        }

        lineage = await WalLineages.ClaimAsync(archive, expected, owner, cancellationToken);
        (tally.Lineage, tally.Timeline) = (lineage.Id, expected.Timeline);
        reached = new Lsn((ulong)system.XLogPos);
        tally.Connections++;
        if (expected.Timeline > 1)
        {
            var history = await connection.TimelineHistory(expected.Timeline, cancellationToken);
            await archive.StoreFileAsync(lineage.Id, expected.Timeline, new WalFileName.History(), history.Content, cancellationToken);
            fork = WalHistory.Before(history.Content)?.At;
        }

        pulse = await StreamPulse.BeginAsync(server, settings, clock, tally, cancellationToken);
        return await SlotAsync(cancellationToken) ?? reached;
    }

    // A slot that keeps nothing was never used, or the server has invalidated it because too much had to be kept.
    private async Task<Lsn?> SlotAsync(CancellationToken cancellationToken)
    {
        var slot = await connection.ReadReplicationSlot(settings.Slot, cancellationToken);
        if (slot is { RestartLsn: null }) await connection.DropReplicationSlot(settings.Slot, wait: false, cancellationToken);
        if (slot?.RestartLsn is { } kept) return new Lsn((ulong)kept);
        await connection.CreateReplicationSlot(settings.Slot, isTemporary: false, reserveWal: true, cancellationToken);
        slot = await connection.ReadReplicationSlot(settings.Slot, cancellationToken);
        return slot?.RestartLsn is { } reserved ? new Lsn((ulong)reserved) : null;
    }

    /// <summary>
    /// Where to begin: a segment before the end of what the repository has, so that it can be compared; from
    /// <paramref name="earliest"/> on when the server has nothing that old.
    /// </summary>
    public async Task<(Lsn Start, Lsn? Known)> PlanAsync(Lsn earliest, int segmentsBack, CancellationToken cancellationToken)
    {
        var (facts, mine) = Opened();
        var pieces = await new WalAncestry(archive, mine).PiecesAsync(facts.Timeline, cancellationToken);
        var stretches = WalListing.Merge(pieces.Select(p => p.Range with { End = p.End }));
        var floor = Floor(fork is { } forked && earliest < forked ? forked : earliest, facts.SegmentBytes);
        if (stretches.Count == 0) return (floor, null);
        var last = stretches[^1];
        if (last.End > reached)
        {
            throw new RepriseException(
                RepositoryErrors.WalConflict,
                $"lineage {mine.Id} has WAL of timeline {facts.Timeline} up to {last.End}, and the server has come to {reached} only: it went back",
                "find out whether this is the real server; if it was restored and goes on from now: reprise wal adopt there, then reprise backup");
        }

        if (segmentsBack < 0) return (floor, last.End);
        var back = Floor(last.End, facts.SegmentBytes).Plus(-(long)segmentsBack * facts.SegmentBytes);
        var front = Floor(last.Start, facts.SegmentBytes);
        return (back < front ? front : back, last.End);
    }

    /// <summary>Receives until the timeline ends or <paramref name="cancellationToken"/> says so; what came is durable then.</summary>
    /// <param name="start">where to begin.</param>
    /// <param name="there">up to where the repository has it, or null: it has nothing from there on.</param>
    /// <param name="cancellationToken">ends it.</param>
    public async Task ReceiveAsync(Lsn start, Lsn? there, CancellationToken cancellationToken)
    {
        var (facts, mine) = Opened();
        var ancestry = new WalAncestry(archive, mine);
        var pieces = await ancestry.PiecesAsync(facts.Timeline, cancellationToken);
        known = there;
        walker = new WalWalker(facts, start);
        Begin(start);
        var messages = connection.StartReplication(
            new PhysicalReplicationSlot(settings.Slot), new NpgsqlLogSequenceNumber(start.Value), cancellationToken, facts.Timeline)
            .GetAsyncEnumerator(cancellationToken);
        try
        {
            await ReceiveAsync(messages, ancestry, pieces, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException or IOException or SocketException or TimeoutException)
        {
            await FinishAsync();
            throw;
        }

        await FinishAsync();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (pulse is not null) await pulse.DisposeAsync();
        await connection.DisposeAsync();
    }

    private (WalExpectation Facts, WalLineage Lineage) Opened() =>
        (expected ?? throw new InvariantException("a stream that was not opened"), lineage ?? throw new InvariantException("a stream without a lineage"));

    private void Begin(Lsn at)
    {
        var (facts, mine) = Opened();
        var length = Math.Min(facts.SegmentBytes, Limits.MaxWalRangeBytes);
        block = new StreamBlock(archive, mine.Id, facts.Timeline, new Lsn(at.Value - (at.Value % (ulong)length)), facts.SegmentBytes);
        isCompared = known is not { } end || end <= block.Start;
    }

    private async Task ReceiveAsync(
        IAsyncEnumerator<XLogDataMessage> messages, WalAncestry ancestry, IReadOnlyList<WalPiece> pieces, CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        Task<bool>? next = null;
        while (true)
        {
            await pulse!.BeatAsync(walker!.LastCommit, cancellationToken); // OpenAsync and the caller set them.
            next ??= messages.MoveNextAsync().AsTask();
            var isHurry = pulse.IsAwaited || tally.Confirmed is null;
            if (isCompared && block!.HasPending && (clock.GetElapsedTime(since) >= settings.FlushEvery || (isHurry && !next.IsCompleted)))
            {
                await StoreAsync(cancellationToken);
                since = clock.GetTimestamp();
            }

            if (!next.IsCompleted && !await ComesAsync(next, since, cancellationToken)) continue;
            if (!await OrBrokenAsync(next)) return;
            next = null;
            var hadPending = block!.HasPending;
            await TakeAsync(messages.Current, ancestry, pieces, cancellationToken);
            if (!hadPending) since = clock.GetTimestamp();
        }
    }

    // Waits for what comes next, but not longer than what came may wait.
    private async Task<bool> ComesAsync(Task<bool> next, long since, CancellationToken cancellationToken)
    {
        var pause = isCompared && block!.HasPending ? settings.FlushEvery - clock.GetElapsedTime(since) : LookEvery;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(next, Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, clock, waiting.Token));
        waiting.Cancel();
        return next.IsCompleted;
    }

    private async Task TakeAsync(
        XLogDataMessage message, WalAncestry ancestry, IReadOnlyList<WalPiece> pieces, CancellationToken cancellationToken)
    {
        var at = new Lsn((ulong)message.WalStart);
        if (at != block!.Received) // ReceiveAsync set it.
        {
            throw new RepriseException(
                WalErrors.Invalid, $"the server sent WAL from {at} where {block.Received} was to come", "look at the server's log");
        }

        int came;
        while ((came = await message.Data.ReadAsync(block.Room, cancellationToken)) > 0)
        {
            walker!.Take(block.Came(came)); // As the block.
            if (walker.Fault is { } fault)
                throw new RepriseException(WalErrors.Invalid, $"what the server sent at {fault.At} is refused: {fault.Message}", "look at the server's log and at its disk");
            if (!isCompared) isCompared = await block.CompareAsync(ancestry, pieces, known!.Value, cancellationToken); // Else it is compared.
            if (!block.IsFull) continue;
            await StoreAsync(cancellationToken);

            // Commits may be waiting: the crumbs of the block go while the next one fills.
            await sweeping;
            sweeping = block.SweepAsync(cancellationToken);
            Begin(block.End);
        }
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        await block!.StoreAsync(cancellationToken); // ReceiveAsync set it.
        if (tally.Confirmed is { } before && block.Durable <= before) return;
        tally.From ??= block.Start;
        tally.Confirmed = block.Durable;
        connection.SetReplicationStatus(new NpgsqlLogSequenceNumber(block.Durable.Value));
        await OrBrokenAsync(ConfirmAsync());

        async Task<bool> ConfirmAsync()
        {
            await connection.SendStatusUpdate(cancellationToken);
            return true;
        }
    }

    // While one call finds out that the server is gone, the other finds the connection half taken apart: Npgsql then throws
    // what looks like a bug. Seen with servers that were killed under load.
    private static async Task<bool> OrBrokenAsync(Task<bool> call)
    {
        try
        {
            return await call;
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException)
        {
            throw new IOException("the connection broke", e);
        }
    }

    // Whatever ended it: what came is kept, so that the next connection has less to ask for. It is no longer confirmed here.
    private async Task FinishAsync()
    {
        if (!isCompared || walker?.Fault is not null || block is not { HasPending: true }) return;
        using var within = new CancellationTokenSource(EndWithin, clock);
        await block.StoreAsync(within.Token);
        await sweeping;
    }

    private static Lsn Floor(Lsn at, int segmentBytes) => new(at.Value - (at.Value % (ulong)segmentBytes));

    private static int SegmentBytes(string text)
    {
        var unit = text.EndsWith("GB", StringComparison.Ordinal) ? 1024 * 1024 * 1024 : text.EndsWith("MB", StringComparison.Ordinal) ? 1024 * 1024 : 0;
        if (unit > 0 && int.TryParse(text[..^2], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && WalLineage.IsSegmentSize((long)count * unit)) return count * unit;
        throw new RepriseException(WalErrors.Invalid, $"the server says that segments have '{text}'", "look at wal_segment_size of the server");
    }

    private static string ReplicationText(PostgresConnection target, WalStreamSettings settings)
    {
        var builder = target.ToBuilder(target.Database);
        builder.ApplicationName = settings.Name;
        return builder.ConnectionString;
    }
}
