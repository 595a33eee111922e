using System.Buffers;
using System.Security.Cryptography;
using Reprise.Repository.Format;

namespace Reprise.Repository.Sealing;

/// <summary>
/// What slots and epochs have in common: a magic word, a version, the body, an HMAC under a key of the repository, and a
/// SHA-256 over all of it, so that damage (anybody can tell) and forgery (only a key can) differ.
/// </summary>
internal static class KeyObject
{
    public const int MacLength = 32;
    private const int Around = 5 + MacLength + 32;

    public static byte[] Encode(ReadOnlySpan<byte> magic, byte[] macKey, Action<ArrayBufferWriter<byte>> body)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Bytes(writer, magic);
        ByteWriter.Byte(writer, ObjectHeader.Version);
        body(writer);
        ByteWriter.Bytes(writer, HMACSHA256.HashData(macKey, writer.WrittenSpan));
        return [.. writer.WrittenSpan, .. SHA256.HashData(writer.WrittenSpan)];
    }

    /// <summary>The body, after the checksum has said that it is whole.</summary>
    public static ByteReader Open(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> magic)
    {
        if (bytes.Length < Around || !bytes.StartsWith(magic) || !SHA256.HashData(bytes[..^32]).AsSpan().SequenceEqual(bytes[^32..]))
            throw ByteReader.Broken("a key object was altered");
        if (bytes[4] != ObjectHeader.Version) throw ObjectHeader.Newer(bytes[4]);
        return new ByteReader(bytes[5..^(MacLength + 32)]);
    }

    /// <summary>Whether the object was made by somebody who knew the key.</summary>
    public static bool IsGenuine(ReadOnlySpan<byte> bytes, byte[] macKey) => CryptographicOperations.FixedTimeEquals(
        HMACSHA256.HashData(macKey, bytes[..^(MacLength + 32)]), bytes[^(MacLength + 32)..^32]);
}
