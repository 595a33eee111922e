using System.Text.Json;
using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Rehearsing;
using Reprise.Runbooks;
using Reprise.Storage.Disk;

namespace Reprise.Tests.Rehearsing;

/// <summary>What a rehearsal answers, how it judges a run, and what it writes into the sandbox's configuration.</summary>
public class RehearsalTests
{
    [Fact]
    public void Declared_decisions_usual_answers_and_manual_steps_are_given_beforehand()
    {
        var answers = Answers("tokens-invalid", 1);
        Assert.Contains("why-changed=accident:declared for rehearsals", answers.Options);
        Assert.Contains("sign-in=done:simulated, nobody did anything", answers.Options);
        Assert.DoesNotContain(answers.Options, o => o.StartsWith("set-secrets-by-hand=", StringComparison.Ordinal));
        Assert.Contains("cause=stopped:declared for rehearsals", Answers("database-unavailable", 0).Options);
        Assert.Contains("server-stays-down=elsewhere:declared for rehearsals", Answers("database-unavailable", 0).Options);
    }

    [Fact]
    public void A_run_that_waits_is_given_what_was_declared_and_identities_and_nothing_twice()
    {
        var answers = Answers("tokens-invalid", 1);
        var byHand = Assert.IsType<RehearsalNeed>(answers.Need(Run("waiting", "set-secrets-by-hand")));
        Assert.Equal(("set-secrets-by-hand", null), (byHand.ByHand, byHand.Confirmation));
        answers.Give(byHand);
        Assert.Contains("set-secrets-by-hand=done:the sandbox did what a person would do", answers.Options);
        Assert.Null(answers.Need(Run("waiting", "set-secrets-by-hand")));

        var waiting = Run("waiting", "put-secrets-back") with { Next = "reprise runbook resume 1 --yes --confirm put-secrets-back=0a1b2c3d" };
        var identity = Assert.IsType<RehearsalNeed>(answers.Need(waiting));
        Assert.Equal("put-secrets-back=0a1b2c3d", identity.Confirmation);
        answers.Give(identity);
        Assert.Null(answers.Need(waiting));
        Assert.Null(answers.Need(Run("stopped", "set-secrets-by-hand")));
        Assert.Null(answers.Need(Run("waiting", "sign-in")));
        Assert.Equal(
            ["step set-secrets-by-hand: the sandbox did what a person would do", "step sign-in: it was only said to be done"],
            answers.Simulated(Run("done", null) with
            {
                Steps = [new("set-secrets-by-hand", "manual", "pass", null), new("sign-in", "manual", "pass", null)],
            }));
    }

    [Theory]
    [InlineData("done", "pass", true, false, Outcome.Pass, null)]
    [InlineData("done", "pass", false, true, Outcome.Fail, "verify-green-before-act")]
    [InlineData("done", "pass", false, false, Outcome.CouldNotVerify, "verify-not-tried")]
    [InlineData("stopped", "fail", true, false, Outcome.Fail, "runbook-not-done")]
    public void A_verification_passes_only_when_it_was_red_before(
        string state, string after, bool red, bool green, Outcome expected, string? reason)
    {
        var run = Run(state, null) with
        {
            Steps = [new("proves", "verify", after, "said")],
            RedBefore = red ? ["proves"] : [],
            NotDiscriminating = green ? ["proves"] : [],
        };
        var checks = RehearsalVerdict.ChecksOf("small", run).ToList();
        var check = checks.Single(c => c.Check.Name == "runbook-proves");
        Assert.Equal((expected, reason), (check.Check.Outcome, check.Check.Reason));
        Assert.Equal(red ? true : green ? false : null, check.Discriminates);
        Assert.Equal(state == "done" ? Outcome.Pass : Outcome.Fail, checks.Single(c => c.Check.Name == "runbook-done").Check.Outcome);
    }

    [Fact]
    public void A_run_without_any_verification_proves_nothing()
    {
        var check = RehearsalVerdict.ChecksOf("small", Run("done", null)).Single(c => c.Check.Name == "runbook-verifies");
        Assert.Equal((Outcome.CouldNotVerify, "verify-not-tried"), (check.Check.Outcome, check.Check.Reason));
    }

    [Fact]
    public void A_configuration_that_was_changed_is_written_so_that_it_is_read_the_same()
    {
        const string text = "a: 'x: \"y\" \\ é\u2028'\nlist: [one, {k: ~, n: 1}]\nprice: \"${PRICE:-5 $$}\"\n";
        var root = YamlReader.Read(text, "a.yaml") ?? throw new InvalidOperationException("nothing was read");
        var changed = SandboxYaml.Set(SandboxYaml.Set(root, "added", SandboxYaml.Text("a $ and ${NAME}")), "list", null);
        var again = YamlReader.Read(SandboxYaml.Write(changed), "b.yaml") ?? throw new InvalidOperationException("nothing was read");
        Assert.Equal("x: \"y\" \\ é\u2028", Scalar(again, "a"));
        Assert.Equal("${PRICE:-5 $$}", Scalar(again, "price"));
        Assert.Equal("a $$ and $${NAME}", Scalar(again, "added"));
        Assert.Null(SandboxYaml.Get(again, "list"));
        var list = YamlReader.Read(SandboxYaml.Write(root), "c.yaml") is { } all ? SandboxYaml.Get(all, "list") : null;
        var items = Assert.IsType<YamlNode.Sequence>(list).Items;
        Assert.True(Assert.IsType<YamlNode.Scalar>(SandboxYaml.Get(items[1], "k")).IsNull);
    }

    [Fact]
    public void Files_lie_in_the_sandbox_where_they_lie_in_the_application()
    {
        Assert.Equal("/s/app/data/x.db", SandboxPaths.Of("/srv/shop", new DiskPath("/s/app"), "orders", "/srv/shop/data/x.db").ToString());
        Assert.Equal("from-elsewhere/orders/x.db", SandboxPaths.Relative("/srv/shop", "orders", "/var/lib/x.db"));
        Assert.Equal("from-elsewhere/orders/x.db", SandboxPaths.Relative("/srv/shop", "orders", "/srv/shopping/x.db"));
    }

    [Fact]
    public void A_run_is_read_from_its_document_and_a_refusal_is_none()
    {
        using var refused = JsonDocument.Parse("""{"result":null,"problems":[{"severity":"error","message":"no"}]}""");
        Assert.Null(SeenRun.Of(refused.RootElement));
        Assert.Equal("no", SeenRun.WhyOf(refused.RootElement));
        using var document = JsonDocument.Parse(
            """
            {"problems":[],"result":{"run":"r","state":"done","at":null,"next":"n","began":"2026-11-22T03:00:00Z",
            "last":"2026-11-22T03:00:05Z","steps":[{"id":"a","type":"verify","outcome":"pass","excerpt":"ok"}],
            "phases":[{"name":"verify","kind":"measured","seconds":1.5},{"name":"replay","kind":"excluded","seconds":null}],
            "notDiscriminating":[],"redBefore":["a"]}}
            """);
        var run = SeenRun.Of(document.RootElement);
        Assert.NotNull(run);
        Assert.Equal(TimeSpan.FromSeconds(1.5), Assert.Single(run.Phases).Value);
        Assert.Equal(["a"], run.RedBefore);
        Assert.Equal(["measured", "excluded"], RehearsalVerdict.PhasesOf(run).Where(p => p.Name is "verify" or "replay").Select(p => p.Kind).Reverse());
    }

    private static string Scalar(YamlNode node, string key) => Assert.IsType<YamlNode.Scalar>(SandboxYaml.Get(node, key)).Text;

    private static RehearsalAnswers Answers(string id, int variant)
    {
        var runbook = RunbookLibrary.BuiltIn().Single(r => r.Id == id && r.Language == "en");
        return new RehearsalAnswers(runbook, (runbook.Rehearsal ?? throw new InvalidOperationException("none is declared")).Variants[variant]);
    }

    private static SeenRun Run(string state, string? at) => new()
    {
        State = state,
        At = at,
        Run = "r",
        Next = "",
        Why = null,
        Began = new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero),
        Last = new DateTimeOffset(2026, 11, 22, 3, 0, 9, TimeSpan.Zero),
        Steps = [],
        Phases = new Dictionary<string, TimeSpan>(),
        NotDiscriminating = [],
        RedBefore = [],
    };
}
