using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Setup;

/// <summary>Writes values so that <see cref="Configuration.YamlReader"/> reads exactly them again.</summary>
internal static partial class YamlText
{
    /// <summary>A text that holds no variables: a dollar is doubled.</summary>
    public static string Literal(string text) => Expression(text.Replace("$", "$$", StringComparison.Ordinal));

    /// <summary>A text in which <c>${NAME}</c> stays a variable; quoted where it must be.</summary>
    public static string Expression(string text)
    {
        if (Plain().IsMatch(text) && !NotText().IsMatch(text)) return text;
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                _ when char.IsControl(c) => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>A list between brackets.</summary>
    public static string List(IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    [GeneratedRegex(@"^[A-Za-z0-9_./~-]([A-Za-z0-9_./~@+-]*[A-Za-z0-9_./~-])?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Plain();

    [GeneratedRegex(
        @"^([-+.]?[0-9].*|~|null|true|false|yes|no|on|off|-.*|\.(inf|nan))\z",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex NotText();
}
