using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Format;

/// <summary>What a sealed object is; part of what its seal binds.</summary>
internal enum ObjectKind : byte
{
    Pack = 1,
    Index = 2,
    Point = 3,
    Session = 4,
    Tombstone = 5,
    DropRecord = 6,
    Condemned = 7,
    Sessions = 8,
    Closing = 9,
    WalRange = 10,
    WalLineage = 11,
    WalClaim = 12,
    WalFile = 13,
}

/// <summary>
/// The 64 clear bytes at the front of every sealed object: magic <c>RPRS</c>, version, kind, flags that may be ignored,
/// flags that must be understood, epoch (u32), length of the sealed directory (u32, packs only), salt (32), zeros (8),
/// checksum (8: the first of SHA-256 over the 56 before). A good checksum with an unknown version or flag means a
/// newer writer; a bad one means damage.
/// </summary>
internal sealed record ObjectHeader(ObjectKind Kind, uint Epoch, int DirectoryBytes, ReadOnlyMemory<byte> Salt)
{
    public const int Length = 64;
    public const int SaltLength = 32;
    public const byte Version = 0;
    private const int CheckedLength = 56;

    private static ReadOnlySpan<byte> Magic => "RPRS"u8;

    public byte[] Encode()
    {
        var bytes = new byte[Length];
        Magic.CopyTo(bytes);
        bytes[4] = Version;
        bytes[5] = (byte)Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Epoch);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), DirectoryBytes);
        Salt.Span.CopyTo(bytes.AsSpan(16));
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(bytes.AsSpan(0, CheckedLength), hash);
        hash[..8].CopyTo(bytes.AsSpan(CheckedLength));
        return bytes;
    }

    public static ObjectHeader Decode(ReadOnlySpan<byte> bytes, ObjectKind expected)
    {
        if (bytes.Length < Length) throw ByteReader.Broken($"an object of {bytes.Length} bytes has no header");
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(bytes[..CheckedLength], hash);
        if (!bytes.StartsWith(Magic) || !hash[..8].SequenceEqual(bytes[CheckedLength..Length]))
            throw ByteReader.Broken("the header of an object was altered");
        if (bytes[4] != Version || bytes[7] != 0) throw Newer(bytes[4]);
        if (bytes[5] != (byte)expected) throw ByteReader.Broken($"an object of kind {bytes[5]} stands for one of kind {(byte)expected}");
        return new ObjectHeader(
            expected,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            Bounded(BinaryPrimitives.ReadInt32LittleEndian(bytes[12..])),
            bytes.Slice(16, SaltLength).ToArray());
    }

    /// <summary>The kind that a header claims, unproven; for names that may hold one of several kinds.</summary>
    public static bool Claims(ReadOnlySpan<byte> bytes, ObjectKind kind) => bytes.Length > 5 && bytes[5] == (byte)kind;

    public static RepriseException Newer(int version) => new(
        RepositoryErrors.FormatNewer,
        $"written by a newer Reprise (format {version}, this one knows {Version})",
        "install the newer version on this host; nothing is damaged");

    private static int Bounded(int directory) => directory is >= 0 and <= Limits.MaxPackBytes
        ? directory
        : throw ByteReader.Broken("a directory is longer than its pack");
}
