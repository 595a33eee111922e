using System.Globalization;
using System.Text;
using Reprise.Recovery.Runbooks;

namespace Reprise.Runbooks;

/// <summary>What a run leaves for those who look back: facts first, then room for a review that blames nobody.</summary>
internal static class ReportPage
{
    /// <summary>The report as Markdown.</summary>
    public static string Markdown(RunReport report, string application)
    {
        var page = new StringBuilder();
        page.Append($"# {application}: {report.Runbook.Title}\n\n");
        Facts(page, report);
        Phases(page, report);
        page.Append("## Timeline\n\nTimes are UTC.\n\n");
        foreach (var moment in report.Timeline) page.Append($"- {Time(moment.At)} {OneLine(moment.Text)}\n");
        page.Append("\n## Steps\n\n");
        foreach (var step in report.Steps)
        {
            var time = step.Elapsed is { } elapsed ? $", {Amounts.Time(elapsed)}" : "";
            page.Append($"- **{step.Id}** ({Word(step.Type)}): {step.Outcome}{time}\n");
        }

        page.Append("\n## Decisions\n\n");
        Each(page, report.Decisions.Select(d =>
            $"{Time(d.At)} **{d.Step}**: {d.Option}. Reason: {OneLine(d.Reason ?? "none was given")} ({d.Actor})"
            + (d.Target is null ? "" : $". Target: {d.Target}")), "None.");
        page.Append("\n## Where the run left the runbook\n\n");
        Each(page, report.Deviations.Select(OneLine), "Nowhere.");
        if (report.NotDiscriminating.Count > 0)
        {
            page.Append("\n## Verifications that proved nothing\n\nThey were green before the act that they were to prove.\n\n");
            Each(page, report.NotDiscriminating, "");
        }

        page.Append(Review);
        page.Append($"\n---\n\nRun `{report.Run}`, runbook `{report.Runbook.Id}` version {report.Runbook.Version}, sha256 ");
        page.Append($"`{report.Runbook.Sha256}`; journal ends with `{report.Head}`.\n");
        return page.ToString();
    }

    private const string Review = """

        ## Review

        To be filled in together, within a few days. What people did made sense with what they knew; the question is what
        made it make sense, and what would have helped.

        **Who was affected, and how?**

        **What went well?**

        **What went badly?**

        **Where were we lucky?**

        **What contributed?** (more than one thing, and no person)

        **Which steps of the runbook failed, were left out, or had to be made up?**

        | action | who | until when | how it will be shown to work |
        |---|---|---|---|
        | | | | |
        | | | | |

        ## Before this is closed

        `reprise runbook run after-incident` goes through it: a fresh point, the former data, temporary access, this
        report in the archive, and a rehearsal of what failed.

        """;

    private static void Facts(StringBuilder page, RunReport report)
    {
        page.Append($"- State: **{RunProgress.WordOf(report.State)}**, on {report.Binding}\n");
        page.Append(report.Since is { } since ? $"- It broke: {Time(since)} (as somebody said)\n" : "- When it broke was not said\n");
        page.Append($"- The run: {Time(report.Began)} to {Time(report.Last)}\n");
        page.Append(report.Rto is { } rto
            ? $"- Back after (RTO): **{Amounts.Time(rto)}**{(report.Since is null ? ", from the start of the run" : "")}\n"
            : "- Back after (RTO): not known, the run is not done\n");
        page.Append(report.Rpo is { } rpo
            ? $"- Lost (RPO): **{Amounts.Time(rpo)}** of changes, point `{report.Point}`\n\n"
            : "- Lost (RPO): no data was brought back from a point\n\n");
    }

    private static void Phases(StringBuilder page, RunReport report)
    {
        page.Append("## Where the time went\n\n| part | time |\n|---|---|\n");
        foreach (var phase in report.Phases)
            page.Append($"| {phase.Name} | {(phase.Elapsed is { } elapsed ? Amounts.Time(elapsed) : "not part of this run")} |\n");
        page.Append('\n');
    }

    private static void Each(StringBuilder page, IEnumerable<string> lines, string none)
    {
        var any = false;
        foreach (var line in lines)
        {
            page.Append($"- {line}\n");
            any = true;
        }

        if (!any) page.Append(none).Append('\n');
    }

    private static string Word(StepType type) => type.ToString().ToLowerInvariant();

    private static string OneLine(string text) => text.ReplaceLineEndings("; ");

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
