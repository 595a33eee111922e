using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>
/// One mapping of the configuration, read by key. Unknown keys are refused before anything else is looked at, so that a
/// mistyped key is named as such and not as a missing one. Variables are put in when a value is read.
/// </summary>
internal sealed class Section
{
    private readonly YamlNode.Mapping node;
    private readonly string path;
    private readonly Variables variables;

    private Section(YamlNode.Mapping node, string path, Variables variables)
    {
        this.node = node;
        this.path = path;
        this.variables = variables;
    }

    /// <summary>Where it starts.</summary>
    public Place Place => node.Place;

    /// <summary>Its keys in order; for mappings whose keys are names that the user chose.</summary>
    public IEnumerable<YamlEntry> Entries => node.Entries;

    /// <summary>A mapping whose keys are known.</summary>
    public static Section Of(YamlNode value, string path, Variables variables, params ReadOnlySpan<string> known)
    {
        var section = OfNames(value, path, variables);
        var names = known.ToArray();
        foreach (var entry in section.node.Entries)
        {
            if (!names.Contains(entry.Key)) throw Unknown(entry, path, names);
        }

        return section;
    }

    /// <summary>A mapping whose keys are names that the user chose.</summary>
    public static Section OfNames(YamlNode value, string path, Variables variables) =>
        value is YamlNode.Mapping mapping
            ? new Section(mapping, path, variables)
            : throw value.Place.Error(
                ConfigurationErrors.Value,
                $"{Name(path)} must be a mapping, this is {value.Kind}",
                "write key: value pairs below it, indented, or between { and }");

    /// <summary>
    /// The one entry of a mapping that holds exactly one of <paramref name="kinds"/> (beside
    /// <paramref name="others"/>).
    /// </summary>
    public YamlEntry OneOf(ReadOnlySpan<string> kinds, ReadOnlySpan<string> others)
    {
        YamlEntry? found = null;
        string[] known = [.. kinds, .. others];
        foreach (var entry in node.Entries)
        {
            if (!known.Contains(entry.Key)) throw Unknown(entry, path, known);
            if (others.Contains(entry.Key)) continue;
            if (found is not null)
            {
                throw entry.Place.Error(
                    ConfigurationErrors.Value,
                    $"{Name(path)} is {found.Key} already and cannot be {entry.Key} too",
                    $"give {entry.Key} a name of its own");
            }

            found = entry;
        }

        return found ?? throw Place.Error(
            ConfigurationErrors.MissingKey,
            $"{Name(path)} does not say what it is",
            $"add one of: {string.Join(", ", kinds.ToArray())}");
    }

    /// <summary>The node behind a key, or null when it is absent or holds nothing.</summary>
    public YamlNode? Find(string key) =>
        node.Entries.FirstOrDefault(e => e.Key == key)?.Value is { } value and not YamlNode.Scalar { IsNull: true }
            ? value
            : null;

    /// <summary>The node behind a key that must be there.</summary>
    public YamlNode Need(string key) => Find(key) ?? throw Place.Error(
        ConfigurationErrors.MissingKey, $"{Name(path)} lacks '{key}'", $"add {key}: …");

    /// <summary>The path of a key, for messages.</summary>
    public string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>A mapping behind a key, or null when absent.</summary>
    public Section? Child(string key, params ReadOnlySpan<string> known) =>
        Find(key) is { } value ? Of(value, PathOf(key), variables, known) : null;

    /// <summary>A text behind a key, or null when absent.</summary>
    public string? Text(string key) => Find(key) is { } value ? TextOf(value, PathOf(key)) : null;

    /// <summary>A text that must be there and must not be empty.</summary>
    public string NeedText(string key)
    {
        var value = Need(key);
        var text = TextOf(value, PathOf(key));
        return text.Trim().Length > 0
            ? text
            : throw value.Place.Error(
                ConfigurationErrors.Value,
                $"{PathOf(key)} is empty",
                "write a value, or set the variable that it uses");
    }

    /// <summary>A text that may hold a password, or null when absent.</summary>
    public SecretText? Secret(string key)
    {
        if (Find(key) is not { } value) return null;
        var raw = ((YamlNode.Scalar)Single(value, PathOf(key))).Text;
        return new SecretText(NeedText(key), Variables.IsUsedIn(raw) ? raw : "(not shown)");
    }

    /// <summary>One of some words, or null when absent.</summary>
    public string? Word(string key, params ReadOnlySpan<string> words)
    {
        if (Text(key) is not { } text) return null;
        string[] known = [.. words];
        if (known.Contains(text)) return text;
        var near = NearestWord.Find(text, known);
        throw Need(key).Place.Error(
            ConfigurationErrors.Value,
            $"{PathOf(key)} cannot be '{text}'",
            (near is null ? "" : $"did you mean {near}? ") + $"it takes {string.Join(", ", known)}");
    }

    /// <summary>A whole number, or null when absent.</summary>
    public int? Number(string key, int least, int most)
    {
        if (Text(key) is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most
            ? number
            : throw Need(key).Place.Error(
                ConfigurationErrors.Value,
                $"{PathOf(key)} cannot be '{text}'",
                $"write a whole number from {least} to {most}");
    }

    /// <summary>True or false, or null when absent.</summary>
    public bool? Flag(string key) => Word(key, "true", "false") switch
    {
        null => null,
        var word => word == "true",
    };

    /// <summary>A duration, or null when absent.</summary>
    public TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text) return null;
        return Configuration.Duration.TryParse(text, out var duration)
            ? duration
            : throw Need(key).Place.Error(
                ConfigurationErrors.Value, $"{PathOf(key)} cannot be '{text}'", $"write {Configuration.Duration.Form}");
    }

    /// <summary>A list of texts; empty when absent.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Find(key) is not { } value) return [];
        if (value is not YamlNode.Sequence list)
        {
            throw value.Place.Error(
                ConfigurationErrors.Value,
                $"{PathOf(key)} must be a list, this is {value.Kind}",
                "write [one, two], or one item a line behind -");
        }

        return [.. list.Items.Select((item, index) => TextOf(item, $"{PathOf(key)}[{index}]"))];
    }

    /// <summary>
    /// A program with its arguments, or null when absent. A program that is named with a slash is looked for from
    /// <paramref name="folder"/>; a lone name is left to the PATH.
    /// </summary>
    public IReadOnlyList<string>? Arguments(string key, string folder)
    {
        if (Find(key) is not { } value) return null;
        if (value is YamlNode.Scalar)
        {
            throw value.Place.Error(
                ConfigurationErrors.Value,
                $"{PathOf(key)} must be a list of arguments, this is a single value",
                "write [program, argument, …]: no shell is started, so that nothing is quoted wrongly");
        }

        var words = Texts(key);
        if (words.Count == 0 || words[0].Length == 0)
        {
            throw value.Place.Error(
                ConfigurationErrors.Value, $"{PathOf(key)} names no program", "write [program, argument, …]");
        }

        var program = words[0].Contains('/', StringComparison.Ordinal) || words[0].StartsWith('~')
            ? Path.GetFullPath(Home(words[0]), folder)
            : words[0];
        return [program, .. words.Skip(1)];
    }

    /// <summary>
    /// A path made absolute from <paramref name="folder"/>, or null when absent; <c>~/</c> is the home folder.
    /// </summary>
    public string? FilePath(string key, string folder) =>
        Find(key) is null ? null : Path.GetFullPath(Home(NeedText(key)), folder);

    /// <summary>Names with texts, in order; empty when absent.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs(string key)
    {
        if (Find(key) is not { } value) return [];
        var pairs = OfNames(value, PathOf(key), variables);
        return [.. pairs.Entries.Select(e => KeyValuePair.Create(e.Key, TextOf(e.Value, $"{PathOf(key)}.{e.Key}")))];
    }

    /// <summary>The text of a single value, variables put in.</summary>
    public string TextOf(YamlNode value, string name)
    {
        var scalar = (YamlNode.Scalar)Single(value, name);
        // The place of a quoted value is that of its quote.
        var place = scalar.IsPlain ? scalar.Place : scalar.Place with { Column = scalar.Place.Column + 1 };
        return scalar.IsNull ? "" : variables.PutInto(scalar.Text, place);
    }

    private static YamlNode Single(YamlNode value, string name) => value is YamlNode.Scalar
        ? value
        : throw value.Place.Error(
            ConfigurationErrors.Value,
            $"{name} must be a single value, this is {value.Kind}",
            $"write {LastKey(name)}: value");

    private string Home(string text)
    {
        if (text != "~" && !text.StartsWith("~/", StringComparison.Ordinal)) return text;
        var home = variables.Find("HOME") ?? variables.Find("USERPROFILE");
        return string.IsNullOrEmpty(home)
            ? throw Place.Error(
                ConfigurationErrors.VariableUnset,
                "~ stands for the home folder, but HOME is not set",
                "write the path out, or set HOME")
            : home + text[1..];
    }

    private static RepriseException Unknown(YamlEntry entry, string path, string[] known)
    {
        var near = NearestWord.Find(entry.Key, known);
        return entry.Place.Error(
            ConfigurationErrors.UnknownKey,
            $"unknown key '{entry.Key}' in {Name(path)}",
            (near is null ? "" : $"did you mean '{near}'? ") + $"known here: {string.Join(", ", known)}");
    }

    private static string Name(string path) => path.Length == 0 ? "the configuration" : path;

    private static string LastKey(string path) => path[(path.LastIndexOf('.') + 1)..];
}
