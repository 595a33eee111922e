using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Wiring;

namespace Reprise.Tests.Rehearsing;

/// <summary>What a rehearsal is still worth follows from the evidence alone.</summary>
public class RunbookProofsTests
{
    private const string Id = "database-unavailable";

    private static readonly RunbookLibrary Library = RunbookLibrary.Open(Disks.OfThisMachine(), null);
    private static readonly string French = Library.All.Single(r => r.Id == Id && r.Language == "fr").Sha256;
    private static readonly SortedDictionary<string, string> Fingerprint = new() { ["configuration"] = "c" };

    [Fact]
    public void A_rehearsal_of_the_text_in_force_holds_in_every_language()
    {
        var proof = Proof([Rehearsed("20261122T031502Z-0001", Outcome.Pass, French)]);
        Assert.Equal("20261122T031502Z-0001", proof.Drill);
        Assert.Equal("database-stopped", proof.Incident);
        Assert.NotNull(proof.ProvenAt);
        Assert.Empty(proof.Stale);
        Assert.NotNull(RunbookProofs.LastPassed(
            RunbookProofs.TextsOf(Library, Id), [Rehearsed("20261122T031502Z-0001", Outcome.Pass, French)]));
    }

    [Fact]
    public void Without_a_rehearsal_and_without_a_way_to_have_one_it_says_so()
    {
        Assert.Equal("never rehearsed", Assert.Single(Proof([]).Stale));
        Assert.Null(Proof([]).NotRehearsed);
        var never = All([], Now()).Single(p => p.Id == "after-incident");
        Assert.NotNull(never.NotRehearsed);
        Assert.Empty(never.Stale);
    }

    [Fact]
    public void Whatever_was_changed_since_makes_it_stale_and_is_named()
    {
        var rehearsed = Rehearsed("20261122T031502Z-0001", Outcome.Pass, French);
        Assert.Contains("text of runbook", Assert.Single(Proof([rehearsed with
        {
            Scenario = rehearsed.Scenario with { RunbookSha256 = new string('0', 64) },
        }]).Stale), StringComparison.Ordinal);
        Assert.Contains("configuration was changed", Assert.Single(Proof(
            [rehearsed], Now() with { Fingerprint = new SortedDictionary<string, string> { ["configuration"] = "d" } }).Stale), StringComparison.Ordinal);
        Assert.Contains("is gone", Assert.Single(Proof([rehearsed], Now() with { Points = new HashSet<string>() }).Stale), StringComparison.Ordinal);
        Assert.Contains("old; the objective is", Assert.Single(Proof(
            [rehearsed], Now() with { Every = TimeSpan.FromDays(7), Time = Now().Time.AddDays(30) }).Stale), StringComparison.Ordinal);
        var failed = Proof([rehearsed, Rehearsed("20261123T031502Z-0002", Outcome.Fail, French)]);
        Assert.Equal("20261122T031502Z-0001", failed.Drill);
        Assert.Contains("20261123T031502Z-0002", Assert.Single(failed.Stale), StringComparison.Ordinal);
    }

    private static RunbookProofJson Proof(IReadOnlyList<DrillRecord> drills, ProofSurroundings? now = null) =>
        All(drills, now ?? Now()).Single(p => p.Id == Id);

    private static IReadOnlyList<RunbookProofJson> All(IReadOnlyList<DrillRecord> drills, ProofSurroundings now) =>
        RunbookProofs.Of(Library, "en", drills, now);

    private static ProofSurroundings Now() => new(
        Evidence.Drills.Passed().Moments["T0"].AddDays(1),
        null,
        new HashSet<string> { Evidence.Drills.Passed().Input?.Point ?? "" },
        Fingerprint);

    private static DrillRecord Rehearsed(string id, Outcome verdict, string sha256) => Evidence.Drills.Passed(id) with
    {
        Scenario = new DrillScenario("runbook", "it works", "database-stopped", Id, sha256, []),
        Verdict = verdict,
        Fingerprint = Fingerprint,
    };
}
