using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>What is not as it was at the drill before.</summary>
internal sealed class ReportChanges(HtmlText page, ReportWords words)
{
    private const int LongestHash = 12;

    /// <summary>Compares both.</summary>
    public void Write(DrillRecord drill, DrillRecord? previous)
    {
        page.Element("h2", words.Changes);
        if (previous is null)
        {
            page.Element("p", words.NoPrevious);
            return;
        }

        page.Element("p", $"{words.DrillNumber} {previous.Id}", ("class", "soft"));
        var changes = Of(drill, previous).ToList();
        if (changes.Count == 0)
        {
            page.Element("p", words.NoChanges);
            return;
        }

        using (page.Tag("table"))
        {
            using (page.Tag("thead"))
            using (page.Tag("tr"))
            {
                page.Element("th", "");
                page.Element("th", words.Before);
                page.Element("th", words.Now);
            }

            using (page.Tag("tbody"))
            {
                foreach (var (name, before, now) in changes)
                {
                    using (page.Tag("tr"))
                    {
                        page.Element("td", name);
                        page.Element("td", before, ("data-label", words.Colon(words.Before)));
                        page.Element("td", now, ("data-label", words.Colon(words.Now)));
                    }
                }
            }
        }
    }

    private IEnumerable<(string Name, string Before, string Now)> Of(DrillRecord drill, DrillRecord previous)
    {
        if (drill.Verdict != previous.Verdict)
            yield return (words.Verdict, words.Of(previous.Verdict), words.Of(drill.Verdict));
        if (drill.Level != previous.Level)
            yield return (words.Depth, words.LevelName(previous.Level), words.LevelName(drill.Level));
        if (drill.TechnicalRecovery != previous.TechnicalRecovery)
            yield return (words.RecoveryTime, Time(previous.TechnicalRecovery), Time(drill.TechnicalRecovery));
        foreach (var name in drill.Fingerprint.Keys.Union(previous.Fingerprint.Keys).Order(StringComparer.Ordinal))
        {
            var (before, now) = (previous.Fingerprint.GetValueOrDefault(name), drill.Fingerprint.GetValueOrDefault(name));
            if (before != now) yield return (name, Short(before), Short(now));
        }

        foreach (var name in drill.InScope.Except(previous.InScope)) yield return (name, "–", words.New);
        foreach (var name in previous.InScope.Except(drill.InScope)) yield return (name, words.Recovered, words.Gone);
        foreach (var change in OfChecks(drill, previous)) yield return change;
    }

    private IEnumerable<(string Name, string Before, string Now)> OfChecks(DrillRecord drill, DrillRecord previous)
    {
        var before = previous.Checks.GroupBy(c => c.Check.Name).ToDictionary(g => g.Key, g => g.First().Check.Outcome);
        var now = drill.Checks.GroupBy(c => c.Check.Name).ToDictionary(g => g.Key, g => g.First().Check.Outcome);
        foreach (var name in now.Keys.Union(before.Keys))
        {
            var was = before.TryGetValue(name, out var old) ? words.Of(old) : "–";
            var becomes = now.TryGetValue(name, out var fresh) ? words.Of(fresh) : words.Gone;
            if (was != becomes) yield return (name, was, was == "–" ? $"{words.New}, {becomes}" : becomes);
        }
    }

    private string Time(TimeSpan? time) => time is { } known ? words.Time(known) : words.NotReached;

    private static string Short(string? value) => value switch
    {
        null => "–",
        { Length: 64 } => value[..LongestHash] + "…",
        _ => value,
    };
}
