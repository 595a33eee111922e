using System.Text.RegularExpressions;

namespace Reprise.Tests.House;

/// <summary>One breach of one rule.</summary>
/// <param name="Rule">the word that stands in <c>docs/tidy-exceptions.txt</c>.</param>
/// <param name="Path">the file.</param>
/// <param name="Line">from 1; 0 means the whole file.</param>
/// <param name="What">what is wrong, with the number.</param>
internal sealed record Finding(string Rule, string Path, int Line, string What)
{
    public override string ToString() => $"{Path}({Line}): {Rule}: {What}";
}

/// <summary>
/// The rules about single files. Each takes a file and returns what is wrong, so that each can be tested.
/// </summary>
internal static partial class TidyRules
{
    public const int MaxFileLines = 600;
    public const int MaxMethodLines = 60;
    public const int MaxLineLength = 120;

    private static readonly string[] BannedWords = ["Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Data"];

    // Written in two parts, so that this file does not break its own rule.
    private static readonly Regex Leftover = new(
        $@"\b(TO{"DO"}|FIX{"ME"}|XX{"X"}|HA{"CK"})\b", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(30));

    public static IEnumerable<Finding> Lengths(CommittedFile file)
    {
        if (!file.IsSource && !(IsScript(file) && !file.Path.StartsWith("examples/", StringComparison.Ordinal)))
            yield break;
        var lines = file.Lines;
        if (lines.Length - 1 > MaxFileLines) yield return new("file-length", file.Path, 0, $"{lines.Length - 1} lines");
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > MaxLineLength)
                yield return new("line-length", file.Path, i + 1, $"{lines[i].Length} characters");
        }

        if (!file.IsSource) yield break;
        foreach (var member in SourceMembers.Of(SourceText.CodeOf(file.Text)))
        {
            if (member.IsMethod && member.Lines > MaxMethodLines)
            {
                yield return new("method-length", file.Path, member.Line, $"{member.Name} has {member.Lines} lines");
            }
        }
    }

    public static IEnumerable<Finding> Leftovers(CommittedFile file)
    {
        if (!file.IsSource && !IsScript(file)) yield break;
        foreach (var (line, text) in Numbered(file))
        {
            if (Leftover.IsMatch(text)) yield return new("leftover", file.Path, line, text.Trim());
        }
    }

    public static IEnumerable<Finding> Names(CommittedFile file)
    {
        if (!file.IsSource) yield break;
        foreach (var (name, line) in SourceMembers.TypesOf(SourceText.CodeOf(file.Text)))
        {
            var word = BannedWords.FirstOrDefault(w => name.EndsWith(w, StringComparison.Ordinal));
            if (word is not null)
                yield return new("name", file.Path, line, $"{name}: say what it is, not that it is a {word}");
        }
    }

    public static IEnumerable<Finding> Pragmas(CommittedFile file)
    {
        if (!file.IsSource) yield break;
        foreach (var (line, text) in Numbered(file))
        {
            if (!text.TrimStart().StartsWith("#pragma warning disable", StringComparison.Ordinal)) continue;
            var reason = text.IndexOf("//", StringComparison.Ordinal);
            if (reason < 0 || text.Length - reason < 15)
                yield return new("pragma", file.Path, line, "gives no reason after //");
            if (text.Contains("RS0030", StringComparison.Ordinal))
                yield return new("ban-lifted", file.Path, line, text.Trim());
        }
    }

    public static IEnumerable<Finding> Titles(CommittedFile file)
    {
        if (!file.IsDocument || file.Path.StartsWith("changes/", StringComparison.Ordinal)) yield break;
        var titles = OutsideOfFences(file).Count(l => l.Text.StartsWith("# ", StringComparison.Ordinal));
        if (titles != 1) yield return new("title", file.Path, 0, $"{titles} lines begin with one #; one must");
    }

    public static IEnumerable<Finding> Links(
        CommittedFile file, Func<string, bool> exists, Func<string, string?> documentText)
    {
        if (!file.IsDocument) yield break;
        foreach (var (line, text) in OutsideOfFences(file))
        {
            foreach (var match in Link().Matches(InlineCode().Replace(text, "")).Cast<Match>())
            {
                var target = match.Groups["target"].Value;
                if (Scheme().IsMatch(target)) continue;
                var parts = target.Split('#', 2);
                var path = parts[0].Length == 0 ? file.Path : Normalised(file.Folder, parts[0]);
                if (!exists(path)) yield return new("link", file.Path, line, $"{target} leads nowhere");
                else if (parts.Length == 2 && documentText(path) is { } document && !HasAnchor(document, parts[1]))
                {
                    yield return new("link", file.Path, line, $"{path} has no heading #{parts[1]}");
                }
            }
        }
    }

    public static IEnumerable<Finding> PathsOfThisMachine(CommittedFile file, IEnumerable<string> forbidden)
    {
        foreach (var (line, text) in Numbered(file))
        {
            foreach (var path in forbidden.Where(f => text.Contains(f, StringComparison.Ordinal)))
            {
                yield return new("machine", file.Path, line, $"names {path}");
            }
        }
    }

    public static IEnumerable<Finding> Interop(CommittedFile file)
    {
        if (!file.IsSource || !file.Path.StartsWith("src/", StringComparison.Ordinal)) yield break;
        if (file.Path.StartsWith("src/Reprise.Storage/Disk/", StringComparison.Ordinal)) yield break;
        var code = SourceText.CodeOf(file.Text);
        foreach (var match in Unsafe().Matches(code).Cast<Match>())
        {
            yield return new(
                "interop", file.Path, SourceText.LineAt(code, match.Index), $"{match.Value} outside Storage/Disk");
        }
    }

    /// <summary>Every public type of a library tells in a summary what it is.</summary>
    public static IEnumerable<Finding> Summaries(CommittedFile file)
    {
        if (!file.IsSource || !file.Path.StartsWith("src/Reprise.", StringComparison.Ordinal)) yield break;
        var lines = file.Lines;
        for (var i = 0; i < lines.Length; i++)
        {
            if (!PublicType().IsMatch(lines[i])) continue;
            var above = i - 1;
            while (above >= 0 && lines[above].TrimStart().StartsWith('[')) above--;
            if (above < 0 || !lines[above].TrimStart().StartsWith("///", StringComparison.Ordinal))
            {
                yield return new("summary", file.Path, i + 1, "a public type without a summary");
            }
        }
    }

    public static bool IsScript(CommittedFile file) =>
        file.Path.EndsWith(".py", StringComparison.Ordinal) || file.Text.StartsWith("#!", StringComparison.Ordinal);

    private static IEnumerable<(int Line, string Text)> Numbered(CommittedFile file) =>
        file.Lines.Select((t, i) => (i + 1, t));

    private static IEnumerable<(int Line, string Text)> OutsideOfFences(CommittedFile file)
    {
        var inside = false;
        foreach (var (line, text) in Numbered(file))
        {
            var fence = text.TrimStart().StartsWith("```", StringComparison.Ordinal);
            if (fence) inside = !inside;
            if (!fence && !inside) yield return (line, text);
        }
    }

    private static string Normalised(string folder, string target)
    {
        List<string> parts = [.. folder.Split('/', StringSplitOptions.RemoveEmptyEntries)];
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0) parts.RemoveAt(parts.Count - 1);
            else if (part != ".") parts.Add(part);
        }

        return string.Join('/', parts);
    }

    private static bool HasAnchor(string document, string anchor) => document.Split('\n')
        .Where(l => l.StartsWith('#'))
        .Select(l => NotInAnchor().Replace(l.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))
        .Contains(anchor);

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`", RegexOptions.None, 30_000)]
    private static partial Regex InlineCode();

    [GeneratedRegex("^(https?|mailto):", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.None, 30_000)]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"\b(LibraryImport|DllImport|unsafe)\b", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Unsafe();

    [GeneratedRegex(
        @"^\s*public\s+((static|sealed|abstract|readonly|ref|partial)\s+)*(class|struct|record|interface|enum)\s",
        RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex PublicType();
}
