using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Tests.Drills;

/// <summary>How a broken backup and its sound twin are judged.</summary>
internal static class Twins
{
    /// <summary>It fails, first of all for its own reason, told by the check that is there for it; nothing is left of it.</summary>
    public static void AssertFails(DrillRecord record, string reason, string check)
    {
        var failed = record.Checks.Select(c => c.Check).Where(c => c.Outcome == Outcome.Fail && c.Required).ToList();
        var said = string.Join('\n', failed.Select(c => $"{c.Name} {c.Reason} {c.Actual}"));
        Assert.True(record.Verdict == Outcome.Fail, $"it passed: {said}");
        Assert.True(failed.Exists(c => c.Name == check && c.Reason == reason), said);
        Assert.True(record.Findings[0].Severity == "error" && record.Findings[0].Code == reason, said);
        Assert.Equal(Outcome.Pass, record.CleanUp.Outcome);
    }

    /// <summary>It passes, the same check included, and there is no complaint.</summary>
    public static void AssertPasses(DrillRecord record, string check)
    {
        Assert.True(record.Verdict == Outcome.Pass, string.Join('\n', record.Findings));
        Assert.Equal(Outcome.Pass, record.Checks.Single(c => c.Check.Name == check).Check.Outcome);
        Assert.DoesNotContain(record.Findings, f => f.Severity == "error");
        Assert.Equal(Outcome.Pass, record.CleanUp.Outcome);
    }
}
