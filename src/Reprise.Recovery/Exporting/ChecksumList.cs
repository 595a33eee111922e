using System.Text;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// <c>SHA256SUMS</c> as <c>sha256sum</c> writes and checks it: hash, two blanks (or blank and star), name.
/// </summary>
internal static class ChecksumList
{
    /// <summary>The most files of an export.</summary>
    public const int MaxFiles = 10_000;

    private const int HashLength = 2 * Sha256Digest.Length;

    /// <summary>The bytes of the file.</summary>
    public static byte[] Encode(SortedDictionary<string, FileFacts> files) => Encoding.ASCII.GetBytes(
        string.Concat(files.Select(f => $"{f.Value.Sha256}  {f.Key}\n")));

    /// <summary>
    /// Reads the file: hashes by name, and what is wrong with a line, lower case, naming it by its number only. A name
    /// that an export could not have (a path, a blank, a control character) is wrong.
    /// </summary>
    public static (SortedDictionary<string, string> Hashes, List<string> Wrong) Decode(ReadOnlySpan<byte> bytes)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var wrong = new List<string>();
        var number = 0;
        foreach (var range in bytes.TrimEnd((byte)'\n').Split((byte)'\n'))
        {
            number++;
            if (number > MaxFiles)
            {
                wrong.Add($"it names more than {MaxFiles} files");
                break;
            }

            var line = Encoding.Latin1.GetString(bytes[range]).TrimEnd('\r');
            if (Judge(line, hashes) is { } reason) wrong.Add($"line {number} {reason}");
        }

        return (hashes, wrong);
    }

    private static string? Judge(string line, SortedDictionary<string, string> hashes)
    {
        if (line.Length < HashLength + 3
            || line[HashLength] != ' '
            || line[HashLength + 1] is not (' ' or '*')
            || !line.AsSpan(0, HashLength).ContainsOnlyHex())
        {
            return "is not a SHA-256 and a name";
        }

        var name = line[(HashLength + 2)..];
        if (!ExportNames.IsPlain(name)) return "names a path outside the folder, or a name that no export has";
        return hashes.TryAdd(name, line[..HashLength].ToLowerInvariant()) ? null : $"names {name} a second time";
    }

    private static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
        }

        return true;
    }
}
