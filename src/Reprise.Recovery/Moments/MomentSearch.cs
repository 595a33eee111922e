using Reprise.Recovery.Assets;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Moments;

/// <summary>
/// Finds the record at which a recovery has to end, before anything is touched. The place is explicit: PostgreSQL itself then
/// refuses to stop short of it. WAL is read as it comes, and where time or place tell that it is earlier, not at all.
/// </summary>
internal sealed class MomentSearch(WalRoute route, BasePoint from, MomentWish wish)
{
    // How many segments are read at the most to find the last whole record: one may be as long as a gigabyte.
    private const int MaxBack = 70;
    private const int ShortPageHeader = WalFormat.ShortHeaderBytes;

    private Lsn First => route.Floor(from.Stop);

    /// <summary>Where commits on both sides can be asked for, once a moment was found; null: there is no commit near it.</summary>
    public MomentBoundary? Boundary { get; private set; }

    /// <summary>The moment; <c>target-unreachable</c> when the WAL does not lead there.</summary>
    public async Task<AssetMoment> RunAsync(CancellationToken cancellationToken)
    {
        var end = route.Follow(First);
        if (end.At <= from.Stop) throw Miss.Of(route, from, wish, end, null);
        if (wish is MomentWish.Latest) return await LatestAsync(end, cancellationToken);
        var watch = new MomentWatch(wish, from.Stop);
        var walker = await WalScan.RunAsync(
            route, await BeginAsync(end.At, cancellationToken), end.At, watch.See, () => watch.IsDone, cancellationToken);
        if (watch.Found is { } found) return Moment(found, watch);
        if (walker.Fault is { Kind: not WalFaultKind.Zeros } fault && fault.At < end.At) throw WalScan.Damaged(fault);
        return wish is MomentWish.Place { At: var at } && watch.Last is { } last && at <= BehindHeader(last.End)
            ? Moment(last, watch)
            : throw Miss.Of(route, from, wish, end, await ReachAsync(end, watch, cancellationToken));
    }

    /// <summary>The same for the last whole record, wherever that is.</summary>
    private async Task<AssetMoment> LatestAsync(RouteEnd end, CancellationToken cancellationToken)
    {
        var watch = await LastAsync(end.At, cancellationToken);
        return watch.Last is { } last
            ? Moment(last, watch)
            : throw Miss.Of(route, from, wish, end, null);
    }

    // A recovery ends by default where the backup did: a record there that does not happen is always found.
    private async Task<MomentWatch> LastAsync(Lsn end, CancellationToken cancellationToken)
    {
        var segment = route.Floor(new Lsn(end.Value - 1));
        for (var back = 0; ; back++)
        {
            var watch = new MomentWatch(new MomentWish.Latest(), from.Stop);
            var walker = await WalScan.RunAsync(route, segment, end, watch.See, () => false, cancellationToken);
            if (walker.Fault is { Kind: not WalFaultKind.Zeros } fault) throw WalScan.Damaged(fault);
            if (watch.Last is not null || segment <= First || back == MaxBack) return watch;
            segment = segment.Plus(-route.Lineage.SegmentBytes);
        }
    }

    private async Task<MomentWatch?> ReachAsync(RouteEnd end, MomentWatch seen, CancellationToken cancellationToken) =>
        seen.Last is not null ? seen : await LastAsync(end.At, cancellationToken);

    private async Task<Lsn> BeginAsync(Lsn end, CancellationToken cancellationToken)
    {
        if (wish is MomentWish.Place place)
        {
            // One segment earlier, so that the record in front of it is known where nothing follows it.
            var floor = route.Floor(place.At < end ? place.At : new Lsn(end.Value - 1));
            return floor > First ? floor.Plus(-route.Lineage.SegmentBytes) : First;
        }

        return wish is MomentWish.Time time ? await EarlierAsync(time.At, end, cancellationToken) : First;
    }

    // Halves what is left, and keeps a segment in front whose first time is not later: what lies before that is not read.
    private async Task<Lsn> EarlierAsync(DateTimeOffset at, Lsn end, CancellationToken cancellationToken)
    {
        var size = route.Lineage.SegmentBytes;
        var (low, high) = (0L, (end.Since(First) - 1) / size);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            DateTimeOffset? first = null;
            await WalScan.RunAsync(route, First.Plus(middle * size), First.Plus((middle + 1) * size), Note, () => first is not null, cancellationToken);
            if (first <= at) low = middle;
            else high = middle;

            void Note(in WalRecord record) => first ??= record.Time;
        }

        return First.Plus(low * size);
    }

    private AssetMoment Moment(FoundRecord found, MomentWatch watch)
    {
        Boundary = watch switch
        {
            { Next: { } next } => new MomentBoundary(next.At, watch.LastEnd?.Transaction, next.Transaction),
            { LastEnd: { } last } => new MomentBoundary(last.At, watch.PreviousEnd?.Transaction, last.Transaction),
            _ => null,
        };
        return Made(found, watch);
    }

    private AssetMoment Made(FoundRecord found, MomentWatch watch) => new()
    {
        Lineage = route.Lineage.Id,
        Timeline = route.Timeline,
        Target = found.Start.ToString(),
        Inclusive = found.Inclusive,
        End = found.End.ToString(),
        ReplayBytes = Math.Max(0, found.End.Since(First)),
        NextCommit = watch.Next?.Time,
        Wish = wish.Text,
    };

    // The place that a server says may lie behind the header of the page that comes next.
    private static Lsn BehindHeader(Lsn end) =>
        end.Value % WalFormat.PageBytes == 0 ? end.Plus(WalFormat.LongHeaderBytes) : end.Plus(ShortPageHeader);
}

/// <summary>A place right in front of a commit, at which commits on both sides of it are asked for.</summary>
/// <param name="At">where the record of the later one begins.</param>
/// <param name="There">the one before; null: none is near.</param>
/// <param name="Missing">the one that must not be there.</param>
internal sealed record MomentBoundary(Lsn At, uint? There, uint Missing);
