using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Runbooks;

/// <summary>What a runbook declares about its rehearsal is held against its own steps, at its place.</summary>
public class RehearsalReaderTests
{
    [Fact]
    public void Incident_answers_and_steps_by_hand_are_read_in_their_order()
    {
        var rehearsal = Parsed("""
            rehearsal:
              - { incident: secret-changed, needs: sealed-secrets, decide: { way: short } }
              - { incident: rows-deleted, decide: { way: long }, inputs: { point: "{config}" }, by-hand: [hand] }
            """).Rehearsal;
        Assert.NotNull(rehearsal);
        Assert.Null(rehearsal.WhyNot);
        Assert.Equal(
            [RehearsalIncident.SecretChanged, RehearsalIncident.RowsDeleted], rehearsal.Variants.Select(v => v.Incident));
        Assert.True(rehearsal.Variants[0].NeedsSealedSecrets);
        Assert.Equal("long", rehearsal.Variants[1].Decide["way"]);
        Assert.Equal("{config}", rehearsal.Variants[1].Inputs["point"]);
        Assert.Equal(["hand"], rehearsal.Variants[1].ByHand);
        Assert.Null(Parsed("").Rehearsal);
        Assert.Equal("people do it", Parsed("rehearsal: { none: \"people do it\" }").Rehearsal?.WhyNot);
    }

    [Theory]
    [InlineData("rehearsal: { incident: database-stoped }", "small.runbook.md:8:24", "did you mean database-stopped?")]
    [InlineData("rehearsal: { incidnt: database-stopped }", "small.runbook.md:8:14", "did you mean 'incident'?")]
    [InlineData("rehearsal: { decide: { way: long } }", "small.runbook.md:8:12", "add incident: …")]
    [InlineData("rehearsal: { incident: rows-deleted, decide: { wey: long } }", "small.runbook.md:8:48", "name one of this runbook")]
    [InlineData("rehearsal: { incident: rows-deleted, decide: { way: middle } }", "small.runbook.md:8:53", "it takes short, long")]
    [InlineData("rehearsal: { incident: rows-deleted, inputs: { pint: latest } }", "small.runbook.md:8:48", "name one of this runbook")]
    [InlineData("rehearsal: { incident: rows-deleted, by-hand: [look] }", "small.runbook.md:8:48", "of type manual")]
    [InlineData("rehearsal: { incident: rows-deleted, needs: luck }", "small.runbook.md:8:45", "it takes sealed-secrets")]
    [InlineData("rehearsal: { none: \"\" }", "small.runbook.md:8:20", "write a value")]
    [InlineData("rehearsal: []", "small.runbook.md:8:12", "write { incident: … }")]
    public void A_mistake_is_an_error_at_its_place(string rehearsal, string where, string hint)
    {
        var error = Assert.Throws<RepriseException>(() => Parsed(rehearsal));
        Assert.Equal(RunbookErrors.Invalid, error.Code);
        Assert.Equal(where, error.Problem.Where);
        Assert.Contains(hint, error.Problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_incident_has_a_word_and_a_meaning()
    {
        Assert.Equal(Enum.GetValues<RehearsalIncident>(), RehearsalWords.All.Select(i => i.Incident));
        Assert.All(RehearsalWords.All, i => Assert.Equal(i.Incident, RehearsalWords.Find(i.Word)));
        Assert.Null(RehearsalWords.Find("flood"));
    }

    private static Runbook Parsed(string rehearsal) => RunbookParser.Parse(
        RunbookBench.Small.Replace("\r\n", "\n", StringComparison.Ordinal)
            .Replace(
                "escalation: \"somebody\"\n",
                "escalation: \"somebody\"\ninputs: { point: { ask: \"Which?\" } }\n" + rehearsal.Replace("\r\n", "\n", StringComparison.Ordinal) + "\n",
                StringComparison.Ordinal)
        + "\n```manual hand\nwhy: \"by hand\"\ndo: \"Do it.\"\n```\n",
        "small.runbook.md");
}
