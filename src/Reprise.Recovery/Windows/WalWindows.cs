using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Windows;

/// <summary>From which to which moment one asset can be brought back, without a gap between.</summary>
/// <param name="Base">the oldest point that it begins from.</param>
/// <param name="Lineage">whose WAL, or null: there is none behind the point.</param>
/// <param name="Timeline">the newest timeline of the way.</param>
/// <param name="End">how far the WAL goes without a gap.</param>
/// <param name="To">when the last commit before that was made; the moment of the point when none is.</param>
/// <param name="Resumes">where there is WAL again behind the end, or null: it ends there.</param>
/// <param name="LaterCommit">when the newest commit behind the gap was made.</param>
public sealed record WalWindow(
    WalBase Base, string? Lineage, uint Timeline, Lsn End, DateTimeOffset To, Lsn? Resumes, DateTimeOffset? LaterCommit)
{
    /// <summary>The first moment.</summary>
    public DateTimeOffset From => Base.Moment;
}

/// <summary>
/// Works out what can be brought back, from the names of what is in the repository. Of the WAL itself only the end of each
/// window is read, for the time of its last commit.
/// </summary>
public sealed class WalWindows(WalArchive archive)
{
    // How far behind the end a commit is looked for: a heartbeat stands in every one of them.
    private const int MostSegmentsBack = 4;

    private readonly Dictionary<(string Lineage, uint Timeline, ulong Start, ulong End), DateTimeOffset?> times = [];

    // Many points stand on one route: it is listed once.
    private readonly Dictionary<(string Lineage, uint From, uint Newest), Route> routes = [];
    private readonly Dictionary<(string Lineage, uint Timeline), IReadOnlyList<(uint Timeline, Lsn At)>> histories = [];
    private IReadOnlyList<WalListing> listings = [];

    /// <summary>
    /// The windows that points begin, oldest first. Points on one stretch of WAL are one window; of a lineage that cannot be read
    /// nothing is claimed.
    /// </summary>
    public async Task<IReadOnlyList<WalWindow>> ReadAsync(IEnumerable<WalBase> bases, CancellationToken cancellationToken)
    {
        var windows = new List<WalWindow>();
        listings = await archive.ListAllAsync(cancellationToken);
        foreach (var cluster in bases.GroupBy(b => (b.Asset, b.Identifier)))
        {
            var lineages = await archive.LineagesAsync(cluster.Key.Identifier, cancellationToken);
            WalWindow? before = null;
            foreach (var from in cluster.OrderBy(b => b.Moment))
            {
                var window = await OfAsync(from, Choose(lineages, from), cancellationToken);
                var isSame = before is { Lineage: not null } && (before.Lineage, before.Timeline, before.End) == (window.Lineage, window.Timeline, window.End);
                if (isSame) windows[^1] = window with { Base = before!.Base }; // isSame says that it is there.
                else windows.Add(window);
                before = windows[^1];
            }
        }

        return windows;
    }

    // As a recovery chooses: where several could be meant nobody guesses, they hold different data.
    private static WalLineage? Choose(IReadOnlyList<WalLineage> lineages, WalBase from) =>
        lineages.Count == 1 ? lineages[0] : lineages.LastOrDefault(l => l.Owner == from.Owner);

    private async Task<WalWindow> OfAsync(WalBase from, WalLineage? lineage, CancellationToken cancellationToken)
    {
        var alone = new WalWindow(from, null, from.Timeline, from.Stop, from.Moment, null, null);
        if (lineage is null) return alone;
        var route = await RouteAsync(lineage, from, cancellationToken);
        var stretches = WalListing.Merge(route.Pieces.Select(p => p.Range));
        var at = stretches.ToList().FindIndex(s => s.Start <= from.Stop && s.End >= from.Stop);
        if (at < 0)
        {
            var next = stretches.Cast<WalRange?>().FirstOrDefault(s => s!.Value.Start > from.Stop);
            return alone with { Resumes = next?.Start, LaterCommit = next is null ? null : await CommitAsync(route, stretches[^1], cancellationToken) };
        }

        var to = await CommitAsync(route, stretches[at], cancellationToken);
        var resumes = at + 1 < stretches.Count ? stretches[at + 1].Start : (Lsn?)null;
        return new WalWindow(
            from,
            lineage.Id,
            route.Timeline,
            stretches[at].End,
            to is { } time && time > from.Moment ? time : from.Moment,
            resumes,
            resumes is null ? null : await CommitAsync(route, stretches[^1], cancellationToken));
    }

    // What belongs to the way from the point to the newest timeline that comes from it, clipped where a timeline was left.
    private async Task<Route> RouteAsync(WalLineage lineage, WalBase from, CancellationToken cancellationToken)
    {
        var ancestry = new WalAncestry(archive, lineage);
        var (newest, switches) = await NewestAsync(ancestry, lineage, from, cancellationToken);
        if (routes.TryGetValue((lineage.Id, from.Timeline, newest), out var known)) return known;
        var pieces = new List<RoutePiece>();
        foreach (var timeline in switches.Select(s => s.Timeline).Append(newest).Where(t => t >= from.Timeline))
        {
            var left = switches.Where(s => s.Timeline == timeline).Select(s => (Lsn?)s.At).FirstOrDefault();
            foreach (var piece in await ancestry.PiecesAsync(timeline, cancellationToken))
            {
                var end = left is { } at && at < piece.End ? at : piece.End;
                if (end > piece.Range.Start) pieces.Add(new RoutePiece(piece.Lineage, timeline, piece.Range, end));
            }
        }

        return routes[(lineage.Id, from.Timeline, newest)] =
            new Route(lineage, newest, [.. pieces.OrderBy(p => p.Stored.Start).ThenByDescending(p => p.End)]);
    }

    private async Task<(uint Timeline, IReadOnlyList<(uint Timeline, Lsn At)> Switches)> NewestAsync(
        WalAncestry ancestry, WalLineage lineage, WalBase from, CancellationToken cancellationToken)
    {
        var timelines = listings.Where(l => l.Lineage == lineage.Id && l.HasHistory).Select(l => l.Timeline);
        foreach (var timeline in timelines.Where(t => t > from.Timeline).OrderDescending())
        {
            if (!histories.TryGetValue((lineage.Id, timeline), out var switches))
                switches = histories[(lineage.Id, timeline)] = WalHistory.All(await ancestry.HistoryAsync(timeline, cancellationToken) ?? []);
            if (switches.Any(s => s.Timeline == from.Timeline && s.At >= from.Stop)) return (timeline, switches);
        }

        return (from.Timeline, []);
    }

    // The newest commit stands in the last segment, or, where that has only just begun, in one before.
    private async Task<DateTimeOffset?> CommitAsync(Route route, WalRange stretch, CancellationToken cancellationToken)
    {
        var size = (ulong)route.Lineage.SegmentBytes;
        var floor = new Lsn((stretch.End.Value - 1) / size * size);
        for (var back = 0; back < MostSegmentsBack && floor >= stretch.Start; back++)
        {
            if (await CommitInAsync(route, floor, stretch.End, cancellationToken) is { } time) return time;
            if (floor.Value < size) break;
            floor = floor.Plus(-route.Lineage.SegmentBytes);
        }

        return null;
    }

    private async Task<DateTimeOffset?> CommitInAsync(Route route, Lsn start, Lsn end, CancellationToken cancellationToken)
    {
        var key = (route.Lineage.Id, route.Timeline, start.Value, end.Value);
        if (times.TryGetValue(key, out var known)) return known;
        var expected = new WalExpectation(route.Lineage.SegmentBytes, route.Lineage.Identifier, route.Lineage.Major, route.Timeline);
        var walker = new WalWalker(expected, start);
        var until = end.Since(start) > route.Lineage.SegmentBytes ? start.Plus(route.Lineage.SegmentBytes) : end;
        try
        {
            for (var at = start; at < until && walker.Fault is null;)
            {
                var piece = route.Pieces.Where(p => p.Stored.Start <= at && p.End > at).MaxBy(p => p.End);
                if (piece is null) break;
                var bytes = await archive.ReadAsync(piece.Lineage, piece.Timeline, piece.Stored, cancellationToken);
                var stop = piece.End < until ? piece.End : until;
                walker.Take(bytes.AsSpan((int)at.Since(piece.Stored.Start), (int)stop.Since(at)));
                at = stop;
            }
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            // What is damaged a verification names; here only the time is not known beyond it.
        }

        return times[key] = walker.LastCommit;
    }

    private sealed record Route(WalLineage Lineage, uint Timeline, IReadOnlyList<RoutePiece> Pieces);

    private sealed record RoutePiece(string Lineage, uint Timeline, WalRange Stored, Lsn End)
    {
        public WalRange Range => Stored with { End = End };
    }
}
