using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Drills;

/// <summary>A runbook that a drill rehearses on what it recovered.</summary>
public sealed record DrillRehearsal
{
    /// <summary>Its name.</summary>
    public required string Runbook { get; init; }

    /// <summary>Its version.</summary>
    public required int Version { get; init; }

    /// <summary>SHA-256 of its text.</summary>
    public required string Sha256 { get; init; }

    /// <summary>What is broken, as a word.</summary>
    public required string Incident { get; init; }

    /// <summary>Makes the incident and carries the runbook out, all inside.</summary>
    public required Func<RehearsalPlace, CancellationToken, Task<RehearsalSeen>> Run { get; init; }
}

/// <summary>Where a runbook is rehearsed.</summary>
/// <param name="Sandbox">the folder of the sandbox, which is ours alone.</param>
/// <param name="Places">where the recovered parts lie.</param>
/// <param name="Target">the recovered assets, and what asks them.</param>
/// <param name="Manifest">the point that was recovered.</param>
public sealed record RehearsalPlace(DiskPath Sandbox, DrillPlaces Places, DrillTarget Target, PointManifest Manifest);

/// <summary>What came of a rehearsal.</summary>
public sealed record RehearsalSeen
{
    /// <summary>Whether the application ran on recovered data before the incident.</summary>
    public required bool ApplicationRan { get; init; }

    /// <summary>Questions and answers.</summary>
    public required IReadOnlyList<DrillCheck> Checks { get; init; }

    /// <summary>When the runbook was begun, or null: it was not.</summary>
    public DateTimeOffset? Began { get; init; }

    /// <summary>When it had gone to its end, or null: it had not.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The phases of the recovery time; empty when there was no run.</summary>
    public IReadOnlyList<DrillPhase> Phases { get; init; } = [];

    /// <summary>Steps and decisions that nobody really did or made.</summary>
    public IReadOnlyList<string> Simulated { get; init; } = [];
}

/// <summary>Rehearses, where nothing of production can be reached or written; else says why not.</summary>
internal static class DrillRehearsing
{
    /// <summary>The phases when a runbook was rehearsed, or null: the drill's own are meant.</summary>
    public static IReadOnlyList<DrillPhase>? PhasesOf(RehearsalSeen? seen) => seen is { Phases.Count: > 0 } ? seen.Phases : null;

    public static async Task<RehearsalSeen> RunAsync(
        DrillRehearsal rehearsal,
        Separation separation,
        RehearsalPlace place,
        DrillNotes notes,
        CancellationToken cancellationToken)
    {
        if (!separation.IsProven || !separation.IsClosed)
        {
            notes.Add(
                "runbook-done",
                CheckLevel.Application,
                Outcome.CouldNotVerify,
                null,
                $"runbook {rehearsal.Runbook} goes to its end",
                "it was not begun, because production could be reached or written from where it would have run",
                "not-separated");
            return new RehearsalSeen { ApplicationRan = false, Checks = [] };
        }

        var seen = await rehearsal.Run(place, cancellationToken);
        notes.Checks.AddRange(seen.Checks);
        notes.ApplicationRan = seen.ApplicationRan;
        if (seen.Began is { } began) notes.Moments["T3"] = began;
        if (seen.Ended is { } ended) notes.Moments["T7"] = ended;
        return seen;
    }

    /// <summary>Why it ran, as evidence has it.</summary>
    public static DrillScenario Scenario(DrillRehearsal rehearsal, RehearsalSeen? seen, string application) => new(
        "runbook",
        $"runbook {rehearsal.Runbook} (version {rehearsal.Version}) brings {application} back after {rehearsal.Incident}",
        rehearsal.Incident,
        rehearsal.Runbook,
        rehearsal.Sha256,
        [.. seen?.Simulated ?? [], "alarming", "a new host", "production's own servers and their settings"]);
}
