using System.Text.Json;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>Where a kill struck, or shall strike: before, in or after a step, or at none of them.</summary>
/// <param name="Step">the step; nothing: none.</param>
/// <param name="Moment"><c>before</c>, <c>in</c>, <c>after</c>, or <c>none</c>.</param>
internal readonly record struct Place(string Step, string Moment)
{
    /// <summary>Between runs, or behind the end.</summary>
    public static Place None { get; } = new("", "none");
}

/// <summary>
/// What the lines of a run's journal say, read by the test itself and not by what it tests: the place at which the run is
/// after each line.
/// </summary>
/// <param name="shape">its runbook.</param>
internal sealed class JournalView(RunbookShape shape)
{
    private readonly List<string> completed = [];
    private string? cursor = shape.First;
    private string? begun;
    private bool isUndoing;

    /// <summary>How many lines were read.</summary>
    public int Lines { get; private set; }

    /// <summary>Where it is after the last line.</summary>
    public Place At { get; private set; } = Place.None;

    /// <summary>The last outcome, when the run has ended.</summary>
    public string? End { get; private set; }

    /// <summary>What the last line tells: <c>step-began</c> and so on.</summary>
    public string Event { get; private set; } = "";

    /// <summary>Acts that passed, each once.</summary>
    public HashSet<string> Passed { get; } = new(StringComparer.Ordinal);

    /// <summary>Acts that were taken back, each once.</summary>
    public HashSet<string> TakenBack { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes the next line.</summary>
    public void Take(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        Lines++;
        Event = Word(root, "event");
        var step = Word(root, "step");
        var outcome = Word(root, "outcome");
        if (Event is not "ended") End = null;
        At = Event switch
        {
            "began" or "resumed" or "asked-before" => Here(),
            "step-began" => Begin(step),
            "step-ended" => Ended(step, outcome, Word(root, "next")),
            "decided" => Decided(step),
            "undo-asked" => Undoing(),
            "undo-began" => new Place(UndoOf(step), "in"),
            "undo-ended" => Undone(step, outcome),
            "ended" => Over(outcome),
            _ => Place.None,
        };
    }

    private static string Word(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private Place Here() =>
        begun is { } inside ? new Place(inside, "in")
        : isUndoing ? completed.Count > 0 ? new Place(UndoOf(completed[^1]), "before") : Place.None
        : cursor is { } next ? new Place(next, "before") : Place.None;

    private Place Begin(string step)
    {
        begun = step;
        return new Place(step, "in");
    }

    private Place Ended(string step, string outcome, string next)
    {
        begun = null;
        if (outcome == "pass" && shape.Find(step).Type == "act")
        {
            completed.Add(step);
            Passed.Add(step);
        }

        cursor = next == "end" ? null : next;
        return next == step ? Place.None : new Place(step, "after");
    }

    // Answers about an act are given between its attempts; a decision and a manual step are nothing but their answer.
    private Place Decided(string step) => shape.Find(step).Type is "decide" or "manual" ? new Place(step, "in") : Here();

    private Place Undoing()
    {
        isUndoing = true;
        return Here();
    }

    private Place Undone(string step, string outcome)
    {
        if (outcome is "pass" or "not-applicable" or "not-run") completed.Remove(step);
        if (outcome == "pass") TakenBack.Add(step);
        return shape.Find(step).Undo.Length > 0 ? new Place(UndoOf(step), "after") : Place.None;
    }

    private Place Over(string outcome)
    {
        End = outcome;
        return Place.None;
    }

    private string UndoOf(string act) => shape.Find(act).Undo is { Length: > 0 } undo ? undo : act;
}
