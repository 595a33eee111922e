using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Restoring;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Lets the restore engine speak with the person at the terminal.</summary>
/// <param name="conversation">asks.</param>
/// <param name="context">the running command.</param>
/// <param name="pointCreated">when the point was taken, for the sentences.</param>
internal sealed class Dialogue(RestoreConversation conversation, CommandContext context, DateTimeOffset? pointCreated) : IRestoreDialogue
{
    /// <inheritdoc />
    public bool IsInteractive => context.CanAsk;

    /// <inheritdoc />
    public async Task<Confirmation> ConfirmAsync(RestorePlan plan, CancellationToken cancellationToken)
    {
        // Whoever cannot be asked, or types another name, is refused by the conversation itself, with exit 3.
        // With the secrets the plan has said already what differs.
        var warnings = plan.Problems.Where(p => p.Severity == Severity.Warning && p.Code != RecoveryErrors.SecretDiffers);
        await conversation.ConfirmAsync(
            RestoreMapping.Of(plan, pointCreated), plan.Application, cancellationToken, [.. warnings]);
        return Confirmation.Given;
    }

    /// <inheritdoc />
    public Task<bool> AskIsStoppedAsync(string why, CancellationToken cancellationToken) =>
        conversation.IsStoppedAsync(why, cancellationToken);

    /// <inheritdoc />
    public Task AskToStartAsync(CancellationToken cancellationToken) => conversation.WaitForStartAsync(cancellationToken);

    /// <inheritdoc />
    public async Task<Verdict> AskVerdictAsync(VerdictQuestion question, CancellationToken cancellationToken)
    {
        var choice = await conversation.AskVerdictAsync([.. question.Failed.Select(CheckJson.From)], cancellationToken);
        return choice switch
        {
            VerdictChoice.RollBack => new Verdict.RollBack(),
            VerdictChoice.Retry => new Verdict.Retry(),
            VerdictChoice.Keep keep => new Verdict.Keep(keep.Reason),
            _ => throw new Storage.Errors.InvariantException("a verdict of an unknown kind"),
        };
    }

    /// <inheritdoc />
    public void OnPhase(PhaseReport phase)
    {
        if (phase.Elapsed is not null) return;
        var interrupt = phase.Interrupt switch
        {
            InterruptEffect.Harmless => "safe, production is untouched",
            InterruptEffect.PutsBack => "puts everything back first",
            _ => "waits",
        };
        context.Progress.Phase(phase.Name, null, interrupt);
    }

    /// <inheritdoc />
    public void OnCheck(CheckOutcome outcome)
    {
        // What passed is counted in the end; on a terminal a line for each would push away what has to be read.
        var isQuiet = outcome.Outcome is Outcome.Pass or Outcome.NotApplicable && context.Host.Terminal.ErrorIsTerminal;
        if (!isQuiet) context.Progress.Note($"{Output.WordOf(Words.Of(outcome.Outcome))} {outcome.Name}");
    }
}
