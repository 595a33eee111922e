using Reprise.Recovery.Assets;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Planning;

/// <summary>Writes the three sentences.</summary>
internal static class PlanSentencesOf
{
    public static PlanSentences Restore(PlanFacts facts, PointManifest point, IReadOnlyList<PlannedAsset> assets)
    {
        var moment = assets.Select(a => a.Moment ?? point.Created).DefaultIfEmpty(point.Created).Min();
        var age = Wording.Duration(facts.Now - moment);
        var what = assets.Count == point.Assets.Count - facts.LeftOut.Count && facts.Survey.Parts.Count == 0
            ? facts.Application
            : $"{Wording.List([.. assets.Select(a => a.Name)])} of {facts.Application}";
        return new PlanSentences(
            $"You get back {what} as of {Wording.Moment(moment, facts.Zone)}, {age} ago{Rows(assets)}.",
            Lose(facts, assets, $"what was written in these {age}"),
            GoBack(facts, assets));
    }

    public static PlanSentences Undo(PlanFacts facts, DateTimeOffset setAside, IReadOnlyList<PlannedAsset> assets)
    {
        var since = Wording.Duration(facts.Now - setAside);
        return new PlanSentences(
            $"You get back {Wording.List([.. assets.Select(a => a.Name)])} of {facts.Application} as it was until "
            + $"{Wording.Moment(setAside, facts.Zone)}, {since} ago{Rows(assets)}.",
            Lose(facts, assets, "what was written since then"),
            GoBack(facts, assets));
    }

    private static string Rows(IReadOnlyList<PlannedAsset> assets)
    {
        var changes = assets.SelectMany(a => a.Rows)
            .OrderByDescending(c => Math.Abs((c.Live ?? 0) - (c.Restored ?? 0)))
            .ToList();
        if (RowChanges.Text(changes) is { } text) return ": " + text;
        var compared = assets.Count > 0 && assets.All(a => a.IsCompared);
        return compared ? ", with as many rows as are live now" : "";
    }

    private static string Lose(PlanFacts facts, IReadOnlyList<PlannedAsset> assets, string written)
    {
        if (assets.All(a => a.Presence == Presence.Absent)) return "You lose nothing: nothing is there now.";
        var lost = assets.SelectMany(a => a.Rows)
            .Where(c => c.Live > (c.Restored ?? 0))
            .OrderByDescending(c => c.Live - (c.Restored ?? 0))
            .Select(c => $"{(c.Live ?? 0) - (c.Restored ?? 0):N0} of {c.Table}")
            .Take(3)
            .ToList();
        var atLeast = lost.Count > 0 ? $", at least {Wording.List(lost)}" : "";
        var unreadable = assets.Where(a => a.Presence == Presence.Unreadable).Select(a => a.Name).ToList();
        var hidden = unreadable.Count > 0
            ? $"; how much of {Wording.List(unreadable)}, nobody can say: it cannot be read"
            : "";
        return $"You lose {written}{atLeast}{hidden}; {facts.Application} is down meanwhile.";
    }

    private static string GoBack(PlanFacts facts, IReadOnlyList<PlannedAsset> assets)
    {
        if (assets.All(a => a.Presence == Presence.Absent))
            return $"To go back, 'reprise undo {facts.RestoreId}' takes away what was restored.";
        var safety = assets.Any(a => a.Safety == SafetyKind.Captured) ? ", and in a safety point" : "";
        var waived = assets.Where(a => a.Safety == SafetyKind.Skipped).Select(a => a.Name).ToList();
        var without = waived.Count > 0 ? $" There is NO safety point of {Wording.List(waived)}." : "";
        return $"To go back, 'reprise undo {facts.RestoreId}': what is live now is kept beside it until "
            + $"{Wording.Moment(facts.Now + facts.KeepFormer, facts.Zone)}{safety}.{without}";
    }
}
