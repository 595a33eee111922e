namespace Reprise.Recovery.Secrets;

/// <summary>Takes known secrets out of text that comes from elsewhere: answers of checks, errors of children.</summary>
public sealed class Redaction
{
    /// <summary>A shorter value is left: replacing every <c>a</c> would hide the text and reveal the secret.</summary>
    public const int MinLength = 4;

    /// <summary>What stands in its place.</summary>
    public const string Mark = "•••";

    private readonly string[] values;

    /// <summary>
    /// Knows these values; longer ones are replaced first, so that one within another leaves no rest.
    /// </summary>
    public Redaction(IEnumerable<string> values) =>
        this.values = [.. values.Where(v => v.Length >= MinLength).Distinct().OrderByDescending(v => v.Length)];

    /// <summary>The text without them.</summary>
    public string Apply(string text)
    {
        foreach (var value in values) text = text.Replace(value, Mark, StringComparison.Ordinal);
        return text;
    }

    /// <inheritdoc />
    public override string ToString() => $"{values.Length} values";
}
