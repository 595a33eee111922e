using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What is done when a required check did not pass.</summary>
internal abstract record VerdictChoice
{
    private VerdictChoice()
    {
    }

    /// <summary>The former data becomes live again.</summary>
    public sealed record RollBack : VerdictChoice;

    /// <summary>The checks are asked again.</summary>
    public sealed record Retry : VerdictChoice;

    /// <summary>The restored data stays.</summary>
    /// <param name="Reason">recorded with the restore.</param>
    public sealed record Keep(string Reason) : VerdictChoice;
}

/// <summary>
/// Everything that a restore or an undo says and asks on the way. Without a terminal nothing is asked: what needs an
/// answer is refused (exit 3), and a red check rolls back.
/// </summary>
internal sealed class RestoreConversation(CommandContext context, bool yes)
{
    private Terminal Terminal => context.Host.Terminal;

    /// <summary>
    /// Says the three sentences and the plan in short, then has the application's name typed, unless <c>--yes</c> was given.
    /// </summary>
    /// <exception cref="RepriseException">exit 3: nobody can be asked, or another name was typed.</exception>
    public async Task ConfirmAsync(
        RestoreJson plan,
        string application,
        CancellationToken cancellationToken,
        IReadOnlyList<Problem>? warnings = null)
    {
        context.Progress.Clear();
        var prose = context.Prose;
        foreach (var sentence in plan.Sentences) prose.Paragraph(sentence);
        RestoreText.InShort(plan, prose);
        if (!yes) ProblemLines.Write(prose, warnings ?? []);
        if (yes) return;
        if (!context.CanAsk)
        {
            throw new RepriseException(
                CliErrors.ConfirmationNeeded,
                "there is no terminal to confirm on; nothing was changed",
                "look at it with --plan, then give --yes");
        }

        var typed = await Terminal.AskAsync($"Type {application} to go on: ", cancellationToken);
        if (typed?.Trim() == application) return;
        throw new RepriseException(
            CliErrors.ConfirmationWrong,
            $"{(typed is null ? "nothing was typed" : $"'{typed.Trim()}' is not {application}")}; nothing was changed",
            $"run the command again and type {application}");
    }

    /// <summary>
    /// Whether the person has stopped the application, because of <paramref name="why"/> (no <c>control</c>, or its stop
    /// failed). False when nobody can be asked.
    /// </summary>
    public async Task<bool> IsStoppedAsync(string why, CancellationToken cancellationToken)
    {
        context.Progress.Clear();
        context.Prose.Paragraph($"The application is not stopped by Reprise: {why}.");
        return context.CanAsk && await YesAsync("Is it stopped now? [y/N] ", cancellationToken);
    }

    /// <summary>
    /// Without <c>control</c>: asks to start the application, and waits until a person says that it runs.
    /// </summary>
    public async Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        context.Progress.Clear();
        await Terminal.AskAsync("The data is back. Start the application now, then press Enter: ", cancellationToken);
    }

    /// <summary>
    /// Somebody else wrote to the restored data before the verdict: whether the former data shall return all the same.
    /// False when nobody can be asked.
    /// </summary>
    public async Task<bool> MayRollBackOverAsync(string what, CancellationToken cancellationToken)
    {
        context.Progress.Clear();
        context.Prose.Paragraph($"{what}: going back would set those writes aside.");
        return context.CanAsk && await YesAsync("Go back all the same? [y/N] ", cancellationToken);
    }

    /// <summary>
    /// Required checks did not pass: go back (the default, and what happens without a terminal), retry, or keep.
    /// </summary>
    public async Task<VerdictChoice> AskVerdictAsync(IReadOnlyList<CheckJson> red, CancellationToken cancellationToken)
    {
        context.Progress.Clear();
        context.Prose.Line("These required checks did not pass:");
        context.Prose.Checks(red);
        if (!context.CanAsk) return new VerdictChoice.RollBack();
        while (true)
        {
            var answer = await Terminal.AskAsync(
                "[b] go back to the former data, [r] ask again, [k] keep what was restored? [b] ", cancellationToken);
            switch (answer?.Trim().ToLowerInvariant())
            {
                case null or "" or "b" or "back":
                    return new VerdictChoice.RollBack();
                case "r" or "retry":
                    return new VerdictChoice.Retry();
                case "k" or "keep":
                    var reason = await Terminal.AskAsync("Why is it right to keep it? ", cancellationToken);
                    if (!string.IsNullOrWhiteSpace(reason)) return new VerdictChoice.Keep(reason.Trim());
                    context.Prose.Line("A reason is needed: it is recorded with the restore.");
                    break;
                default:
                    context.Prose.Line("Type b, r or k.");
                    break;
            }
        }
    }

    private async Task<bool> YesAsync(string question, CancellationToken cancellationToken) =>
        (await Terminal.AskAsync(question, cancellationToken))?.Trim().ToLowerInvariant() is "y" or "yes";
}
