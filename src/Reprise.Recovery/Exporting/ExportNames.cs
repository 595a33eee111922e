using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// The names of the files of an export: <c>application_asset_time.dump</c>. They hold nothing but letters, digits,
/// dots, dashes and underscores, so that no shell and no checksum file has to quote them.
/// </summary>
internal sealed class ExportNames(string application, PointId point)
{
    /// <summary>The description of the export.</summary>
    public const string Metadata = "metadata.json";

    /// <summary>Its signature.</summary>
    public const string Signature = "metadata.json.hmac";

    /// <summary>The checksums of all other files.</summary>
    public const string Checksums = "SHA256SUMS";

    private const int MaxPartLength = 64;

    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly string time = point.Time.UtcDateTime.ToString(
        "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The archive of a tree.</summary>
    public string Tarball(AssetRecord record) => Free(Part(record.Name), ".tar.zst");

    /// <summary>
    /// A file that an asset wrote as <paramref name="written"/>. <paramref name="alone"/>: the only one of its ending,
    /// so that its own name (of a database of a server, say) needs not be told.
    /// </summary>
    public string Of(AssetRecord record, DiskPath written, bool alone)
    {
        var ending = Ending(record.Kind, written);
        var own = written.ToString().Split('.')[0];
        return Free(alone ? Part(record.Name) : $"{Part(record.Name)}-{Part(own)}", ending);
    }

    /// <summary>The ending that the contract gives a file of this kind of asset.</summary>
    public static string Ending(string kind, DiskPath written) => kind switch
    {
        AssetKinds.Postgres when written.Bytes.EndsWith(".sql"u8) => ".globals.sql",
        AssetKinds.Postgres => ".dump",
        AssetKinds.Sqlite => ".db",
        _ => "." + Part(written.ToString()),
    };

    /// <summary>Whether a name is one that an export could have.</summary>
    public static bool IsPlain(string name) =>
        name.Length is > 0 and <= 255 && name[0] is not ('.' or '-') && name.All(IsPlain);

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';

    private static string Part(string text)
    {
        var plain = string.Concat(text.Take(MaxPartLength).Select(c => IsPlain(c) ? c : '-')).TrimStart('.', '-');
        return plain.Length > 0 ? plain : "x";
    }

    private string Free(string asset, string ending)
    {
        for (var number = 1; ; number++)
        {
            var name = $"{Part(application)}_{asset}{(number > 1 ? $"-{number}" : "")}_{time}{ending}";
            if (taken.Add(name)) return name;
        }
    }
}
