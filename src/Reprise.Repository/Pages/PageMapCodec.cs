using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Storage.Disk;

namespace Reprise.Repository.Pages;

/// <summary>
/// The bytes of a page map, as <c>docs/format.md</c> has them: a header with the size of a page, records behind their
/// length, a length of zero and the number of records.
/// </summary>
internal static class PageMapCodec
{
    private const int ModeBits = 0xFFF;
    private const int MaxNanoseconds = 999_999_999;

    /// <summary>The first bytes of every map; the size of a page follows.</summary>
    public static ReadOnlySpan<byte> Magic => "RPPAGES\u0001"u8;

    /// <summary>Magic and size of a page.</summary>
    public const int HeaderBytes = 12;

    public static void WriteHeader(IBufferWriter<byte> to, int pageBytes)
    {
        to.Write(Magic);
        ByteWriter.UInt32(to, (uint)pageBytes);
    }

    /// <summary>The size of a page.</summary>
    public static int ReadHeader(ReadOnlySpan<byte> header)
    {
        var reader = new ByteReader(header);
        if (!reader.Bytes(Magic.Length).SequenceEqual(Magic)) throw ByteReader.Broken("it is no page map that is known here");
        var pageBytes = reader.UInt32();
        reader.End();
        return PageLimits.IsPageSize(pageBytes)
            ? (int)pageBytes
            : throw ByteReader.Broken($"a page map has pages of {pageBytes} bytes");
    }

    public static void WriteEnd(IBufferWriter<byte> to, ulong records)
    {
        ByteWriter.UInt32(to, 0);
        ByteWriter.UInt64(to, records);
    }

    /// <summary>One record without its length.</summary>
    public static void Write(IBufferWriter<byte> to, PagedEntry entry)
    {
        ByteWriter.Byte(to, (byte)entry.Type);
        ByteWriter.Sized(to, entry.Path.Bytes);
        ByteWriter.Number(to, entry.Mode);
        ByteWriter.UInt32(to, entry.User);
        ByteWriter.UInt32(to, entry.Group);
        ByteWriter.SignedNumber(to, entry.Modified.Seconds);
        ByteWriter.Number(to, entry.Modified.Nanoseconds);
        if (entry.Type == PagedEntryType.LinkedFolder) ByteWriter.Sized(to, entry.Target.Bytes);
        if (entry.Type != PagedEntryType.File) return;
        ByteWriter.Number(to, entry.LengthBytes);
        ByteWriter.UInt32(to, entry.Crc32C);
        ByteWriter.Number(to, entry.Extents.Count);
        var next = 0L;
        foreach (var extent in entry.Extents)
        {
            ByteWriter.Number(to, extent.FirstPage - next);
            ByteWriter.Number(to, extent.Pages);
            ByteWriter.Number(to, extent.Source);
            ByteWriter.Number(to, extent.Position);
            next = extent.FirstPage + extent.Pages;
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote; <c>malformed</c> on whatever is not as documented.</summary>
    public static PagedEntry Read(ReadOnlySpan<byte> record, int pageBytes)
    {
        var reader = new ByteReader(record);
        var type = (PagedEntryType)reader.Byte();
        if (!Enum.IsDefined(type)) throw ByteReader.Broken($"a page map has an entry of type {(int)type}");
        var path = ReadPath(ref reader, emptyAllowed: type == PagedEntryType.Folder);
        var mode = (int)reader.Number(ModeBits);
        var (user, group) = (reader.UInt32(), reader.UInt32());
        var seconds = reader.SignedNumber();
        var entry = new PagedEntry
        {
            Type = type,
            Path = path,
            Mode = mode,
            User = user,
            Group = group,
            Modified = new UnixTime(seconds, (int)reader.Number(MaxNanoseconds)),
        };
        if (type == PagedEntryType.LinkedFolder) entry = entry with { Target = ReadTarget(ref reader) };
        if (type == PagedEntryType.File) entry = ReadFile(ref reader, entry, pageBytes);
        reader.End();
        return entry;
    }

    private static PagedEntry ReadFile(ref ByteReader reader, PagedEntry entry, int pageBytes)
    {
        var length = reader.Number(PageLimits.MaxFileBytes);
        var crc = reader.UInt32();
        var pages = (length + pageBytes - 1) / pageBytes;
        var count = (int)reader.Number(PageLimits.MaxExtents);

        // An extent has four bytes at least: a false number reserves no more than what is there.
        var extents = new List<PageExtent>(Math.Min(count, reader.Remaining / 4));
        var next = 0L;
        for (var i = 0; i < count; i++)
        {
            var first = next + reader.Number(pages - next);
            var run = reader.Number(pages - first);
            if (run == 0) throw ByteReader.Broken($"'{entry.Path}' has an extent without pages");
            var source = (int)reader.Number(PageLimits.MaxSources - 1);
            extents.Add(new PageExtent(first, run, source, reader.Number(ContentCodec.MaxLengthBytes / pageBytes)));
            next = first + run;
        }

        return entry with { LengthBytes = length, Crc32C = crc, Extents = extents };
    }

    private static DiskPath ReadTarget(ref ByteReader reader)
    {
        var target = WithoutNul(reader.Sized(PageLimits.MaxPathBytes));
        return target.IsEmpty ? throw ByteReader.Broken("a page map has a link to nowhere") : target;
    }

    private static DiskPath ReadPath(ref ByteReader reader, bool emptyAllowed)
    {
        var path = WithoutNul(reader.Sized(PageLimits.MaxPathBytes));
        if (path.IsEmpty && emptyAllowed) return path;
        for (var rest = path.Bytes; ;)
        {
            var slash = rest.IndexOf((byte)'/');
            var name = slash < 0 ? rest : rest[..slash];
            if (name.Length is 0 or > PageLimits.MaxNameBytes || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
                throw ByteReader.Broken($"a page map has the path '{path}', which leaves its folder");
            if (slash < 0) return path;
            rest = rest[(slash + 1)..];
        }
    }

    private static DiskPath WithoutNul(ReadOnlySpan<byte> bytes) => bytes.Contains((byte)0)
        ? throw ByteReader.Broken("a path in a page map holds a NUL")
        : new DiskPath(bytes);
}
