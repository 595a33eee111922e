using Reprise.Recovery.Assets;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>
/// Follows a runbook with a person: shows each step, asks, and takes answers that were given on the command line. Each
/// of those counts once. Without a terminal nothing is asked, and the run waits.
/// </summary>
internal sealed class RunbookConversation(CommandContext context, RunbookRunOptions options, string language, Func<string, string> redact)
    : IRunbookDialogue
{
    private readonly RunbookPhrases phrases = RunbookPhrases.Of(language);
    private readonly List<GivenAnswer> given = [.. options.Decisions];

    private Terminal Terminal => context.Host.Terminal;

    /// <inheritdoc />
    public async Task<RunAnswer?> AskAsync(RunQuestion question, CancellationToken cancellationToken)
    {
        var step = question.Step.Step;
        if (question.Kind == RunQuestionKind.Identity) return await AskIdentityAsync(question, cancellationToken);
        var fits = given.Find(g => g.Step == step.Id && question.Options.Any(o => o.Key == g.Option));
        if (fits is null && question.Kind == RunQuestionKind.Decide && given.Find(g => g.Step == step.Id) is { } wrong)
        {
            throw new RepriseException(
                CliErrors.OptionValue,
                $"--decide {step.Id}={wrong.Option} names no option of this step",
                $"choose among {string.Join(", ", question.Options.Select(o => o.Key))}");
        }

        if (fits is not null)
        {
            given.Remove(fits);
            if (RunOptions.NeedsReason(question.Kind, fits.Option) && fits.Reason is null) throw NoReason(fits);
            return new RunAnswer(fits.Option, fits.Reason, "beforehand");
        }

        if (question.Kind == RunQuestionKind.Permission && options.Yes) return new RunAnswer("go", null, "beforehand");
        return context.CanAsk ? await AskPersonAsync(question, cancellationToken) : null;
    }

    /// <inheritdoc />
    public void OnStep(ResolvedStep step, int number, int count)
    {
        context.Progress.End();
        var prose = context.Prose;
        prose.Line();
        prose.Line(prose.Paint($"{number}/{count}  {step.Step.Id}", Tone.Strong)
            + prose.Paint($"  ({step.Step.Type.ToString().ToLowerInvariant()})", Tone.Faint));
        prose.Paragraph(redact(step.Why));
        if (step.Text is { } text) prose.Paragraph(prose.Paint("→ ", Tone.Strong) + redact(text), 2);
        if (step.Command is { } command) prose.Line("  " + redact(command));
        if (step.See is { } see) prose.Paragraph(phrases.See + redact(see));

        // What only looks is judged by the person, not by its outcome.
        if (step.Step.Type == StepType.Observe && step.Otherwise is { } otherwise) prose.Paragraph(phrases.Otherwise + redact(otherwise));
    }

    /// <inheritdoc />
    public void OnAnswer(ResolvedStep step, Outcome outcome, string text)
    {
        context.Progress.End();
        var prose = context.Prose;
        var word = RunWords.Of(outcome);
        prose.Line($"{prose.Paint(Output.WordOf(word), Output.ToneOf(word))}  {step.Step.Id}");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) prose.Paragraph("    " + line, 4);
        if (outcome != Outcome.Pass && step.Step.Type != StepType.Observe && step.Otherwise is { } otherwise) prose.Paragraph(phrases.Otherwise + redact(otherwise));
    }

    /// <inheritdoc />
    public void OnWaiting(string why) => context.Progress.Begin(redact(why), null);

    private async Task<RunAnswer?> AskIdentityAsync(RunQuestion question, CancellationToken cancellationToken)
    {
        var step = question.Step.Step;
        if (options.Confirmations.FirstOrDefault(c => c.Step == step.Id) is { } confirmed)
            return new RunAnswer(confirmed.Option, confirmed.Reason, "beforehand");
        if (!context.CanAsk) return null;
        context.Prose.Paragraph(question.Facts);
        var typed = await Terminal.AskAsync(phrases.Target, cancellationToken);
        return typed is null ? null : new RunAnswer(typed.Trim(), null, "terminal");
    }

    private async Task<RunAnswer?> AskPersonAsync(RunQuestion question, CancellationToken cancellationToken)
    {
        context.Progress.End();
        var prose = context.Prose;
        if (question.Facts.Length > 0) prose.Paragraph(question.Facts);
        prose.Table([.. question.Options.Select(o => (string[])[o.Key, redact(phrases.Meaning(o))])]);
        while (true)
        {
            var standard = question.Default is { } usual ? $" [{usual}]" : "";
            var typed = (await Terminal.AskAsync($"{phrases.Answer}{standard}{phrases.Colon}", cancellationToken))?.Trim();

            // A decision has no such option of its own, but whoever is tired may always stop here and resume later.
            if (typed is null || (typed == "stop" && question.Options.All(o => o.Key != "stop"))) return null;
            var option = typed.Length == 0 ? question.Default : Match(question, typed);
            if (option is null)
            {
                prose.Line(phrases.OneOf + string.Join(", ", question.Options.Select(o => o.Key)));
                continue;
            }

            if (!RunOptions.NeedsReason(question.Kind, option)) return new RunAnswer(option, null, "terminal");
            var asked = option == "done" ? phrases.Outcome : phrases.Reason;
            var reason = (await Terminal.AskAsync(asked, cancellationToken))?.Trim();
            if (reason is null) return null;
            if (reason.Length > 0) return new RunAnswer(option, reason, "terminal");
            prose.Line(phrases.WordsNeeded);
        }
    }

    // A beginning that only one option has is enough.
    private static string? Match(RunQuestion question, string typed)
    {
        if (question.Options.FirstOrDefault(o => o.Key == typed) is { } exact) return exact.Key;
        var near = question.Options.Where(o => o.Key.StartsWith(typed, StringComparison.OrdinalIgnoreCase)).ToList();
        return near is [var one] ? one.Key : null;
    }

    private static RepriseException NoReason(GivenAnswer answer) => new(
        CliErrors.OptionValue,
        $"--decide {answer.Step}={answer.Option} gives no reason",
        $"write --decide {answer.Step}={answer.Option}:REASON; the reason is recorded");
}
