using System.Buffers;
using Reprise.Repository.Points;

namespace Reprise.Repository.Format;

/// <summary>
/// <see cref="Content"/> as bytes: length, SHA-256 (32 bytes), depth (and 4 when that is over the SHA-256 of the parts),
/// number of parts, then the parts. A part is its pack + 1, entry, offset, stored length, plain length; a hole is 0 and its length. All numbers as in
/// <see cref="ByteWriter.Number"/>. A list of parts (depth above 0) is the parts alone, end to end.
/// </summary>
public static class ContentCodec
{
    /// <summary>Lists of lists of lists: more than any content of ours needs (24 × 40,000³ parts).</summary>
    public const int MaxDepth = 3;

    // Added to the depth when the hash is over the hashes of the parts.
    private const int ByPart = MaxDepth + 1;

    /// <summary>The largest length that is believed: 2^56 bytes.</summary>
    public const long MaxLengthBytes = 1L << 56;

    /// <summary>Appends <paramref name="content"/>.</summary>
    public static void Write(IBufferWriter<byte> to, Content content)
    {
        ByteWriter.Number(to, content.LengthBytes);
        ByteWriter.Bytes(to, content.Sha256.Bytes);
        ByteWriter.Number(to, content.Depth + (content.IsHashedByPart ? ByPart : 0));
        ByteWriter.Number(to, content.Parts.Count);
        foreach (var part in content.Parts) Write(to, part);
    }

    /// <summary>Appends one part.</summary>
    public static void Write(IBufferWriter<byte> to, Part part)
    {
        ByteWriter.Number(to, part.IsHole ? 0 : part.Pack + 1);
        if (!part.IsHole)
        {
            ByteWriter.Number(to, part.Entry);
            ByteWriter.Number(to, part.OffsetBytes);
            ByteWriter.Number(to, part.StoredBytes);
        }

        ByteWriter.Number(to, part.PlainBytes);
    }

    /// <summary>Reads what <see cref="Write(IBufferWriter{byte}, Content)"/> wrote.</summary>
    public static Content Read(ref ByteReader from)
    {
        var length = from.Number(MaxLengthBytes);
        var sha256 = new Sha256Digest(from.Bytes(Sha256Digest.Length));
        var depth = (int)from.Number(MaxDepth + ByPart);
        var parts = new Part[(int)from.Number(Content.MaxInlineParts)];
        for (var i = 0; i < parts.Length; i++) parts[i] = ReadPart(ref from);
        return new Content
        {
            LengthBytes = length,
            Sha256 = sha256,
            IsHashedByPart = depth >= ByPart,
            Depth = depth % ByPart,
            Parts = parts,
        };
    }

    /// <summary>Demands of content that came as JSON what <see cref="Read"/> demands: the same limits, nothing negative.</summary>
    public static void Demand(Content? content)
    {
        if (content is not { Parts: { } parts, LengthBytes: >= 0 and <= MaxLengthBytes, Depth: >= 0 and <= MaxDepth } || parts.Count > Content.MaxInlineParts)
            throw ByteReader.Broken("a content has a length, a depth or parts that there are not");
        foreach (var part in parts)
        {
            var isSound = part.IsHole
                ? part is { Pack: -1, PlainBytes: >= 0 }
                : part is
                {
                    Entry: >= 0 and <= Limits.MaxPackEntries, OffsetBytes: >= 0 and <= Limits.MaxPackBytes,
                    StoredBytes: >= 0 and <= Limits.MaxPackBytes, PlainBytes: >= 0 and <= Limits.MaxChunkBytes,
                };
            if (!isSound) throw ByteReader.Broken("a part lies where no part can lie");
        }
    }

    /// <summary>Reads one part.</summary>
    public static Part ReadPart(ref ByteReader from)
    {
        var pack = (int)from.Number(int.MaxValue) - 1;
        if (pack < 0) return Part.Hole((int)from.Number(int.MaxValue));
        var entry = (int)from.Number(Limits.MaxPackEntries);
        var offset = (int)from.Number(Limits.MaxPackBytes);
        var stored = (int)from.Number(Limits.MaxPackBytes);
        return new Part(pack, entry, offset, stored, (int)from.Number(Limits.MaxChunkBytes));
    }
}
