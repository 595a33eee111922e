using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Json;

/// <summary>The words of the contract for our enumerations.</summary>
internal static class Words
{
    /// <summary>The word for an outcome.</summary>
    public static string Of(Outcome outcome) => outcome switch
    {
        Outcome.Pass => "pass",
        Outcome.Fail => "fail",
        Outcome.CouldNotVerify => "could-not-verify",
        Outcome.NotRun => "not-run",
        Outcome.NotApplicable => "not-applicable",
        _ => throw new InvariantException($"outcome {outcome}"),
    };

    /// <summary>The word for the state of a point.</summary>
    public static string Of(PointState state) => state switch
    {
        PointState.Complete => "complete",
        PointState.Incomplete => "incomplete",
        _ => throw new InvariantException($"point state {state}"),
    };

    /// <summary>The word for why a point was taken.</summary>
    public static string Of(PointKind kind) => kind switch
    {
        PointKind.Manual => "manual",
        PointKind.Scheduled => "scheduled",
        PointKind.Safety => "safety",
        _ => throw new InvariantException($"point kind {kind}"),
    };

    /// <summary>The word for what a signature is worth.</summary>
    public static string Of(SignatureState state) => state switch
    {
        SignatureState.Valid => "valid",
        SignatureState.NotInForce => "not-in-force",
        SignatureState.Missing => "missing",
        SignatureState.Wrong => "wrong",
        SignatureState.NotVerifiable => "not-verifiable",
        _ => throw new InvariantException($"signature state {state}"),
    };

    /// <summary>The word for whether WAL was there already.</summary>
    public static string Of(WalStored stored) => stored switch
    {
        WalStored.New => "new",
        WalStored.Same => "same",
        WalStored.Again => "again",
        _ => throw new InvariantException($"stored {stored}"),
    };

    /// <summary>The word for an exit code: the <c>outcome</c> of an envelope.</summary>
    public static string OfExit(int exit) => exit switch
    {
        ExitCodes.Done => "done",
        ExitCodes.Bug => "bug",
        ExitCodes.Usage => "usage",
        ExitCodes.Refused => "refused",
        ExitCodes.Unavailable => "unavailable",
        ExitCodes.Damaged => "damaged",
        ExitCodes.CheckFailed => "check-failed",
        ExitCodes.Incomplete => "incomplete",
        ExitCodes.Interrupted => "interrupted",
        _ => throw new InvariantException($"exit code {exit}"),
    };
}
