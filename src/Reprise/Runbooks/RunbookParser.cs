using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Errors;

namespace Reprise.Runbooks;

/// <summary>
/// Reads a <c>*.runbook.md</c>: YAML between two lines <c>---</c>, then Markdown in which fences with a known word
/// behind them (<c>```act stop-application</c>) are steps. Unknown keys and types are errors at their place.
/// </summary>
internal static partial class RunbookParser
{
    /// <summary>The words that make a fence a step.</summary>
    public static IReadOnlyList<string> Types { get; } =
        [.. Enum.GetValues<StepType>().Select(t => t.ToString().ToLowerInvariant())];

    // Code that is only shown: a fence that begins with one of these is prose.
    private static readonly string[] ShownOnly = ["sh", "bash", "console", "text", "yaml", "json", "sql", "ini", "powershell"];

    // Nothing is put in while parsing: {name} is, when the configuration is known.
    private static readonly Variables NoVariables = new(new Dictionary<string, string>(), DotEnv.Empty);

    /// <summary>Reads a runbook.</summary>
    /// <param name="text">the file.</param>
    /// <param name="source">its path, or what stands for it.</param>
    /// <exception cref="RepriseException"><c>runbook-invalid</c>, with line and column.</exception>
    public static Runbook Parse(string text, string source)
    {
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        try
        {
            return Read(text, source);
        }
        catch (RepriseException e) when (e.Code != RunbookErrors.Invalid)
        {
            throw new RepriseException(e.Problem with { Code = RunbookErrors.Invalid }, e);
        }
    }

    private static Runbook Read(string text, string source)
    {
        var lines = text.Split('\n');
        var end = lines[0] == "---" ? Array.IndexOf(lines, "---", 1) : -1;
        if (end < 0)
        {
            throw new Place(source, 1, 1).Error(
                RunbookErrors.Invalid, "the file does not begin with front matter", "put YAML between two lines --- at its top");
        }

        var head = Section.Of(
            Yaml(lines, 1, end, source),
            "the front matter",
            NoVariables,
            "runbook", "version", "title", "language", "incident", "symptoms", "words", "activation", "deactivation",
            "escalation", "inputs", "rehearsal");
        var name = head.NeedText("runbook");
        if (!NameForm().IsMatch(name)) throw Wrong(head.Need("runbook"), $"'{name}' is no name", "write it-like-this");
        var parts = Parts(lines, end + 1, source);
        IReadOnlyList<RunbookInput> inputs = [.. Inputs(head)];
        return new Runbook
        {
            Id = name,
            Version = head.Number("version", 1, 1_000_000) ?? 1,
            Title = head.NeedText("title"),
            Language = head.Text("language") ?? "en",
            Incident = Some(head, "incident"),
            Symptoms = Some(head, "symptoms"),
            Words = head.Texts("words"),
            Activation = head.Text("activation"),
            Deactivation = head.Text("deactivation"),
            Escalation = head.NeedText("escalation"),
            Inputs = inputs,
            Rehearsal = RehearsalReader.Read(
                head, NoVariables, [.. parts.OfType<RunbookPart.Step>().Select(p => p.Value)], inputs),
            Parts = parts,
            Text = text,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            Source = source,
        };
    }

    // Empty lines before keep the places of the YAML those of the file.
    private static YamlNode Yaml(string[] lines, int from, int to, string source) =>
        RefuseVariables(YamlReader.Read(new string('\n', from) + string.Join('\n', lines[from..to]) + "\n", source)
            ?? throw new Place(source, from + 1, 1).Error(RunbookErrors.Invalid, "nothing stands here", "write key: value"));

    private static YamlNode RefuseVariables(YamlNode node)
    {
        switch (node)
        {
            case YamlNode.Scalar scalar when scalar.Text.Contains("${", StringComparison.Ordinal):
                throw Wrong(node, "a runbook takes no ${…}", "write {name}; reprise runbook show --facts lists the names");
            case YamlNode.Mapping mapping:
                foreach (var entry in mapping.Entries) RefuseVariables(entry.Value);
                break;
            case YamlNode.Sequence list:
                foreach (var item in list.Items) RefuseVariables(item);
                break;
        }

        return node;
    }

    private static IReadOnlyList<string> Some(Section section, string key) =>
        section.Texts(key) is { Count: > 0 } texts
            ? texts
            : throw Wrong(section.Need(key), $"{key} is empty", "write at least one");

    private static IEnumerable<RunbookInput> Inputs(Section head)
    {
        if (head.Find("inputs") is not { } value) yield break;
        var inputs = Section.OfNames(value, "inputs", NoVariables);
        foreach (var entry in inputs.Entries)
        {
            var input = Section.Of(entry.Value, $"inputs.{entry.Key}", NoVariables, "ask", "default", "kind");
            if (input.Find("kind") is { } kind && input.NeedText("kind") is not ("text" or "point"))
                throw Wrong(kind, "kind is 'text' or 'point'", "leave it out for text");
            yield return new RunbookInput(
                entry.Key, input.NeedText("ask"), input.Text("default"), input.Text("kind") == "point");
        }
    }

    private static List<RunbookPart> Parts(string[] lines, int from, string source)
    {
        var parts = new List<RunbookPart>();
        var start = from;
        for (var at = from; at < lines.Length; at++)
        {
            if (!lines[at].StartsWith("```", StringComparison.Ordinal)) continue;
            var close = Array.FindIndex(lines, at + 1, l => l.TrimEnd() == "```");
            if (close < 0)
            {
                throw new Place(source, at + 1, 1).Error(
                    RunbookErrors.Invalid, "the fence that opens here is not closed", "add a line ```");
            }

            var words = lines[at][3..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && !ShownOnly.Contains(words[0]))
            {
                AddProse(parts, lines, start, at);
                parts.Add(new RunbookPart.Step(Step(words, lines, at, close, source)));
                start = close + 1;
            }

            at = close;
        }

        AddProse(parts, lines, start, lines.Length);
        return parts;
    }

    private static void AddProse(List<RunbookPart> parts, string[] lines, int from, int to)
    {
        var prose = string.Join('\n', lines[from..to]).Trim('\n');
        if (prose.Trim().Length > 0) parts.Add(new RunbookPart.Prose(prose, from + 1));
    }

    private static RunbookStep Step(string[] words, string[] lines, int at, int close, string source)
    {
        var place = new Place(source, at + 1, 4);
        if (!Types.Contains(words[0]))
        {
            var near = NearestWord.Find(words[0], Types);
            throw place.Error(
                RunbookErrors.Invalid,
                $"there is no step of type '{words[0]}'",
                (near is null ? "" : $"did you mean {near}? ") + $"a step is one of {string.Join(", ", Types)}");
        }

        if (words.Length != 2 || !NameForm().IsMatch(words[1]))
        {
            throw place.Error(
                RunbookErrors.Invalid, $"the {words[0]} has no name", $"write ```{words[0]} its-name");
        }

        var type = Enum.Parse<StepType>(words[0], ignoreCase: true);
        return StepReader.Read(type, words[1], Yaml(lines, at + 1, close, source), NoVariables, place);
    }

    internal static RepriseException Wrong(YamlNode node, string message, string hint) =>
        node.Place.Error(RunbookErrors.Invalid, message, hint);

    internal static bool IsName(string text) => NameForm().IsMatch(text);

    [GeneratedRegex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NameForm();
}
