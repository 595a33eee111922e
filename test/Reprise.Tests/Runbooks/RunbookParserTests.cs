using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Runbooks;

/// <summary>Whatever is wrong with a runbook is said with its line and column, and with what was meant.</summary>
public class RunbookParserTests
{
    [Theory]
    [InlineData("why: \"looks\"\nrun: [look]", "whi: \"looks\"\nrun: [look]", "small.runbook.md:11:1", "did you mean 'why'?")]
    [InlineData("run: [look]", "run: look", "small.runbook.md:12:6", "no shell is started")]
    [InlineData("run: [look]", "builtin: chek", "small.runbook.md:12:10", "did you mean check?")]
    [InlineData("run: [look]", "builtin: readable", "small.runbook.md:12:10", "add with: { asset: … }")]
    [InlineData("run: [look]", "builtin: check\nwith: { nmaes: [a] }", "small.runbook.md:13:9", "did you mean 'names'?")]
    [InlineData("run: [look]", "run: [look, \"${HOME}\"]", "small.runbook.md:12:13", "write {name}")]
    [InlineData("```observe look", "```obsreve look", "small.runbook.md:10:4", "did you mean observe?")]
    [InlineData("```observe look", "```observe", "small.runbook.md:10:4", "write ```observe its-name")]
    [InlineData("```observe look", "```observe Look_1", "small.runbook.md:10:4", "write ```observe its-name")]
    [InlineData("effect: reversible\nundo: change-back", "effect: harmless\nundo: change-back", "", "it takes read")]
    [InlineData("symptoms: [\"it is broken\"]", "symptons: [\"it is broken\"]", "small.runbook.md:5:1", "did you mean 'symptoms'?")]
    [InlineData("---\nrunbook: small", "runbook: small", "small.runbook.md:1:1", "put YAML between two lines ---")]
    [InlineData("question: \"Which way?\"", "question: \"Which way?\"\ndefault: middle", "", "name one of them")]
    public void A_mistake_is_an_error_at_its_place(string right, string wrong, string where, string hint)
    {
        Assert.Contains(right, RunbookBench.Small, StringComparison.Ordinal);
        var error = Assert.Throws<RepriseException>(
            () => RunbookParser.Parse(Replaced(right, wrong), "small.runbook.md"));
        Assert.Equal("runbook-invalid", error.Code.Name);
        Assert.StartsWith(where, error.Problem.Where, StringComparison.Ordinal);
        Assert.Contains(hint, error.Problem.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("next: change }", "next: chnage }", "leads to 'chnage'")]
    [InlineData("why: \"proves it\"\nrun: [verify, again]", "why: \"proves it\"\nnext: look\nrun: [verify, again]", "leads back to 'look'")]
    [InlineData("```verify changed-again", "```observe changed-again", "nothing verifies act 'again'")]
    [InlineData("undo: change-back\n", "\n", "does not say how it is taken back")]
    [InlineData("effect: reversible\nundo: change-back", "effect: irreversible\non: application\nirreversible: \"gone\"", "nothing is kept before 'change'")]
    [InlineData("effect: reversible\nundo: change-back", "effect: irreversible\non: application", "must say both")]
    [InlineData("verify: { run: [gone, change] }", "", "does not prove itself")]
    [InlineData("```observe look", "```observe keep", "another step 'keep'")]
    [InlineData("why: \"looks\"\nrun: [look]", "why: \"looks\"\nbuiltin: backup", "backup changes something")]
    [InlineData("why: \"looks\"\nrun: [look]", "why: \"looks\"\nnext: end\nrun: [look]", "no way leads to step 'way'")]
    public void What_no_single_step_shows_is_found_by_the_rules(string right, string wrong, string message)
    {
        Assert.Contains(right, RunbookBench.Small, StringComparison.Ordinal);
        var runbook = RunbookParser.Parse(Replaced(right, wrong), "small.runbook.md");
        var findings = RunbookLint.Of(runbook);
        Assert.Contains(findings, f => f.Message.Contains(message, StringComparison.Ordinal));
        Assert.All(findings, f => Assert.StartsWith("small.runbook.md:", f.Where, StringComparison.Ordinal));
    }

    [Fact]
    public void The_small_runbook_has_no_finding()
    {
        var runbook = RunbookParser.Parse(RunbookBench.Small, "small.runbook.md");
        Assert.Empty(RunbookLint.Of(runbook));
        Assert.Equal(64, runbook.Sha256.Length);
        Assert.Equal(["way", "keep"], runbook.Path.Skip(1).Take(2).Select(s => s.Id));
    }

    [Fact]
    public void Braces_of_other_languages_stay_and_names_that_are_not_known_are_marked()
    {
        var facts = new Placeholders(new Dictionary<string, string> { ["application"] = "shop" });
        var missing = new HashSet<string>();
        Assert.Equal(
            "shop {{.State}} ${HOME} {\"a\":1} ‹database.host›",
            facts.Put("{application} {{.State}} ${HOME} {\"a\":1} {database.host}", missing));
        Assert.Equal(["database.host"], missing);
        Assert.Equal("mv 'a b' 'it'\\''s'", Placeholders.Line(["mv", "a b", "it's"]));
    }

    // The sample is written with the line ends of this file.
    private static string Replaced(string right, string wrong) =>
        RunbookBench.Small.Replace("\r\n", "\n", StringComparison.Ordinal).Replace(right, wrong, StringComparison.Ordinal);
}
