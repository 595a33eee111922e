using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Recovery.Runbooks;

/// <summary>
/// What <c>{name}</c> stands for in prose and commands: facts of the user's configuration, inputs (<c>{input.NAME}</c>)
/// and what earlier steps answered (<c>{step.ID.NAME}</c>). Values are never secrets: they end in arguments and on paper.
/// </summary>
public sealed partial class Placeholders(IReadOnlyDictionary<string, string> values)
{
    /// <summary>The values by name.</summary>
    public IReadOnlyDictionary<string, string> Values => values;

    /// <summary>These and further ones; the further ones win.</summary>
    public Placeholders With(IEnumerable<KeyValuePair<string, string>> further)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in values.Concat(further)) all[name] = value;
        return new Placeholders(all);
    }

    /// <summary>The names that <paramref name="text"/> uses.</summary>
    public static IEnumerable<string> In(string text) => Form().Matches(text).Select(m => m.Groups["name"].Value);

    /// <summary>The text with its values; a name without one is added to <paramref name="missing"/> and marked.</summary>
    public string Put(string text, ISet<string> missing) => Form().Replace(text, match =>
    {
        var name = match.Groups["name"].Value;
        if (values.TryGetValue(name, out var value)) return value;
        missing.Add(name);
        return $"‹{name}›";
    });

    /// <summary>The text with its values, what is not known marked: for paper.</summary>
    public string Show(string text) => Put(text, new HashSet<string>());

    /// <summary>Arguments as one line that can be copied into a shell.</summary>
    public static string Line(IEnumerable<string> arguments)
    {
        var line = new StringBuilder();
        foreach (var argument in arguments) line.Append(line.Length == 0 ? "" : " ").Append(Quote(argument));
        return line.ToString();
    }

    private static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./:=,@%+‹›~".Contains(c, StringComparison.Ordinal))
            ? argument
            : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    [GeneratedRegex(@"(?<![{$])\{(?<name>[a-z][a-z0-9.-]*)\}(?!\})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
