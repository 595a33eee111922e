using Reprise.Storage.Errors;

namespace Reprise.Rehearsing;

/// <summary>The codes of rehearsals.</summary>
internal static class RehearsalErrors
{
    /// <summary>The runbook does not say how, or the application does not allow it.</summary>
    public static readonly ErrorCode Impossible =
        new("rehearsal-impossible", ExitCodes.Usage, "a runbook cannot be rehearsed: it does not say how, or this application cannot be broken that way");

    /// <summary>An error with this code.</summary>
    public static RepriseException Because(string message, string hint) => new(Impossible, message, hint);
}
