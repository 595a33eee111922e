using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Runbooks;

/// <summary>
/// Makes a page of the Markdown that our own pages use: headings, paragraphs, lists, quotes, fences, bold, code, links.
/// Everything else is text. One file without any request to elsewhere: it is read when nothing else works.
/// </summary>
internal static partial class HtmlPage
{
    private const string Style = """
        body { font: 17px/1.55 system-ui, sans-serif; color: #1c2430; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.7rem; line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #cfd6df; }
        h3 { margin-top: 1.8rem; } code { font: 0.92em ui-monospace, monospace; background: #f0f3f7; padding: 0 .2em; }
        pre { background: #f0f3f7; border-left: 4px solid #2f6db5; padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; }
        pre code { background: none; padding: 0; } blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 4px solid #c98a1b; }
        .done { float: right; font-size: .9rem; color: #444; white-space: nowrap; }
        @media print { body { margin: 0; max-width: none; font-size: 11pt; } h3, pre, blockquote { break-inside: avoid; }
          h3 { break-after: avoid; } pre { border: 1px solid #999; } }
        """;

    /// <summary>The page; <paramref name="forPaper"/> adds a box and a place for the time to each step.</summary>
    public static string Of(string markdown, string title, string language, bool forPaper)
    {
        var body = new StringBuilder();
        var lines = markdown.Split('\n');
        for (var at = 0; at < lines.Length;) at = Block(lines, at, body, forPaper);
        return $"<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n"
            + $"<meta name=\"viewport\" content=\"width=device-width\">\n<title>{Text(title)}</title>\n"
            + $"<style>\n{Style}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n";
    }

    // Returns the line after the block that begins at this one.
    private static int Block(string[] lines, int at, StringBuilder body, bool forPaper)
    {
        var line = lines[at];
        if (line.Trim().Length == 0) return at + 1;
        if (line.StartsWith("```", StringComparison.Ordinal))
        {
            var end = Array.FindIndex(lines, at + 1, l => l.StartsWith("```", StringComparison.Ordinal));
            if (end < 0) end = lines.Length;
            body.Append($"<pre><code>{Text(string.Join('\n', lines[(at + 1)..end]))}</code></pre>\n");
            return Math.Min(end + 1, lines.Length);
        }

        if (Heading().Match(line) is { Success: true } heading)
        {
            var level = heading.Groups["marks"].Length;
            var box = forPaper && level == 3 ? "<span class=\"done\">☐ ____:____</span>" : "";
            body.Append($"<h{level}>{box}{Inline(heading.Groups["text"].Value)}</h{level}>\n");
            return at + 1;
        }

        if (Item().IsMatch(line)) return List(lines, at, body);
        var tag = line.StartsWith('>') ? "blockquote" : "p";
        var next = at;
        var paragraph = new List<string>();
        while (next < lines.Length && lines[next].Trim().Length > 0 && !Breaks(lines[next], next == at))
            paragraph.Add(lines[next++].TrimStart('>', ' '));
        body.Append($"<{tag}>{Inline(string.Join('\n', paragraph))}</{tag}>\n");
        return next;
    }

    private static bool Breaks(string line, bool isFirst) => !isFirst
        && (line.StartsWith("```", StringComparison.Ordinal) || Heading().IsMatch(line) || Item().IsMatch(line));

    private static int List(string[] lines, int at, StringBuilder body)
    {
        var tag = char.IsAsciiDigit(lines[at].TrimStart()[0]) ? "ol" : "ul";
        body.Append($"<{tag}>\n");
        while (at < lines.Length && Item().Match(lines[at]) is { Success: true } item)
        {
            var text = item.Groups["text"].Value;
            for (at++; at < lines.Length && lines[at].StartsWith("  ", StringComparison.Ordinal) && !Item().IsMatch(lines[at]); at++)
                text += "\n" + lines[at].Trim();
            var isBox = text.StartsWith("[ ] ", StringComparison.Ordinal);
            body.Append($"<li>{(isBox ? "☐ " : "")}{Inline(isBox ? text[4..] : text)}</li>\n");
        }

        body.Append($"</{tag}>\n");
        return at;
    }

    private static string Inline(string text)
    {
        var html = new StringBuilder();
        var parts = text.Split('`');
        for (var i = 0; i < parts.Length; i++)
        {
            var isCode = i % 2 == 1 && i < parts.Length - 1;
            html.Append(isCode ? $"<code>{Text(parts[i])}</code>" : Bold().Replace(Text(parts[i]), "<strong>${text}</strong>"));
        }

        return html.ToString();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    [GeneratedRegex("^(?<marks>#{1,4}) (?<text>.+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\s*([-*]|\d+\.) (?<text>.+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Item();

    [GeneratedRegex(@"\*\*(?<text>.+?)\*\*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Bold();
}
