using System.Text.Json.Nodes;

namespace Reprise.Tests.Hostile;

/// <summary>Puts something else in the place of one value of a document: structure stays, meaning does not.</summary>
internal static class JsonMutator
{
    private static readonly string[] Others =
        ["null", "-1", "0", "2147483647", "9223372036854775807", "1.5", "\"\"", "\"../x\"", "\"garbage\"", "[]", "{}", "[null]", "{\"a\":null}", "true"];

    public static JsonNode Mutate(JsonNode document, int seed)
    {
        var random = new Random(seed);
        var copy = document.DeepClone();
        for (var left = random.Next(1, 3); left > 0; left--)
        {
            var places = Places(copy).ToList();
            var (parent, key, index) = places[random.Next(places.Count)];
            var value = JsonNode.Parse(Others[random.Next(Others.Length)]);
            if (parent is JsonObject o && random.Next(6) == 0) o.Remove(key);
            else if (parent is JsonObject named) named[key] = value;
            else parent.AsArray()[index] = value;
        }

        return copy;
    }

    private static IEnumerable<(JsonNode Parent, string Key, int Index)> Places(JsonNode? node)
    {
        if (node is JsonObject o)
        {
            foreach (var (key, value) in o.ToList())
            {
                yield return (o, key, 0);
                foreach (var below in Places(value)) yield return below;
            }
        }
        else if (node is JsonArray a)
        {
            for (var i = 0; i < a.Count; i++)
            {
                yield return (a, "", i);
                foreach (var below in Places(a[i])) yield return below;
            }
        }
    }
}
