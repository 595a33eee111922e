using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>What is read first: whose drill, what came of it, and the three figures.</summary>
internal sealed class ReportSummary(HtmlText page, DrillReportFacts facts, ReportWords words)
{
    private const int Deepest = 5;

    private DrillRecord Drill => facts.Drill;

    /// <summary>Whose drill, when, from what.</summary>
    public void Title()
    {
        page.Element("h1", $"{words.Drill} · {Drill.Application}");
        var calendar = new Calendar(facts.Zone, words.IsFrench ? Language.French : Language.English);
        var when = Drill.Moments.TryGetValue("T0", out var start) || Drill.Moments.TryGetValue("T3", out start)
            ? calendar.Both(start) + " · "
            : "";
        var from = Drill.Input is { } input ? $"{words.FromPoint} {input.Point}" : words.NoPoint;
        page.Element(
            "p", $"{when}{words.DrillNumber} {Drill.Id}, {from} · {words.By} {Drill.Executor}", ("class", "meta"));
    }

    /// <summary>What came of it, in one sentence, with the worst reason below.</summary>
    public void Verdict()
    {
        var isLate = Drill.TechnicalRecovery > Drill.Objectives.Rto || Drill.RpoOfSet > Drill.Objectives.Rpo;
        using (page.Tag("section", ("class", $"verdict {ClassOf(Drill.Verdict)}")))
        {
            Sign(Drill.Verdict);
            using (page.Tag("div"))
            {
                page.Element("div", words.Of(Drill.Verdict), ("class", "word"));
                page.Element("p", words.Sentence(Drill.Verdict, Drill.Application, isLate));
                if (Drill.Verdict != Outcome.Pass && Drill.Findings is [var worst, ..])
                    page.Element("p", worst.Text, ("class", "reason"), ("lang", "en"));
            }
        }
    }

    /// <summary>Time, loss, depth.</summary>
    public void Figures()
    {
        using (page.Tag("div", ("class", "figures")))
        {
            Figure(words.RecoveryTime, Drill.TechnicalRecovery, Drill.Objectives.Rto, words.NotReached, words.OnlyTechnical);
            Figure(words.DataLoss, Drill.RpoOfSet, Drill.Objectives.Rpo, words.NotKnown, null);
            using (page.Tag("div", ("class", "card")))
            {
                page.Element("h3", words.Depth);
                page.Element("div", words.LevelName(Drill.Level), ("class", "value"));
                page.Element(
                    "div",
                    $"{Mark(Drill.Level >= Drill.WantedLevel ? Outcome.Pass : Outcome.Fail)} {words.LevelOf(Drill.Level, Drill.WantedLevel)}",
                    ("class", "against " + ClassOf(Drill.Level >= Drill.WantedLevel ? Outcome.Pass : Outcome.Fail)));
                using (page.Tag("div", ("class", "pips"), ("aria-hidden", "true"))) Pips();
                page.Element("p", words.LevelMeaning(Drill.Level), ("class", "soft"));
            }
        }
    }

    /// <summary>The class of an outcome in the style.</summary>
    public static string ClassOf(Outcome outcome) => Json.Words.Of(outcome);

    /// <summary>A sign that tells an outcome without colour.</summary>
    public static string Mark(Outcome outcome) => outcome switch
    {
        Outcome.Pass => "✓",
        Outcome.Fail => "✗",
        Outcome.CouldNotVerify => "?",
        _ => "–",
    };

    private void Figure(string name, TimeSpan? value, TimeSpan? objective, string missing, string? note)
    {
        using (page.Tag("div", ("class", "card")))
        {
            page.Element("h3", name);
            page.Element("div", value is { } known ? words.Time(known) : missing, ("class", "value"));
            var (text, outcome) = (value, objective) switch
            {
                (_, null) => (words.NoObjective, Outcome.NotApplicable),
                (null, { } promised) => (words.ObjectiveIs(promised), Outcome.CouldNotVerify),
                ({ } took, { } promised) when took > promised => (words.Over(promised, took - promised), Outcome.Fail),
                (_, { } promised) => (words.Within(promised), Outcome.Pass),
            };
            page.Element("div", $"{Mark(outcome)} {text}", ("class", "against " + ClassOf(outcome)));
            if (note is not null) page.Element("p", note, ("class", "soft"));
        }
    }

    private void Pips()
    {
        for (var level = 1; level <= Deepest; level++)
        {
            var state = level <= Drill.Level ? " reached" : level > Drill.WantedLevel ? " unasked" : "";
            page.Element("span", "", ("class", "pip" + state));
        }
    }

    private void Sign(Outcome outcome)
    {
        using (page.Tag("svg", ("viewBox", "0 0 48 48"), ("fill", "none"), ("stroke", "currentColor"), ("stroke-width", "4"),
            ("stroke-linecap", "round"), ("stroke-linejoin", "round"), ("aria-hidden", "true")))
        {
            page.Empty("circle", ("cx", "24"), ("cy", "24"), ("r", "21"), ("stroke-width", "3"));
            var path = outcome switch
            {
                Outcome.Pass => "M14 25l7 7 14-16",
                Outcome.Fail => "M16 16l16 16M32 16L16 32",
                _ => "M18 18a6 6 0 1 1 9 5c-2 1.300-3 2.500-3 5M24 34v.1",
            };
            page.Empty("path", ("d", path));
        }
    }
}
