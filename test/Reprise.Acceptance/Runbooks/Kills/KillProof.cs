using System.Text.Json;
using System.Text.Json.Nodes;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>The file of figures about kills: each soak writes its own part and leaves the others as they are.</summary>
internal static class KillProof
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>What is there already; nothing when it is not.</summary>
    public static JsonObject Read(string path) =>
        File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!.AsObject() : []; // an object, by ourselves

    /// <summary>Puts one part into the file; null puts the members of <paramref name="part"/> at its top.</summary>
    public static void Write(string path, string? name, JsonObject part)
    {
        var all = Read(path);
        if (name is not null)
        {
            all[name] = part;
        }
        else
        {
            foreach (var (key, value) in part) all[key] = value?.DeepClone();
        }

        File.WriteAllText(path, all.ToJsonString(Indented) + "\n");
    }
}
