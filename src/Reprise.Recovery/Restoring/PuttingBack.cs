using Reprise.Recovery.State;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Brings production back to what it was before an operation. It is not interrupted: a token that ended the operation
/// does not end this.
/// </summary>
internal static class PuttingBack
{
    /// <summary>
    /// Puts back whatever state the operation is in. Null when production is as it was; else what is left to do. Never
    /// throws, because the reason for putting back is what the caller has to tell first.
    /// </summary>
    public static async Task<Problem?> TryRunAsync(Operation operation)
    {
        try
        {
            await RunAsync(operation);
            return null;
        }
        catch (Exception e)
        {
            // Whatever it is: the journal still says how far it came, and the next command goes on from there.
            return new Problem(
                RecoveryErrors.PutBackFailed,
                Severity.Error,
                $"{operation.Id} could not be put back completely: {e.Message}",
                "nothing is lost: remove the cause, then 'reprise undo' puts it back, "
                + "or 'reprise restore --continue' finishes it");
        }
    }

    /// <summary>Puts back whatever state the operation is in.</summary>
    public static async Task RunAsync(Operation operation)
    {
        if (!operation.HasJournal || !operation.Journal.IsOpen) return;
        if (operation.Journal.MayHaveSwapped)
        {
            await RollBackAsync(operation, operation.Journal.ApplicationRan);
            return;
        }

        await StartAgainAsync(operation);
        await Stager.DiscardAsync(operation);
        operation.Enter(OperationState.Abandoned);
    }

    /// <summary>
    /// Swaps the former data back. What came back before is kept when somebody may want to look at it: after checks
    /// that failed, or when the application has written into it. A roll-back that was interrupted keeps to what it
    /// decided.
    /// </summary>
    public static async Task RollBackAsync(Operation operation, bool keepRestored)
    {
        var ran = operation.Journal.ApplicationRan;
        if (operation.Journal.State != OperationState.RollingBack)
            operation.Enter(OperationState.RollingBack, j => j with { KeepsRestored = keepRestored });
        keepRestored = operation.Journal.KeepsRestored;
        await operation.PhaseAsync("roll-back", InterruptEffect.Ignored, async () =>
        {
            if (ran) await StopAgainAsync(operation);
            await Swapper.BackAsync(operation);
            await StartAgainAsync(operation);
            if (!keepRestored) await Stager.DiscardAsync(operation);
        });
        var until = operation.Host.Clock.GetUtcNow() + operation.Application.KeepFormer;
        operation.Enter(
            keepRestored ? OperationState.RolledBack : OperationState.Abandoned,
            j => keepRestored ? j with { FormerUntil = until } : j);
    }

    // A stop that fails does not keep the former data away: the assets themselves refuse to be swapped while in use.
    private static async Task StopAgainAsync(Operation operation)
    {
        if (operation.Application.Control is { } control)
        {
            operation.Save(j => j with { ApplicationStopped = true });
            if (await control.TryStopAsync(CancellationToken.None) is { } why)
                operation.Problems.Add(
                    Failed(why, Severity.Warning, "look whether the application saw the swap; start it again"));
        }
        else if (operation.Host.Dialogue.IsInteractive)
        {
            await operation.Host.Dialogue.AskIsStoppedAsync("the former data is swapped back", CancellationToken.None);
        }
    }

    private static async Task StartAgainAsync(Operation operation)
    {
        if (!operation.Journal.ApplicationStopped || operation.Application.Control is not { } control) return;
        if (await control.TryStartAsync(CancellationToken.None) is { } why)
            operation.Problems.Add(
                Failed(why, Severity.Error, $"the data is as it was; run '{control.StartText}' yourself"));
        operation.Save(j => j with { ApplicationStopped = false });
    }

    private static Problem Failed(string why, Severity severity, string hint) =>
        new(RecoveryErrors.ChildFailed, severity, "while the former state was put back, " + why, hint);
}
