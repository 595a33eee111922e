using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Wiring;

/// <summary>The point and the moment that a restore was asked for.</summary>
/// <param name="Entry">the point.</param>
/// <param name="Moments">by asset; empty: the WAL ends where the point does.</param>
/// <param name="Notes">what does not come back although it was asked for.</param>
internal sealed record MomentChosen(PointEntry Entry, IReadOnlyDictionary<string, AssetMoment> Moments, IReadOnlyList<Problem> Notes);

/// <summary>From what a person typed to a point and a place in the WAL.</summary>
internal static class MomentChoices
{
    /// <summary>Finds them; nothing is touched, and what cannot be reached is refused.</summary>
    public static async Task<MomentChosen> ChooseAsync(
        Protection protection, PointCatalog catalog, RestoreOptions options, Cpu cpu, CommandContext context)
    {
        var moment = options.Moment ?? throw new InvariantException("a moment was asked for");
        var asset = AssetOf(protection, options);
        var named = options.Point is { } name ? PointNames.Find(catalog, name, PointOperations.Proven(context)) : null;
        var usable = PointNames.Regular(catalog).Where(p => p.SignatureProblem is null).ToList();
        var found = await new MomentChoice(protection.Repository.Wal, cpu).FindAsync(
            [.. usable.Select(p => p.Manifest)],
            named?.Manifest,
            asset,
            WishOf(moment),
            new MomentPath(moment.Lineage, moment.Timeline),
            context.Cancellation);
        var moments = new SortedDictionary<string, AssetMoment>(StringComparer.Ordinal);
        if (found.Moment is { } at) moments[asset] = at;
        return new MomentChosen(named ?? usable.Single(p => p.Id == found.Point), moments, found.Notes);
    }

    /// <summary>What would be done.</summary>
    public static MomentJson Planned(string asset, AssetMoment moment) => new()
    {
        Asset = asset,
        Wish = moment.Wish,
        Lineage = moment.Lineage,
        Timeline = moment.Timeline,
        Lsn = moment.Inclusive ? moment.End : moment.Target,
        LastCommit = null,
        Transaction = null,
        NextCommit = moment.NextCommit,
        NewTimeline = null,
        Replayed = false,
    };

    /// <summary>What was done.</summary>
    public static MomentJson Reached(ReachedMoment reached, AssetMoment asked) => new()
    {
        Asset = reached.Asset,
        Wish = reached.Wish,
        Lineage = asked.Lineage,
        Timeline = reached.Timeline,
        Lsn = reached.Lsn,
        LastCommit = reached.LastCommit,
        Transaction = reached.Transaction,
        NextCommit = asked.NextCommit,
        NewTimeline = reached.NewTimeline,
        Replayed = reached.Replayed,
    };

    // A moment of the WAL is one of one server; what is restored beside it would have another.
    private static string AssetOf(Protection protection, RestoreOptions options)
    {
        if (options.Assets is [var one]) return one;
        var possible = protection.Assets.Where(a => a.Kind == AssetKinds.Postgres).Select(a => a.Name).ToList();
        throw new RepriseException(
            MomentErrors.NotReplayable,
            options.Assets.Count == 0 ? "a moment was asked for, and not of which asset" : "a moment is one of one asset",
            $"name it with --asset {(possible is [var only] ? only : "NAME")}; the others come back with a restore of their own");
    }

    private static MomentWish WishOf(MomentOptions options) => options switch
    {
        { Time: { } time } => new MomentWish.Time(time),
        { Lsn: { } text } => Lsn.TryParse(text, out var lsn)
            ? new MomentWish.Place(lsn)
            : throw new RepriseException(CliErrors.OptionValue, $"--lsn '{text}' is no place in the WAL", "write it as PostgreSQL does: 16/B374D848"),
        { Transaction: { } number } => new MomentWish.Transaction(number),
        { Name: { } name } => new MomentWish.Named(name),
        { Latest: true } => new MomentWish.Latest(),
        _ => throw new InvariantException("a moment without a kind"),
    };
}
