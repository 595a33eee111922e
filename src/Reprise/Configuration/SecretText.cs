namespace Reprise.Configuration;

/// <summary>
/// A text that may hold a password. It is never part of a message, a log or a document: printing it shows the text as
/// it stands in the file, where variables are still names, or nothing.
/// </summary>
/// <param name="value">the text with variables put in.</param>
/// <param name="shown">what may be printed instead.</param>
internal sealed class SecretText(string value, string shown)
{
    /// <summary>The text itself, for the library that needs it.</summary>
    public string Reveal() => value;

    /// <summary>What may be printed.</summary>
    public override string ToString() => shown;
}
