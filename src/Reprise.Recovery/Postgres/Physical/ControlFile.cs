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

    // The beginning of the structure is the same in all majors that are known here.
    private const int CatalogOffset = 12;
    private const int StateOffset = 16;
    private const int TimelineOffset = 48;
    private const uint ShutDown = 1;
    private const uint ShutDownInRecovery = 2;
    private const uint InArchiveRecovery = 5;

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

    /// <summary>The version of the catalogue in it.</summary>
    public static string Catalog(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[CatalogOffset..]).ToString(CultureInfo.InvariantCulture);

    /// <summary>The timeline of the last checkpoint.</summary>
    public static uint Timeline(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[TimelineOffset..]);

    /// <summary>Whether the server was stopped in good order.</summary>
    public static bool IsShutDown(ReadOnlySpan<byte> bytes) => State(bytes) is ShutDown or ShutDownInRecovery;

    /// <summary>Whether it is, or was when it ended, a standby or in another recovery.</summary>
    public static bool IsRecovering(ReadOnlySpan<byte> bytes) => State(bytes) is ShutDownInRecovery or InArchiveRecovery;

    private static uint State(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[StateOffset..]);

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
