using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What the last drill is still worth.</summary>
internal static class ProofState
{
    private const string Never = "never rehearsed: no point was ever recovered into a sandbox and checked there";

    /// <summary>Why the last proof proves nothing any more, one sentence each; empty when it does.</summary>
    public static IEnumerable<string> WhyStale(
        Protection protection, Machine machine, RememberedDrills drills, PointManifest? newest)
    {
        if (drills.Last is { Passed: false } last && last.Id != drills.LastPassed?.Id)
            yield return $"drill {last.Id} of {last.At:yyyy-MM-dd} did not pass: it reached level {last.Level} of {last.WantedLevel}";
        if (drills.LastPassed is not { } proof)
        {
            yield return Never;
            yield break;
        }

        if (Age(protection, machine, proof) is { } old) yield return old;
        if (newest is null) yield break;
        foreach (var change in Changes(proof.Fingerprint, DrillOperation.Fingerprint(protection, machine, newest)))
            yield return change;
    }

    /// <summary>What is no longer what was proven, one sentence each; texts of runbooks are judged by themselves.</summary>
    public static IEnumerable<string> Changes(IReadOnlyDictionary<string, string> then, IReadOnlyDictionary<string, string> now) =>
        now.Keys.Union(then.Keys, StringComparer.Ordinal)
            .Where(name => !name.StartsWith("runbook/", StringComparison.Ordinal))
            .Where(name => now.GetValueOrDefault(name) != then.GetValueOrDefault(name))
            .Order(StringComparer.Ordinal)
            .Select(name => Changed(name, then.GetValueOrDefault(name), now.GetValueOrDefault(name)));

    /// <summary>The objective that is missed because the last proof is too old, or null.</summary>
    public static Problem? Late(Protection protection, Machine machine) =>
        protection.State.ReadDrills().LastPassed is { } proof && Age(protection, machine, proof) is { } old
            ? new Problem(StatusErrors.ObjectiveMissed, Severity.Error, old, "reprise drill")
            : null;

    private static string? Age(Protection protection, Machine machine, RememberedDrill proof)
    {
        var age = machine.Clock.GetUtcNow() - proof.At;
        return age > protection.Configuration.Objectives.Drill
            ? $"the last drill that passed is {Amounts.Time(age)} old; the objective is "
                + Amounts.Time(protection.Configuration.Objectives.Drill.Value)
            : null;
    }

    private static string Changed(string name, string? then, string? now) => name.Split('/', 2) switch
    {
        ["configuration"] => "the configuration was changed since the last drill that passed",
        ["images"] => "images or the compose file are others than in the last drill that passed",
        ["tool"] => $"reprise itself was changed since the last drill that passed: {then} then, {now} now",
        ["key"] => "the repository or its key is another one than in the last drill that passed",
        ["schema", var asset] => $"the schema of {asset} is at {now ?? "none"}; the last drill that passed had {then ?? "none"}",
        ["server", var asset] =>
            $"{asset} comes from PostgreSQL {now ?? "none"}; the last drill that passed had {then ?? "none"}",
        _ => $"{name} was changed since the last drill that passed",
    };
}
