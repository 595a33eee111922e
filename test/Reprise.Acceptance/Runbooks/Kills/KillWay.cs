using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>One way through a shipped runbook, from an incident to its end.</summary>
/// <param name="Runbook">the runbook.</param>
/// <param name="Cause">what breaks the shop.</param>
/// <param name="Back">whether everything is taken back afterwards, killed as well.</param>
internal sealed record KillWay(string Runbook, string Cause, bool Back = false)
{
    /// <summary>Decisions that the operator is told to take, by step; the others follow from what he sees.</summary>
    public IReadOnlyDictionary<string, string> Instructed { get; init; } = new Dictionary<string, string>();

    /// <summary>What the way is called.</summary>
    public string Name => Cause + string.Concat(Instructed.Select(i => $", {i.Key}={i.Value}"));

    /// <summary>
    /// The ways that together pass each step of every shipped runbook. What is taken back leads to a shop that its checks call
    /// well, or an undo is rolled back as every restore: so somebody was mistaken first, and brought back what was not lost.
    /// </summary>
    public static IReadOnlyList<KillWay> All { get; } =
    [
        new("database-unavailable", "stopped", Back: true),
        new("database-unavailable", "disk-full"),
        new("database-unavailable", "wrong-password", Back: true),
        new("database-unavailable", "recovery-fails"),
        new("database-unavailable", "dropped"),
        new("database-unavailable", "mistaken", Back: true) { Instructed = Told("cause", "data-lost", "how-much", "everything") },
        new("database-unavailable", "mistaken", Back: true) { Instructed = Told("cause", "data-lost", "how-much", "database") },
        new("database-unavailable", "stopped") { Instructed = Told("cause", "elsewhere") },
        new("backend-will-not-start", "migration-ran-and-crashes"),
        new("backend-will-not-start", "mistaken", Back: true) { Instructed = Told("cause", "release", "database-fits", "changed") },
        new("backend-will-not-start", "missing-dependency"),
        new("backend-will-not-start", "missing-variable"),
        new("backend-will-not-start", "mistaken", Back: true) { Instructed = Told("cause", "files-lost") },
        new("frontend-unreachable", "proxy-refuses-configuration"),
        new("frontend-unreachable", "proxy-leads-astray"),
        new("frontend-unreachable", "upstream-down", Back: true),
        new("frontend-unreachable", "certificate-expired"),
        new("tokens-invalid", "rotated-key", Back: true),
        new("tokens-invalid", "lost-key"),
        new("tokens-invalid", "wrong-clock"),
        new("tokens-invalid", "rotated-key") { Instructed = Told("why-changed", "leaked") },
        new("host-lost", "machine-deleted", Back: true),
        new("logical-corruption", "bad-migration"),
        new("logical-corruption", "bad-update", Back: true) { Instructed = Told("stop-writing", "stop", "how", "go-back") },
        new("logical-corruption", "bad-update") { Instructed = Told("how", "by-hand") },
        new("after-incident", "restored") { Instructed = Told("former-data", "delete") },
    ];

    /// <summary>The incident.</summary>
    public Incident Incident() => Runbook == "after-incident" ? new PastIncident() : CauseStory.Of(Runbook, Cause);

    private static Dictionary<string, string> Told(params string[] words) =>
        words.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
}
