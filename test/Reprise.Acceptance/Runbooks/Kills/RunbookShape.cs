using System.Text.RegularExpressions;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>A step as its text declares it, read by the test itself.</summary>
/// <param name="Id">its name.</param>
/// <param name="Type"><c>observe</c>, <c>act</c> and so on.</param>
/// <param name="Builtin">the operation that it calls, or nothing.</param>
/// <param name="Undo">the step that takes it back, or nothing.</param>
internal sealed record ShapeOfStep(string Id, string Type, string Builtin, string Undo);

/// <summary>The steps of a shipped runbook, in the order of its text.</summary>
internal sealed partial class RunbookShape
{
    private readonly List<ShapeOfStep> steps;

    private RunbookShape(List<ShapeOfStep> steps) => this.steps = steps;

    /// <summary>All of them, also those that take acts back.</summary>
    public IReadOnlyList<ShapeOfStep> Steps => steps;

    /// <summary>The step with which a run begins.</summary>
    public string First => steps[0].Id;

    /// <summary>Reads a shipped runbook.</summary>
    public static RunbookShape Read(string runbook)
    {
        var text = File.ReadAllText($"{House.Root}/runbooks/{runbook}.runbook.md");
        return new RunbookShape([.. Fence().Matches(text).Select(m => new ShapeOfStep(
            m.Groups["id"].Value, m.Groups["type"].Value, Value(m, "builtin"), Value(m, "undo")))]);
    }

    /// <summary>One of them.</summary>
    public ShapeOfStep Find(string id) => steps.Single(s => s.Id == id);

    /// <summary>Those that call an operation, by its name.</summary>
    public bool Calls(string step, string builtin) => Find(step).Builtin == builtin;

    private static string Value(Match fence, string key) =>
        fence.Groups["body"].Value.Split('\n')
            .FirstOrDefault(l => l.StartsWith(key + ": ", StringComparison.Ordinal))?[(key.Length + 2)..].Trim() ?? "";

    [GeneratedRegex("^```(?<type>[a-z]+) (?<id>[a-z-]+)\n(?<body>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 2000)]
    private static partial Regex Fence();
}
