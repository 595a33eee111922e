using Reprise.Recovery.Assets;
using Reprise.Repository.Wal;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Moments;

/// <summary>Whose WAL leads on from a point.</summary>
internal static class Routes
{
    /// <summary>
    /// The route that was asked for; else of the only lineage, or of the one that the taker of the point archives. Where several
    /// could be meant nobody guesses: they hold different data.
    /// </summary>
    public static async Task<WalRoute> FindAsync(
        WalArchive archive, BasePoint from, MomentWish wish, MomentPath path, Cpu cpu, CancellationToken cancellationToken)
    {
        var pointOnly = $"the moment of point {from.Id}, {Miss.Text(from.Moment)} (--immediate)";
        var lineages = await archive.LineagesAsync(from.Identifier, cancellationToken);
        if (lineages.Count == 0)
        {
            throw Miss.Unreachable(
                wish,
                "the repository holds no WAL of this server",
                pointOnly,
                "let the server archive with 'reprise wal push %p'; 'reprise points' says what can be restored");
        }

        var lineage = path.Lineage is { } named
            ? lineages.FirstOrDefault(l => l.Id == named)
            : lineages.Count == 1 ? lineages[0] : lineages.LastOrDefault(l => l.Owner == from.Owner);
        if (lineage is null)
        {
            throw Miss.Unreachable(
                wish,
                path.Lineage is null ? $"two servers went on from one past ({lineages.Count} lineages), and neither took the point" : $"there is no lineage '{path.Lineage}'",
                pointOnly,
                $"name the one that is meant with --lineage: {string.Join(", ", lineages.Select(l => l.Id))}");
        }

        return await WalRoute.FindAsync(archive, lineage, from, path.Timeline, cpu, cancellationToken) ?? throw Miss.Unreachable(
            wish,
            $"no timeline{(path.Timeline is { } asked ? $" {asked}" : "")} of lineage {lineage.Id} comes from the point",
            pointOnly,
            "choose another point with 'reprise points'");
    }

    /// <summary>The route of a moment that was found before.</summary>
    public static Task<WalRoute> AgainAsync(
        WalArchive archive, BasePoint from, AssetMoment moment, Cpu cpu, CancellationToken cancellationToken) =>
        FindAsync(archive, from, new MomentWish.Latest(), new MomentPath(moment.Lineage, moment.Timeline), cpu, cancellationToken);
}

/// <summary>Which WAL is followed, where somebody says so.</summary>
/// <param name="Lineage">whose, or null.</param>
/// <param name="Timeline">which timeline, or null: the newest that comes from the point.</param>
public sealed record MomentPath(string? Lineage, uint? Timeline);
