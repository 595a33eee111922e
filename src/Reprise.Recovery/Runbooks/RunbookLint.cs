namespace Reprise.Recovery.Runbooks;

/// <summary>Something in a runbook that does not hold together.</summary>
/// <param name="Where"><c>file:line:column</c>.</param>
/// <param name="Message">what.</param>
/// <param name="Hint">what to write instead.</param>
public sealed record LintFinding(string Where, string Message, string Hint);

/// <summary>
/// The rules that a reader cannot see in one step alone: where steps lead, that whatever changes something is proven
/// and can be taken back, that nothing final happens before what is there was kept.
/// </summary>
public static class RunbookLint
{
    /// <summary>Everything that is wrong, in the order of the file.</summary>
    public static IReadOnlyList<LintFinding> Of(Runbook runbook)
    {
        var findings = new List<LintFinding>();
        var path = runbook.Path.ToList();
        if (path.Count == 0)
        {
            findings.Add(new LintFinding($"{runbook.Source}:1:1", "the runbook has no step", "add a fenced step"));
            return findings;
        }

        foreach (var step in runbook.Steps) findings.AddRange(Leads(runbook, path, step));

        // Where steps lead must be known before whole ways are looked at.
        var isConnected = findings.Count == 0;
        foreach (var step in runbook.Steps) findings.AddRange(Effects(runbook, step));
        if (isConnected)
        {
            findings.AddRange(path.Where(s => s.Type == StepType.Act).SelectMany(s => Proven(runbook, s)));
            findings.AddRange(NotKept(runbook, path));
            findings.AddRange(NeverReached(runbook, path));
        }

        return findings;
    }

    private static IEnumerable<LintFinding> Leads(Runbook runbook, List<RunbookStep> path, RunbookStep step)
    {
        if (runbook.Steps.Count(s => s.Id == step.Id) > 1 && runbook.Find(step.Id) != step)
            yield return new(step.Where, $"there is another step '{step.Id}'", "give each step a name of its own");
        var targets = step.Options.Select(o => o.Next).Append(step.Next).Append(step.OnFail);
        foreach (var target in targets.OfType<string>().Where(t => t != RunbookStep.End))
        {
            var at = path.FindIndex(s => s.Id == target);
            if (at < 0)
            {
                yield return new(
                    step.Where, $"step '{step.Id}' leads to '{target}', which is not there", "name a step further below");
            }
            else if (at <= path.FindIndex(s => s.Id == step.Id))
            {
                // Going back would do again what was done, and a runbook that never ends helps nobody.
                yield return new(
                    step.Where, $"step '{step.Id}' leads back to '{target}'", "steps only lead further down");
            }
        }
    }

    private static IEnumerable<LintFinding> Effects(Runbook runbook, RunbookStep step)
    {
        var isFinal = step.Effect == EffectClass.Irreversible;
        if (step.Undo is { } undo && runbook.Find(undo) is not { Type: StepType.Undo })
            yield return new(step.Where, $"'{undo}' is not an undo step of this runbook", $"add ```undo {undo}");
        if (step.Type == StepType.Act && step.Effect != EffectClass.Read && step.Undo is null && step.Irreversible is null)
        {
            yield return new(
                step.Where,
                $"act '{step.Id}' does not say how it is taken back",
                "add undo: STEP, or irreversible: and the reason");
        }

        if (step.Undo is not null && step.Irreversible is not null)
            yield return new(step.Where, $"act '{step.Id}' has an undo and is irreversible", "keep one of the two");
        if (isFinal != step.Irreversible is not null && step.Type == StepType.Act)
        {
            yield return new(
                step.Where,
                $"act '{step.Id}' must say both: effect: irreversible, and irreversible: the reason",
                "write both, or neither");
        }

        if (isFinal && step.On is null)
            yield return new(step.Where, $"act '{step.Id}' does not say on what", "add on: ASSET, or on: application");
        if (step.Type == StepType.Undo && step.Verify is null)
            yield return new(step.Where, $"undo '{step.Id}' does not prove itself", "add verify: { builtin: … }");
        if (step.Type == StepType.Undo && runbook.Steps.All(s => s.Undo != step.Id))
            yield return new(step.Where, $"no act is taken back by undo '{step.Id}'", "name it in an act, or remove it");
        if (step.Type == StepType.Wait && step.Within is null && step.For is null)
            yield return new(step.Where, $"wait '{step.Id}' has no end", "add within: or for:");
        if (step.Type is StepType.Observe or StepType.Check or StepType.Verify or StepType.Wait
            && step.Action?.Builtin is { } name && Builtins.Find(name) is { ChangesSomething: true })
        {
            yield return new(step.Where, $"{name} changes something", "write it as an act or a capture");
        }
    }

    // On every way from the act to the end there is a verify.
    private static IEnumerable<LintFinding> Proven(Runbook runbook, RunbookStep act)
    {
        if (act.Effect == EffectClass.Read) yield break;
        var open = new Stack<string?>([runbook.After(act)]);
        var seen = new HashSet<string>();
        while (open.TryPop(out var id))
        {
            if (id is null)
            {
                yield return new(
                    act.Where, $"nothing verifies act '{act.Id}' on one of the ways to the end", "add a verify after it");
                yield break;
            }

            if (!seen.Add(id) || runbook.Find(id) is not { } step || step.Type == StepType.Verify) continue;
            foreach (var next in Following(runbook, step)) open.Push(next);
        }
    }

    // On every way from the start to something final there is a capture.
    private static IEnumerable<LintFinding> NotKept(Runbook runbook, List<RunbookStep> path)
    {
        var open = new Stack<string?>([path[0].Id]);
        var seen = new HashSet<string>();
        while (open.TryPop(out var id))
        {
            if (id is null || !seen.Add(id) || runbook.Find(id) is not { } step || step.Type == StepType.Capture) continue;
            if (step.Effect == EffectClass.Irreversible)
            {
                yield return new(
                    step.Where, $"nothing is kept before '{step.Id}', which is final", "add a capture before it");
            }

            foreach (var next in Following(runbook, step)) open.Push(next);
        }
    }

    private static IEnumerable<LintFinding> NeverReached(Runbook runbook, List<RunbookStep> path)
    {
        var reached = new HashSet<string> { path[0].Id };
        foreach (var step in path)
        {
            if (!reached.Contains(step.Id))
            {
                yield return new(step.Where, $"no way leads to step '{step.Id}'", "remove it, or name it in next:");
                continue;
            }

            // Steps only lead further down, so that one pass is enough.
            foreach (var next in Following(runbook, step)) if (next is not null) reached.Add(next);
        }
    }

    private static IEnumerable<string?> Following(Runbook runbook, RunbookStep step)
    {
        if (step.Type == StepType.Decide)
        {
            foreach (var option in step.Options)
                yield return option.Next is null ? runbook.After(step) : Ended(option.Next);
        }
        else
        {
            yield return runbook.After(step);
        }

        if (step.OnFail is { } other) yield return Ended(other);
    }

    private static string? Ended(string id) => id == RunbookStep.End ? null : id;
}
