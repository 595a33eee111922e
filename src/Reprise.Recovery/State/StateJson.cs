using System.Text.Json.Serialization;
using Reprise.Repository.Points;

namespace Reprise.Recovery.State;

/// <summary>The newest point that this host has seen: a repository that lacks it was rolled back, or lost it.</summary>
/// <param name="Newest">its identifier and hash.</param>
/// <param name="Seen">when.</param>
public sealed record RememberedHead(PointReference Newest, DateTimeOffset Seen);

/// <summary>Answers of a person that are kept.</summary>
public sealed record KeptAnswers
{
    /// <summary>When somebody said that the printed recovery sheet is in a safe place; null: nobody did.</summary>
    public DateTimeOffset? KeySheetConfirmed { get; init; }
}

/// <summary>What is remembered of drills.</summary>
public sealed record RememberedDrills
{
    /// <summary>The last one, whatever came of it.</summary>
    public RememberedDrill? Last { get; init; }

    /// <summary>The last one that passed.</summary>
    public RememberedDrill? LastPassed { get; init; }
}

/// <summary>One drill.</summary>
public sealed record RememberedDrill
{
    /// <summary>Its identifier.</summary>
    public required string Id { get; init; }

    /// <summary>The point.</summary>
    public required string Point { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The depth that was reached.</summary>
    public required int Level { get; init; }

    /// <summary>The depth that was asked for.</summary>
    public required int WantedLevel { get; init; }

    /// <summary>Whether its verdict was pass.</summary>
    public required bool Passed { get; init; }

    /// <summary>How long the technique took.</summary>
    public double? TechnicalSeconds { get; init; }

    /// <summary>What was proven, as name and value.</summary>
    public required SortedDictionary<string, string> Fingerprint { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(OperationJournal))]
[JsonSerializable(typeof(RememberedHead))]
[JsonSerializable(typeof(KeptAnswers))]
[JsonSerializable(typeof(RememberedDrills))]
[JsonSerializable(typeof(RememberedReads))]
internal sealed partial class StateJson : JsonSerializerContext;
