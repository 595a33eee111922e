using System.Security.Cryptography;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Sealing;

/// <summary>
/// What opens a repository: the secret of one key slot, and copies of all objects under <c>keys/</c>, so that the file
/// alone suffices when those are gone. It is text in lines <c>word value</c>; other lines are prose for people, which is
/// how the printed recovery sheet can be the same format.
/// </summary>
public sealed class KeyFile
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    internal const int RepositoryIdLength = 16;

    private const string First = "reprise-key 0";

    internal KeyFile(byte[] repositoryId, string slot, byte[] secret, IReadOnlyDictionary<string, byte[]> keyObjects)
    {
        RepositoryId = repositoryId;
        Slot = slot;
        Secret = secret;
        KeyObjects = keyObjects;
    }

    /// <summary>Which slot it opens, e.g. <c>file-1a2b3c4d</c>.</summary>
    public string Slot { get; }

    /// <summary>The repository it belongs to, as hexadecimal.</summary>
    public string Repository => Convert.ToHexStringLower(RepositoryId);

    internal byte[] RepositoryId { get; }

    internal byte[] Secret { get; }

    internal IReadOnlyDictionary<string, byte[]> KeyObjects { get; }

    /// <summary>Reads a key file or a recovery sheet. <paramref name="where"/> is its path, for the error.</summary>
    public static KeyFile Parse(string text, string where)
    {
        var lines = text.Split('\n').Select(line => line.Trim()).ToList();
        var start = lines.IndexOf(First);
        if (start < 0) throw Invalid(where, "it does not contain the line '" + First + "'");
        var body = lines.Skip(start).TakeWhile(line => !line.StartsWith("check ", StringComparison.Ordinal)).ToList();
        if (lines.ElementAtOrDefault(start + body.Count) != "check " + Check(body)) throw Invalid(where, "its check line does not fit, so a line is missing or was altered");
        try
        {
            var file = new KeyFile(
                Convert.FromHexString(Value(body, "repository")),
                Value(body, "slot"),
                Convert.FromBase64String(Value(body, "secret")),
                Objects(body));
            if (file.RepositoryId.Length != RepositoryIdLength || file.Secret.Length != Sealing.Slot.SecretLength)
                throw new FormatException("the repository or the secret has a wrong length");
            return file;
        }
        catch (FormatException e)
        {
            throw Invalid(where, e.Message);
        }
    }

    /// <summary>The file as text, to be kept with mode 0600.</summary>
    public string Format()
    {
        var lines = new List<string>
        {
            First,
            "repository " + Repository,
            "slot " + Slot,
            "secret " + Convert.ToBase64String(Secret),
        };
        foreach (var (name, bytes) in KeyObjects.OrderBy(o => o.Key, StringComparer.Ordinal))
        {
            lines.AddRange(Convert.ToBase64String(bytes).Chunk(64).Select(part => $"object {name} {new string(part)}"));
        }

        lines.Add("check " + Check(lines));
        return string.Join('\n', lines) + "\n";
    }

    private static string Check(IEnumerable<string> lines) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines.Where(IsOurs)))))[..16];

    private static bool IsOurs(string line) =>
        line == First
        || line.StartsWith("repository ", StringComparison.Ordinal)
        || line.StartsWith("slot ", StringComparison.Ordinal)
        || line.StartsWith("secret ", StringComparison.Ordinal)
        || line.StartsWith("object ", StringComparison.Ordinal);

    private static string Value(List<string> lines, string word) =>
        lines.FirstOrDefault(line => line.StartsWith(word + " ", StringComparison.Ordinal))?[(word.Length + 1)..]
        ?? throw new FormatException($"the line '{word}' is missing");

    private static Dictionary<string, byte[]> Objects(List<string> lines) => lines
        .Where(line => line.StartsWith("object ", StringComparison.Ordinal))
        .Select(line => line.Split(' '))
        .GroupBy(words => words[1], words => words[^1], StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => Convert.FromBase64String(string.Concat(g)), StringComparer.Ordinal);

    private static RepriseException Invalid(string where, string why) => new(new Problem(
        RepositoryErrors.KeyInvalid,
        Severity.Error,
        $"the key file {where} cannot be used: {why}",
        "use another copy of the key, or the recovery sheet") { Where = where });
}
