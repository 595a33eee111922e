using System.Text.Json;
using System.Text.RegularExpressions;
using Reprise.Tests.House;

namespace Reprise.Tests.Json;

/// <summary>
/// As much of JSON Schema as docs/reference/schemas uses: type, required, properties, items, enum, const, pattern,
/// anyOf
/// and references into common.json. A word that it does not know fails, so that no schema promises what is not checked.
/// </summary>
internal static class SchemaValidator
{
    private static readonly string[] Known =
    [
        "$schema", "$ref", "$defs", "title", "description", "type", "required", "properties", "additionalProperties",
        "items", "enum", "const", "pattern", "anyOf",
    ];

    /// <summary>The schema of a document, by its own <c>schema</c> field.</summary>
    public static JsonElement SchemaOf(JsonElement document)
    {
        var name = document.GetProperty("schema").GetString() ?? "";
        Assert.Matches("^reprise/[a-z-]+/v1$", name);
        return Read(name.Split('/')[1]);
    }

    /// <summary>Everything in which <paramref name="value"/> is not as <paramref name="schema"/> says.</summary>
    public static IReadOnlyList<string> Faults(JsonElement value, JsonElement schema) =>
        [.. Faults(value, schema, "$")];

    /// <summary>Reads a schema by its file's name.</summary>
    public static JsonElement Read(string name) =>
        JsonDocument.Parse(Clone.Get($"docs/reference/schemas/{name}.json").Text).RootElement;

    private static IEnumerable<string> Faults(JsonElement value, JsonElement schema, string at)
    {
        foreach (var word in schema.EnumerateObject().Select(p => p.Name).Where(n => !Known.Contains(n)))
        {
            yield return $"{at}: the schema uses '{word}', which is not checked";
        }

        var faults = schema.TryGetProperty("$ref", out var reference)
            ? Faults(value, Resolve(reference.GetString() ?? ""), at)
            : Scalar(value, schema, at).Concat(Object(value, schema, at)).Concat(Array(value, schema, at));
        foreach (var fault in faults) yield return fault;
    }

    private static JsonElement Resolve(string reference)
    {
        const string start = "common.json#/$defs/";
        Assert.StartsWith(start, reference, StringComparison.Ordinal);
        return Read("common").GetProperty("$defs").GetProperty(reference[start.Length..]);
    }

    private static IEnumerable<string> Scalar(JsonElement value, JsonElement schema, string at)
    {
        if (schema.TryGetProperty("type", out var type) && !Types(type).Any(t => Is(value, t)))
        {
            yield return $"{at}: {value.ValueKind} is not {type.GetRawText()}";
        }

        if (schema.TryGetProperty("const", out var only) && only.GetRawText() != value.GetRawText())
        {
            yield return $"{at}: {value.GetRawText()} is not {only.GetRawText()}";
        }

        if (schema.TryGetProperty("enum", out var words)
            && !words.EnumerateArray().Any(w => w.GetRawText() == value.GetRawText()))
        {
            yield return $"{at}: {value.GetRawText()} is not one of {words.GetRawText()}";
        }

        if (schema.TryGetProperty("pattern", out var pattern)
            && value.ValueKind == JsonValueKind.String
            && !Regex.IsMatch(
                value.GetString() ?? "", pattern.GetString() ?? "", RegexOptions.None, TimeSpan.FromSeconds(1)))
        {
            yield return $"{at}: {value.GetRawText()} does not match {pattern.GetRawText()}";
        }

        if (schema.TryGetProperty("anyOf", out var choices)
            && choices.EnumerateArray().All(c => Faults(value, c, at).Any()))
        {
            yield return $"{at}: {value.ValueKind} is none of the choices: "
                + string.Join("; ", choices.EnumerateArray().SelectMany(c => Faults(value, c, at)));
        }
    }

    private static IEnumerable<string> Object(JsonElement value, JsonElement schema, string at)
    {
        if (value.ValueKind != JsonValueKind.Object) yield break;
        if (schema.TryGetProperty("required", out var required))
        {
            foreach (var name in required.EnumerateArray().Select(r => r.GetString() ?? ""))
            {
                if (!value.TryGetProperty(name, out _)) yield return $"{at}: {name} is missing";
            }
        }

        if (!schema.TryGetProperty("properties", out var properties)) yield break;
        foreach (var property in value.EnumerateObject())
        {
            if (!properties.TryGetProperty(property.Name, out var inner))
            {
                // Readers must accept fields that were added; a schema that lacks one of ours is out of date.
                yield return $"{at}: {property.Name} is not in the schema";
                continue;
            }

            foreach (var fault in Faults(property.Value, inner, $"{at}.{property.Name}")) yield return fault;
        }
    }

    private static IEnumerable<string> Array(JsonElement value, JsonElement schema, string at)
    {
        if (value.ValueKind != JsonValueKind.Array || !schema.TryGetProperty("items", out var items)) yield break;
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            foreach (var fault in Faults(item, items, $"{at}[{index}]")) yield return fault;
            index++;
        }
    }

    private static IEnumerable<string> Types(JsonElement type) => type.ValueKind == JsonValueKind.Array
        ? type.EnumerateArray().Select(t => t.GetString() ?? "")
        : [type.GetString() ?? ""];

    private static bool Is(JsonElement value, string type) => (type, value.ValueKind) switch
    {
        ("string", JsonValueKind.String) => true,
        ("null", JsonValueKind.Null) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("object", JsonValueKind.Object) => true,
        ("array", JsonValueKind.Array) => true,
        ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => value.TryGetInt64(out _),
        _ => false,
    };
}
