using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>A point, and how far its WAL is followed.</summary>
/// <param name="Point">which one.</param>
/// <param name="Moment">where the recovery ends; null: where the backup did, because nothing follows it.</param>
/// <param name="Notes">what does not come back although it was asked for.</param>
public sealed record MomentOfPoint(PointId Point, AssetMoment? Moment, IReadOnlyList<Problem> Notes);

/// <summary>Finds the point from which a moment is reached, and the place in the WAL. Reads only.</summary>
public sealed class MomentChoice(WalArchive archive, Cpu cpu)
{
    /// <summary>Finds them.</summary>
    /// <param name="points">all that may be used, the newest first.</param>
    /// <param name="named">the one that was named, or null: the newest that leads there.</param>
    /// <param name="asset">of which asset.</param>
    /// <param name="wish">which moment.</param>
    /// <param name="path">which WAL is followed.</param>
    /// <param name="cancellationToken">ends the looking.</param>
    /// <exception cref="RepriseException"><c>target-unreachable</c>, <c>target-needs-wal</c>; WAL that is damaged.</exception>
    public async Task<MomentOfPoint> FindAsync(
        IReadOnlyList<PointManifest> points,
        PointManifest? named,
        string asset,
        MomentWish wish,
        MomentPath path,
        CancellationToken cancellationToken)
    {
        var all = points.Select(p => Of(p, asset)).OfType<BasePoint>().ToList();
        if (named is not null)
        {
            var one = Of(named, asset) ?? throw NotPhysical(asset, $"point {named.Id}");
            return await OfOneAsync(one, all.FirstOrDefault(p => Precedes(p, one) && !IsBefore(wish, p)), wish, path, cancellationToken);
        }

        if (all.Count == 0) throw NotPhysical(asset, "no point");
        var possible = all.Where(p => !IsBefore(wish, p)).ToList();
        if (possible.Count == 0) throw Miss.Before(all[^1], wish, null);
        if (wish is not (MomentWish.Transaction or MomentWish.Named)) return await OfOneAsync(possible[0], null, wish, path, cancellationToken);
        return await OfAnyAsync(possible, wish, path, cancellationToken);
    }

    /// <summary>
    /// How far a drill of a point goes: to the time of the fault where the WAL knows that time, else as far as it goes; null: there
    /// is no WAL behind the point.
    /// </summary>
    /// <exception cref="RepriseException">WAL that is damaged.</exception>
    public async Task<RehearsedMoment?> RehearseAsync(
        PointManifest point, string asset, DateTimeOffset? fault, CancellationToken cancellationToken)
    {
        if (Of(point, asset) is not { } from) return null;
        try
        {
            if (fault is { } at && at >= from.Moment && await TryAsync(new MomentWish.Time(at)) is { } reached) return reached;
            return await TryAsync(new MomentWish.Latest());
        }
        catch (RepriseException e) when (e.Code == MomentErrors.Unreachable)
        {
            return null;
        }

        async Task<RehearsedMoment?> TryAsync(MomentWish wish)
        {
            var route = await Routes.FindAsync(archive, from, wish, new MomentPath(null, null), cpu, cancellationToken);
            var end = route.Follow(route.Floor(from.Stop));
            if (end.At <= from.Stop) return null;
            var search = new MomentSearch(route, from, wish);
            AssetMoment moment;
            try
            {
                moment = await search.RunAsync(cancellationToken);
            }
            catch (RepriseException e) when (e.Code == MomentErrors.Unreachable && wish is MomentWish.Time)
            {
                return null;
            }

            return new RehearsedMoment
            {
                Moment = moment,
                IsTime = wish is MomentWish.Time,
                Archive = archive,
                Boundary = search.Boundary is { } b && b.At < Lsn.Parse(moment.End) ? b : null,
                Notes = end.Resumes is { } resumes ? [Gap(end.At, resumes, from)] : [],
            };
        }
    }

    // Where nothing tells when it was, the newest point is asked first.
    private async Task<MomentOfPoint> OfAnyAsync(
        List<BasePoint> points, MomentWish wish, MomentPath path, CancellationToken cancellationToken)
    {
        RepriseException? first = null;
        foreach (var point in points)
        {
            try
            {
                return await OfOneAsync(point, null, wish, path, cancellationToken);
            }
            catch (RepriseException e) when (e.Code == MomentErrors.Unreachable)
            {
                first ??= e;
            }
        }

        throw first ?? throw new InvariantException("there was a point to ask");
    }

    private async Task<MomentOfPoint> OfOneAsync(
        BasePoint from, BasePoint? earlier, MomentWish wish, MomentPath path, CancellationToken cancellationToken)
    {
        if (IsBefore(wish, from)) throw Miss.Before(from, wish, earlier);
        var route = await Routes.FindAsync(archive, from, wish, path, cpu, cancellationToken);
        var end = route.Follow(route.Floor(from.Stop));
        var isLatest = wish is MomentWish.Latest;
        Problem[] notes = isLatest && end.Resumes is { } resumes ? [Gap(end.At, resumes, from)] : [];
        if (isLatest && end.At <= from.Stop) return new MomentOfPoint(from.Id, null, notes);
        return new MomentOfPoint(from.Id, await new MomentSearch(route, from, wish).RunAsync(cancellationToken), notes);
    }

    private static bool IsBefore(MomentWish wish, BasePoint point) =>
        wish is MomentWish.Time { At: var time } ? time < point.Moment : wish is MomentWish.Place { At: var at } && at < point.Stop;

    private static bool Precedes(BasePoint one, BasePoint other) => one.Moment < other.Moment;

    private static BasePoint? Of(PointManifest manifest, string asset) =>
        manifest.Assets.FirstOrDefault(a => a.Name == asset && a.Method == PostgresRecord.PhysicalMethod) is { } record
            ? BasePoints.Of(manifest, record)
            : null;

    private static Problem Gap(Lsn from, Lsn to, BasePoint point) => new(
        RepositoryErrors.WalGap,
        Severity.Warning,
        $"behind point {point.Id}, WAL from {from} to {to} is missing: what was committed after {from} does not come back",
        "if a server still has these segments in pg_wal, push them with 'reprise wal push'; take a new point");

    private static RepriseException NotPhysical(string asset, string where) => new(
        MomentErrors.NotReplayable,
        $"{where} holds the files of the server of {asset}: a dump cannot be taken on to another moment",
        $"set method: physical for {asset}, archive with 'reprise wal push %p', and take a point");
}
