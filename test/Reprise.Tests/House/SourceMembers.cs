using System.Text.RegularExpressions;

namespace Reprise.Tests.House;

/// <summary>A member of a type: what stands between its attributes and its end.</summary>
/// <param name="Header">up to its body, on one line.</param>
/// <param name="Body">everything, header included, without comments and the insides of strings.</param>
/// <param name="Line">where it starts, from 1.</param>
/// <param name="Lines">how many lines it has.</param>
internal sealed partial record SourceMember(string Header, string Body, int Line, int Lines)
{
    /// <summary>Whether it is code that runs, not a field or a table of values.</summary>
    public bool IsMethod => Header.Contains('(', StringComparison.Ordinal)
        || Header.Contains("operator", StringComparison.Ordinal)
        || Body.Contains("=>", StringComparison.Ordinal)
        || AccessorBody().IsMatch(Body);

    /// <summary>The name before the parameter list, or empty.</summary>
    public string Name => NameBeforeParameters().Match(Attributes().Replace(Header, "")) is { Success: true } match
        ? match.Groups["name"].Value
        : "";

    [GeneratedRegex(@"\b(get|set|init)\s*\{", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex AccessorBody();

    [GeneratedRegex(@"(?<name>\w+)\s*(<[^()]*>)?\s*\(", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex NameBeforeParameters();

    [GeneratedRegex(@"^\s*(\[[^\]]*(\[[^\]]*\][^\]]*)*\]\s*)+", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Attributes();
}

/// <summary>
/// Finds types and their members by their braces. It needs code that compiles, which the build has seen to.
/// </summary>
internal static partial class SourceMembers
{
    /// <summary>The names of all types that a file declares, with their lines.</summary>
    public static IEnumerable<(string Name, int Line)> TypesOf(string code) => TypeDeclaration().Matches(code)
        .Select(m => (m.Groups["name"].Value, SourceText.LineAt(code, m.Groups["name"].Index)));

    /// <summary>All members of all types of a file.</summary>
    public static IEnumerable<SourceMember> Of(string code)
    {
        // Of each open brace: does it hold members, and where does the member being read start?
        var insideType = new Stack<bool>();
        var start = 0;
        for (var i = 0; i < code.Length; i++)
        {
            if (code[i] == '{')
            {
                if (HoldsMembers(code[start..i]))
                {
                    insideType.Push(true);
                    start = i + 1;
                    continue;
                }

                var end = Closing(code, i);
                // An initialiser or a further expression may follow the brace; then the member ends at its semicolon.
                if (ContinuesAfter(code, start, i, end))
                {
                    i = end;
                    continue;
                }

                if (insideType.Count > 0) yield return Member(code, start, end + 1);
                i = end;
                start = i + 1;
            }
            else if (code[i] == '}')
            {
                if (insideType.Count > 0) insideType.Pop();
                start = i + 1;
            }
            else if (code[i] == ';')
            {
                if (insideType.Count > 0) yield return Member(code, start, i + 1);
                start = i + 1;
            }
        }
    }

    private static bool HoldsMembers(string header)
    {
        var plain = Constraint().Replace(header, "");
        return !plain.Contains("=>", StringComparison.Ordinal)
            && (TypeDeclaration().IsMatch(plain) || NamespaceOrExtension().IsMatch(plain));
    }

    private static bool ContinuesAfter(string code, int start, int open, int close)
    {
        var header = code[start..open];
        if (header.Contains("=>", StringComparison.Ordinal) || FieldInitialiser().IsMatch(header)) return true;
        var after = close + 1;
        while (after < code.Length && char.IsWhiteSpace(code[after])) after++;
        return after < code.Length && code[after] == '=';
    }

    private static int Closing(string code, int open)
    {
        var depth = 0;
        for (var i = open; i < code.Length; i++)
        {
            if (code[i] == '{') depth++;
            if (code[i] == '}' && --depth == 0) return i;
        }

        return code.Length - 1;
    }

    private static SourceMember Member(string code, int start, int end)
    {
        while (start < end && char.IsWhiteSpace(code[start])) start++;
        var body = code[start..end];
        var opening = body.IndexOfAny(['{', '=', ';']);
        var header = Regex.Replace(
            opening < 0 ? body : body[..opening], @"\s+", " ", RegexOptions.None, TimeSpan.FromSeconds(30));
        return new SourceMember(header.Trim(), body, SourceText.LineAt(code, start), body.Count(c => c == '\n') + 1);
    }

    [GeneratedRegex(
        @"(?<![.:,(<]\s*)\b(class|struct|interface|enum|record(\s+(class|struct))?)\s+(?<name>[A-Z]\w*)",
        RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(
        @"\bnamespace\s+[\w.]+\s*$|\bextension\s*(<[^>]*>)?\s*\([^)]*\)\s*$", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex NamespaceOrExtension();

    [GeneratedRegex(@"\bwhere\s+\w+\s*:[^{]*", RegexOptions.None, 30_000)]
    private static partial Regex Constraint();

    // An equals sign outside parentheses and attributes, as in: private readonly X x = new() {
    [GeneratedRegex(@"^[^(]*[^=!<>]=[^=>]|\w\s*=\s*new\b", RegexOptions.None, 30_000)]
    private static partial Regex FieldInitialiser();
}
