using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>The codes that the command line itself raises.</summary>
internal static class CliErrors
{
    /// <summary>No such command.</summary>
    public static readonly ErrorCode CommandUnknown =
        new("command-unknown", ExitCodes.Usage, "there is no command of this name, or it needs one more word");

    /// <summary>No such option.</summary>
    public static readonly ErrorCode OptionUnknown =
        new("option-unknown", ExitCodes.Usage, "the command has no option of this name");

    /// <summary>An option without its value, or with one that it does not take.</summary>
    public static readonly ErrorCode OptionValue =
        new(
            "option-value",
            ExitCodes.Usage,
            "an option or an argument is missing, or has a value that it does not take");

    /// <summary>Two options that exclude each other.</summary>
    public static readonly ErrorCode OptionConflict =
        new("option-conflict", ExitCodes.Usage, "two options exclude each other");

    /// <summary>A dangerous command without a terminal and without <c>--yes</c>.</summary>
    public static readonly ErrorCode ConfirmationNeeded =
        new("confirmation-needed", ExitCodes.Refused, "there is no terminal to ask, and --yes was not given");

    /// <summary>The name that was typed is not the application's.</summary>
    public static readonly ErrorCode ConfirmationWrong =
        new("confirmation-wrong", ExitCodes.Refused, "what was typed is not the name of the application");

    /// <summary>Ctrl-C or SIGTERM.</summary>
    public static readonly ErrorCode Interrupted =
        new("interrupted", ExitCodes.Interrupted, "the command was interrupted, and what was half-done was put back");

    /// <summary>Our bug.</summary>
    public static readonly ErrorCode Bug =
        new("bug", ExitCodes.Bug, "something happened that our code did not expect");

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
        new("room-short", ExitCodes.CheckFailed, "there may be too little room for the next point");

    /// <summary>The clock is wrong.</summary>
    public static readonly ErrorCode ClockOdd =
        new("clock-odd", ExitCodes.CheckFailed, "the clock of this host cannot be right");
}
