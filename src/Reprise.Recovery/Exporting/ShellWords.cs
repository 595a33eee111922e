namespace Reprise.Recovery.Exporting;

/// <summary>Words of commands that a person copies into a shell.</summary>
internal static class ShellWords
{
    /// <summary>The word as it is, or in single quotes when a shell would read something else.</summary>
    public static string Quote(string word) =>
        word.Length > 0
            && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,@%+~".Contains(c, StringComparison.Ordinal))
            ? word
            : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
