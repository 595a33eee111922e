namespace Reprise.Recovery.Runbooks;

/// <summary>A step with the user's own values in it.</summary>
public sealed record ResolvedStep
{
    /// <summary>The step as it is written.</summary>
    public required RunbookStep Step { get; init; }

    /// <summary>Why it is there.</summary>
    public required string Why { get; init; }

    /// <summary>What it does, or null: a person does it.</summary>
    public StepAction? Action { get; init; }

    /// <summary>The same as a line that can be copied into a shell, or null.</summary>
    public string? Command { get; init; }

    /// <summary>How an undo proves itself, or null.</summary>
    public StepAction? Verify { get; init; }

    /// <summary>What it changes, or null.</summary>
    public string? On { get; init; }

    /// <summary>Question or instruction, or null.</summary>
    public string? Text { get; init; }

    /// <summary>What should be seen, or null.</summary>
    public string? See { get; init; }

    /// <summary>What to do otherwise, or null.</summary>
    public string? Otherwise { get; init; }

    /// <summary>The answers with the user's values in them.</summary>
    public IReadOnlyList<StepOption> Options { get; init; } = [];

    /// <summary>What its action needs and nothing says.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];
}

/// <summary>A runbook together with the facts of one application. Pure: nothing is asked and nothing is done.</summary>
/// <param name="Runbook">what is followed.</param>
/// <param name="Facts">what is known of the application.</param>
/// <param name="CommandOf">the line that a person would type for an action.</param>
public sealed record RunbookPlan(Runbook Runbook, Placeholders Facts, Func<StepAction, string?> CommandOf)
{
    /// <summary>The step with what is known now.</summary>
    public ResolvedStep Resolve(RunbookStep step) => Resolve(step, Facts);

    /// <summary>The step with further values: inputs, and what earlier steps answered.</summary>
    public ResolvedStep Resolve(RunbookStep step, Placeholders known)
    {
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        var action = step.Action is { } written ? Resolve(written, known, missing) : null;
        var verify = step.Verify is { } proof ? Resolve(proof, known, missing) : null;
        var command = action is null ? null : CommandOf(action);
        if (action is not null && command is null) missing.Add(HowOf(action.Builtin));
        return new ResolvedStep
        {
            Step = step,
            Why = known.Show(step.Why),
            Action = action,
            Command = command,
            Verify = verify,
            On = step.On is { } on ? known.Show(on) : null,
            Text = step.Text is { } text ? known.Show(text) : null,
            See = step.See is { } see ? known.Show(see) : null,
            Otherwise = step.Otherwise is { } otherwise ? known.Show(otherwise) : null,
            Options = [.. step.Options.Select(o => o with { Text = known.Show(o.Text) })],
            Missing = [.. missing],
        };
    }

    /// <summary>Every name in the runbook that nothing of this application gives a value to.</summary>
    public IReadOnlyList<string> Unknown(IReadOnlyCollection<string> couldBeKnown)
    {
        var inputs = Runbook.Inputs.Select(i => "input." + i.Name).ToHashSet();
        var steps = Runbook.Steps.Select(s => $"step.{s.Id}.").ToList();
        return [.. Placeholders.In(Runbook.Text)
            .Distinct()
            .Where(n => !inputs.Contains(n) && !couldBeKnown.Contains(n))
            .Where(n => !steps.Exists(s => n.StartsWith(s, StringComparison.Ordinal)))];
    }

    // What a person has to write into the configuration, so that nobody is asked next time.
    private static string HowOf(string? builtin) => builtin switch
    {
        "start" => "how the application is started (control.start)",
        "stop" => "how the application is stopped (control.stop)",
        "log" => "how the application's log is shown (control.log)",
        "start-database" => "how the database server is started (control of the asset)",
        "stop-database" => "how the database server is stopped (control of the asset)",
        "database-log" => "how the database server's log is shown (control.log of the asset)",
        _ => $"what {builtin} needs",
    };

    private static StepAction Resolve(StepAction action, Placeholders known, ISet<string> missing)
    {
        var with = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (key, values) in action.With) with[key] = [.. values.Select(v => known.Put(v, missing))];
        return action with { With = with, Run = [.. action.Run.Select(a => known.Put(a, missing))] };
    }
}
