using System.Security.Cryptography;
using Reprise.Storage;

namespace Reprise.Repository.Packs;

/// <summary>The name of a pack: the SHA-256 of its sealed bytes.</summary>
internal readonly record struct PackId
{
    public const int Length = 32;
    public const string Folder = "packs";

    // Four numbers instead of an array, so that equality is equality of the bytes.
    private readonly UInt128 high;
    private readonly UInt128 low;

    public PackId(ReadOnlySpan<byte> hash)
    {
        high = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
        low = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash[16..]);
    }

    public ObjectName Name => new($"{Folder}/{this}");

    public static PackId Of(ReadOnlySpan<byte> sealedPack)
    {
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(sealedPack, hash);
        return new PackId(hash);
    }

    /// <summary>The pack that an object name stands for, or null when it is not the name of a pack.</summary>
    public static PackId? FromName(ObjectName name)
    {
        var text = name.Value.AsSpan();
        if (!text.StartsWith(Folder + "/", StringComparison.Ordinal)) return null;
        text = text[(Folder.Length + 1)..];
        return text.Length == 2 * Length && Format.Hex.IsLower(text) ? new PackId(Convert.FromHexString(text)) : null;
    }

    public byte[] Bytes()
    {
        var bytes = new byte[Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), low);
        return bytes;
    }

    public override string ToString() => Convert.ToHexStringLower(Bytes());
}

/// <summary>The keyed name of a chunk: the first 128 bits of its HMAC, which is what memory and index keep.</summary>
internal readonly record struct ChunkId(UInt128 Value)
{
    public const int Length = 16;

    public static ChunkId Read(ReadOnlySpan<byte> bytes) =>
        new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    public void Write(Span<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
}

/// <summary>What a pack is to a point: which, how long, and where its entries begin.</summary>
internal readonly record struct PackFacts(PackId Id, int SizeBytes, int DataOffsetBytes);

/// <summary>One entry of a pack's directory.</summary>
/// <param name="Type">1 data, 2 list of parts, 0 padding.</param>
/// <param name="StoredBytes">sealed length, tag included.</param>
/// <param name="PlainBytes">length of what comes out.</param>
/// <param name="Id">keyed name.</param>
internal readonly record struct PackEntry(byte Type, int StoredBytes, int PlainBytes, ChunkId Id)
{
    public const byte PaddingType = 0;
    public const byte DataType = 1;
    public const byte PartsType = 2;
}
