using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>The codes of drills.</summary>
public static class DrillErrors
{
    /// <summary>The verdict is fail.</summary>
    public static readonly ErrorCode Failed =
        new("drill-failed", ExitCodes.CheckFailed, "a drill could not bring the application back as the point says, or missed an objective");

    /// <summary>The verdict is could-not-verify.</summary>
    public static readonly ErrorCode NotVerified =
        new("drill-not-verified", ExitCodes.CheckFailed, "a drill ended without having asked everything that it was to ask");

    /// <summary>Something is left of the sandbox.</summary>
    public static readonly ErrorCode LeftOver =
        new("drill-left-over", ExitCodes.CheckFailed, "something of a drill's sandbox could not be removed");

    /// <summary>The sandbox cannot be made.</summary>
    public static readonly ErrorCode SandboxImpossible =
        new("sandbox-impossible", ExitCodes.Unavailable, "the sandbox of a drill cannot be made here");

    /// <summary>The fault is before the point.</summary>
    public static readonly ErrorCode FaultBeforePoint =
        new("fault-before-point", ExitCodes.Usage, "the point was taken after the moment that --fault-at names");
}
