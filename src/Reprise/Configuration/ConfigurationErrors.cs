using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>The codes that reading a configuration raises; all exit 2.</summary>
internal static class ConfigurationErrors
{
    /// <summary>No file where one was looked for.</summary>
    public static readonly ErrorCode Missing =
        new("config-missing", ExitCodes.Usage, "there is no configuration where one was looked for");

    /// <summary>The file is there and cannot be read.</summary>
    public static readonly ErrorCode Unreadable =
        new(
            "config-unreadable",
            ExitCodes.Usage,
            "the configuration is there, but cannot be read, or is not UTF-8 text");

    /// <summary>The file is larger than anybody writes by hand.</summary>
    public static readonly ErrorCode TooLarge =
        new(
            "config-too-large",
            ExitCodes.Usage,
            "the configuration is larger than 1 MiB or nested deeper than 16 levels");

    /// <summary>Not YAML, or YAML of a kind that we refuse.</summary>
    public static readonly ErrorCode Invalid =
        new(
            "config-invalid",
            ExitCodes.Usage,
            "the configuration is not the YAML that we accept (one document, no anchors, keys are text)");

    /// <summary>A key that nothing knows.</summary>
    public static readonly ErrorCode UnknownKey =
        new("config-unknown-key", ExitCodes.Usage, "the configuration has a key that is not known at its place");

    /// <summary>A key that is needed is not there.</summary>
    public static readonly ErrorCode MissingKey =
        new("config-missing-key", ExitCodes.Usage, "the configuration lacks a key that is needed");

    /// <summary>A key is there twice.</summary>
    public static readonly ErrorCode DuplicateKey =
        new("config-duplicate-key", ExitCodes.Usage, "the configuration has the same key twice at one place");

    /// <summary>A value that the key does not take.</summary>
    public static readonly ErrorCode Value =
        new("config-value", ExitCodes.Usage, "the configuration has a value that its key does not take");

    /// <summary>A variable that is used and not set.</summary>
    public static readonly ErrorCode VariableUnset =
        new(
            "variable-unset",
            ExitCodes.Usage,
            "the configuration uses a variable that is neither in the environment nor in .env");

    /// <summary>Two assets, or an asset and the repository, hold the same thing.</summary>
    public static readonly ErrorCode Overlap =
        new(
            "config-overlap",
            ExitCodes.Usage,
            "two assets hold the same data, or an asset holds the repository or its key");
}
