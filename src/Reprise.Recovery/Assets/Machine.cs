using System.Security.Cryptography;
using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Assets;

/// <summary>
/// Who this machine is, for the identity of targets. A host name never counts: it is copied with an image.
/// </summary>
public static class Machine
{
    /// <summary>The key of the machine in <c>AssetRecord.Identity</c>.</summary>
    public const string IdentityKey = "machine";

    private const int MaxIdBytes = 256;

    /// <summary>
    /// 32 hexadecimal digits made from <c>/etc/machine-id</c>, which itself must not leave the machine; null where
    /// there is none (many containers): such a machine cannot be told from another.
    /// </summary>
    public static string? Fingerprint(IDisk disk)
    {
        var id = Read(disk, new DiskPath("/etc/machine-id")) ?? Read(disk, new DiskPath("/var/lib/dbus/machine-id"));
        return id is null
            ? null
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("reprise machine\n" + id)).AsSpan(0, 16));
    }

    private static string? Read(IDisk disk, DiskPath path)
    {
        try
        {
            // The second place is often a link to the first, which was looked at then.
            if (disk.Stat(path) is not { Type: FileType.Regular }) return null;
            using var file = disk.OpenRead(path);
            var buffer = new byte[MaxIdBytes];
            var text = Encoding.UTF8.GetString(buffer, 0, file.Read(0, buffer)).Trim();
            return text.Length >= 32 ? text : null;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            return null;
        }
    }
}
