using Reprise.Storage.Errors;

namespace Reprise.Recovery.Moments;

/// <summary>The codes of recovery to a moment.</summary>
public static class MomentErrors
{
    /// <summary>The moment cannot be reached.</summary>
    public static readonly ErrorCode Unreachable =
        new("target-unreachable", ExitCodes.Refused, "no point and WAL of the repository lead to the moment that was asked for");

    /// <summary>PostgreSQL did not get there.</summary>
    public static readonly ErrorCode ReplayFailed =
        new("replay-failed", ExitCodes.Damaged, "PostgreSQL did not replay the WAL up to the moment that was found in it");

    /// <summary>The moment is asked of something that has none.</summary>
    public static readonly ErrorCode NotReplayable =
        new("target-needs-wal", ExitCodes.Usage, "a moment was asked for, and that needs exactly one PostgreSQL asset captured as files");
}
