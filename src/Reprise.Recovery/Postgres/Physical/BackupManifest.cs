using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Reprise.Repository.Pages;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// <c>backup_manifest</c> as PostgreSQL writes it (manual, "Backup Manifest Format"), so that its own
/// <c>pg_verifybackup</c> judges what was restored. The CRCs are those of the capture: nothing is read again for it.
/// </summary>
internal sealed class BackupManifest(ClusterFacts cluster, int major)
{
    // System identifiers are in it since then.
    private const int SecondVersion = 17;

    private readonly StringBuilder files = new();

    /// <summary>Whether a file is listed: WAL is not, nor what changes on its own.</summary>
    public static bool Lists(DiskPath path) => !path.IsWithin(new DiskPath("pg_wal")) && path.ToString() != "backup_manifest";

    public void Add(PagedEntry entry)
    {
        Span<byte> crc = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(crc, entry.Crc32C);
        var time = DateTimeOffset.FromUnixTimeSeconds(entry.Modified.Seconds).ToString("yyyy-MM-dd HH:mm:ss 'GMT'", CultureInfo.InvariantCulture);
        files.Append(files.Length == 0 ? "\n" : ",\n").Append(CultureInfo.InvariantCulture, $$"""
            { {{Named(entry.Path)}}, "Size": {{entry.LengthBytes}}, "Last-Modified": "{{time}}", "Checksum-Algorithm": "CRC32C", "Checksum": "{{Convert.ToHexStringLower(crc)}}" }
            """);
    }

    /// <summary>All of it; the checksum is over everything before its own line.</summary>
    public byte[] Format()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{ \"PostgreSQL-Backup-Manifest-Version\": {(major >= SecondVersion ? 2 : 1)},\n");
        if (major >= SecondVersion) text.Append(CultureInfo.InvariantCulture, $"\"System-Identifier\": {cluster.System},\n");
        text.Append("\"Files\": [").Append(files).Append("\n],\n\"WAL-Ranges\": [\n").Append(
            CultureInfo.InvariantCulture,
            $"{{ \"Timeline\": {cluster.Timeline}, \"Start-LSN\": \"{cluster.Start}\", \"End-LSN\": \"{cluster.Stop}\" }}\n],\n");
        var body = Encoding.UTF8.GetBytes(text.ToString());
        return [.. body, .. Encoding.ASCII.GetBytes($"\"Manifest-Checksum\": \"{Convert.ToHexStringLower(SHA256.HashData(body))}\"}}\n")];
    }

    private static string Named(DiskPath path) => Utf8.IsValid(path.Bytes)
        ? $"\"Path\": \"{JsonEncodedText.Encode(path.Bytes, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\""
        : $"\"Encoded-Path\": \"{Convert.ToHexStringLower(path.Bytes)}\"";
}
