using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Wiring;

namespace Reprise.Tests.Runbooks;

/// <summary>The runbooks that are a part of the program hold together, and say the same in both languages.</summary>
public class ShippedRunbookTests
{
    private static readonly string[] Incidents =
    [
        "after-incident", "backend-will-not-start", "database-unavailable", "frontend-unreachable", "host-lost",
        "logical-corruption", "tokens-invalid",
    ];

    public static TheoryData<string, string> All =>
        new(Incidents.SelectMany(i => new[] { (i, "en"), (i, "fr") }));

    [Fact]
    public void Every_incident_has_one_in_each_language_and_nothing_else_is_there()
    {
        Assert.Equal(
            Incidents.SelectMany(i => new[] { $"{i} en", $"{i} fr" }),
            RunbookLibrary.BuiltIn().Select(r => $"{r.Id} {r.Language}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void It_holds_together(string id, string language)
    {
        var runbook = Of(id, language);
        Assert.Empty(RunbookLint.Of(runbook));
        var known = RunbookFacts.Known.Select(k => k.Key).ToList();
        var plan = new RunbookPlan(runbook, new Placeholders(new Dictionary<string, string>()), _ => "x");
        Assert.Empty(plan.Unknown(known));
        Assert.All(runbook.Path.Where(s => s.Type == StepType.Verify), s => Assert.NotNull(s.Action));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void It_has_every_part_that_somebody_looks_for(string id, string language)
    {
        string[] parts = language == "en"
            ? ["How to confirm", "Decide and act", "Verify", "Going back", "Who to call", "Afterwards"]
            : ["Confirmer", "Décider et agir", "Vérifier", "Revenir en arrière", "Qui appeler", "Après"];
        var runbook = Of(id, language);
        var headings = runbook.Parts.OfType<RunbookPart.Prose>()
            .SelectMany(p => p.Markdown.Split('\n'))
            .Where(l => l.StartsWith('#'))
            .ToList();
        Assert.Equal([$"# {runbook.Title}", .. parts.Select(p => $"## {p}")], headings);
        Assert.InRange(runbook.Symptoms.Count, 2, 5);
        Assert.NotNull(runbook.Activation);
        Assert.NotNull(runbook.Deactivation);
    }

    [Fact]
    public void Both_languages_do_the_same()
    {
        Assert.All(Incidents, id => Assert.Equal(Structure(Of(id, "en")), Structure(Of(id, "fr"))));
    }

    [Fact]
    public void Each_says_how_it_is_rehearsed_and_every_way_is_decided()
    {
        Assert.All(Incidents, id =>
        {
            var runbook = Of(id, "en");
            Assert.NotNull(runbook.Rehearsal);
            Assert.Equal(id == "after-incident", runbook.Rehearsal.WhyNot is not null);
            Assert.Equal(id == "after-incident", runbook.Rehearsal.Variants.Count == 0);
        });
    }

    [Theory]
    [InlineData("database connection refused", "database-unavailable")]
    [InlineData("base de données arrêtée", "database-unavailable")]
    [InlineData("everybody must login again 401", "tokens-invalid")]
    [InlineData("tout le monde est déconnecté", "tokens-invalid")]
    [InlineData("orders missing after a delete", "logical-corruption")]
    [InlineData("migration failed backend crash loop", "backend-will-not-start")]
    [InlineData("502 page nginx", "frontend-unreachable")]
    [InlineData("server stolen new machine", "host-lost")]
    public void It_is_found_by_the_words_of_somebody_in_a_hurry(string words, string expected)
    {
        var found = RunbookLibrary.Open(Disks.OfThisMachine(), null).Search("en", words.Split(' '));
        Assert.Equal(expected, found[0].Id);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void It_fits_on_paper(string id, string language)
    {
        var runbook = Of(id, language);
        var plan = new RunbookPlan(
            runbook, new Placeholders(new Dictionary<string, string> { ["application"] = "<shop>" }), a => a.Builtin ?? Placeholders.Line(a.Run));
        var html = HtmlPage.Of(RunbookPages.Markdown(plan), runbook.Title, runbook.Language, forPaper: true);
        Assert.DoesNotContain("```", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<shop>", html, StringComparison.Ordinal);
        Assert.All(runbook.Steps, s => Assert.Contains($"<code>{s.Id}</code>", html, StringComparison.Ordinal));
        Assert.Equal(runbook.Steps.Count(), html.Split("class=\"done\">").Length - 1);
    }

    private static string Structure(Runbook runbook) => string.Join('\n', runbook.Steps.Select(s =>
        $"{s.Type} {s.Id} {s.Effect} {s.Idempotent} {s.On} {s.Undo} {s.Irreversible is null} {s.Within} {s.Next} {s.OnFail} "
        + $"{s.Phase} {s.Default} {s.See is null} {s.Otherwise is null} {Action(s.Action)} {Action(s.Verify)} "
        + string.Join(',', s.Options.Select(o => $"{o.Key}>{o.Next}"))).Append(Rehearsal(runbook)));

    private static string Rehearsal(Runbook runbook) => string.Join('\n', (runbook.Rehearsal?.Variants ?? []).Select(v =>
        $"{v.Incident} {v.NeedsSealedSecrets} {string.Join(',', v.Decide)} {string.Join(',', v.Inputs)} {string.Join(',', v.ByHand)}"));

    private static string Action(StepAction? action) => action is null
        ? ""
        : $"{action.Builtin} {string.Join(' ', action.Run)} {string.Join(' ', action.With.Select(w => $"{w.Key}={string.Join(',', w.Value)}"))}";

    private static Runbook Of(string id, string language) =>
        RunbookLibrary.BuiltIn().Single(r => r.Id == id && r.Language == language);
}
