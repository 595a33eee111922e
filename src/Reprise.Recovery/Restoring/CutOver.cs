using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.State;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// From stopping the application to the verdict: the part of a restore or an undo during which production is not what
/// it was. Every step is in the journal before it is taken.
/// </summary>
internal static class CutOver
{
    /// <summary>Stops, secures, swaps and proves.</summary>
    public static async Task<RestoreOutcome> RunAsync(Operation operation, CancellationToken cancellationToken)
    {
        operation.Enter(
            OperationState.Stopping, j => j with { ApplicationStopped = operation.Application.Control is not null });
        await operation.PhaseAsync("stop", InterruptEffect.PutsBack, () => StopAsync(operation, cancellationToken));
        if (operation.Application.Checks.Any(c => c.When == CheckTime.Application))
        {
            await operation.PhaseAsync(
                "check-stopped",
                InterruptEffect.PutsBack,
                () => Questioner.AskWhileStoppedAsync(operation, cancellationToken));
        }

        operation.Enter(OperationState.Securing);
        await operation.PhaseAsync(
            "safety", InterruptEffect.PutsBack, () => Securing.RunAsync(operation, cancellationToken));
        operation.Enter(OperationState.Publishing);
        return await FromPublishingAsync(operation, cancellationToken);
    }

    /// <summary>Goes on with an operation whose swaps may have begun.</summary>
    public static async Task<RestoreOutcome> ResumeAsync(Operation operation, CancellationToken cancellationToken)
    {
        switch (operation.Journal.State)
        {
            case OperationState.Publishing or OperationState.CheckingData:
                // Whoever restarted the machine may have restarted the application with it.
                operation.Save(j => j with { ApplicationStopped = operation.Application.Control is not null });
                await operation.PhaseAsync(
                    "stop", InterruptEffect.PutsBack, () => StopAsync(operation, cancellationToken));
                return await FromPublishingAsync(operation, cancellationToken);
            case OperationState.Starting or OperationState.CheckingApplication:
                return await FromStartAsync(operation, cancellationToken);
            case OperationState.RollingBack:
                await PuttingBack.RunAsync(operation);
                return operation.Journal.KeepsRestored ? RestoreOutcome.RolledBack : RestoreOutcome.Unchanged;
            default:
                throw new InvariantException($"nothing to resume in {operation.Journal.State}");
        }
    }

    /// <summary>Stops the application, or finds out that somebody did.</summary>
    public static async Task StopAsync(Operation operation, CancellationToken cancellationToken)
    {
        var (control, dialogue) = (operation.Application.Control, operation.Host.Dialogue);
        if (control is null)
        {
            if (!dialogue.IsInteractive) return;
            if (await dialogue.AskIsStoppedAsync("no control is configured", cancellationToken)) return;
            throw new RepriseException(
                RecoveryErrors.TargetInUse, "the application is not stopped", "stop it, then run the command again");
        }

        if (await control.TryStopAsync(cancellationToken) is not { } why) return;
        if (dialogue.IsInteractive && await dialogue.AskIsStoppedAsync(why, cancellationToken)) return;
        throw new RepriseException(
            RecoveryErrors.ChildFailed, why, "see to it that this command ends with 0, also when nothing runs");
    }

    private static async Task<RestoreOutcome> FromPublishingAsync(
        Operation operation, CancellationToken cancellationToken)
    {
        await operation.PhaseAsync(
            "publish", InterruptEffect.PutsBack, () => Swapper.ForwardAsync(operation, cancellationToken));
        operation.Enter(OperationState.CheckingData);
        var good = await operation.PhaseAsync(
            "check-data", InterruptEffect.PutsBack, () => Questioner.ProveDataAsync(operation, cancellationToken));
        return good ? await FromStartAsync(operation, cancellationToken) : await RollBackAsync(operation);
    }

    private static async Task<RestoreOutcome> FromStartAsync(Operation operation, CancellationToken cancellationToken)
    {
        // From here on the application may have written into what came back, whether its start succeeds or not.
        operation.Enter(OperationState.Starting, j => j with { ApplicationRan = true });
        var good = await operation.PhaseAsync(
            "check-application",
            InterruptEffect.PutsBack,
            () => Questioner.ProveApplicationAsync(operation, StartOf(operation), cancellationToken));
        if (!good) return await RollBackAsync(operation);
        var until = operation.Host.Clock.GetUtcNow() + operation.Application.KeepFormer;
        operation.Enter(OperationState.Kept, j => j with { ApplicationStopped = false, FormerUntil = until });
        return RestoreOutcome.Kept;
    }

    private static async Task<RestoreOutcome> RollBackAsync(Operation operation)
    {
        await PuttingBack.RollBackAsync(operation, keepRestored: true);
        return RestoreOutcome.RolledBack;
    }

    private static Func<CancellationToken, Task<CheckOutcome>>? StartOf(Operation operation)
    {
        if (operation.Application.Control is { } control)
        {
            return cancellationToken => operation.PhaseAsync(
                "start", InterruptEffect.PutsBack, () => StartAsync(operation, control, cancellationToken));
        }

        return operation.Host.Dialogue.IsInteractive ? token => AskToStartAsync(operation, token) : null;
    }

    private static async Task<CheckOutcome> StartAsync(
        Operation operation, ApplicationControl control, CancellationToken cancellationToken)
    {
        var started = operation.Host.Clock.GetTimestamp();
        var failure = await control.TryStartAsync(cancellationToken);
        var elapsed = operation.Host.Clock.GetElapsedTime(started);
        if (failure is not null) return Started(Outcome.Fail, control.StartText, failure, elapsed);
        operation.Enter(OperationState.CheckingApplication, j => j with { ApplicationStopped = false });
        return Started(Outcome.Pass, control.StartText, "exit 0", elapsed);
    }

    private static async Task<CheckOutcome> AskToStartAsync(Operation operation, CancellationToken cancellationToken)
    {
        await operation.Host.Dialogue.AskToStartAsync(cancellationToken);
        operation.Enter(OperationState.CheckingApplication);
        return Started(Outcome.Pass, "the start by hand", "it was started by hand", TimeSpan.Zero);
    }

    private static CheckOutcome Started(Outcome outcome, string command, string actual, TimeSpan elapsed) => new()
    {
        Name = Questioner.StartName,
        Level = CheckLevel.Application,
        Outcome = outcome,
        Expected = $"exit 0 of '{command}'",
        Actual = actual,
        Elapsed = elapsed,
        Reason = outcome == Outcome.Pass ? null : "start-failed",
    };
}
