using System.Buffers.Binary;
using System.Globalization;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// <c>global/pg_control</c>, which the server overwrites in place: a reader may see half of the old and half of the new.
/// </summary>
internal static class ControlFile
{
    public const int LengthBytes = 8192;
    private const int LeastOffset = 200;
    private const int MostOffset = 508;

    /// <summary>The bytes, or null when their CRC does not hold now.</summary>
    public static byte[]? TryRead(IDisk disk, DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[LengthBytes];
        return file.Read(0, bytes) == LengthBytes && HasCrc(bytes) ? bytes : null;
    }

    /// <summary>The system identifier in it.</summary>
    public static string System(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes).ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Whether the CRC that ends the structure holds. Where it stands depends on the major; nothing but zeros follows it.
    /// </summary>
    public static bool HasCrc(ReadOnlySpan<byte> bytes)
    {
        for (var at = LeastOffset; at <= MostOffset; at += sizeof(uint))
        {
            if (Crc32C.Of(bytes[..at]) == BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..])
                && !bytes[(at + 8)..].ContainsAnyExcept((byte)0))
                return true;
        }

        return false;
    }
}
