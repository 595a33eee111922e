using System.Text;
using System.Text.RegularExpressions;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Secrets;

/// <summary>
/// A <c>.env</c> file, read as Compose and python-dotenv read it: <c>NAME=value</c>, <c>export</c> before it is fine,
/// single quotes keep everything, double quotes know <c>\n \r \t \" \\ \$</c>, both may span lines; without quotes
/// <c> #</c> begins a comment. Lines end with LF or CRLF; a byte order mark is skipped. Of a name that is set twice the
/// last one counts. Printing it shows no value.
/// </summary>
public sealed partial class DotEnv
{
    /// <summary>Larger ones are refused by whoever reads the file.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const int MaxDepth = 8;

    private readonly string text;

    private DotEnv(string text, List<DotEnvEntry> entries)
    {
        this.text = text;
        Entries = entries;
    }

    /// <summary>A file that sets nothing.</summary>
    public static DotEnv Empty { get; } = new("", []);

    /// <summary>Everything that is set, in order, names that are set twice included.</summary>
    public IReadOnlyList<DotEnvEntry> Entries { get; }

    /// <summary>
    /// Reads <paramref name="text"/>; <c>dotenv-invalid</c> names <paramref name="file"/> and the line, never a value.
    /// </summary>
    public static DotEnv Parse(string text, string file)
    {
        var entries = new List<DotEnvEntry>();
        var number = 0;
        for (var at = text.StartsWith('\uFEFF') ? 1 : 0; at < text.Length;)
        {
            number++;
            var end = LineEnd(text, at);
            var line = text[at..end].TrimEnd('\r');
            if (line.AsSpan().Trim() is [] or ['#', ..])
            {
                at = end + 1;
                continue;
            }

            var match = Assignment().Match(line);
            if (!match.Success) throw Invalid(
                file, number, "is not NAME=value", "write NAME=value, or begin the line with #");
            var start = at + match.Groups["value"].Index;
            var entry = text.AsSpan(start) is ['\'' or '"', ..]
                ? ReadQuoted(text, start, file, number)
                : ReadPlain(text, start, end);
            entries.Add(entry with { Name = match.Groups["name"].Value, Line = number });
            number += text.AsSpan(at, entry.EndsAt - at).Count('\n');
            at = LineEnd(text, entry.EndsAt) + 1;
        }

        return new DotEnv(text, entries);
    }

    /// <summary>The entry that counts for a name, or null.</summary>
    public DotEnvEntry? Find(string name) => Entries.LastOrDefault(e => e.Name == name);

    /// <summary>
    /// The value of a name with <c>${NAME}</c>, <c>${NAME:-default}</c> and <c>$NAME</c> put in, from
    /// <paramref name="environment"/> first and then from this file, as Compose does it; null when it is not set.
    /// </summary>
    public string? Resolve(string name, Func<string, string?> environment) => Resolve(name, environment, 0);

    /// <summary>
    /// The text of the file with other values for some names, everything else letter by letter as it was; names that it
    /// lacks are appended.
    /// </summary>
    public string With(IReadOnlyDictionary<string, string> values)
    {
        var result = new StringBuilder(text);

        // From the end, so that the places of the entries before stay what they are.
        foreach (var entry in Entries.Reverse())
        {
            if (!values.TryGetValue(entry.Name, out var value)) continue;
            result.Remove(entry.StartsAt, entry.EndsAt - entry.StartsAt).Insert(entry.StartsAt, Quote(value));
        }

        var newLine = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        foreach (var (name, value) in values.Where(v => Find(v.Key) is null))
        {
            if (result.Length > 0 && result[^1] != '\n') result.Append(newLine);
            result.Append(name).Append('=').Append(Quote(value)).Append(newLine);
        }

        return result.ToString();
    }

    /// <inheritdoc />
    public override string ToString() => $"{Entries.Count} names (values are not shown)";

    private static int LineEnd(string text, int from) =>
        text.IndexOf('\n', from) is var end and >= 0 ? end : text.Length;

    private static DotEnvEntry ReadPlain(string text, int start, int end)
    {
        var value = text.AsSpan(start, end - start);
        if (value.StartsWith("#")) value = "";
        else if (value.IndexOf(" #") is var comment and >= 0) value = value[..comment];
        value = value.TrimEnd();
        return new DotEnvEntry
        {
            Text = value.ToString(), IsLiteral = false, StartsAt = start, EndsAt = start + value.Length,
        };
    }

    private static DotEnvEntry ReadQuoted(string text, int start, string file, int line)
    {
        var quote = text[start];
        var value = new StringBuilder();
        for (var at = start + 1; at < text.Length; at++)
        {
            var c = text[at];
            if (c == quote)
            {
                return new DotEnvEntry
                {
                    Text = value.ToString(), IsLiteral = quote == '\'', StartsAt = start, EndsAt = at + 1,
                };
            }

            // A line that ends with CRLF ends with a line feed for the program that reads the value.
            if (c == '\r' && at + 1 < text.Length && text[at + 1] == '\n') continue;
            if (c == '\\' && quote == '"' && at + 1 < text.Length) value.Append(Escaped(text[++at]));
            else value.Append(c);
        }

        throw Invalid(file, line, "opens a quote that is not closed", $"close it with {quote}");
    }

    private static string Escaped(char c) => c switch
    {
        'n' => "\n",
        't' => "\t",
        'r' => "\r",
        // Stays a dollar when variables are put in.
        '$' => "$$",
        '"' or '\\' => c.ToString(),
        _ => "\\" + c,
    };

    private static string Quote(string value)
    {
        if (!value.AsSpan().ContainsAny("'\n\r")) return Plain().IsMatch(value) ? value : "'" + value + "'";
        var quoted = new StringBuilder("\"");
        foreach (var c in value)
        {
            quoted.Append(c switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '"' or '\\' or '$' => "\\" + c,
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private string? Resolve(string name, Func<string, string?> environment, int depth)
    {
        if (Find(name) is not { } entry) return null;
        if (entry.IsLiteral || !entry.Text.Contains('$', StringComparison.Ordinal)) return entry.Text;
        return Variable().Replace(entry.Text, match =>
        {
            if (match.Value == "$$") return "$";
            var inner = match.Groups["name"].Value;
            var value = environment(inner);

            // A name within its own value means the one of the environment, never itself.
            if (value is null && depth < MaxDepth && inner != name) value = Resolve(inner, environment, depth + 1);
            return string.IsNullOrEmpty(value) && match.Groups["default"].Success
                ? match.Groups["default"].Value
                : value ?? "";
        });
    }

    private static RepriseException Invalid(string file, int line, string what, string hint) => new(
        new Problem(RecoveryErrors.DotEnvInvalid, Severity.Error, $"line {line} of {file} {what}", hint)
        {
            Where = $"{file}:{line}",
        });

    [GeneratedRegex(
        @"^\s*(export\s+)?(?<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*(?<value>.*)$",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Assignment();

    [GeneratedRegex(
        @"\$\$|\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(:?-(?<default>[^}]*))?\}|\$(?<name>[A-Za-z_][A-Za-z0-9_]*)",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^[A-Za-z0-9_./:@%+,=-]+\z", RegexOptions.None, 1000)]
    private static partial Regex Plain();
}

/// <summary>One assignment of a <c>.env</c> file. Printing it shows no value.</summary>
public sealed record DotEnvEntry
{
    /// <summary>Its name.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// Its value as it stands there, quotes and escapes undone, variables not put in (a literal dollar is <c>$$</c>).
    /// </summary>
    public required string Text { get; init; }

    /// <summary>Whether it stood in single quotes, so that nothing is put in.</summary>
    public required bool IsLiteral { get; init; }

    /// <summary>The line of its name, from 1.</summary>
    public int Line { get; init; }

    /// <summary>Where the value begins in the text, its quote included.</summary>
    internal int StartsAt { get; init; }

    /// <summary>The first character after the value and its quote.</summary>
    internal int EndsAt { get; init; }

    /// <inheritdoc />
    public override string ToString() => $"{Name} (line {Line}, the value is not shown)";
}
