using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Reprise.Recovery.Evidence;
using Reprise.Reports;

namespace Reprise.Tests.Evidence;

/// <summary>A report is one well-formed page without scripts, whatever was recorded, in both languages.</summary>
public sealed partial class DrillReportTests
{
    // Where the pages are written, for people who look at them in a browser.
    private static readonly string? Folder = System.Environment.GetEnvironmentVariable("REPRISE_WRITE_REPORTS");

    public static TheoryData<string, string> Pages()
    {
        var data = new TheoryData<string, string>();
        foreach (var name in new[] { "pass", "fail", "unsure", "hostile" })
        {
            data.Add(name, "English");
            data.Add(name, "French");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_is_well_formed_alone_and_runs_nothing(string name, string language)
    {
        var html = Html(name, Enum.Parse<Language>(language));
        if (Folder is not null) File.WriteAllText(Path.Combine(Folder, $"{name}-{language}.html"), html);
        var page = Parse(html);
        Assert.Equal("html", page.Root?.Name.LocalName);
        Assert.Equal(language == "French" ? "fr" : "en", page.Root?.Attribute("lang")?.Value);
        string[] allowed =
        [
            "html", "head", "meta", "title", "style", "body", "main", "section", "footer", "div", "span", "p", "h1", "h2", "h3",
            "ul", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "strong", "code", "pre",
            "svg", "defs", "pattern", "line", "rect", "circle", "path",
        ];
        Assert.All(page.Descendants(), e => Assert.Contains(e.Name.LocalName, allowed));
        Assert.All(page.Descendants().Attributes(), a =>
        {
            Assert.False(a.Name.LocalName.StartsWith("on", StringComparison.Ordinal), a.ToString());
            Assert.DoesNotContain(a.Name.LocalName, (string[])["src", "href", "action", "srcset", "background"]);
        });
        var style = page.Descendants("style").Single().Value;
        Assert.Equal(style.Trim(), ReportStyle.Css.Trim());
        Assert.DoesNotMatch(Loads(), style);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, Closings().Count(html));
        Assert.DoesNotContain('\u202e', html);
    }

    [Fact]
    public void Hostile_texts_are_shown_as_texts()
    {
        var page = Parse(Html("hostile", Language.English));
        Assert.Contains("</style><script>alert(1)</script>\"'&<b onload=x>", page.Descendants("h1").Single().Value, StringComparison.Ordinal);
        Assert.Contains("</style><script>", page.Descendants("td").First().Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pass", "English", "shop came back", "passed", "14 s", "within the objective of 15 min")]
    [InlineData("pass", "French", "shop est revenu", "réussi", "14 s", "dans l'objectif de 15 min")]
    [InlineData("fail", "English", "did not come back", "3 min 30 s over the objective of 15 min", "expected: 40,950 rows, answered: 38,112 rows", "also passes on an empty target")]
    [InlineData("fail", "French", "n'est pas revenu", "3 min 30 s de trop pour un objectif de 15 min", "attendu", "réussit aussi sur une cible vide")]
    [InlineData("unsure", "English", "It is not known whether shop would come back", "not reached", "no objective was set", "Nothing could be asked")]
    [InlineData("unsure", "French", "On ne sait pas si shop reviendrait", "non atteint", "aucun objectif", "Rien n'a pu être demandé")]
    public void It_says_first_what_came_of_it(string name, string language, params string[] sentences)
    {
        var text = Parse(Html(name, Enum.Parse<Language>(language))).Descendants("main").Single().Value;
        Assert.All(sentences, sentence => Assert.Contains(sentence, text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("pass")]
    [InlineData("fail")]
    [InlineData("unsure")]
    public void Every_page_says_that_root_could_have_made_a_false_one(string name)
    {
        Assert.Contains("root on the host that drilled", Parse(Html(name, Language.English)).Root?.Value, StringComparison.Ordinal);
        Assert.Contains("root sur la machine de l'exercice", Parse(Html(name, Language.French)).Root?.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Measured_simulated_and_left_out_differ_in_more_than_colour()
    {
        var page = Parse(Html("pass", Language.English));
        var phases = page.Descendants("div").Where(d => d.Attribute("class")?.Value == "phase").ToList();
        Assert.Equal(8, phases.Count);
        Assert.Equal(4, phases.Count(p => p.Descendants("rect").Any(r => r.Attribute("class")?.Value == "measured")));
        Assert.Single(phases, p => p.Descendants("rect").Any(r => r.Attribute("class")?.Value == "simulated"));
        Assert.Equal(3, phases.Count(p => p.Descendants("line").Any(r => r.Attribute("class")?.Value == "excluded")));
        foreach (var word in new[] { "measured", "simulated", "left out" })
            Assert.Contains(phases, p => p.Value.Contains(word, StringComparison.Ordinal));
    }

    [Fact]
    public void What_changed_since_the_drill_before_is_named()
    {
        var text = Parse(Html("fail", Language.English)).Root?.Value ?? "";
        foreach (var changed in new[] { "configuration", "server/orders", "15.18", "15.19", "uploads-match-rows", "orders-rows" })
            Assert.Contains(changed, text, StringComparison.Ordinal);
        Assert.Contains("This is the first drill", Parse(Html("pass", Language.English)).Root?.Value, StringComparison.Ordinal);
        var same = Page(Facts(Drills.Passed("20261129T031502Z-7f3b")) with { Previous = Drills.Passed() });
        Assert.Contains("Nothing that was proven has changed", same.Root?.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Sentences_that_every_drill_records_are_French_in_a_French_report_and_others_say_that_they_are_English()
    {
        var drill = Drills.Passed() with { NotProven = ["there was no sandbox", "something else"] };
        var page = Parse(DrillReport.Html(Facts(drill), Language.French));
        var items = page.Descendants("li").ToDictionary(i => i.Value, i => i.Attribute("lang")?.Value);
        Assert.Equal("fr", items["il n'y avait pas de bac à sable"]);
        Assert.Equal("en", items["something else"]);
    }

    [Fact]
    public void Overdue_actions_say_so_in_a_word()
    {
        var text = Parse(Html("fail", Language.English)).Root?.Value ?? "";
        Assert.Contains("overdue", text, StringComparison.Ordinal);
        Assert.Contains("Tuesday 1 December 2026", text, StringComparison.Ordinal);
        Assert.Contains("mardi 1er décembre 2026", Parse(Html("fail", Language.French)).Root?.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_languages_say_the_same_number_of_things()
    {
        foreach (var name in new[] { "pass", "fail", "unsure" })
        {
            var english = Parse(Html(name, Language.English)).Descendants().Select(e => e.Name.LocalName);
            Assert.Equal(english, Parse(Html(name, Language.French)).Descendants().Select(e => e.Name.LocalName));
        }
    }

    private static XDocument Page(DrillReportFacts facts) => Parse(DrillReport.Html(facts, Language.English));

    private static string Html(string name, Language language) => DrillReport.Html(
        name switch
        {
            "pass" => Facts(Drills.Passed()) with { Evidence = Evidence(Drills.Passed(), 1) },
            "fail" => Facts(Drills.Failed()) with
            {
                Previous = Drills.Passed(),
                Actions = [Drills.Action(isOverdue: true), Drills.Action(isOverdue: false, "nobody knows where the second key is")],
                Evidence = Evidence(Drills.Failed(), 2),
            },
            "unsure" => Facts(Drills.Unsure()) with { Previous = Drills.Failed() },
            _ => Facts(Drills.Hostile()) with
            {
                Previous = Drills.Passed(),
                Actions = [Drills.Action(true, Drills.Hostile().Application)],
                Evidence = Evidence(Drills.Hostile(), 3),
            },
        },
        language);

    private static DrillReportFacts Facts(DrillRecord drill) => new() { Drill = drill, Zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Paris") };

    private static EvidenceEntry Evidence(DrillRecord drill, long number) => new(
        number,
        Drills.Hash('5'),
        Drills.Hash('6'),
        new EvidenceStatement
        {
            Sequence = number,
            Previous = number == 1 ? null : Drills.Hash('4'),
            Kind = "drill",
            Recorded = Drills.Now,
            Application = "shop",
            Drill = drill,
        },
        null)
    {
        Bytes = default,
    };

    private static XDocument Parse(string html)
    {
        using var reader = XmlReader.Create(
            new StringReader(html), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null });
        return XDocument.Load(reader);
    }

    [GeneratedRegex(@"@import|url\((?!#hatch\))|expression\(", RegexOptions.IgnoreCase, 30_000)]
    private static partial Regex Loads();

    [GeneratedRegex("</style>", RegexOptions.IgnoreCase, 30_000)]
    private static partial Regex Closings();
}
