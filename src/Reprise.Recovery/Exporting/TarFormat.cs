using System.Buffers;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// The headers of a tar archive in the POSIX pax form, as bytes. The library's writer takes names and attributes as
/// text; here they stay what the kernel has: names that are no UTF-8, attributes that hold NUL, nanoseconds. What does
/// not fit into the header of 1988 stands in an extended header before it.
/// </summary>
internal static class TarFormat
{
    /// <summary>Everything in an archive is a multiple of this.</summary>
    public const int BlockBytes = 512;

    private const int NameBytes = 100;
    private const long MaxOctal11 = 0x1_FFFF_FFFF;
    private const long MaxOctal7 = 0x1F_FFFF;

    /// <summary>
    /// Appends the headers of <paramref name="entry"/>; the content of a regular file follows, then its padding.
    /// </summary>
    public static void WriteHeaders(ArrayBufferWriter<byte> to, TreeEntry entry)
    {
        var (type, link, size) = Kind(entry);
        var name = entry.Type == FileType.Folder ? entry.Path.WithSuffix("/") : entry.Path;
        var records = ExtendedRecords(entry, name, link, size);
        if (records.WrittenCount > 0)
        {
            var label = new DiskPath("PaxHeaders"u8) / entry.Path.Name;
            WriteHeader(to, 'x', label, default, records.WrittenCount, 0x1A4, 0, 0, entry.Modified.Seconds);
            to.Write(records.WrittenSpan);
            WritePadding(to, records.WrittenCount);
        }

        WriteHeader(to, type, name, link, size, entry.Mode, entry.User, entry.Group, entry.Modified.Seconds);
    }

    /// <summary>How many zeros follow a content of <paramref name="length"/> bytes.</summary>
    public static int Padding(long length) => (int)((BlockBytes - (length % BlockBytes)) % BlockBytes);

    /// <summary>Appends the end of an archive.</summary>
    public static void WriteEnd(ArrayBufferWriter<byte> to) => WriteZeros(to, 2 * BlockBytes);

    private static (char Type, DiskPath Link, long Size) Kind(TreeEntry entry) => entry.Type switch
    {
        FileType.Regular when !entry.HardLinkTo.IsEmpty => ('1', entry.HardLinkTo, 0),
        FileType.Regular => ('0', default, entry.SizeBytes),
        FileType.SymbolicLink => ('2', entry.LinkText, 0),
        FileType.Folder => ('5', default, 0),
        FileType.Fifo => ('6', default, 0),
        _ => throw new InvariantException($"{entry.Path} is a {entry.Type}, which no capture holds"),
    };

    private static ArrayBufferWriter<byte> ExtendedRecords(TreeEntry entry, DiskPath name, DiskPath link, long size)
    {
        var records = new ArrayBufferWriter<byte>();
        if (NeedsRecord(name)) WriteRecord(records, "path", name.Bytes);
        if (NeedsRecord(link)) WriteRecord(records, "linkpath", link.Bytes);
        if (size > MaxOctal11) WriteRecord(records, "size", Encoding.ASCII.GetBytes($"{size}"));
        if (entry.User > MaxOctal7) WriteRecord(records, "uid", Encoding.ASCII.GetBytes($"{entry.User}"));
        if (entry.Group > MaxOctal7) WriteRecord(records, "gid", Encoding.ASCII.GetBytes($"{entry.Group}"));
        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > MaxOctal11)
            WriteRecord(records, "mtime", Encoding.ASCII.GetBytes(Time(entry.Modified)));
        foreach (var attribute in entry.HardLinkTo.IsEmpty ? entry.Attributes : [])
        {
            // A key ends at the first equals sign, so that one in the name is escaped, as GNU tar does.
            var escaped = attribute.Name.Replace("%", "%25", StringComparison.Ordinal);
            var key = escaped.Replace("=", "%3D", StringComparison.Ordinal);
            WriteRecord(records, "SCHILY.xattr." + key, attribute.Value.Span);
        }

        return records;
    }

    // Names beyond ASCII get a record, because the plain header does not say which encoding it is in.
    private static bool NeedsRecord(DiskPath path) =>
        path.Bytes.Length > NameBytes || path.Bytes.ContainsAnyExceptInRange((byte)1, (byte)0x7F);

    // Before 1970 the kernel counts nanoseconds forward from an earlier second; the text counts away from zero.
    private static string Time(UnixTime time) => time switch
    {
        { Seconds: >= 0 } => $"{time.Seconds}.{time.Nanoseconds:D9}",
        { Nanoseconds: 0 } => $"{time.Seconds}",
        _ => $"-{-(time.Seconds + 1)}.{1_000_000_000 - time.Nanoseconds:D9}",
    };

    // A record begins with its own length in decimal digits, which count too.
    private static void WriteRecord(ArrayBufferWriter<byte> to, string key, ReadOnlySpan<byte> value)
    {
        var rest = 1 + Encoding.UTF8.GetByteCount(key) + 1 + value.Length + 1;
        var length = rest + 1;
        while (length != rest + $"{length}".Length) length = rest + $"{length}".Length;
        to.Write(Encoding.UTF8.GetBytes($"{length} {key}="));
        to.Write(value);
        to.Write("\n"u8);
    }

    private static void WriteHeader(
        ArrayBufferWriter<byte> to,
        char type,
        DiskPath name,
        DiskPath link,
        long size,
        int mode,
        uint user,
        uint group,
        long modified)
    {
        var header = to.GetSpan(BlockBytes)[..BlockBytes];
        header.Clear();
        name.Bytes[..Math.Min(name.Bytes.Length, NameBytes)].CopyTo(header);
        Octal(header.Slice(100, 8), mode);
        Octal(header.Slice(108, 8), user > MaxOctal7 ? 0 : user);
        Octal(header.Slice(116, 8), group > MaxOctal7 ? 0 : group);
        Octal(header.Slice(124, 12), size > MaxOctal11 ? 0 : size);
        Octal(header.Slice(136, 12), modified is < 0 or > MaxOctal11 ? 0 : modified);
        header.Slice(148, 8).Fill((byte)' ');
        header[156] = (byte)type;
        link.Bytes[..Math.Min(link.Bytes.Length, NameBytes)].CopyTo(header[157..]);
        "ustar\0"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        Octal(header.Slice(329, 8), 0);
        Octal(header.Slice(337, 8), 0);
        var sum = 0;
        foreach (var b in header) sum += b;
        Octal(header.Slice(148, 7), sum);
        to.Advance(BlockBytes);
    }

    // Octal digits that fill the field up to a closing NUL.
    private static void Octal(Span<byte> field, long value)
    {
        field[^1] = 0;
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }

        Invariant.Check(value == 0, "a number fits into its field of a tar header");
    }

    private static void WritePadding(ArrayBufferWriter<byte> to, long length) => WriteZeros(to, Padding(length));

    private static void WriteZeros(ArrayBufferWriter<byte> to, int count)
    {
        to.GetSpan(Math.Max(count, 1))[..count].Clear();
        to.Advance(count);
    }
}
