using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Configuration;

/// <summary>
/// A <c>.env</c> file: <c>NAME=value</c> lines as Compose and python-dotenv read them. Single quotes keep everything,
/// double quotes know <c>\n \t \" \\ \$</c>, without quotes a <c> #</c> begins a comment. <c>${NAME}</c> and
/// <c>${NAME:-default}</c> are put in later, by <see cref="Variables"/>, except between single quotes.
/// </summary>
internal sealed partial class EnvironmentFile
{
    private readonly Dictionary<string, EnvironmentValue> values = new(StringComparer.Ordinal);

    private EnvironmentFile()
    {
    }

    /// <summary>No file: nothing is set.</summary>
    public static EnvironmentFile Empty { get; } = new();

    /// <summary>The names that it sets, in order.</summary>
    public IReadOnlyCollection<string> Names => values.Keys;

    /// <summary>Reads <paramref name="text"/>; of a name that is set twice the last one counts.</summary>
    public static EnvironmentFile Parse(string text, string file)
    {
        var result = new EnvironmentFile();
        var lines = text.Split('\n');
        for (var index = 0; index < lines.Length; index++)
        {
            var line = lines[index].TrimEnd('\r').Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            var place = new Place(file, index + 1, 1);
            var match = Assignment().Match(line);
            if (!match.Success)
            {
                throw place.Error(
                    ConfigurationErrors.EnvironmentFileInvalid,
                    "this line is not NAME=value",
                    "write NAME=value, or begin the line with # to make it a comment");
            }

            var rest = match.Groups["value"].Value;
            result.values[match.Groups["name"].Value] = rest is ['\'' or '"', ..]
                ? ReadQuoted(rest, lines, ref index, place)
                : new EnvironmentValue(CutComment(rest), true, place);
        }

        return result;
    }

    /// <summary>What a name is set to, variables inside not yet put in; null when it is not set.</summary>
    public EnvironmentValue? Find(string name) => values.GetValueOrDefault(name);

    /// <inheritdoc />
    public override string ToString() => $"{values.Count} names (values are not shown)";

    private static string CutComment(string value)
    {
        if (value.StartsWith('#')) return "";
        var comment = value.IndexOf(" #", StringComparison.Ordinal);
        return (comment < 0 ? value : value[..comment]).Trim();
    }

    // A quoted value may span lines; index moves to the line where the quote is closed.
    private static EnvironmentValue ReadQuoted(string rest, string[] lines, ref int index, Place place)
    {
        var quote = rest[0];
        var value = new StringBuilder();
        var at = 1;
        while (true)
        {
            if (at >= rest.Length)
            {
                if (++index >= lines.Length)
                {
                    throw place.Error(
                        ConfigurationErrors.EnvironmentFileInvalid,
                        "the quote that is opened here is not closed",
                        $"close it with {quote}");
                }

                value.Append('\n');
                rest = lines[index].TrimEnd('\r');
                at = 0;
                continue;
            }

            var c = rest[at++];
            if (c == quote) return new EnvironmentValue(value.ToString(), quote == '"', place);
            if (c == '\\' && quote == '"' && at < rest.Length)
            {
                var escaped = rest[at++];
                value.Append(escaped switch
                {
                    'n' => "\n",
                    't' => "\t",
                    'r' => "\r",
                    // A dollar written \$ stays one: variables double it when they are put in.
                    '$' => "$$",
                    '"' or '\\' => escaped.ToString(),
                    _ => "\\" + escaped,
                });
            }
            else
            {
                value.Append(c);
            }
        }
    }

    [GeneratedRegex(
        @"^(export\s+)?(?<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?<value>.*)\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Assignment();
}

/// <summary>A value of a <c>.env</c> file.</summary>
/// <param name="Text">as it stands there.</param>
/// <param name="HasVariables">whether variables are put into it.</param>
/// <param name="Place">where it stands.</param>
internal sealed record EnvironmentValue(string Text, bool HasVariables, Place Place)
{
    /// <inheritdoc />
    public override string ToString() => $"(the value at {Place} is not shown)";
}
