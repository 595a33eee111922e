using System.Text;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>How a word is coloured on a terminal; what it says never depends on it.</summary>
internal enum Tone
{
    /// <summary>As it is.</summary>
    Plain,

    /// <summary>Good.</summary>
    Good,

    /// <summary>Needs attention.</summary>
    Warning,

    /// <summary>Bad.</summary>
    Bad,

    /// <summary>Less important.</summary>
    Faint,

    /// <summary>More important.</summary>
    Strong,
}

/// <summary>
/// Writes text for people: wrapped to the width, coloured only on a terminal, nothing at all with <c>--quiet</c>.
/// </summary>
internal sealed class Output(TextWriter writer, int width, bool colour, bool quiet)
{
    /// <summary>Columns of a line.</summary>
    public int Width => width;

    /// <summary>A line as it is.</summary>
    public void Line(string text = "")
    {
        if (!quiet) writer.WriteLine(text.TrimEnd());
    }

    /// <summary>A paragraph, wrapped; further lines begin with <paramref name="indent"/> blanks.</summary>
    public void Paragraph(string text, int indent = 0)
    {
        foreach (var line in Wrap(text, width, indent)) Line(line);
    }

    /// <summary>Text in a colour where colours are shown.</summary>
    public string Paint(string text, Tone tone)
    {
        var code = tone switch
        {
            Tone.Plain => null,
            Tone.Good => "32",
            Tone.Warning => "33",
            Tone.Bad => "31;1",
            Tone.Faint => "2",
            Tone.Strong => "1",
            _ => throw new InvariantException($"tone {tone}"),
        };
        return colour && code is not null && text.Length > 0 ? $"\u001b[{code}m{text}\u001b[0m" : text;
    }

    /// <summary>
    /// Rows in columns, the last column wrapped. Every row has the same number of cells; <paramref name="tones"/>
    /// colours
    /// the first cell of each row.
    /// </summary>
    public void Table(IReadOnlyList<string[]> rows, IReadOnlyList<Tone>? tones = null, int indent = 2)
    {
        if (rows.Count == 0) return;
        var columns = rows[0].Length;
        var widths = new int[columns];
        foreach (var row in rows)
        {
            for (var i = 0; i < columns - 1; i++) widths[i] = Math.Max(widths[i], row[i].Length);
        }

        var start = indent + widths.Sum() + (2 * (columns - 1));
        for (var number = 0; number < rows.Count; number++)
        {
            var line = new StringBuilder().Append(' ', indent);
            for (var i = 0; i < columns - 1; i++)
            {
                var cell = rows[number][i];
                line.Append(i == 0 && tones is not null ? Paint(cell, tones[number]) : cell);
                line.Append(' ', widths[i] - cell.Length + 2);
            }

            var last = Wrap(rows[number][^1], Math.Max(20, width - start), 0);
            Line(line + last[0]);
            foreach (var more in last.Skip(1)) Line(new string(' ', start) + more);
        }
    }

    /// <summary>The colour of an outcome or a state.</summary>
    public static Tone ToneOf(string word) => word switch
    {
        "pass" or "complete" or "restored" or "taken" => Tone.Good,
        "fail" or "damaged" or "rolled-back" => Tone.Bad,
        "could-not-verify" or "incomplete" or "waived" => Tone.Warning,
        "not-run" or "not-applicable" => Tone.Faint,
        _ => Tone.Plain,
    };

    /// <summary>Checks, one a line: what did not pass says why.</summary>
    public void Checks(IReadOnlyList<CheckJson> checks)
    {
        var rows = checks.Select(c => (string[])[WordOf(c.Outcome), c.Name, Detail(c)]).ToList();
        Table(rows, [.. checks.Select(c => ToneOf(c.Outcome))]);
    }

    /// <summary>The word for an outcome as a person reads it.</summary>
    public static string WordOf(string outcome) => outcome switch
    {
        "pass" => "ok",
        "fail" => "FAIL",
        "could-not-verify" => "UNSURE",
        _ => outcome,
    };

    /// <summary>
    /// Lines of at most <paramref name="width"/> columns; at least one. A word that is longer stays whole.
    /// </summary>
    public static IReadOnlyList<string> Wrap(string text, int width, int indent)
    {
        var lines = new List<string>();
        foreach (var paragraph in text.Split('\n'))
        {
            var words = paragraph.TrimStart(' ');
            var column = paragraph.Length - words.Length;
            var line = new StringBuilder().Append(' ', column);
            var isEmpty = true;
            foreach (var word in words.Split(' '))
            {
                var columns = Columns(word);
                if (!isEmpty && column + 1 + columns > width)
                {
                    lines.Add(line.ToString());
                    line.Clear().Append(' ', indent).Append(word);
                    column = indent + columns;
                    continue;
                }

                if (!isEmpty) line.Append(' ');
                line.Append(word);
                column += columns + (isEmpty ? 0 : 1);
                isEmpty = false;
            }

            lines.Add(line.ToString());
        }

        return lines;
    }

    // Colours take no room.
    private static int Columns(string word)
    {
        var columns = 0;
        var isColour = false;
        foreach (var character in word)
        {
            if (character == '\u001b') isColour = true;
            else if (!isColour) columns++;
            else if (character == 'm') isColour = false;
        }

        return columns;
    }

    private static string Detail(CheckJson check)
    {
        if (check.Outcome == "pass") return check.Actual ?? "";
        var expected = check.Expected is null ? "" : $"expected {check.Expected}";
        var isAnswer = check.Outcome == "fail" && expected.Length > 0 && check.Actual is not null;
        var actual = isAnswer ? $"got {check.Actual}" : check.Actual ?? "";
        return string.Join(", ", new[] { expected, actual }.Where(s => s.Length > 0));
    }
}
