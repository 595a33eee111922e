using System.Buffers;
using System.Text;
using Reprise.Repository.Format;

namespace Reprise.Repository.Wal;

/// <summary>Who archives: the machine and the data directory. A clone has another of the two.</summary>
/// <param name="Machine">a hash of the machine's number, or <c>unknown</c>.</param>
/// <param name="Place">device and inode of the data directory, or the name of a stream's slot.</param>
public sealed record WalOwner(string Machine, string Place)
{
    internal const int MaxTextBytes = 256;

    /// <summary>As a person reads it.</summary>
    public override string ToString() => $"machine {Machine}, {Place}";

    internal void Encode(IBufferWriter<byte> to)
    {
        ByteWriter.Sized(to, Encoding.UTF8.GetBytes(Machine));
        ByteWriter.Sized(to, Encoding.UTF8.GetBytes(Place));
    }

    internal static WalOwner Decode(ref ByteReader from) => new(Text(ref from), Text(ref from));

    private static string Text(ref ByteReader from) => Encoding.UTF8.GetString(from.Sized(MaxTextBytes));
}

/// <summary>Where a lineage left another one.</summary>
/// <param name="Lineage">the other one.</param>
/// <param name="Timeline">the timeline on which it left it.</param>
/// <param name="At">what comes before belongs to both.</param>
public sealed record WalFork(string Lineage, uint Timeline, Lsn At);

/// <summary>
/// The log of changes of one cluster, as one archive. A cluster's first lineage is named by its identifier; an adopted one
/// has a parent, because two restores of one point write different bytes under the same identifier and timeline.
/// </summary>
public sealed record WalLineage
{
    /// <summary>The smallest segment of PostgreSQL, in bytes.</summary>
    public const int MinSegmentBytes = 1024 * 1024;

    /// <summary>The largest segment of PostgreSQL, in bytes.</summary>
    public const int MaxSegmentBytes = 1024 * 1024 * 1024;

    internal const int IdLength = 16;
    internal const int MaxNumber = 1000;

    /// <summary>Its name in the repository: 16 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>0 for the first of a cluster, then by adoption.</summary>
    public required int Number { get; init; }

    /// <summary>The system identifier of the cluster.</summary>
    public required ulong Identifier { get; init; }

    /// <summary>The size of its segments.</summary>
    public required int SegmentBytes { get; init; }

    /// <summary>The major version of PostgreSQL.</summary>
    public required int Major { get; init; }

    /// <summary>Where it left its parent, or null: it is the first.</summary>
    public WalFork? Parent { get; init; }

    /// <summary>Who began it.</summary>
    public required WalOwner Owner { get; init; }

    /// <summary>Whether a segment can have this size.</summary>
    public static bool IsSegmentSize(long bytes) =>
        bytes is >= MinSegmentBytes and <= MaxSegmentBytes && (bytes & (bytes - 1)) == 0;

    internal byte[] Encode()
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, Number);
        ByteWriter.UInt64(writer, Identifier);
        ByteWriter.Number(writer, SegmentBytes);
        ByteWriter.Number(writer, Major);
        ByteWriter.Byte(writer, (byte)(Parent is null ? 0 : 1));
        if (Parent is { } parent)
        {
            ByteWriter.Bytes(writer, Encoding.ASCII.GetBytes(parent.Lineage));
            ByteWriter.UInt32(writer, parent.Timeline);
            ByteWriter.UInt64(writer, parent.At.Value);
        }

        Owner.Encode(writer);
        return writer.WrittenSpan.ToArray();
    }

    internal static WalLineage Decode(string id, ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        var number = (int)reader.Number(MaxNumber);
        var identifier = reader.UInt64();
        var segment = (int)reader.Number(MaxSegmentBytes);
        if (!IsSegmentSize(segment)) throw ByteReader.Broken($"a segment of WAL cannot have {segment} bytes");
        var major = (int)reader.Number(999);
        WalFork? parent = reader.Byte() switch
        {
            0 => null,
            1 => new WalFork(LineageId(reader.Bytes(IdLength)), reader.UInt32(), new Lsn(reader.UInt64())),
            var other => throw ByteReader.Broken($"a lineage has {other} parents"),
        };
        if (parent is null != (number == 0)) throw ByteReader.Broken("a lineage that was adopted has a parent, and the first has none");
        var owner = WalOwner.Decode(ref reader);
        reader.End();
        return new WalLineage
        {
            Id = id, Number = number, Identifier = identifier, SegmentBytes = segment, Major = major, Parent = parent, Owner = owner,
        };
    }

    internal static bool IsId(ReadOnlySpan<char> text) => text.Length == IdLength && Hex.IsLower(text);

    private static string LineageId(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.ASCII.GetString(bytes);
        return IsId(text) ? text : throw ByteReader.Broken("a lineage names a parent that cannot be");
    }
}
