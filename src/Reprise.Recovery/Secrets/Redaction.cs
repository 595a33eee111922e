using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Reprise.Recovery.Secrets;

/// <summary>Takes known secrets out of text that comes from elsewhere: answers of checks, errors of children.</summary>
public sealed partial class Redaction
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

    /// <summary>
    /// Knows these values also as they appear in addresses, in JSON and in Base64, there at any of the three places where
    /// a value can begin within a longer text (<c>user:password</c>).
    /// </summary>
    public static Redaction InEveryForm(IEnumerable<string> values) =>
        new(values.Where(v => v.Length >= MinLength).SelectMany(Forms));

    private static IEnumerable<string> Forms(string value)
    {
        yield return value;
        foreach (var line in value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            yield return line;
        var escaped = Uri.EscapeDataString(value);
        yield return escaped;
        yield return LowerHex().Replace(escaped, m => m.Value.ToLowerInvariant());
        yield return escaped.Replace("%20", "+", StringComparison.Ordinal);
        yield return JsonEncodedText.Encode(value).Value;
        yield return JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).Value;
        foreach (var text in Base64Forms(Encoding.UTF8.GetBytes(value)))
        {
            yield return text;
            yield return text.Replace('+', '-').Replace('/', '_');
        }
    }

    // Of a value that begins 0, 1 or 2 bytes into a group of three, the characters that its neighbours cannot change.
    private static IEnumerable<string> Base64Forms(byte[] value)
    {
        yield return Convert.ToBase64String(value);
        for (var before = 0; before < 3; before++)
        {
            var bits = 8 * (before + value.Length);
            var first = ((8 * before) + 5) / 6;
            var text = Convert.ToBase64String([.. new byte[before], .. value])[first..(bits / 6)];

            // Shorter ones would be found by chance in text that has nothing to do with the value.
            if (text.Length >= 2 * MinLength) yield return text;
        }
    }

    [GeneratedRegex("%[0-9A-F]{2}", RegexOptions.None, 1000)]
    private static partial Regex LowerHex();

    /// <summary>The text without them.</summary>
    public string Apply(string text)
    {
        foreach (var value in values) text = text.Replace(value, Mark, StringComparison.Ordinal);
        return text;
    }

    /// <inheritdoc />
    public override string ToString() => $"{values.Length} values";
}
