namespace Reprise.Tests.House;

/// <summary>
/// C# text in which comments and the insides of strings are blanked out, so that rules about code do not stumble over
/// words in prose. Every character keeps its place, so that a position is also a position in the original.
/// </summary>
internal static class SourceText
{
    /// <summary>The code alone; of a string its first and last character remain, as quotes.</summary>
    public static string CodeOf(string source)
    {
        var code = source.ToCharArray();
        for (var i = 0; i < source.Length;)
        {
            var end = i;
            if (StartsWith(source, i, "//")) end = EndOfLine(source, i);
            else if (StartsWith(source, i, "/*")) end = After(source, i + 2, "*/");
            else if (source[i] == '\'') end = EndOfCharacter(source, i);
            else if (IsStringStart(source, i)) end = EndOfString(source, i);
            if (end == i)
            {
                i++;
                continue;
            }

            Blank(code, source, i, end);
            i = end;
        }

        return new string(code);
    }

    /// <summary>The number of the line, from 1, at a position.</summary>
    public static int LineAt(string text, int position) => text.AsSpan(0, position).Count('\n') + 1;

    private static void Blank(char[] code, string source, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            if (code[i] != '\n') code[i] = ' ';
        }

        if (source[from] == '/') return;
        code[from] = '"';
        code[to - 1] = '"';
    }

    private static bool IsStringStart(string s, int i)
    {
        var quote = i;
        while (quote < s.Length && s[quote] is '$' or '@') quote++;
        return quote < s.Length && s[quote] == '"' && quote - i <= 4;
    }

    private static int EndOfString(string s, int i)
    {
        var quote = i;
        while (s[quote] != '"') quote++;
        var prefix = s.AsSpan(i, quote - i);
        var quotes = CountOf(s, quote, '"');
        if (quotes >= 3) return After(s, quote + quotes, new string('"', quotes));
        var verbatim = prefix.Contains('@');
        var interpolated = prefix.Contains('$');
        for (var at = quote + 1; at < s.Length;)
        {
            if (s[at] == '\\' && !verbatim) at += 2;
            else if (verbatim && StartsWith(s, at, "\"\"")) at += 2;
            else if (s[at] == '"') return at + 1;
            else if (interpolated && s[at] == '{') at = StartsWith(s, at, "{{") ? at + 2 : EndOfHole(s, at + 1);
            else at++;
        }

        return s.Length;
    }

    // The expression inside an interpolated string may itself hold strings and braces.
    private static int EndOfHole(string s, int at)
    {
        for (var depth = 1; at < s.Length;)
        {
            if (IsStringStart(s, at))
            {
                at = EndOfString(s, at);
                continue;
            }

            if (s[at] == '\'')
            {
                at = EndOfCharacter(s, at);
                continue;
            }

            if (s[at] == '{') depth++;
            if (s[at] == '}' && --depth == 0) return at + 1;
            at++;
        }

        return s.Length;
    }

    private static int EndOfCharacter(string s, int i)
    {
        var at = i + 1;
        while (at < s.Length && s[at] != '\'' && s[at] != '\n') at += s[at] == '\\' ? 2 : 1;
        return Math.Min(at + 1, s.Length);
    }

    private static int EndOfLine(string s, int i)
    {
        var end = s.IndexOf('\n', i);
        return end < 0 ? s.Length : end;
    }

    private static int After(string s, int from, string what)
    {
        var at = s.IndexOf(what, from, StringComparison.Ordinal);
        return at < 0 ? s.Length : at + what.Length;
    }

    private static int CountOf(string s, int at, char c)
    {
        var count = 0;
        while (at + count < s.Length && s[at + count] == c) count++;
        return count;
    }

    private static bool StartsWith(string s, int at, string what) =>
        string.CompareOrdinal(s, at, what, 0, what.Length) == 0;
}
