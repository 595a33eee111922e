using System.Text;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>
/// Where <c>${NAME}</c> comes from: the environment, then <c>.env</c> beside the configuration. Values are never shown.
/// </summary>
internal sealed class Variables(IReadOnlyDictionary<string, string> environment, DotEnv file)
{
    private const int MaxDepth = 8;

    /// <summary>What <paramref name="name"/> is set to, or null.</summary>
    public string? Find(string name) =>
        environment.GetValueOrDefault(name) ?? file.Resolve(name, environment.GetValueOrDefault);

    /// <summary>The names that <c>.env</c> sets, in its order.</summary>
    public IEnumerable<string> FileNames => file.Entries.Select(e => e.Name);

    /// <summary>The names that are set anywhere, for suggestions.</summary>
    public IEnumerable<string> Names => FileNames.Concat(environment.Keys);

    /// <summary>
    /// Puts variables into <paramref name="text"/>: <c>${NAME}</c>, <c>${NAME:-default}</c> (also when NAME is empty),
    /// <c>$$</c> for one dollar. A dollar before anything else stays as it is.
    /// </summary>
    /// <exception cref="RepriseException"><c>variable-unset</c>, or <c>config-value</c> for a form that is not
    /// known.</exception>
    public string PutInto(string text, Place place) => PutInto(text, place, 0);

    /// <summary>Whether <paramref name="text"/> uses any variable.</summary>
    public static bool IsUsedIn(string text) =>
        text.Replace("$$", "", StringComparison.Ordinal).Contains("${", StringComparison.Ordinal);

    /// <inheritdoc />
    public override string ToString() => "variables (values are not shown)";

    private string PutInto(string text, Place place, int depth)
    {
        if (!text.Contains('$', StringComparison.Ordinal)) return text;
        var result = new StringBuilder();
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] != '$' || at + 1 == text.Length)
            {
                result.Append(text[at]);
            }
            else if (text[at + 1] == '$')
            {
                result.Append('$');
                at++;
            }
            else if (text[at + 1] == '{')
            {
                var end = ClosingBrace(text, at + 2);
                var here = place with { Column = place.Column + OffsetInLine(text, at) };
                if (end < 0)
                {
                    throw here.Error(
                        ConfigurationErrors.Value, "a ${ is not closed", "write ${NAME}, or $$ for a dollar");
                }

                result.Append(Resolve(text[(at + 2)..end], here, depth));
                at = end;
            }
            else
            {
                result.Append('$');
            }
        }

        return result.ToString();
    }

    private string Resolve(string inside, Place place, int depth)
    {
        var length = 0;
        while (length < inside.Length && IsOfName(inside[length])) length++;
        var name = inside[..length];
        var rest = inside[length..];
        var hasDefault = rest.StartsWith(":-", StringComparison.Ordinal);
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || (rest.Length > 0 && !hasDefault))
        {
            throw place.Error(
                ConfigurationErrors.Value,
                $"${{{(rest.Length > 0 && name.Length > 0 ? name + "…" : inside)}}} is not a form that is known",
                "write ${NAME} or ${NAME:-default}");
        }

        var value = Find(name);
        if (hasDefault && string.IsNullOrEmpty(value))
        {
            return depth < MaxDepth
                ? PutInto(rest[2..], place, depth + 1)
                : throw place.Error(
                    ConfigurationErrors.Value, $"defaults are nested deeper than {MaxDepth}", "write the value out");
        }

        if (value is not null) return value;
        var near = NearestWord.Find(name, Names);
        throw place.Error(
            ConfigurationErrors.VariableUnset,
            $"the variable {name} is not set",
            $"set {name} in the environment or in .env beside the configuration"
            + (near is null ? $", or write ${{{name}:-default}}" : $" ({near} is set: was that meant?)"));
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.';

    private static int ClosingBrace(string text, int from)
    {
        var open = 1;
        for (var at = from; at < text.Length; at++)
        {
            if (text[at] == '}' && --open == 0) return at;
            if (text[at] == '$' && at + 1 < text.Length && text[at + 1] == '{') open++;
        }

        return -1;
    }

    // Exact for a value on one line without escapes; of one on several lines the start is named.
    private static int OffsetInLine(string text, int at) => text.AsSpan(0, at).Contains('\n') ? 0 : at;
}
