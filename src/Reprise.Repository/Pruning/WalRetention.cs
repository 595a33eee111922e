using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage;

namespace Reprise.Repository.Pruning;

/// <summary>From where on a point needs WAL: what it holds of a server is brought further by nothing else.</summary>
/// <param name="Point">which point.</param>
/// <param name="Identifier">of the cluster.</param>
/// <param name="Timeline">that it was on: earlier ones it does not need.</param>
/// <param name="Start">where its backup began.</param>
/// <param name="Goes">whether the point is about to be dropped.</param>
public sealed record WalNeed(PointId Point, ulong Identifier, uint Timeline, Lsn Start, bool Goes);

/// <summary>What becomes of a stretch of WAL, and why.</summary>
/// <param name="Lineage">whose.</param>
/// <param name="Timeline">of which timeline.</param>
/// <param name="Range">from where to where.</param>
/// <param name="Objects">how many objects it is.</param>
/// <param name="StoredBytes">what they take.</param>
/// <param name="Stays">whether it stays.</param>
/// <param name="Why">the reason, for a person.</param>
public sealed record WalVerdict(
    string Lineage, uint Timeline, WalRange Range, int Objects, long StoredBytes, bool Stays, string Why);

/// <summary>A stored range.</summary>
internal sealed record StoredWal(WalName.OfRange Name, ObjectInfo Info);

/// <summary>
/// Decides which WAL stays. Pure, without a clock. A point of a server needs, of each lineage of that server, all WAL of its own
/// and of later timelines from the segment on in which its backup began. That is more than its window when lineages have parted;
/// but which of them somebody wants to follow is his to say.
/// </summary>
internal static class WalRetention
{
    /// <summary>Judges every range, by lineage, timeline and place.</summary>
    /// <param name="stored">all that there are.</param>
    /// <param name="lineages">what is known of their lineages.</param>
    /// <param name="needs">of all points.</param>
    public static IReadOnlyList<(StoredWal Stored, bool Stays, string Why)> Judge(
        IEnumerable<StoredWal> stored, IReadOnlyDictionary<string, WalLineage> lineages, IReadOnlyCollection<WalNeed> needs)
    {
        var judged = new List<(StoredWal Stored, bool Stays, string Why)>();
        foreach (var timeline in stored.GroupBy(s => (s.Name.Lineage, s.Name.Timeline)).OrderBy(g => g.Key.Lineage, StringComparer.Ordinal).ThenBy(g => g.Key.Timeline))
        {
            var ordered = timeline.OrderBy(s => s.Name.Range.Start).ThenBy(s => s.Name.Range.End).ToList();
            var judge = Rule(lineages.GetValueOrDefault(timeline.Key.Lineage), timeline.Key.Timeline, ordered.Max(s => s.Name.Range.End), needs);
            judged.AddRange(ordered.Select(s => (s, judge(s.Name.Range).Stays, judge(s.Name.Range).Why)));
        }

        return judged;
    }

    /// <summary>Joins neighbours that have the same lot.</summary>
    public static IReadOnlyList<WalVerdict> Join(IEnumerable<(StoredWal Stored, bool Stays, string Why)> judged)
    {
        var joined = new List<WalVerdict>();
        foreach (var (stored, stays, why) in judged)
        {
            var range = stored.Name.Range;
            if (joined is [.., var last] && (last.Lineage, last.Timeline, last.Stays, last.Why) == (stored.Name.Lineage, stored.Name.Timeline, stays, why)
                && range.Start <= last.Range.End)
            {
                joined[^1] = last with
                {
                    Range = last.Range with { End = range.End > last.Range.End ? range.End : last.Range.End },
                    Objects = last.Objects + 1,
                    StoredBytes = last.StoredBytes + stored.Info.SizeBytes,
                };
            }
            else
            {
                joined.Add(new WalVerdict(stored.Name.Lineage, stored.Name.Timeline, range, 1, stored.Info.SizeBytes, stays, why));
            }
        }

        return joined;
    }

    private static Func<WalRange, (bool Stays, string Why)> Rule(
        WalLineage? lineage, uint timeline, Lsn end, IReadOnlyCollection<WalNeed> needs)
    {
        if (lineage is null) return _ => (true, "nobody can tell of which server it is: the object of its lineage is gone or cannot be read");
        var own = needs.Where(n => n.Identifier == lineage.Identifier).ToList();
        if (own.Count == 0) return _ => (true, "no point holds the files of this server: who has a base backup of his own may need it");
        var newest = Floor(lineage, new Lsn(end.Value - 1));
        var wanted = own.Where(n => n.Timeline <= timeline).OrderBy(n => n.Start).ThenBy(n => n.Point).ToList();
        var staying = wanted.Find(n => !n.Goes);
        var oldest = wanted.Count == 0 ? null : wanted[0];
        return range =>
        {
            if (staying is not null && range.End > Floor(lineage, staying.Start))
                return (true, $"point {staying.Point} needs timeline {timeline} from {Floor(lineage, staying.Start)} on");
            if (oldest is not null && range.End > Floor(lineage, oldest.Start))
                return (true, $"point {oldest.Point} needs it from {Floor(lineage, oldest.Start)} on, and goes: the prune after that one deletes it");

            // A point that is being taken begins in it, perhaps, or behind it.
            if (range.End > newest) return (true, "the newest segment of its timeline");
            return (false, oldest is null
                ? $"every point of this server is of a later timeline than {timeline}"
                : $"no point needs what lies before {Floor(lineage, oldest.Start)}, where point {oldest.Point} begins");
        };
    }

    private static Lsn Floor(WalLineage lineage, Lsn at) => new(at.Value & ~((ulong)lineage.SegmentBytes - 1));
}
