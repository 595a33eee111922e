using System.Text.RegularExpressions;
using Reprise.Storage.Errors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Reprise.Configuration;

/// <summary>
/// Reads one YAML document into <see cref="YamlNode"/>s and refuses everything by which YAML surprises: anchors and
/// aliases (a cycle of them loads), further documents (they would be ignored), tags, keys that are not text.
/// </summary>
internal sealed partial class YamlReader
{
    /// <summary>How deep mappings and lists may be nested.</summary>
    public const int MaxDepth = 16;

    private readonly string text;
    private readonly string file;
    private readonly Parser parser;

    // Null: anchors are refused. Else what they name, once it is complete, so that no circle can arise.
    private readonly Dictionary<string, YamlNode>? anchors;

    private YamlReader(string text, string file, bool foreign)
    {
        this.text = text;
        this.file = file;
        parser = new Parser(new StringReader(text));
        anchors = foreign ? new(StringComparer.Ordinal) : null;
    }

    /// <summary>Reads <paramref name="text"/>; null when it holds nothing but comments.</summary>
    public static YamlNode? Read(string text, string file)
    {
        var reader = new YamlReader(text, file, foreign: false);
        reader.RefuseControlCharacters();
        return reader.ReadStream();
    }

    /// <summary>
    /// Reads a file that is not ours (a compose file): anchors, aliases, merge keys and tags are understood, keys that
    /// are
    /// not text are taken as they are written, and only the first document counts.
    /// </summary>
    public static YamlNode? ReadForeign(string text, string file) =>
        new YamlReader(text, file, foreign: true).ReadStream();

    private YamlNode? ReadStream()
    {
        YamlNode? root = null;
        var documents = 0;
        while (Next() is { } at)
        {
            switch (at)
            {
                case StreamStart or StreamEnd or DocumentEnd:
                    break;
                case DocumentStart when ++documents > 1 && anchors is not null:
                    return root;
                case DocumentStart when documents > 1:
                    throw Refuse(
                        At(at.Start), "a second document starts here", "keep one document: remove the line ---");
                case DocumentStart:
                    break;
                default:
                    root = ReadNode(at, 1);
                    break;
            }
        }

        return root is YamlNode.Scalar { IsNull: true } ? null : root;
    }

    private YamlNode ReadNode(ParsingEvent at, int depth)
    {
        var place = At(at.Start);
        switch (at)
        {
            case AnchorAlias alias when anchors is not null:
                return anchors.GetValueOrDefault(alias.Value.ToString()) ?? new YamlNode.Scalar("", true, place);
            case NodeEvent { Anchor.IsEmpty: false } anchored when anchors is not null:
                return anchors[anchored.Anchor.ToString()] = ReadValue(at, place, depth);
            case AnchorAlias alias:
                throw Refuse(
                    place,
                    $"the alias *{alias.Value} is not accepted",
                    "write the value out: anchors and aliases are refused");
            case NodeEvent { Anchor.IsEmpty: false } anchored:
                throw Refuse(
                    place,
                    $"the anchor &{anchored.Anchor} is not accepted",
                    "remove it: anchors and aliases are refused");
            case NodeEvent { Tag.IsEmpty: false } tagged when anchors is null:
                throw Refuse(
                    place,
                    $"the tag {tagged.Tag} is not accepted",
                    "remove it, and put the value in quotes if it must be text");
            default:
                return ReadValue(at, place, depth);
        }
    }

    private YamlNode ReadValue(ParsingEvent at, Place place, int depth)
    {
        switch (at)
        {
            case Scalar scalar:
                return new YamlNode.Scalar(scalar.Value, scalar.Style == ScalarStyle.Plain, place);
            case MappingStart or SequenceStart when depth > MaxDepth:
                throw place.Error(
                    ConfigurationErrors.TooLarge,
                    $"the configuration is nested deeper than {MaxDepth} levels",
                    "flatten it: no key needs that depth");
            case MappingStart:
                return ReadMapping(place, depth);
            case SequenceStart:
                return ReadSequence(place, depth);
            default:
                throw Refuse(place, $"unexpected {at.GetType().Name}", "check the indentation around this line");
        }
    }

    private YamlNode.Mapping ReadMapping(Place place, int depth)
    {
        var entries = new List<YamlEntry>();
        var seen = new Dictionary<string, Place>(StringComparer.Ordinal);
        while (Need() is var at and not MappingEnd)
        {
            var key = ReadKey(at, depth);
            if (anchors is not null && key.Text == "<<")
            {
                entries.AddRange(Merged(ReadNode(Need(), depth + 1)).Where(e => seen.TryAdd(e.Key, e.Place)));
                continue;
            }

            if (!seen.TryAdd(key.Text, key.Place))
            {
                throw key.Place.Error(
                    ConfigurationErrors.DuplicateKey,
                    $"the key '{key.Text}' is here a second time, it was on line {seen[key.Text].Line}",
                    "remove one of the two");
            }

            entries.Add(new YamlEntry(key.Text, key.Place, ReadNode(Need(), depth + 1)));
        }

        return new YamlNode.Mapping(entries, place);
    }

    // What a merge key brings in: the entries of one mapping, or of several.
    private static IEnumerable<YamlEntry> Merged(YamlNode value) => value switch
    {
        YamlNode.Mapping mapping => mapping.Entries,
        YamlNode.Sequence list => list.Items.OfType<YamlNode.Mapping>().SelectMany(m => m.Entries),
        _ => [],
    };

    private YamlNode.Scalar ReadKey(ParsingEvent at, int depth)
    {
        var place = At(at.Start);
        var read = ReadNode(at, depth + 1);
        if (read is YamlNode.Scalar foreign && anchors is not null) return foreign;
        if (read is not YamlNode.Scalar key)
        {
            throw Refuse(place, "a key must be text, this one is a list or a mapping", "write key: value");
        }

        if (key.Text == "<<" && key.IsPlain)
        {
            throw Refuse(
                place, "the merge key << is not accepted", "write the values out: anchors and aliases are refused");
        }

        if (key.IsPlain && NotText().IsMatch(key.Text))
        {
            throw Refuse(
                place,
                $"the key {(key.Text.Length == 0 ? "(nothing)" : key.Text)} is not text",
                "put the key in quotes");
        }

        return key;
    }

    private YamlNode.Sequence ReadSequence(Place place, int depth)
    {
        var items = new List<YamlNode>();
        while (Need() is var at and not SequenceEnd) items.Add(ReadNode(at, depth + 1));
        return new YamlNode.Sequence(items, place);
    }

    private ParsingEvent Need() =>
        Next() ?? throw Refuse(new Place(file, 1, 1), "the document ends too early", "complete the last line");

    private ParsingEvent? Next()
    {
        try
        {
            while (parser.MoveNext())
            {
                if (parser.Current is { } at and not Comment) return at;
            }

            return null;
        }
        catch (YamlException e)
        {
            throw Syntax(At(e.Start), e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // The scanner leaves some malformed inputs (an unclosed bracket before a key) in these ways, without a
            // place.
            throw Syntax(parser.Current is { } last ? At(last.End) : new Place(file, 1, 1), e);
        }
    }

    private RepriseException Syntax(Place place, Exception cause)
    {
        var line = LineOf(place.Line);
        if (BareVariable().Match(line) is { Success: true } bare)
        {
            return Refuse(
                new Place(file, place.Line, bare.Groups["bare"].Index + 1),
                "this is not YAML: a ${…} stands between brackets without quotes",
                "put quotes around ${…}, as in { connection: \"${DATABASE_URL}\" }",
                cause);
        }

        if (line.Contains('\t', StringComparison.Ordinal))
        {
            return Refuse(place, $"this is not YAML: {Reason(cause)}", "replace the tab on this line by spaces", cause);
        }

        return Refuse(
            place,
            $"this is not YAML: {Reason(cause)}",
            "check brackets, quotes and the indentation around this line",
            cause);
    }

    private static string Reason(Exception cause) =>
        cause is YamlException && cause.Message.Length > 0
            ? char.ToLowerInvariant(cause.Message[0]) + cause.Message[1..].TrimEnd('.')
            : "a bracket or a quote that was opened here is not closed";

    private void RefuseControlCharacters()
    {
        var line = 1;
        var column = 0;
        foreach (var c in text)
        {
            column++;
            if (c == '\n')
            {
                line++;
                column = 0;
            }
            else if (char.IsControl(c) && c is not ('\t' or '\r' or '\u0085'))
            {
                throw Refuse(
                    new Place(file, line, column), $"the control character U+{(int)c:X4} is not accepted", "remove it");
            }
        }
    }

    private string LineOf(long number) => text.Split('\n').ElementAtOrDefault((int)number - 1) ?? "";

    private Place At(Mark mark) => new(file, Math.Max(1, mark.Line), Math.Max(1, mark.Column));

    private static RepriseException Refuse(Place place, string message, string hint, Exception? cause = null) =>
        new(
            new Problem(ConfigurationErrors.Invalid, Severity.Error, message, hint) { Where = place.ToString() },
            cause);

    // What the core schema of YAML takes for null, truth or a number.
    [GeneratedRegex(
        @"^(|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
        + @"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex NotText();

    // A ${ before which no quote is open on the line, behind a bracket, a comma or a colon.
    [GeneratedRegex("""^([^"']|"[^"]*"|'[^']*')*?[\[{,:]\s*(?<bare>\$\{)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BareVariable();
}
