using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>A table as a person names it.</summary>
/// <param name="Schema">its schema, or null: the only one that has a table of this name.</param>
/// <param name="Name">its name as the catalogue has it.</param>
public sealed record NamedTable(string? Schema, string Name)
{
    /// <summary>
    /// Reads <c>orders</c>, <c>public.orders</c> or <c>"My Schema"."Odd ""one"""</c>: as in SQL, what stands in double quotes is
    /// taken as it is, everything else becomes lower-case.
    /// </summary>
    /// <exception cref="RepriseException"><c>table-unknown</c>: it is no such name.</exception>
    public static NamedTable Parse(string text)
    {
        var words = new SqlWords(text);
        var first = words.Name();
        var second = first is not null && words.Take(".") ? words.Name() : null;
        if (first is not { Length: > 0 } || !words.IsAtEnd || second is { Length: 0 } || (second is null && text.EndsWith('.')))
        {
            throw new RepriseException(
                RecoveryErrors.TableUnknown,
                $"'{Shown(text)}' is no name of a table",
                "write schema.table, with double quotes around a part that holds capitals, blanks or a dot: 'public.\"Orders\"'");
        }

        return second is null ? new NamedTable(null, first) : new NamedTable(first, second);
    }

    /// <summary>As it would have to be typed.</summary>
    public override string ToString() => Schema is null ? Typed(Name) : Of(Schema, Name);

    /// <summary>A table as it would have to be typed.</summary>
    public static string Of(string schema, string name) => Typed(schema) + "." + Typed(name);

    /// <summary>A text in which nothing begins a new line or moves a cursor.</summary>
    public static string Shown(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c));

    private static string Typed(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => c is '_' || char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)) ? name : Sql.Name(name);
}

/// <summary>Reads statements of pg_dump's from their beginning, as far as names and the end of the first one.</summary>
internal sealed class SqlWords(string text)
{
    private int at;

    public bool IsAtEnd => at == text.Length;

    /// <summary>What is left.</summary>
    public string Rest => text[at..];

    /// <summary>Goes over a word that comes next, and whatever blanks stand before it.</summary>
    public bool Take(string word)
    {
        var from = Blanks(at);
        if (string.CompareOrdinal(text, from, word, 0, word.Length) != 0) return false;
        var end = from + word.Length;
        if (char.IsLetter(word[^1]) && end < text.Length && IsPart(text[end])) return false;
        at = end;
        return true;
    }

    /// <summary>A name that comes next, in quotes or not; null: none does.</summary>
    public string? Name()
    {
        var from = Blanks(at);
        if (from < text.Length && text[from] == '"')
        {
            var name = new StringBuilder();
            for (var i = from + 1; i < text.Length; i++)
            {
                if (text[i] != '"') name.Append(text[i]);
                else if (i + 1 < text.Length && text[i + 1] == '"') name.Append(text[i++]);
                else
                {
                    at = i + 1;
                    return name.ToString();
                }
            }

            return null;
        }

        var end = from;
        while (end < text.Length && IsPart(text[end])) end++;
        if (end == from) return null;
        at = end;
        return text[from..end].ToLowerInvariant();
    }

    /// <summary>A name with its schema; null: none comes next.</summary>
    public (string Schema, string Name)? Qualified() =>
        Name() is { } schema && Take(".") && Name() is { } name ? (schema, name) : null;

    /// <summary>
    /// The rest of the statement up to the semicolon that ends it; null: nothing ends it. What pg_dump appends behind it, as
    /// <c>ALTER TABLE … SET STATISTICS</c>, is another statement, about the table of the old name.
    /// </summary>
    public string? Statement() => Find(at, c => c == ';') is { } end ? text[at..end] : null;

    /// <summary>What stands in the brackets that come next and the rest of the statement behind them; null: none do.</summary>
    public (string Before, string Inside, string Behind)? Brackets()
    {
        if (Find(at, c => c is '(' or ';') is not { } open || text[open] != '(' || Find(open + 1, c => c == ')') is not { } close) return null;
        return Find(close + 1, c => c == ';') is { } end ? (text[at..open], text[(open + 1)..close], text[(close + 1)..end]) : null;
    }

    private static bool IsPart(char c) => char.IsLetterOrDigit(c) || c is '_' or '$' || c > '\u007f';

    private int Blanks(int from)
    {
        while (from < text.Length && text[from] is ' ' or '\n' or '\t') from++;
        return from;
    }

    // The first one that stands in no string, in no name and in no brackets.
    private int? Find(int from, Func<char, bool> wanted)
    {
        var depth = 0;
        for (var i = from; i < text.Length; i++)
        {
            if (depth == 0 && wanted(text[i])) return i;
            switch (text[i])
            {
                case '(' or '[':
                    depth++;
                    break;
                case ')' or ']':
                    depth--;
                    break;
                case '"' or '\'':
                    i = Closing(i, hasEscapes: text[i] == '\'' && i > 0 && text[i - 1] is 'E' or 'e' && (i < 2 || !IsPart(text[i - 2])));
                    break;
                case '$' when i == 0 || !IsPart(text[i - 1]):
                    i = Dollars(i);
                    break;
                default:
                    break;
            }

            if (depth < 0 || i < 0) return null;
        }

        return null;
    }

    // Two quotes in a row are one quote of the text: they end one piece and begin the next.
    private int Closing(int open, bool hasEscapes)
    {
        for (var i = open + 1; i < text.Length; i++)
        {
            if (hasEscapes && text[i] == '\\') i++;
            else if (text[i] == text[open] && hasEscapes && i + 1 < text.Length && text[i + 1] == text[open]) i++;
            else if (text[i] == text[open]) return i;
        }

        return -2;
    }

    private int Dollars(int open)
    {
        var second = open + 1;
        while (second < text.Length && (char.IsLetterOrDigit(text[second]) || text[second] == '_')) second++;
        if (second >= text.Length || text[second] != '$') return open;
        var mark = text[open..(second + 1)];
        var close = text.IndexOf(mark, second + 1, StringComparison.Ordinal);
        return close < 0 ? -2 : close + mark.Length - 1;
    }
}
