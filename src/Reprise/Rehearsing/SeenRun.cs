using System.Text.Json;

namespace Reprise.Rehearsing;

/// <summary>What a run of a runbook in the sandbox said of itself, read from its JSON.</summary>
internal sealed record SeenRun
{
    /// <summary>How it stands: <c>done</c>, <c>waiting</c>, …</summary>
    public required string State { get; init; }

    /// <summary>The step that it stands at, or null.</summary>
    public required string? At { get; init; }

    /// <summary>Its identifier.</summary>
    public required string Run { get; init; }

    /// <summary>The next command to type.</summary>
    public required string Next { get; init; }

    /// <summary>What stopped it, or null.</summary>
    public required string? Why { get; init; }

    /// <summary>The first event.</summary>
    public required DateTimeOffset Began { get; init; }

    /// <summary>The last event.</summary>
    public required DateTimeOffset Last { get; init; }

    /// <summary>The steps that were carried out.</summary>
    public required IReadOnlyList<SeenStep> Steps { get; init; }

    /// <summary>The phases that were measured.</summary>
    public required IReadOnlyDictionary<string, TimeSpan> Phases { get; init; }

    /// <summary>Verifications that were green each time that they were asked before what they are to prove.</summary>
    public required IReadOnlyList<string> NotDiscriminating { get; init; }

    /// <summary>Verifications that were red before.</summary>
    public required IReadOnlyList<string> RedBefore { get; init; }

    /// <summary>The run of a document, or null: it holds none, because the command was refused.</summary>
    public static SeenRun? Of(JsonElement document)
    {
        if (!document.TryGetProperty("result", out var run) || run.ValueKind != JsonValueKind.Object
            || !run.TryGetProperty("state", out _)) return null;
        return new SeenRun
        {
            State = Text(run, "state") ?? "",
            At = Text(run, "at"),
            Run = Text(run, "run") ?? "",
            Next = Text(run, "next") ?? "",
            Why = WhyOf(document),
            Began = run.GetProperty("began").GetDateTimeOffset(),
            Last = run.GetProperty("last").GetDateTimeOffset(),
            Steps = [.. run.GetProperty("steps").EnumerateArray().Select(s => new SeenStep(
                Text(s, "id") ?? "", Text(s, "type") ?? "", Text(s, "outcome") ?? "", Text(s, "excerpt")))],
            Phases = run.GetProperty("phases").EnumerateArray()
                .Where(p => p.GetProperty("seconds").ValueKind == JsonValueKind.Number)
                .ToDictionary(
                    p => Text(p, "name") ?? "",
                    p => TimeSpan.FromMilliseconds(Math.Round(p.GetProperty("seconds").GetDouble() * 1000)),
                    StringComparer.Ordinal),
            NotDiscriminating = Texts(run, "notDiscriminating"),
            RedBefore = Texts(run, "redBefore"),
        };
    }

    /// <summary>The first error of a document, or null.</summary>
    public static string? WhyOf(JsonElement document) => document.TryGetProperty("problems", out var problems)
        ? problems.EnumerateArray().Where(p => Text(p, "severity") == "error").Select(p => Text(p, "message")).FirstOrDefault()
        : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static IReadOnlyList<string> Texts(JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(e => e.GetString() ?? "")];
}

/// <summary>A step that was carried out.</summary>
/// <param name="Id">its name.</param>
/// <param name="Type">what it is.</param>
/// <param name="Outcome">how it went.</param>
/// <param name="Said">what was answered, or null.</param>
internal sealed record SeenStep(string Id, string Type, string Outcome, string? Said);
