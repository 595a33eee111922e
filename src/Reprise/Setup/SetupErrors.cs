using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>The codes that only <c>doctor</c> and <c>init</c> raise.</summary>
internal static class SetupErrors
{
    /// <summary>Nothing starts backup.</summary>
    public static readonly ErrorCode NothingScheduled =
        new("nothing-scheduled", ExitCodes.CheckFailed, "nothing on this host starts 'reprise backup' by itself");

    /// <summary>Others can read a key.</summary>
    public static readonly ErrorCode KeyExposed =
        new("key-exposed", ExitCodes.CheckFailed, "other users of this host can read the key file");

    /// <summary>The repository dies with the application.</summary>
    public static readonly ErrorCode SameDevice =
        new("same-device", ExitCodes.CheckFailed, "the repository lies on the device of what it protects");

    /// <summary>Little room.</summary>
    public static readonly ErrorCode RoomShort =
        new("room-short", ExitCodes.CheckFailed, "there is or may soon be too little room for the next point");

    /// <summary>The clock is wrong.</summary>
    public static readonly ErrorCode ClockOdd =
        new("clock-odd", ExitCodes.CheckFailed, "the clock of this host cannot be right");

    /// <summary>A program of the configuration is not there.</summary>
    public static readonly ErrorCode ProgramMissing =
        new("program-missing", ExitCodes.CheckFailed, "a program that the configuration names was not found");

    /// <summary>A volume that nothing protects.</summary>
    public static readonly ErrorCode VolumeNotProtected =
        new(
            "volume-not-protected",
            ExitCodes.CheckFailed,
            "files lie in a volume that is not part of the configuration");

    /// <summary>Nothing to protect was found.</summary>
    public static readonly ErrorCode NothingFound =
        new("nothing-found", ExitCodes.CheckFailed, "init found no database, no files and no secrets to protect");
}
