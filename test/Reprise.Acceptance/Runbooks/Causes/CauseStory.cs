using System.Diagnostics;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>What came of one cause.</summary>
/// <param name="Runbook">the runbook that was followed.</param>
/// <param name="Cause">what was injected.</param>
/// <param name="Decisions">how the operator answered.</param>
/// <param name="Proofs">the verifications that were red before and green after.</param>
/// <param name="Seconds">from the injected incident to the end of the runbook.</param>
internal sealed record CauseStory(
    string Runbook, string Cause, IReadOnlyList<string> Decisions, IReadOnlyList<string> Proofs, double Seconds)
{
    /// <summary>The runbooks that are for incidents.</summary>
    public static IReadOnlyList<string> Runbooks { get; } =
        ["database-unavailable", "backend-will-not-start", "frontend-unreachable", "tokens-invalid", "host-lost", "logical-corruption"];

    /// <summary>The causes of a runbook.</summary>
    public static IReadOnlyList<string> CausesOf(string runbook) => runbook switch
    {
        "database-unavailable" => DatabaseIncident.Causes,
        "backend-will-not-start" => BackendIncident.Causes,
        "frontend-unreachable" => FrontendIncident.Causes,
        "tokens-invalid" => TokensIncident.Causes,
        "host-lost" => HostIncident.Causes,
        "logical-corruption" => CorruptionIncident.Causes,
        _ => throw new ArgumentException($"no causes for {runbook}", nameof(runbook)),
    };

    /// <summary>Makes a shop, breaks it, follows the runbook, and asserts that all is well.</summary>
    public static async Task<CauseStory> RunAsync(string runbook, string cause)
    {
        await using var incident = Of(runbook, cause);
        await incident.PrepareAsync();
        await incident.InjectAsync();
        var watch = Stopwatch.StartNew();
        var run = await incident.FollowAsync();
        var seconds = watch.Elapsed.TotalSeconds;
        await incident.AssertWellAsync(run);
        return new CauseStory(runbook, cause, run.Decisions, [.. run.Before.Select(b => b.Step)], Math.Round(seconds, 1));
    }

    /// <summary>The incident of a cause.</summary>
    public static Incident Of(string runbook, string cause) => runbook switch
    {
        "database-unavailable" => new DatabaseIncident(cause),
        "backend-will-not-start" => new BackendIncident(cause),
        "frontend-unreachable" => new FrontendIncident(cause),
        "tokens-invalid" => new TokensIncident(cause),
        "host-lost" => new HostIncident(cause),
        "logical-corruption" => new CorruptionIncident(cause),
        _ => throw new ArgumentException($"no causes for {runbook}", nameof(runbook)),
    };
}
