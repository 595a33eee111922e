using System.Globalization;
using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>
/// The phases as bars on one scale of time, one below the other: full when measured, hatched when simulated, a dashed line
/// when left out. The bars are drawn in percentages, so that they fit a phone and a page without shrinking the words.
/// </summary>
internal static class PhasePicture
{
    private const double LeastShare = 0.6;
    private static readonly string[] Names =
        ["detect", "decide", "mobilise", "restore", "replay", "start", "verify", "cut-over"];

    /// <summary>Draws them.</summary>
    public static void Draw(HtmlText page, DrillRecord drill, ReportWords words)
    {
        if (drill.Phases.Count == 0) return;
        page.Element("h2", words.Phases);
        Pattern(page);
        var total = drill.Phases.Aggregate(TimeSpan.Zero, (sum, p) => sum + Shown(p));
        using (page.Tag("div", ("class", "phases")))
        {
            var begin = TimeSpan.Zero;
            foreach (var phase in drill.Phases)
            {
                Row(page, phase, begin, total, words);
                begin += Shown(phase);
            }
        }

        using (page.Tag("div", ("class", "scale soft")))
        {
            page.Element("span", "", ("class", "blank"));
            using (page.Tag("span", ("class", "ends")))
            {
                page.Element("span", "0");
                page.Element("span", words.Time(total));
            }
        }

        page.Element("p", words.PhasesNote, ("class", "soft"));
    }

    private static TimeSpan Shown(DrillPhase phase) =>
        phase is { Kind: "measured" or "simulated", Elapsed: { } elapsed } && elapsed > TimeSpan.Zero ? elapsed : TimeSpan.Zero;

    // One pattern for the whole page; the element itself takes no room.
    private static void Pattern(HtmlText page)
    {
        using (page.Tag("svg", ("width", "0"), ("height", "0"), ("aria-hidden", "true"), ("style", "position:absolute")))
        using (page.Tag("defs"))
        using (page.Tag(
            "pattern", ("id", "hatch"), ("width", "7"), ("height", "7"), ("patternUnits", "userSpaceOnUse"), ("patternTransform", "rotate(45)")))
            page.Empty("line", ("x1", "0"), ("y1", "0"), ("x2", "0"), ("y2", "7"), ("class", "hatch"));
    }

    private static void Row(HtmlText page, DrillPhase phase, TimeSpan begin, TimeSpan total, ReportWords words)
    {
        using (page.Tag("div", ("class", "phase")))
        {
            using (page.Tag("div", ("class", "name")))
            {
                page.Text(words.PhaseName(phase.Name));
                if (Array.IndexOf(Names, phase.Name) is var place and >= 0)
                    page.Element("span", string.Create(CultureInfo.InvariantCulture, $"T{place}–T{place + 1}"), ("class", "soft"));
            }

            var took = phase is { Kind: not "excluded", Elapsed: { } elapsed } ? words.Time(elapsed) : "–";
            using (page.Tag("div", ("class", "picture"))) Bar(page, phase, begin, total);
            using (page.Tag("div", ("class", "took")))
            {
                page.Text(took);
                page.Element("span", words.PhaseKind(phase.Kind), ("class", "soft"));
            }

            if (phase.Reason is { } reason) words.WriteRecorded(page, "div", reason, "soft why");
        }
    }

    private static void Bar(HtmlText page, DrillPhase phase, TimeSpan begin, TimeSpan total)
    {
        using (page.Tag("svg", ("height", "18"), ("aria-hidden", "true")))
        {
            if (phase.Kind is not ("measured" or "simulated"))
            {
                page.Empty("line", ("x1", "0"), ("x2", "100%"), ("y1", "9"), ("y2", "9"), ("class", "excluded"));
                return;
            }

            page.Empty("rect", ("x", "0"), ("y", "0"), ("width", "100%"), ("height", "18"), ("rx", "3"), ("class", "track"));
            var from = Share(begin, total);
            var width = Math.Max(LeastShare, Share(Shown(phase), total));
            page.Empty(
                "rect",
                ("x", Percent(Math.Min(from, 100 - width))),
                ("y", "2"),
                ("width", Percent(width)),
                ("height", "14"),
                ("rx", "2"),
                ("class", phase.Kind));
        }
    }

    private static double Share(TimeSpan part, TimeSpan total) => total > TimeSpan.Zero ? 100 * (part / total) : 0;

    private static string Percent(double share) => share.ToString("0.##", CultureInfo.InvariantCulture) + "%";
}
