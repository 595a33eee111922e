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

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(OperationJournal))]
[JsonSerializable(typeof(RememberedHead))]
[JsonSerializable(typeof(KeptAnswers))]
internal sealed partial class StateJson : JsonSerializerContext;
