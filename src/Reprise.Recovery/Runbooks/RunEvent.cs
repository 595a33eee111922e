using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Runbooks;

/// <summary>What happened in a run.</summary>
public enum RunEventKind
{
    /// <summary>The run began; its facts are the inputs.</summary>
    Began,

    /// <summary>Somebody went on with it.</summary>
    Resumed,

    /// <summary>A step is about to be carried out. Without an end behind it, nobody knows how far it came.</summary>
    StepBegan,

    /// <summary>A step ended; its outcome says how, and <c>next</c> what follows.</summary>
    StepEnded,

    /// <summary>A person, or an answer given beforehand, chose; its outcome is the choice.</summary>
    Decided,

    /// <summary>A verification was asked before the act that it is to prove.</summary>
    AskedBefore,

    /// <summary>Everything that was done is taken back from here on.</summary>
    UndoAsked,

    /// <summary>An act is about to be taken back.</summary>
    UndoBegan,

    /// <summary>Taking back an act ended.</summary>
    UndoEnded,

    /// <summary>The run stands still; its outcome is the <see cref="RunState"/> in kebab-case.</summary>
    Paused,

    /// <summary>The run ended.</summary>
    Ended,
}

/// <summary>One line of a journal. Text in it is redacted by value.</summary>
public sealed record RunEvent
{
    /// <summary>The version that this program writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Of the line.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>From 1, without gaps.</summary>
    public required long Seq { get; init; }

    /// <summary>SHA-256 of the line before, without its line feed; 64 zeros for the first.</summary>
    public required string PrevHash { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset Utc { get; init; }

    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>What happened.</summary>
    public required RunEventKind Event { get; init; }

    /// <summary>Which step, or null.</summary>
    public string? Step { get; init; }

    /// <summary>What that step is, or null.</summary>
    public StepType? Type { get; init; }

    /// <summary>Who: the user of the system, and how he answered.</summary>
    public required string Actor { get; init; }

    /// <summary><c>production</c> or <c>sandbox</c>.</summary>
    public required string Binding { get; init; }

    /// <summary>Who the target was when something final was allowed, or null.</summary>
    public string? Target { get; init; }

    /// <summary>How it went: an outcome, a chosen option, a state.</summary>
    public string? Outcome { get; init; }

    /// <summary>Why, in words; or null.</summary>
    public string? Reason { get; init; }

    /// <summary>What was answered, in short.</summary>
    public string? Excerpt { get; init; }

    /// <summary>The command as it was shown, or null.</summary>
    public string? Command { get; init; }

    /// <summary>The step that follows; null at the end.</summary>
    public string? Next { get; init; }

    /// <summary>What the step found out, by name; for the first event the inputs.</summary>
    public IReadOnlyDictionary<string, string>? Facts { get; init; }

    /// <summary>On what the run stands here; with the first event and with each that goes on. See <see cref="RunSurroundings"/>.</summary>
    public IReadOnlyDictionary<string, string>? Surroundings { get; init; }
}

/// <summary>The words of outcomes in a journal.</summary>
public static class RunWords
{
    /// <summary>The word.</summary>
    public static string Of(Outcome outcome) => outcome switch
    {
        Outcome.Pass => "pass",
        Outcome.Fail => "fail",
        Outcome.CouldNotVerify => "could-not-verify",
        Outcome.NotRun => "not-run",
        _ => "not-applicable",
    };
}

internal sealed class EventWords() : JsonStringEnumConverter<RunEventKind>(JsonNamingPolicy.KebabCaseLower, false);

internal sealed class TypeWords() : JsonStringEnumConverter<StepType>(JsonNamingPolicy.KebabCaseLower, false);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(EventWords), typeof(TypeWords)],
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RunEvent))]
internal sealed partial class RunJson : JsonSerializerContext;
