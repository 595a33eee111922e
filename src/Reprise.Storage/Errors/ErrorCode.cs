namespace Reprise.Storage.Errors;

/// <summary>
/// A stable name for one way in which an operation can end badly, and the exit code that goes with it.
/// Each layer keeps its own catalogue (<see cref="StorageErrors"/> and its siblings); the reference is printed from
/// them.
/// </summary>
/// <param name="Name">kebab-case, never renamed: others script against it.</param>
/// <param name="Exit">the process exit code of the contract.</param>
/// <param name="Meaning">one sentence for the reference: when it is raised.</param>
public sealed record ErrorCode(string Name, int Exit, string Meaning)
{
    /// <summary>The stable name.</summary>
    public override string ToString() => Name;
}

/// <summary>The exit codes of the contract.</summary>
public static class ExitCodes
{
    /// <summary>Done and proven.</summary>
    public const int Done = 0;

    /// <summary>Our bug.</summary>
    public const int Bug = 1;

    /// <summary>Usage or configuration.</summary>
    public const int Usage = 2;

    /// <summary>Refused, nothing changed.</summary>
    public const int Refused = 3;

    /// <summary>Something needed is unavailable, nothing was committed.</summary>
    public const int Unavailable = 4;

    /// <summary>Damaged or forged data.</summary>
    public const int Damaged = 5;

    /// <summary>A check, a drill or an objective failed, or a restore was rolled back.</summary>
    public const int CheckFailed = 6;

    /// <summary>Finished, but something is missing, and named.</summary>
    public const int Incomplete = 7;

    /// <summary>Interrupted; the state is as before.</summary>
    public const int Interrupted = 130;
}
