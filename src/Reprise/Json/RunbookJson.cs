namespace Reprise.Json;

/// <summary><c>reprise/runbook-list/v1</c>, <c>reprise/runbook-find/v1</c>.</summary>
internal sealed record RunbookListJson
{
    /// <summary>What was found, the best first; a list is in order of names.</summary>
    public required IReadOnlyList<RunbookItemJson> Runbooks { get; init; }
}

/// <summary>One runbook of a list.</summary>
internal sealed record RunbookItemJson
{
    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>The kind of incident that it is for first of all.</summary>
    public required string Incident { get; init; }

    /// <summary>All kinds of incidents that it is for.</summary>
    public required IReadOnlyList<string> Incidents { get; init; }

    /// <summary>When a run or a drill of exactly this text last went to its end, or null.</summary>
    public required DateTimeOffset? LastProven { get; init; }

    public required IReadOnlyList<string> Symptoms { get; init; }

    public required string Language { get; init; }

    public required int Version { get; init; }

    /// <summary>SHA-256 of its text.</summary>
    public required string Sha256 { get; init; }

    /// <summary>A path, or the name of a built-in one.</summary>
    public required string Source { get; init; }
}

/// <summary><c>reprise/runbook-show/v1</c>.</summary>
internal sealed record RunbookShowJson
{
    public required RunbookItemJson Runbook { get; init; }

    /// <summary>The whole text with the values of this configuration.</summary>
    public required string Markdown { get; init; }

    public required IReadOnlyList<RunbookStepJson> Steps { get; init; }
}

/// <summary>One step as it would be carried out here.</summary>
internal sealed record RunbookStepJson
{
    public required string Id { get; init; }

    /// <summary>observe, check, decide, capture, act, verify, wait, manual, undo.</summary>
    public required string Type { get; init; }

    public required string Why { get; init; }

    /// <summary>The line to copy, or null.</summary>
    public required string? Command { get; init; }

    /// <summary>read, reversible, costly, irreversible.</summary>
    public required string Effect { get; init; }

    /// <summary>What it changes, or null.</summary>
    public required string? On { get; init; }

    /// <summary>What it needs and the configuration does not say: a person does it then.</summary>
    public required IReadOnlyList<string> Missing { get; init; }
}

/// <summary><c>reprise/runbook-check/v1</c>.</summary>
internal sealed record RunbookCheckJson
{
    public required IReadOnlyList<RunbookCheckedJson> Runbooks { get; init; }
}

/// <summary>One runbook that was checked.</summary>
internal sealed record RunbookCheckedJson
{
    /// <summary>Its name, or null when it cannot be read.</summary>
    public required string? Id { get; init; }

    public required string? Language { get; init; }

    public required string Source { get; init; }

    public required IReadOnlyList<RunbookFindingJson> Findings { get; init; }

    /// <summary>Steps that a person must do because the configuration does not say how.</summary>
    public required IReadOnlyList<string> ByPerson { get; init; }
}

/// <summary>What is wrong with a runbook.</summary>
internal sealed record RunbookFindingJson(string Where, string Message, string Hint);

/// <summary><c>reprise/runbook-run/v1</c>, <c>-resume</c>, <c>-report</c>.</summary>
internal sealed record RunbookRunJson
{
    /// <summary>Its identifier.</summary>
    public required string Run { get; init; }

    public required string Runbook { get; init; }

    public required string Title { get; init; }

    public required int Version { get; init; }

    /// <summary>SHA-256 of the runbook's text.</summary>
    public required string Sha256 { get; init; }

    public required string Binding { get; init; }

    /// <summary>running, waiting, stopped, needs-decision, done, undone.</summary>
    public required string State { get; init; }

    /// <summary>When it broke, as somebody said, or null.</summary>
    public required DateTimeOffset? Since { get; init; }

    public required DateTimeOffset Began { get; init; }

    public required DateTimeOffset Last { get; init; }

    public required double? RtoSeconds { get; init; }

    public required double? RpoSeconds { get; init; }

    /// <summary>The point that was brought back, or null.</summary>
    public required string? Point { get; init; }

    public required IReadOnlyList<RunbookPhaseJson> Phases { get; init; }

    public required IReadOnlyList<RunbookRanJson> Steps { get; init; }

    public required IReadOnlyList<RunbookDecisionJson> Decisions { get; init; }

    public required IReadOnlyList<string> Deviations { get; init; }

    /// <summary>Verifications that were green before their act: they prove nothing.</summary>
    public required IReadOnlyList<string> NotDiscriminating { get; init; }

    /// <summary>Verifications that were red before their act: they prove something.</summary>
    public required IReadOnlyList<string> RedBefore { get; init; }

    public required IReadOnlyList<RunbookMomentJson> Timeline { get; init; }

    /// <summary>The step that the run stands at, or null.</summary>
    public required string? At { get; init; }

    /// <summary>Absolute path of the journal.</summary>
    public required string Journal { get; init; }

    /// <summary>SHA-256 of the journal's last line.</summary>
    public required string Head { get; init; }

    /// <summary>The report that was written, or null.</summary>
    public string? Written { get; init; }

    /// <summary>The next command to type.</summary>
    public required string Next { get; init; }
}

/// <summary>A part of the recovery.</summary>
internal sealed record RunbookPhaseJson(string Name, string Kind, double? Seconds);

/// <summary>A step that was carried out.</summary>
internal sealed record RunbookRanJson(
    string Id, string Type, string Outcome, double? Seconds, string? Command, string? Excerpt);

/// <summary>A decision.</summary>
internal sealed record RunbookDecisionJson(
    DateTimeOffset At, string Step, string Option, string? Reason, string Actor, string? Target);

/// <summary>A line of the timeline.</summary>
internal sealed record RunbookMomentJson(DateTimeOffset At, string Text);

/// <summary><c>reprise/runbook-export/v1</c>.</summary>
internal sealed record RunbookExportJson
{
    /// <summary>Absolute paths of what was written.</summary>
    public required IReadOnlyList<string> Files { get; init; }
}
