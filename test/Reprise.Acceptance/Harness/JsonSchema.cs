using System.Text.Json;
using System.Text.RegularExpressions;

namespace Reprise.Acceptance.Harness;

/// <summary>
/// The part of JSON Schema that <c>docs/reference/schemas</c> uses. A keyword that it does not know is refused, so
/// that no rule of a schema can be ignored in silence.
/// </summary>
public sealed partial class JsonSchema(JsonElement root, Func<string, JsonElement> load)
{
    private static readonly string[] Annotations =
        ["$schema", "$id", "$defs", "title", "description", "examples", "default"];

    /// <summary>The committed schema of a command.</summary>
    public static JsonSchema OfCommand(string command) => new(LoadFile($"{command}.json"), LoadFile);

    /// <summary>A schema given as text, for the tests of this class.</summary>
    public static JsonSchema Parse(string text) => new(
        JsonElement.Parse(text), name => throw new InvalidOperationException($"there is no schema {name}"));

    /// <summary>
    /// What is wrong with <paramref name="value"/>, each with its place; empty when the schema accepts it.
    /// </summary>
    public IReadOnlyList<string> Faults(JsonElement value)
    {
        List<string> faults = [];
        Check(root, root, value, "", faults);
        return faults;
    }

    private static JsonElement LoadFile(string name)
    {
        var file = Path.Combine(House.Root, "docs", "reference", "schemas", name);
        return JsonElement.Parse(File.ReadAllText(file));
    }

    private void Check(JsonElement document, JsonElement schema, JsonElement value, string place, List<string> faults)
    {
        if (schema.ValueKind == JsonValueKind.True) return;
        if (schema.ValueKind == JsonValueKind.False)
        {
            faults.Add($"{place}: nothing is allowed here");
            return;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            if (Annotations.Contains(keyword.Name)) continue;
            CheckKeyword(document, schema, keyword, value, place, faults);
        }
    }

    private void CheckKeyword(
        JsonElement document,
        JsonElement schema,
        JsonProperty keyword,
        JsonElement value,
        string place,
        List<string> faults)
    {
        var rule = keyword.Value;
        switch (keyword.Name)
        {
            case "$ref":
                var (target, at) = Resolve(document, rule.GetString()!); // a $ref is a string
                Check(target, at, value, place, faults);
                break;
            case "type" or "const" or "enum" or "pattern" or "format" or "minimum" or "maximum" or "minLength":
                if (!Accepts(keyword, value))
                    faults.Add($"{place}: {Shown(value)} is not {keyword.Name} {rule.GetRawText()}");
                break;
            case "required":
                if (value.ValueKind != JsonValueKind.Object) break;
                foreach (var name in
                    rule.EnumerateArray().Select(n => n.GetString()!).Where(n => !value.TryGetProperty(n, out _)))
                {
                    faults.Add($"{place}: {name} is missing");
                }

                break;
            case "properties" or "additionalProperties":
                CheckMembers(document, schema, keyword, value, place, faults);
                break;
            case "items" or "minItems":
                CheckItems(document, keyword, value, place, faults);
                break;
            case "anyOf" or "oneOf" or "allOf":
                CheckChoice(document, keyword, value, place, faults);
                break;
            default:
                throw new NotSupportedException($"JSON Schema keyword {keyword.Name} is not known to the tests");
        }
    }

    private void CheckMembers(
        JsonElement document,
        JsonElement schema,
        JsonProperty keyword,
        JsonElement value,
        string place,
        List<string> faults)
    {
        if (value.ValueKind != JsonValueKind.Object) return;
        if (keyword.Name == "properties")
        {
            foreach (var member in keyword.Value.EnumerateObject())
            {
                if (value.TryGetProperty(member.Name, out var inner))
                {
                    Check(document, member.Value, inner, $"{place}/{member.Name}", faults);
                }
            }

            return;
        }

        var known = schema.TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().Select(p => p.Name).ToHashSet(StringComparer.Ordinal)
            : [];
        foreach (var member in value.EnumerateObject().Where(m => !known.Contains(m.Name)))
        {
            Check(document, keyword.Value, member.Value, $"{place}/{member.Name}", faults);
        }
    }

    private void CheckItems(
        JsonElement document, JsonProperty keyword, JsonElement value, string place, List<string> faults)
    {
        if (value.ValueKind != JsonValueKind.Array) return;
        if (keyword.Name == "minItems")
        {
            if (value.GetArrayLength() < keyword.Value.GetInt32())
                faults.Add($"{place}: fewer than {keyword.Value} items");
            return;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray()) Check(document, keyword.Value, item, $"{place}/{index++}", faults);
    }

    private void CheckChoice(
        JsonElement document, JsonProperty keyword, JsonElement value, string place, List<string> faults)
    {
        List<string> inner = [];
        var accepting = 0;
        foreach (var branch in keyword.Value.EnumerateArray())
        {
            var before = inner.Count;
            Check(document, branch, value, place, inner);
            if (inner.Count == before) accepting++;
        }

        var good = keyword.Name switch
        {
            "anyOf" => accepting > 0,
            "oneOf" => accepting == 1,
            _ => accepting == keyword.Value.GetArrayLength(),
        };
        if (!good) faults.Add($"{place}: {keyword.Name} accepts {accepting} times; {string.Join("; ", inner)}");
    }

    private static bool Accepts(JsonProperty keyword, JsonElement value)
    {
        var rule = keyword.Value;
        return keyword.Name switch
        {
            "type" => rule.ValueKind == JsonValueKind.Array
                ? rule.EnumerateArray().Any(t => IsOfType(value, t.GetString()))
                : IsOfType(value, rule.GetString()),
            "const" => JsonElement.DeepEquals(rule, value),
            "enum" => rule.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)),
            "minimum" => value.ValueKind != JsonValueKind.Number || value.GetDouble() >= rule.GetDouble(),
            "maximum" => value.ValueKind != JsonValueKind.Number || value.GetDouble() <= rule.GetDouble(),
            _ => value.ValueKind != JsonValueKind.String || AcceptsText(keyword, value.GetString()!), // it is a string
        };
    }

    private static bool AcceptsText(JsonProperty keyword, string text) => keyword.Name switch
    {
        "pattern" => Regex.IsMatch(text, keyword.Value.GetString()!, RegexOptions.None, TimeSpan.FromSeconds(30)),
        "minLength" => text.Length >= keyword.Value.GetInt32(),
        "format" when keyword.Value.GetString() == "date-time" => UtcMilliseconds().IsMatch(text),
        _ => throw new NotSupportedException($"format {keyword.Value} is not known to the tests"),
    };

    private static bool IsOfType(JsonElement value, string? type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => throw new NotSupportedException($"type {type} is not known to the tests"),
    };

    // "#/$defs/x" in the same document, or "common.json#/$defs/x" in one beside it.
    private (JsonElement Document, JsonElement Schema) Resolve(JsonElement document, string reference)
    {
        var hash = reference.IndexOf('#', StringComparison.Ordinal);
        var file = hash < 0 ? reference : reference[..hash];
        var target = file.Length == 0 ? document : load(file);
        var at = target;
        foreach (var name in
            (hash < 0 ? "" : reference[(hash + 1)..]).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = at.GetProperty(name);
        }

        return (target, at);
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }

    /// <summary>What the contract promises of instants: RFC 3339 in UTC with milliseconds.</summary>
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", RegexOptions.None, 30_000)]
    private static partial Regex UtcMilliseconds();
}
