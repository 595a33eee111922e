using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>What a report is made of.</summary>
internal sealed record DrillReportFacts
{
    /// <summary>The drill.</summary>
    public required DrillRecord Drill { get; init; }

    /// <summary>The one before it, for what has changed; null when there is none.</summary>
    public DrillRecord? Previous { get; init; }

    /// <summary>Actions that nobody has closed.</summary>
    public IReadOnlyList<OpenAction> Actions { get; init; } = [];

    /// <summary>The signed evidence; null when none was kept.</summary>
    public EvidenceEntry? Evidence { get; init; }

    /// <summary>The zone of those who read it.</summary>
    public required TimeZoneInfo Zone { get; init; }
}

/// <summary>
/// A drill as one page that needs nothing else: no script, nothing from a network, readable on a phone, on paper, in the
/// dark, and without colours. A pure function of its facts; the page is XML as well, so that a test can read it.
/// </summary>
internal static class DrillReport
{
    /// <summary>The page as text.</summary>
    public static string Html(DrillReportFacts facts, Language language)
    {
        var words = new ReportWords(language);
        var page = new HtmlText();
        var drill = facts.Drill;
        page.Raw("<!DOCTYPE html>\n");
        using (page.Tag("html", ("lang", words.Code)))
        {
            Head(page, drill, words);
            using (page.Tag("body"))
            using (page.Tag("main"))
            {
                var summary = new ReportSummary(page, facts, words);
                summary.Title();
                summary.Verdict();
                summary.Figures();
                var details = new ReportDetails(page, facts, words);
                details.Findings();
                details.Actions();
                PhasePicture.Draw(page, drill, words);
                details.Losses();
                details.Checks();
                new ReportChanges(page, words).Write(drill, facts.Previous);
                var limits = new ReportLimits(page, facts, words);
                limits.Scope();
                limits.NotProven();
                limits.Separation();
                limits.Integrity();
            }
        }

        page.Raw("\n");
        return page.ToString();
    }

    private static void Head(HtmlText page, DrillRecord drill, ReportWords words)
    {
        using (page.Tag("head"))
        {
            page.Empty("meta", ("charset", "utf-8"));
            page.Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
            page.Empty("meta", ("name", "color-scheme"), ("content", "light dark"));

            // Whatever slips through anywhere: a browser runs and loads nothing.
            page.Empty(
                "meta",
                ("http-equiv", "Content-Security-Policy"),
                ("content", "default-src 'none'; style-src 'unsafe-inline'"));
            page.Element("title", $"{words.Drill} {drill.Application}: {words.Of(drill.Verdict)}");
            using (page.Tag("style")) page.Raw(ReportStyle.Css);
        }
    }
}
