using System.Text.RegularExpressions;
using Reprise.Recovery.Runbooks;

namespace Reprise.Rehearsing;

/// <summary>
/// The person of a rehearsal: what is answered beforehand, and what is done when a run stands still. Only what the
/// runbook declares, what it offers as the usual answer, and the identities of targets of the sandbox are answered.
/// </summary>
internal sealed partial class RehearsalAnswers(Runbook runbook, RehearsalVariant variant)
{
    private readonly List<string> byHand = [];
    private readonly List<string> confirmed = [];

    /// <summary>Every answer that is known so far, as options of the command line.</summary>
    public IReadOnlyList<string> Options =>
    [
        "--yes",
        .. runbook.Path.SelectMany(Beforehand),
        .. byHand.SelectMany(s => new[] { "--decide", $"{s}=done:the sandbox did what a person would do" }),
        .. confirmed.SelectMany(c => new[] { "--confirm", c }),
    ];

    /// <summary>What nobody really decided or did, of the steps that a run came by; one sentence each.</summary>
    public IEnumerable<string> Simulated(SeenRun run)
    {
        foreach (var seen in run.Steps)
        {
            if (runbook.Find(seen.Id) is not { } step) continue;
            if (step.Type == StepType.Decide) yield return $"decision {step.Id}: {Option(step)} was given beforehand";
            if (step.Type != StepType.Manual) continue;
            yield return byHand.Contains(step.Id)
                ? $"step {step.Id}: the sandbox did what a person would do"
                : $"step {step.Id}: it was only said to be done";
        }
    }

    /// <summary>What a run that stands still needs, or null: nothing that can be given.</summary>
    public RehearsalNeed? Need(SeenRun run)
    {
        if (run.State != "waiting" || run.At is not { } at || runbook.Find(at) is not { } step) return null;
        if (Confirmation().Match(run.Next) is { Success: true } match && !confirmed.Contains(match.Groups["answer"].Value))
            return new RehearsalNeed(null, match.Groups["answer"].Value);
        return step.Type == StepType.Manual && variant.ByHand.Contains(at) && !byHand.Contains(at)
            ? new RehearsalNeed(at, null)
            : null;
    }

    /// <summary>Takes note that it was given.</summary>
    public void Give(RehearsalNeed need)
    {
        if (need.ByHand is { } step) byHand.Add(step);
        if (need.Confirmation is { } answer) confirmed.Add(answer);
    }

    private IEnumerable<string> Beforehand(RunbookStep step) => step.Type switch
    {
        StepType.Decide when Option(step) is { } option => ["--decide", $"{step.Id}={option}:declared for rehearsals"],
        StepType.Manual when !variant.ByHand.Contains(step.Id) =>
            ["--decide", $"{step.Id}=done:simulated, nobody did anything"],
        _ => [],
    };

    private string? Option(RunbookStep step) => variant.Decide.GetValueOrDefault(step.Id) ?? step.Default;

    // The program that runs in the sandbox knows no target but those of the sandbox.
    [GeneratedRegex("--confirm (?<answer>[a-z0-9-]+=[0-9a-f]+)( |$)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Confirmation();
}

/// <summary>What a run waits for: that a step is done by hand, or the identity of a target.</summary>
/// <param name="ByHand">the step, or null.</param>
/// <param name="Confirmation">step and identity, or null.</param>
internal sealed record RehearsalNeed(string? ByHand, string? Confirmation);
