using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;

namespace Reprise.Recovery.Restoring;

/// <summary>The person at the terminal, or the lack of one. The engine decides what to ask; this decides how.</summary>
public interface IRestoreDialogue
{
    /// <summary>Whether somebody can be asked.</summary>
    bool IsInteractive { get; }

    /// <summary>Shows the plan and asks for the application's name, or knows of <c>--yes</c>.</summary>
    Task<Confirmation> ConfirmAsync(RestorePlan plan, CancellationToken cancellationToken);

    /// <summary>Whether the application is stopped, as far as the person knows. Asked only when interactive.</summary>
    /// <param name="why">why it is asked: no <c>control</c>, or its <c>stop</c> failed.</param>
    /// <param name="cancellationToken">ends the waiting.</param>
    Task<bool> AskIsStoppedAsync(string why, CancellationToken cancellationToken);

    /// <summary>Asks to start the application, and returns when the person has. Asked only when interactive.</summary>
    Task AskToStartAsync(CancellationToken cancellationToken);

    /// <summary>What to do about required checks that did not pass. Asked only when interactive.</summary>
    Task<Verdict> AskVerdictAsync(VerdictQuestion question, CancellationToken cancellationToken);

    /// <summary>A phase begins (no elapsed time yet) or has ended.</summary>
    void OnPhase(PhaseReport phase);

    /// <summary>A check was answered.</summary>
    void OnCheck(CheckOutcome outcome);
}

/// <summary>The answer to a plan.</summary>
public enum Confirmation
{
    /// <summary>Go on.</summary>
    Given,

    /// <summary>Another name was typed, or nothing.</summary>
    Refused,

    /// <summary>There is no terminal, and no <c>--yes</c>.</summary>
    Impossible,
}

/// <summary>What is known when the verdict is asked.</summary>
/// <param name="Failed">the required checks that did not pass.</param>
/// <param name="ApplicationRan">
/// whether the application has run on the restored data: what it wrote meanwhile is then in the data that a roll-back
/// sets aside.
/// </param>
public sealed record VerdictQuestion(IReadOnlyList<CheckOutcome> Failed, bool ApplicationRan);

/// <summary>What happens after required checks that did not pass.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>The former data becomes live again; the default.</summary>
    public sealed record RollBack : Verdict;

    /// <summary>The checks that did not pass are asked again.</summary>
    public sealed record Retry : Verdict;

    /// <summary>It stays; the checks remain failed in the result.</summary>
    /// <param name="Reason">why, in the person's words; not empty.</param>
    public sealed record Keep(string Reason) : Verdict;
}
