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
}
