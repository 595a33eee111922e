using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Says where a recovery ended.</summary>
internal static class MomentEnd
{
    /// <summary>What was reached, or is when the server is first started.</summary>
    /// <param name="record">of the server.</param>
    /// <param name="moment">to which it was to go.</param>
    /// <param name="last">the last transaction that the WAL has before it.</param>
    /// <param name="end">what the server said; null: it was not started.</param>
    public static ReachedMoment Of(AssetRecord record, AssetMoment moment, EndOfTransaction? last, ReplayEnd? end) => new()
    {
        Asset = record.Name,
        Lsn = end?.Lsn.ToString() ?? (moment.Inclusive ? moment.End : moment.Target),
        LastCommit = last?.Time ?? end?.LastCommit,
        Transaction = last?.Transaction is { } number and > 0 ? number.ToString(CultureInfo.InvariantCulture) : null,
        Timeline = moment.Timeline,
        NewTimeline = end?.Timeline,
        Replayed = end is not null,
        Wish = moment.Wish,
    };
}
