using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Planning;

/// <summary>Everything that is known when a plan is made; the plan follows from it and from nothing else.</summary>
public sealed record PlanFacts
{
    /// <summary>The identifier of the operation.</summary>
    public required PointId RestoreId { get; init; }

    /// <summary>Which application.</summary>
    public required string Application { get; init; }

    /// <summary>What is swapped, in the order of publishing.</summary>
    public required IReadOnlyList<AssetFacts> Assets { get; init; }

    /// <summary>Assets of the point that are not restored, with the reason.</summary>
    public IReadOnlyDictionary<string, string> LeftOut { get; init; } = new SortedDictionary<string, string>();

    /// <summary>What is left out because it is damaged.</summary>
    public Survey Survey { get; init; } = Survey.Intact;

    /// <summary>How the application is stopped, as a command; null when Reprise does not do it.</summary>
    public string? StopText { get; init; }

    /// <summary>How it is started, as a command; null when Reprise does not do it.</summary>
    public string? StartText { get; init; }

    /// <summary>Names of the checks that are asked of the data.</summary>
    public IReadOnlyList<string> DataChecks { get; init; } = [];

    /// <summary>Names of the checks that are asked of the running application.</summary>
    public IReadOnlyList<string> ApplicationChecks { get; init; } = [];

    /// <summary>Whether somebody can be asked.</summary>
    public required bool IsInteractive { get; init; }

    /// <summary>Accept codes that a person gave.</summary>
    public IReadOnlyList<string> AcceptTargets { get; init; } = [];

    /// <summary>Assets for which no safety point is demanded.</summary>
    public IReadOnlyList<string> WithoutSafety { get; init; } = [];

    /// <summary>The secrets now.</summary>
    public IReadOnlyList<SecretOutcome> Secrets { get; init; } = [];

    /// <summary>How long the former data is kept.</summary>
    public required TimeSpan KeepFormer { get; init; }

    /// <summary>Now.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The zone in which people here read the clock.</summary>
    public required TimeZoneInfo Zone { get; init; }
}

/// <summary>What is known of one asset.</summary>
public sealed record AssetFacts
{
    /// <summary>What the point says of it.</summary>
    public required AssetRecord Record { get; init; }

    /// <summary>What is at its target.</summary>
    public required TargetState Target { get; init; }

    /// <summary>What its own preflight found.</summary>
    public IReadOnlyList<Problem> Preflight { get; init; } = [];

    /// <summary>Identities that are accepted besides the one of the record.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Known { get; init; } = [];
}

/// <summary>What is known of an asset of an undo.</summary>
/// <param name="Record">what is known of the asset.</param>
/// <param name="Target">what is live.</param>
/// <param name="Slot">
/// where the data lies that comes back; null when it was absent before, and becomes absent again.
/// </param>
/// <param name="Former">what the safety point says of that data, or null.</param>
public sealed record UndoAssetFacts(AssetRecord Record, TargetState Target, SlotState? Slot, AssetRecord? Former);
