using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>What was found, what is being done about it, what would be lost, and every question with its answer.</summary>
internal sealed class ReportDetails(HtmlText page, DrillReportFacts facts, ReportWords words)
{
    private DrillRecord Drill => facts.Drill;

    /// <summary>What is not as it should be, each with what to do.</summary>
    public void Findings()
    {
        page.Element("h2", words.Findings);
        if (Drill.Findings.Count == 0)
        {
            page.Element("p", words.NoFindings);
            return;
        }

        using (page.Tag("ul", ("class", "list")))
        {
            foreach (var finding in Drill.Findings) Finding(finding);
        }
    }

    /// <summary>What was promised to be done, and by whom.</summary>
    public void Actions()
    {
        page.Element("h2", words.Actions);
        if (facts.Actions.Count == 0)
        {
            page.Element("p", words.NoActions);
            return;
        }

        using (page.Tag("ul", ("class", "list")))
        {
            foreach (var action in facts.Actions) Action(action);
        }
    }

    /// <summary>What would be lost, asset by asset.</summary>
    public void Losses()
    {
        if (Drill.Rpo.Count == 0) return;
        page.Element("h2", words.Losses);
        using (page.Tag("table"))
        using (page.Tag("tbody"))
        {
            foreach (var loss in Drill.Rpo)
            {
                var isLate = loss.Lost > Drill.Objectives.Rpo;
                var outcome = Drill.Objectives.Rpo is null ? Outcome.NotApplicable : isLate ? Outcome.Fail : Outcome.Pass;
                using (page.Tag("tr"))
                {
                    page.Element("td", loss.Asset);
                    page.Element("td", Calendar.Utc(loss.Moment), ("class", "soft"));
                    page.Element(
                        "td",
                        $"{ReportSummary.Mark(outcome)} {words.Time(loss.Lost)}",
                        ("class", $"number state {ReportSummary.ClassOf(outcome)}"));
                }
            }
        }

        page.Element("p", words.LossNote(Drill.Skew), ("class", "soft"));
    }

    /// <summary>Every question and its answer, by depth.</summary>
    public void Checks()
    {
        page.Element("h2", words.Checks);
        if (Drill.Checks.Count == 0)
        {
            page.Element("p", words.NoChecks);
            return;
        }

        var passed = Drill.Checks.Count(c => c.Check.Outcome == Outcome.Pass);
        page.Element("p", words.CheckCount(passed, Drill.Checks.Count), ("class", "soft"));
        foreach (var level in Drill.Checks.GroupBy(c => (int)c.Check.Level).OrderBy(g => g.Key))
        {
            page.Element("h3", $"{level.Key} · {words.Colon(words.LevelName(level.Key))} {words.LevelMeaning(level.Key)}");
            using (page.Tag("table", ("class", "checks")))
            using (page.Tag("tbody"))
            {
                foreach (var check in level) Check(check);
            }
        }
    }

    private void Check(DrillCheck asked)
    {
        var check = asked.Check;
        using (page.Tag("tr"))
        {
            page.Element(
                "td",
                $"{ReportSummary.Mark(check.Outcome)} {words.Of(check.Outcome)}",
                ("class", "state " + ReportSummary.ClassOf(check.Outcome)));
            using (page.Tag("td"))
            {
                page.Element("div", check.Name, ("class", "head"));
                Answer(check);
                if (asked.Discriminates is { } discriminates)
                {
                    page.Element(
                        "div",
                        discriminates ? words.RedOnEmpty : "⚠ " + words.GreenOnEmpty,
                        ("class", discriminates ? "soft" : "soft could-not-verify"));
                }
            }

            page.Element("td", words.Time(check.Elapsed), ("class", "number soft"));
        }
    }

    private void Answer(CheckOutcome check)
    {
        using (page.Tag("div", ("class", "soft")))
        {
            var isSame = check.Outcome == Outcome.Pass && check.Actual == check.Expected;
            if (check.Expected is { } expected && !isSame)
            {
                page.Text(words.Colon(words.Expected) + " ");
                page.Element("span", expected, ("class", "quote"), ("lang", "en"));
                if (check.Actual is not null) page.Text(", ");
            }

            if (check.Actual is not { } actual) return;
            page.Text(words.Colon(words.Answered) + " ");
            page.Element("span", actual, ("class", "quote"), ("lang", "en"));
        }
    }

    private void Finding(DrillFinding finding)
    {
        var isKnown = finding.Severity is "error" or "warning";
        using (page.Tag("li", ("class", isKnown ? "item " + finding.Severity : "item")))
        {
            using (page.Tag("div", ("class", "head")))
            {
                page.Element("span", words.SeverityName(finding.Severity), ("class", "tag " + ToneOf(finding.Severity)));
                if (finding.Asset is { } asset) page.Element("span", asset, ("class", "tag"));
                page.Element("span", finding.Text, ("lang", "en"));
            }

            using (page.Tag("div", ("class", "next")))
            {
                page.Element("strong", words.Next + " ");
                page.Element("span", finding.Hint, ("lang", "en"));
            }

            page.Element("code", finding.Code, ("class", "soft"));
        }
    }

    private void Action(OpenAction action)
    {
        var note = action.Note;
        using (page.Tag("li", ("class", action.IsOverdue ? "item warning" : "item")))
        {
            using (page.Tag("div", ("class", "head")))
            {
                if (action.IsOverdue) page.Element("span", words.Overdue, ("class", "tag could-not-verify"));
                page.Text(note.Gap ?? "");
            }

            page.Element("div", note.Action ?? "");
            var due = note.Due is { } day
                ? $" · {words.Colon(words.Due)} {new Calendar(facts.Zone, words.IsFrench ? Language.French : Language.English).Day(day)}"
                : "";
            page.Element(
                "div",
                $"{words.Colon(words.Owner)} {note.Owner}{due} · {words.DrillNumber} {note.Drill} · {note.Id}",
                ("class", "soft"));
        }
    }

    private static string ToneOf(string severity) => severity switch
    {
        "error" => "fail",
        "warning" => "could-not-verify",
        _ => "not-run",
    };
}
