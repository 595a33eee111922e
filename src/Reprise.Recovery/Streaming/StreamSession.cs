using System.Globalization;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Streaming;

/// <summary>What the server keeps WAL for us from, and whether the slot is as we left it.</summary>
/// <param name="Earliest">from where on it keeps it.</param>
/// <param name="Loss">what became of the slot that should have been there; null: nothing.</param>
internal sealed record StreamSlot(Lsn Earliest, string? Loss);

/// <summary>
/// One connection of a stream: asks who the server is, claims the timeline, and says where to begin. Of a server that has
/// changed its timeline, the rest of the old one comes first.
/// </summary>
internal sealed class StreamSession(
    WalArchive archive, PostgresConnection target, PostgresHost host, WalStreamSettings settings, WalOwner owner, WalStreamTally tally) : IDisposable
{
    private ReplicationConnection? connection;
    private StreamPulse? pulse;
    private WalExpectation? expected;
    private WalLineage? lineage;
    private Lsn? fork;
    private Lsn reached;

    /// <summary>Whether the server would keep WAL for the slot until its disk is full.</summary>
    public bool IsUnbounded => pulse?.IsUnbounded == true;

    /// <summary>Connects, and makes the slot when there is none.</summary>
    public async Task<StreamSlot> OpenAsync(CancellationToken cancellationToken)
    {
        connection = await ReplicationConnection.OpenAsync(target, settings.Name, host, cancellationToken);
        if (connection.Major is not (15 or 17 or 18))
        {
            throw new RepriseException(
                WalErrors.MajorUnsupported, $"the server is PostgreSQL {connection.Major}", "PostgreSQL 15, 17 and 18 are supported");
        }

        var identity = await connection.IdentifyAsync(cancellationToken);
        var segment = SegmentBytes(await connection.ShowAsync("wal_segment_size", cancellationToken));
        var history = identity.Timeline > 1 ? await connection.HistoryAsync(identity.Timeline, cancellationToken) : [];
        var switches = WalHistory.All(history);
        var (timeline, end) = await ChooseAsync(identity, switches, cancellationToken);
        expected = new WalExpectation(segment, identity.Identifier, connection.Major, timeline);
        lineage = await WalLineages.ClaimAsync(archive, expected, owner, cancellationToken);
        (tally.Lineage, tally.Timeline) = (lineage.Id, timeline);
        reached = end ?? identity.Flushed;
        tally.Connections++;
        if (timeline > 1)
        {
            var file = timeline == identity.Timeline ? history : await connection.HistoryAsync(timeline, cancellationToken);
            await archive.StoreFileAsync(lineage.Id, timeline, new WalFileName.History(), file, cancellationToken);
            fork = WalHistory.Before(file)?.At;
        }

        pulse = await StreamPulse.BeginAsync(target, host, settings, tally, cancellationToken);
        return await SlotAsync(cancellationToken);
    }

    /// <summary>
    /// Where to begin: a segment before the end of what the repository has, so that it can be compared; from
    /// <paramref name="earliest"/> on when the server has nothing that old.
    /// </summary>
    public async Task<(Lsn Start, Lsn? Known)> PlanAsync(Lsn earliest, int segmentsBack, CancellationToken cancellationToken)
    {
        var (_, _, facts, mine) = Opened();
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
    /// <param name="known">up to where the repository has it, or null: it has nothing from there on.</param>
    /// <param name="say">hears of what passes.</param>
    /// <param name="cancellationToken">ends it.</param>
    public async Task ReceiveAsync(Lsn start, Lsn? known, Action<Problem> say, CancellationToken cancellationToken)
    {
        var (wire, beat, facts, mine) = Opened();
        await wire.StartAsync(settings.Slot, start, facts.Timeline, cancellationToken);
        var receiver = new StreamReceiver(wire, beat, archive, mine, facts, settings, host.Clock, tally, say);
        await receiver.RunAsync(start, known, fork, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        connection?.Dispose();
        pulse?.Dispose();
    }

    private (ReplicationConnection Wire, StreamPulse Pulse, WalExpectation Facts, WalLineage Lineage) Opened() =>
        connection is { } wire && pulse is { } beat && expected is { } facts && lineage is { } mine
            ? (wire, beat, facts, mine)
            : throw new InvariantException("a stream that was not opened");

    // The newest timeline of which we have something; the one after it when all of it is there. Null as end: the server still writes it.
    private async Task<(uint Timeline, Lsn? End)> ChooseAsync(
        ServerIdentity identity, IReadOnlyList<(uint Timeline, Lsn At)> switches, CancellationToken cancellationToken)
    {
        (uint Timeline, Lsn? End) next = (identity.Timeline, null);
        if (await WalLineages.OfAsync(archive, identity.Identifier, owner, cancellationToken) is not { } mine) return next;
        if ((await archive.ListAsync(mine.Id, identity.Timeline, cancellationToken)).Ranges.Count > 0) return next;
        foreach (var (timeline, at) in switches.Reverse())
        {
            if (await archive.ClaimantAsync(mine.Id, timeline, cancellationToken) == owner
                && (await archive.ListAsync(mine.Id, timeline, cancellationToken)).Stretches is [.., var last])
            {
                return last.End < at ? (timeline, at) : next;
            }

            next = (timeline, at);
        }

        return (identity.Timeline, null);
    }

    // A slot that keeps nothing was never used, or the server has invalidated it because too much had to be kept: it can only be
    // made anew. What it kept before is then a gap, or is still there.
    private async Task<StreamSlot> SlotAsync(CancellationToken cancellationToken)
    {
        var wire = Opened().Wire;
        var (isThere, kept) = await wire.SlotAsync(settings.Slot, cancellationToken);
        if (kept is { } from) return new StreamSlot(from, null);
        if (isThere) await wire.DropSlotAsync(settings.Slot, cancellationToken);
        await wire.CreateSlotAsync(settings.Slot, cancellationToken);
        (_, kept) = await wire.SlotAsync(settings.Slot, cancellationToken);
        return new StreamSlot(
            kept ?? reached,
            isThere
                ? $"the server had given up the slot {settings.Slot}: more WAL than max_slot_wal_keep_size had to be kept for it"
                : $"the slot {settings.Slot} was gone: somebody dropped it, or the server was restored");
    }

    private static Lsn Floor(Lsn at, int segmentBytes) => new(at.Value - (at.Value % (ulong)segmentBytes));

    private static int SegmentBytes(string text)
    {
        var unit = text.EndsWith("GB", StringComparison.Ordinal) ? 1024 * 1024 * 1024 : text.EndsWith("MB", StringComparison.Ordinal) ? 1024 * 1024 : 0;
        if (unit > 0 && int.TryParse(text[..^2], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && WalLineage.IsSegmentSize((long)count * unit)) return count * unit;
        throw new RepriseException(WalErrors.Invalid, $"the server says that segments have '{text}'", "look at wal_segment_size of the server");
    }
}
