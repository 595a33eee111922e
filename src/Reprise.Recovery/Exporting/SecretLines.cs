using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// Lines of a <c>.env</c> file that Compose, python-dotenv and we ourselves read back as the same values.
/// </summary>
internal static partial class SecretLines
{
    /// <summary>
    /// <paramref name="present"/> with a line for each secret that it does not set yet; what it sets is the point's own
    /// file and stays.
    /// </summary>
    public static string Append(string present, IEnumerable<KeyValuePair<string, string>> secrets)
    {
        var names = Assignment().Matches(present).Select(m => m.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var text = new StringBuilder(present);
        if (present.Length > 0 && present[^1] != '\n') text.Append('\n');
        foreach (var (name, value) in secrets.Where(s => names.Add(s.Key))) text.Append($"{name}={Quote(value)}\n");
        return text.ToString();
    }

    /// <summary>The value, in quotes where a reader would take something of it for syntax.</summary>
    public static string Quote(string value)
    {
        if (value.Length > 0 && value.All(IsPlain)) return value;
        if (!value.AsSpan().ContainsAny("'\n\r\\")) return $"'{value}'";
        var quoted = new StringBuilder("\"");
        foreach (var c in value)
        {
            quoted.Append(c switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '$' or '"' or '\\' => $"\\{c}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private static bool IsPlain(char c) =>
        char.IsAsciiLetterOrDigit(c) || "-_./:@%+,".Contains(c, StringComparison.Ordinal);

    [GeneratedRegex(
        @"^\s*(export\s+)?(?<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        1000)]
    private static partial Regex Assignment();
}
