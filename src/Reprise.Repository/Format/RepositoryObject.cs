using System.Security.Cryptography;
using System.Text;
using Reprise.Storage;

namespace Reprise.Repository.Format;

/// <summary>
/// The clear object <c>repository</c>: four lines of text, so that a person who finds the folder knows what it is.
/// <c>reprise repository</c>, <c>version 0</c>, <c>id</c> and 32 digits, <c>check</c> and the first 16 digits of the
/// SHA-256 over the lines before.
/// </summary>
internal static class RepositoryObject
{
    public const int MaxBytes = 4096;

    public static readonly ObjectName Name = new("repository");

    public static byte[] Encode(ReadOnlySpan<byte> id)
    {
        var text = $"reprise repository\nversion {ObjectHeader.Version}\nid {Convert.ToHexStringLower(id)}\n";
        return Encoding.ASCII.GetBytes(text + $"check {Check(text)}\n");
    }

    public static byte[] Decode(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.ASCII.GetString(bytes);
        var lines = text.Split('\n');
        if (lines.Length != 5 || lines[0] != "reprise repository" || lines[3] != "check " + Check(string.Join('\n', lines[..3]) + "\n"))
            throw ByteReader.Broken("the object 'repository' was altered");
        if (lines[1] != $"version {ObjectHeader.Version}") throw ObjectHeader.Newer(Number(lines[1]));
        var id = After("id ", lines[2]);
        return id.Length == 32 && Hex.IsLower(id) ? Convert.FromHexString(id) : throw ByteReader.Broken("the repository has no id");
    }

    private static int Number(string line) => int.TryParse(After("version ", line), out var number) ? number : -1;

    private static string After(string word, string line) => line.StartsWith(word, StringComparison.Ordinal)
        ? line[word.Length..]
        : throw ByteReader.Broken($"the object 'repository' has no line '{word.Trim()}'");

    private static string Check(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)))[..16];
}
