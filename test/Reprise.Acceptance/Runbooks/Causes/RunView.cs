using System.Text.Json;
using System.Text.RegularExpressions;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// What an operator sees of a run: its state, where it stands, and what its steps printed. Nothing of the test is in it.
/// </summary>
/// <param name="Json">the result of <c>runbook run</c> or <c>runbook resume</c>.</param>
internal sealed partial record RunView(JsonElement Json)
{
    /// <summary>How it stands: waiting, stopped, done.</summary>
    public string State => Json.GetProperty("state").GetString() ?? "";

    /// <summary>The step that it stands at.</summary>
    public string At => Json.GetProperty("at").GetString() ?? "";

    /// <summary>The command that it proposes.</summary>
    public string Next => Json.GetProperty("next").GetString() ?? "";

    /// <summary>Who the target of a final step is, as the run told it; nothing when it did not.</summary>
    public string Target => Identity().Matches(Json.GetRawText()).LastOrDefault()?.Groups["code"].Value ?? "";

    /// <summary>Where its journal lies.</summary>
    public string Journal => Json.GetProperty("journal").GetString() ?? "";

    /// <summary>What the run itself says of verifications that prove nothing.</summary>
    public IReadOnlyList<string> NotDiscriminating =>
        [.. Json.GetProperty("notDiscriminating").EnumerateArray().Select(n => n.GetString() ?? "")];

    /// <summary>The decisions in their order, as <c>step=option</c>.</summary>
    public IReadOnlyList<string> Decisions =>
        [.. Json.GetProperty("decisions").EnumerateArray().Select(
            d => $"{d.GetProperty("step").GetString()}={d.GetProperty("option").GetString()}")];

    /// <summary>Everything that was carried out, in its order.</summary>
    public IReadOnlyList<RanStep> Steps =>
        [.. Json.GetProperty("steps").EnumerateArray().Select(s => new RanStep(
            s.GetProperty("id").GetString() ?? "",
            s.GetProperty("type").GetString() ?? "",
            s.GetProperty("outcome").GetString() ?? "",
            s.GetProperty("excerpt").GetString() ?? ""))];

    /// <summary>Verifications with their outcome before the repair, as the timeline tells them.</summary>
    public IReadOnlyList<(string Step, string Outcome)> Before =>
        [.. Json.GetProperty("timeline").EnumerateArray()
            .Select(m => m.GetProperty("text").GetString() ?? "")
            .Where(t => t.EndsWith(" before the act", StringComparison.Ordinal))
            .Select(t => t[..^" before the act".Length].Split(": "))
            .Select(p => (p[0], p[1]))];

    /// <summary>The last outcome of a step, or nothing when it was not carried out.</summary>
    public string Outcome(string step) => Steps.LastOrDefault(s => s.Id == step)?.Outcome ?? "";

    /// <summary>What a step printed last, or nothing.</summary>
    public string Text(string step) => Steps.LastOrDefault(s => s.Id == step)?.Text ?? "";

    /// <summary>Whether a step printed this.</summary>
    public bool Says(string step, string text) => Text(step).Contains(text, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex("identity of its target: (?<code>[0-9a-f]{8})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Identity();
}

/// <summary>A step that was carried out.</summary>
internal sealed record RanStep(string Id, string Type, string Outcome, string Text);
