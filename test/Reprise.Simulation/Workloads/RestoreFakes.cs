using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Restoring;

namespace Reprise.Simulation.Workloads;

/// <summary>The application whose data is restored: it runs or it does not, also when Reprise has died.</summary>
internal sealed class SimulatedApplication
{
    /// <summary>Whether it runs.</summary>
    public bool Runs { get; private set; } = true;

    /// <summary>How a process of ours stops and starts it.</summary>
    public ApplicationControl ControlBy(Life life) => new(
        "stop", token => SetAsync(life, runs: false, token), "start", token => SetAsync(life, runs: true, token));

    private async Task<ChildResult> SetAsync(Life life, bool runs, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), life.Loop.Clock, cancellationToken);
        Runs = runs;
        life.Loop.Log.Add(runs ? "application started" : "application stopped");
        return new ChildResult(0, "", "", TimeSpan.FromSeconds(1));
    }
}

/// <summary>Nobody at the terminal, who said yes beforehand.</summary>
internal sealed class YesDialogue : IRestoreDialogue
{
    public bool IsInteractive => false;

    public Task<Confirmation> ConfirmAsync(RestorePlan plan, CancellationToken cancellationToken) =>
        Task.FromResult(Confirmation.Given);

    public Task<bool> AskIsStoppedAsync(string why, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task AskToStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<Verdict> AskVerdictAsync(VerdictQuestion question, CancellationToken cancellationToken) =>
        Task.FromResult<Verdict>(new Verdict.RollBack());

    public void OnPhase(PhaseReport phase)
    {
    }

    public void OnCheck(CheckOutcome outcome)
    {
    }
}

/// <summary>Asks a port that answers when the application runs, and the data what it was told to answer.</summary>
internal sealed class SimulatedChecks(SimulatedApplication application, Outcome data) : ICheckRunner
{
    public Task<CheckOutcome> AskAsync(
        CheckDefinition check, CheckSubject subject, Patience patience, CancellationToken cancellationToken) =>
        Task.FromResult(new CheckOutcome
        {
            Name = check.Name,
            Level = check.Level,
            Outcome = check.Level != CheckLevel.Application ? data : application.Runs ? Outcome.Pass : Outcome.Fail,
        });
}
