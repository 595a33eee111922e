using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Moments;

/// <summary>Why a moment cannot be reached, with the nearest that can.</summary>
internal static class Miss
{
    /// <summary>The WAL behind a point does not lead there.</summary>
    /// <param name="route">the WAL.</param>
    /// <param name="from">the point.</param>
    /// <param name="wish">what was asked for.</param>
    /// <param name="end">how far the WAL goes.</param>
    /// <param name="seen">its last records; null: nothing behind the point can be reached.</param>
    public static RepriseException Of(WalRoute route, BasePoint from, MomentWish wish, RouteEnd end, MomentWatch? seen)
    {
        var before = seen?.Last is { } last
            ? $"{Commit(seen)}(--lsn {last.End}, timeline {route.Timeline})"
            : $"the moment of point {from.Id}, {Text(from.Moment)} (--immediate)";
        var why = end.Resumes is { } resumes
            ? $"WAL of timeline {route.Timeline} from {end.At} to {resumes} is missing: it was never archived, or was deleted"
            : wish is MomentWish.Time ? $"the WAL in the repository ends at {end.At}, and nothing in it is later" : $"the WAL in the repository ends at {end.At}";
        return Unreachable(
            wish,
            why,
            before,
            end.Resumes is { } next
                ? $"if a server still has the segments from {end.At} to {next} in pg_wal, push them with 'reprise wal push'"
                : "if the server still runs, select pg_switch_wal() there and wait until it is archived; else take --latest");
    }

    /// <summary>A moment before a point.</summary>
    public static RepriseException Before(BasePoint from, MomentWish wish, BasePoint? earlier) => Unreachable(
        wish,
        $"it is before the end of point {from.Id}, {Text(from.Moment)} at {from.Stop}",
        earlier is null ? "no earlier point" : $"what comes after point {earlier.Id}, {Text(earlier.Moment)}",
        earlier is null ? $"take --immediate for the moment of point {from.Id}" : "leave out the point: the right one is found",
        $"the moment of point {from.Id} (--immediate)");

    /// <summary>Any other reason.</summary>
    public static RepriseException Unreachable(MomentWish wish, string why, string before, string hint, string? after = null) => new(
        new Problem(
            MomentErrors.Unreachable,
            Severity.Error,
            $"{wish.Text} cannot be reached: {why}; nearest before: {before}{(after is null ? "" : $"; nearest after: {after}")}",
            hint));

    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);

    private static string Commit(MomentWatch seen) => (seen.LastEnd?.Time ?? seen.LastTime) is { } time ? $"{Text(time)} " : "";
}
