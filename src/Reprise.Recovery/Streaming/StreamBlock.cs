using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Streaming;

/// <summary>
/// What a stream has received of one segment, or of 16 MiB of a longer one. It is stored in small ranges as time demands, and
/// when it is full as one, which then takes the place of the small ones. So what is confirmed is always durable, and
/// the repository does not fill up with crumbs.
/// </summary>
internal sealed class StreamBlock
{
    private readonly WalArchive archive;
    private readonly string lineage;
    private readonly uint timeline;
    private readonly byte[] bytes;
    private readonly List<WalRange> crumbs = [];

    /// <param name="archive">where it goes.</param>
    /// <param name="lineage">whose.</param>
    /// <param name="timeline">of which timeline.</param>
    /// <param name="start">where it begins.</param>
    /// <param name="segmentBytes">of the cluster.</param>
    public StreamBlock(WalArchive archive, string lineage, uint timeline, Lsn start, int segmentBytes)
    {
        (this.archive, this.lineage, this.timeline, Start) = (archive, lineage, timeline, start);
        bytes = new byte[Math.Min(segmentBytes, Limits.MaxWalRangeBytes)];
        Invariant.Check(start.Value % (ulong)bytes.Length == 0, $"{start} is not the front of a block");
        Received = Durable = start;
    }

    public Lsn Start { get; }

    public Lsn End => Start.Plus(bytes.Length);

    /// <summary>Behind the last byte that came.</summary>
    public Lsn Received { get; private set; }

    /// <summary>Behind the last byte that is durable in the repository.</summary>
    public Lsn Durable { get; private set; }

    public bool IsFull => Received == End;

    public bool HasPending => Durable < Received;

    /// <summary>What came so far.</summary>
    public ReadOnlyMemory<byte> Content => bytes.AsMemory(0, (int)Received.Since(Start));

    /// <summary>Room for what comes next.</summary>
    public Memory<byte> Room => bytes.AsMemory((int)Received.Since(Start));

    /// <summary>So many bytes came into <see cref="Room"/>; returns them.</summary>
    public ReadOnlySpan<byte> Came(int count)
    {
        var came = bytes.AsSpan((int)Received.Since(Start), count);
        Received = Received.Plus(count);
        return came;
    }

    /// <summary>
    /// What the repository has of this block already must be what the server sends: a server that was restored and went on
    /// would otherwise be mixed with the one that was before. <c>wal-conflict</c>.
    /// </summary>
    /// <returns>false: not enough came yet to compare.</returns>
    public async Task<bool> CompareAsync(
        WalAncestry ancestry, IReadOnlyList<WalPiece> pieces, Lsn known, CancellationToken cancellationToken)
    {
        var until = known < End ? known : End;
        if (until <= Start) return true;
        if (Received < until) return false;
        var there = new byte[until.Since(Start)];
        var have = (int)(await ancestry.ReadAsync(timeline, pieces, Start, there, cancellationToken)).Since(Start);
        if (!bytes.AsSpan(0, have).SequenceEqual(there.AsSpan(0, have)))
        {
            throw new RepriseException(
                RepositoryErrors.WalConflict,
                $"the server sends other WAL from {Start} on than lineage {lineage} holds for timeline {timeline}",
                "two servers write under one identity, or one was restored and went on: find out which is the real one, and run 'reprise wal adopt' there");
        }

        crumbs.AddRange(pieces
            .Where(p => p.Lineage == lineage && p.End == p.Range.End && p.Range.Start >= Start && p.End <= End && p.Range != new WalRange(Start, End))
            .Select(p => p.Range));
        Durable = have == there.Length ? until : Start;
        return true;
    }

    /// <summary>Makes durable what came.</summary>
    public async Task StoreAsync(CancellationToken cancellationToken)
    {
        if (IsFull)
        {
            await CloseAsync(cancellationToken);
            return;
        }

        if (!HasPending) return;
        var range = new WalRange(Durable, Received);
        await archive.StoreAsync(
            lineage, timeline, range.Start, bytes.AsMemory((int)Durable.Since(Start), (int)range.LengthBytes), isPartial: false, cancellationToken);
        crumbs.Add(range);
        Durable = range.End;
    }

    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (HasPending || crumbs.Count > 0)
            await archive.StoreAsync(lineage, timeline, Start, bytes, isPartial: false, cancellationToken);
        Durable = End;
    }

    /// <summary>Deletes the small ranges of a block that is durable as one.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        Invariant.Check(Durable == End, $"the block at {Start} is not whole");
        foreach (var crumb in crumbs) await archive.ReplacedAsync(lineage, timeline, crumb, new WalRange(Start, End), cancellationToken);
    }
}
