using System.Text;

namespace Reprise.Reports;

/// <summary>
/// Writes HTML that is XML as well. All text is escaped here; characters that XML does not have, and those that turn the
/// direction of writing (which could make a report read otherwise than it is), become U+FFFD.
/// </summary>
internal sealed class HtmlText
{
    private const char Replacement = '\ufffd';
    private readonly StringBuilder text = new();

    /// <summary>Opens an element; disposing closes it.</summary>
    public Closing Tag(string name, params (string Name, string Value)[] attributes)
    {
        Open(name, attributes);
        text.Append('>');
        return new Closing(text, name);
    }

    /// <summary>An element without content.</summary>
    public void Empty(string name, params (string Name, string Value)[] attributes)
    {
        Open(name, attributes);
        text.Append(" />");
    }

    /// <summary>An element with text.</summary>
    public void Element(string name, string content, params (string Name, string Value)[] attributes)
    {
        using (Tag(name, attributes)) Text(content);
    }

    /// <summary>Text.</summary>
    public void Text(string content)
    {
        for (var i = 0; i < content.Length; i++)
        {
            var c = content[i];
            if (char.IsHighSurrogate(c) && i + 1 < content.Length && char.IsLowSurrogate(content[i + 1]))
            {
                text.Append(c).Append(content[++i]);
                continue;
            }

            _ = c switch
            {
                '&' => text.Append("&amp;"),
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '"' => text.Append("&quot;"),
                '\'' => text.Append("&#39;"),
                '\n' or '\t' => text.Append(c),
                _ => text.Append(IsRefused(c) ? Replacement : c),
            };
        }
    }

    /// <summary>Text of ours that is HTML already.</summary>
    public void Raw(string html) => text.Append(html);

    /// <inheritdoc />
    public override string ToString() => text.ToString();

    private static bool IsRefused(char c) =>
        char.IsControl(c)
        || char.IsSurrogate(c)
        || c is '\ufffe' or '\uffff'
        || c is >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069' or '\u200e' or '\u200f' or '\u061c';

    private void Open(string name, (string Name, string Value)[] attributes)
    {
        text.Append('<').Append(name);
        foreach (var (attribute, value) in attributes)
        {
            text.Append(' ').Append(attribute).Append("=\"");
            Text(value);
            text.Append('"');
        }
    }

    /// <summary>Closes an element.</summary>
    public readonly struct Closing(StringBuilder text, string name) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose()
        {
            text.Append("</").Append(name).Append('>');

            // A line break inside a sentence would be read as a blank.
            if (name is not ("span" or "strong" or "code")) text.Append('\n');
        }
    }
}
