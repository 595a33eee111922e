using System.Globalization;
using System.Text;
using System.Text.Json;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>
/// JSON of which there is only one form (RFC 8785): keys in the order of their UTF-16 code units, no blanks, the
/// shortest escapes, UTF-8. Numbers are integers that every reader keeps exactly: anything else is our bug.
/// </summary>
internal static class CanonicalJson
{
    private const long MostExact = (1L << 53) - 1;

    /// <summary>The one form of <paramref name="value"/>.</summary>
    public static byte[] Bytes(JsonElement value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Append(StringBuilder text, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                AppendObject(text, value);
                break;
            case JsonValueKind.Array:
                AppendArray(text, value);
                break;
            case JsonValueKind.String:
                AppendText(text, value.GetString() ?? "");
                break;
            case JsonValueKind.Number:
                Invariant.Check(
                    value.TryGetInt64(out var number) && number is >= -MostExact and <= MostExact,
                    $"the number {value.GetRawText()} in evidence is not an exact integer");
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null:
                text.Append(value.GetRawText());
                break;
            default:
                throw new InvariantException($"JSON of kind {value.ValueKind}");
        }
    }

    private static void AppendObject(StringBuilder text, JsonElement value)
    {
        text.Append('{');
        var separator = "";
        foreach (var property in value.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            text.Append(separator);
            AppendText(text, property.Name);
            text.Append(':');
            Append(text, property.Value);
            separator = ",";
        }

        text.Append('}');
    }

    private static void AppendArray(StringBuilder text, JsonElement value)
    {
        text.Append('[');
        var separator = "";
        foreach (var item in value.EnumerateArray())
        {
            text.Append(separator);
            Append(text, item);
            separator = ",";
        }

        text.Append(']');
    }

    private static void AppendText(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append(@"\\"),
                '\b' => text.Append("\\b"),
                '\t' => text.Append("\\t"),
                '\n' => text.Append("\\n"),
                '\f' => text.Append("\\f"),
                '\r' => text.Append("\\r"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        text.Append('"');
    }
}
