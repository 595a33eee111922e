using System.Globalization;
using System.Text.Json;

namespace Reprise.Recovery.Checks;

/// <summary>Looks values up in a JSON text (RFC 6901).</summary>
internal static class JsonPointers
{
    /// <summary>
    /// The scalar at each pointer as text (true, false and numbers as they are written); null where nothing or null
    /// stands; objects and arrays as JSON. The answer is null when the text is not JSON.
    /// </summary>
    public static IReadOnlyList<(string Pointer, string? Value)>? Read(string json, IEnumerable<string> pointers)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            return [.. pointers.Select(p => (p, Text(Find(document.RootElement, p))))];
        }
        catch (JsonException)
        {
            // The caller says so: a page of HTML where JSON was expected is an answer, not an accident.
            return null;
        }
    }

    private static JsonElement? Find(JsonElement element, string pointer)
    {
        if (pointer.Length == 0) return element;
        foreach (var segment in pointer.TrimStart('/').Split('/'))
        {
            var name =
                segment.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member))
            {
                element = member;
            }
            else if (element.ValueKind == JsonValueKind.Array
                && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < element.GetArrayLength())
            {
                element = element[index];
            }
            else
            {
                return null;
            }
        }

        return element;
    }

    private static string? Text(JsonElement? element) => element switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } other => other.GetRawText(),
    };
}
