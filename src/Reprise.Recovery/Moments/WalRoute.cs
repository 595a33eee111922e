using Reprise.Recovery.Wal;
using Reprise.Repository.Format;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Moments;

/// <summary>One timeline of a route.</summary>
/// <param name="Timeline">its number.</param>
/// <param name="Begin">where it left the one before.</param>
/// <param name="End">where the next one left it; null: it is the last of the route.</param>
/// <param name="Pieces">what the repository has of it.</param>
/// <param name="Stretches">the same without gaps, by start.</param>
internal sealed record RouteLeg(uint Timeline, Lsn Begin, Lsn? End, IReadOnlyList<WalPiece> Pieces, IReadOnlyList<WalRange> Stretches);

/// <summary>Where a route ends.</summary>
/// <param name="At">so far WAL lies without a gap.</param>
/// <param name="Resumes">where there is WAL again: it is a gap; null: it is the end of the archive.</param>
internal readonly record struct RouteEnd(Lsn At, Lsn? Resumes);

/// <summary>
/// The WAL that leads from a point to the end of a timeline, across those that it came from. PostgreSQL looks for each
/// segment in the newest timeline that can have it first, and so does this: a segment in which a timeline begins has a copy
/// of what its parent wrote.
/// </summary>
internal sealed class WalRoute
{
    private readonly WalAncestry ancestry;
    private readonly IReadOnlyList<RouteLeg> legs;

    private readonly Cpu cpu;

    private WalRoute(WalLineage lineage, WalAncestry ancestry, IReadOnlyList<RouteLeg> legs, SortedDictionary<uint, byte[]> histories, Cpu cpu)
    {
        this.cpu = cpu;
        Lineage = lineage;
        this.ancestry = ancestry;
        this.legs = legs;
        Histories = histories;
    }

    public WalLineage Lineage { get; }

    /// <summary>The timeline that is followed.</summary>
    public uint Timeline => legs[^1].Timeline;

    /// <summary>Every history file that is known: so that a server that is promoted takes a number that is not in use.</summary>
    public IReadOnlyDictionary<uint, byte[]> Histories { get; }

    /// <summary>What is expected of its bytes.</summary>
    public WalExpectation Expected => new(Lineage.SegmentBytes, Lineage.Identifier, Lineage.Major, Timeline);

    /// <summary>Finds the newest timeline that comes from the point, or the one that was asked for; null: there is none.</summary>
    public static async Task<WalRoute?> FindAsync(
        WalArchive archive, WalLineage lineage, BasePoint from, uint? asked, Cpu cpu, CancellationToken cancellationToken)
    {
        var past = new WalAncestry(archive, lineage);
        var histories = new SortedDictionary<uint, byte[]>();
        for (var timeline = 2u; ; timeline++)
        {
            if (await past.HistoryAsync(timeline, cancellationToken) is { } bytes) histories[timeline] = bytes;
            else if (timeline > from.Timeline) break;
        }

        IReadOnlyList<(uint Timeline, Lsn End)>? chain = null;
        var last = from.Timeline;
        foreach (var timeline in histories.Keys.Append(from.Timeline).Where(t => asked is null || t == asked).Distinct().Order())
        {
            var before = WalHistory.All(histories.GetValueOrDefault(timeline));
            if (timeline != from.Timeline && !before.Any(b => b.Timeline == from.Timeline && from.Stop <= b.At)) continue;
            (chain, last) = (before, timeline);
        }

        if (chain is null) return null;
        var found = new List<RouteLeg>();
        var begin = default(Lsn);
        foreach (var (timeline, end) in chain.Select(c => (c.Timeline, (Lsn?)c.End)).Append((last, null)))
        {
            if (timeline >= from.Timeline)
            {
                var pieces = await past.PiecesAsync(timeline, cancellationToken);
                found.Add(new RouteLeg(timeline, begin, end, pieces, WalListing.Merge(pieces.Select(p => p.Range with { End = p.End }))));
            }

            begin = end ?? begin;
        }

        return new WalRoute(lineage, past, found, histories, cpu);
    }

    /// <summary>The beginning of the segment that holds a place.</summary>
    public Lsn Floor(Lsn at) => new(at.Value & ~((ulong)Lineage.SegmentBytes - 1));

    /// <summary>What there is of the segment that begins at a place: of which timeline, and how far; null: nothing.</summary>
    public (RouteLeg Leg, Lsn Until)? Find(Lsn segment)
    {
        for (var i = legs.Count - 1; i >= 0; i--)
        {
            var leg = legs[i];
            if (Floor(leg.Begin) > segment || leg.End <= segment) continue;
            foreach (var stretch in leg.Stretches)
            {
                if (stretch.Start > segment || stretch.End <= segment) continue;
                var until = segment.Plus(Lineage.SegmentBytes);
                if (stretch.End < until) until = stretch.End;
                if (leg.End is { } end && end < until) until = end;
                return (leg, until);
            }
        }

        return null;
    }

    /// <summary>How far WAL lies without a gap from the segment that begins at a place.</summary>
    public RouteEnd Follow(Lsn segment)
    {
        var at = segment;
        while (Find(at) is { } found)
        {
            var whole = at.Plus(Lineage.SegmentBytes);
            if (found.Until < whole) return new RouteEnd(found.Until, After(found.Until));
            at = whole;
        }

        return new RouteEnd(at, After(at));
    }

    /// <summary>Reads WAL from the beginning of a segment on, in blocks that are valid during the call only.</summary>
    public async Task ReadAsync(Lsn segment, Lsn until, Func<Lsn, ReadOnlyMemory<byte>, bool> take, CancellationToken cancellationToken)
    {
        var block = new byte[Math.Min(Lineage.SegmentBytes, Limits.MaxWalRangeBytes)];
        for (var at = segment; at < until && Find(at) is { } found; at = at.Plus(Lineage.SegmentBytes))
        {
            var end = found.Until < until ? found.Until : until;
            for (var piece = at; piece < end; piece = piece.Plus(block.Length))
            {
                var memory = block.AsMemory(0, (int)Math.Min(block.Length, end.Since(piece)));
                var got = await ancestry.ReadAsync(found.Leg.Timeline, found.Leg.Pieces, piece, memory, cancellationToken);
                Invariant.Check(got == piece.Plus(memory.Length), $"WAL was listed up to {end} and ends at {got}");
                var where = piece;
                if (!await cpu.RunAsync(() => take(where, memory), cancellationToken)) return;
            }
        }
    }

    private Lsn? After(Lsn at) => legs
        .SelectMany(l => l.Stretches.Where(s => s.Start > at && (l.End is not { } end || s.Start < end)))
        .Select(s => (Lsn?)s.Start)
        .Min();
}
