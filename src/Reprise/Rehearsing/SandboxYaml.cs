using System.Text;
using Reprise.Configuration;

namespace Reprise.Rehearsing;

/// <summary>Changes parts of a configuration that was read, and writes it again; comments are lost.</summary>
internal static class SandboxYaml
{
    private static readonly Place Nowhere = new("", 0, 0);

    /// <summary>A text that is taken as it is: no variable is put in.</summary>
    public static YamlNode Text(string text) =>
        new YamlNode.Scalar(text.Replace("$", "$$", StringComparison.Ordinal), false, Nowhere);

    /// <summary>A list of such texts.</summary>
    public static YamlNode List(IEnumerable<string> texts) => new YamlNode.Sequence([.. texts.Select(Text)], Nowhere);

    /// <summary>A mapping.</summary>
    public static YamlNode Map(params IEnumerable<(string Key, YamlNode? Value)> entries) => new YamlNode.Mapping(
        [.. entries.Where(e => e.Value is not null).Select(e => new YamlEntry(e.Key, Nowhere, e.Value!))], Nowhere); // the filter

    /// <summary>What stands behind a key, or null.</summary>
    public static YamlNode? Get(YamlNode node, string key) =>
        (node as YamlNode.Mapping)?.Entries.FirstOrDefault(e => e.Key == key)?.Value;

    /// <summary>The mapping with another value behind a key, which is added when it lacks it; null takes the key away.</summary>
    public static YamlNode Set(YamlNode node, string key, YamlNode? value)
    {
        var entries = ((YamlNode.Mapping)node).Entries.ToList(); // Whoever calls has read it as one.
        var at = entries.FindIndex(e => e.Key == key);
        if (value is null)
        {
            if (at >= 0) entries.RemoveAt(at);
        }
        else if (at >= 0)
        {
            entries[at] = entries[at] with { Value = value };
        }
        else
        {
            entries.Add(new YamlEntry(key, Nowhere, value));
        }

        return new YamlNode.Mapping(entries, node.Place);
    }

    /// <summary>The text, one line for each key at the top.</summary>
    public static string Write(YamlNode root)
    {
        var text = new StringBuilder();
        foreach (var entry in ((YamlNode.Mapping)root).Entries) // The parser refused everything else.
        {
            text.Append(Quoted(entry.Key)).Append(": ");
            Write(entry.Value, text);
            text.Append('\n');
        }

        return text.ToString();
    }

    private static void Write(YamlNode node, StringBuilder text)
    {
        switch (node)
        {
            case YamlNode.Scalar { IsNull: true }:
                text.Append("null");
                break;
            case YamlNode.Scalar scalar:
                text.Append(Quoted(scalar.Text));
                break;
            case YamlNode.Mapping mapping:
                text.Append("{ ");
                foreach (var (entry, index) in mapping.Entries.Select((e, i) => (e, i)))
                {
                    text.Append(index == 0 ? "" : ", ").Append(Quoted(entry.Key)).Append(": ");
                    Write(entry.Value, text);
                }

                text.Append(" }");
                break;
            case YamlNode.Sequence list:
                text.Append("[ ");
                foreach (var (item, index) in list.Items.Select((e, i) => (e, i)))
                {
                    text.Append(index == 0 ? "" : ", ");
                    Write(item, text);
                }

                text.Append(" ]");
                break;
        }
    }

    // Every character that means something in double quotes is written by its number.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\' || char.IsControl(c) || c is '\u0085' or '\u2028' or '\u2029' or '\uFEFF')
                quoted.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else
                quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
