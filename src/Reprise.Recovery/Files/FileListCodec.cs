using System.Buffers;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>
/// The bytes of a file list: the stream <c>files</c> of an asset, and the journal of folders in a slot.
/// <code>
/// list      "RPFILES" (7 bytes), version 1 (1 byte), records, end
/// record    length of what follows (u32, little-endian, 1 to 256 KiB), then
///           changed (time), device (signed), inode (u64)         told apart from a copy; not part of the hash
///           type (1 byte), flags (1 byte), path (sized)
///           mode (number), user (u32), group (u32), modified (time)
///           attributes (number), each: name (sized, UTF-8), value (sized)
///           target (sized)                                       symbolic link, hard link, missing
///           content (as ContentCodec)                            file
/// end       length 0 (u32), number of records (u64)
/// time      seconds (signed number), nanoseconds (number)
/// number, signed, sized   as ByteWriter writes them
/// </code>
/// Types and flags are those of <see cref="FileEntryType"/> and <see cref="FileEntryFlags"/>. Paths are relative,
/// without empty, <c>.</c> or <c>..</c> segments, and strictly ascending, a slash sorting before every other byte: a
/// folder comes before what it holds. What is missing may repeat the path of the folder before it, whose content could
/// not be listed.
/// <para>The hash of an asset is SHA-256 over all records from their type on, a content being only its length and its
/// hash: equal trees have equal hashes wherever their bytes are stored.</para>
/// </summary>
internal static class FileListCodec
{
    /// <summary>The largest record; attributes that do not fit are left out at capture and named.</summary>
    public const int MaxRecordBytes = 256 * 1024;

    /// <summary>The longest path and the longest target, as Linux has it.</summary>
    public const int MaxPathBytes = 4096;

    /// <summary>The most bytes of names and values of the attributes of one entry.</summary>
    public const int MaxAttributesBytes = 200 * 1024;

    /// <summary>Length of the start of a list.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Length of the end of a list.</summary>
    public const int EndBytes = 12;

    private static readonly SearchValues<byte> NotOnWindows = SearchValues.Create("\\:*?\"<>|"u8);

    private const int MaxAttributes = 1024;
    private const int MaxNameBytes = 255;

    /// <summary>The first bytes of every list.</summary>
    public static ReadOnlySpan<byte> Header => "RPFILES\u0001"u8;

    /// <summary>
    /// Writes one record without its length into an empty <paramref name="to"/>, and returns where the part begins that
    /// is hashed.
    /// </summary>
    public static int WriteRecord(ArrayBufferWriter<byte> to, FileEntry entry)
    {
        Write(to, entry.Changed);
        ByteWriter.SignedNumber(to, entry.Device);
        ByteWriter.UInt64(to, entry.Inode);
        var stable = to.WrittenCount;
        ByteWriter.Byte(to, (byte)entry.Type);
        ByteWriter.Byte(to, (byte)entry.Flags);
        ByteWriter.Sized(to, entry.Path.Bytes);
        ByteWriter.Number(to, entry.Mode);
        ByteWriter.UInt32(to, entry.User);
        ByteWriter.UInt32(to, entry.Group);
        Write(to, entry.Modified);
        ByteWriter.Number(to, entry.Attributes.Count);
        foreach (var attribute in entry.Attributes)
        {
            ByteWriter.Sized(to, Encoding.UTF8.GetBytes(attribute.Name));
            ByteWriter.Sized(to, attribute.Value.Span);
        }

        if (HasTarget(entry.Type)) ByteWriter.Sized(to, entry.Target.Bytes);
        return stable;
    }

    /// <summary>Appends the end of a list of <paramref name="records"/> records.</summary>
    public static void WriteEnd(IBufferWriter<byte> to, ulong records)
    {
        ByteWriter.UInt32(to, 0);
        ByteWriter.UInt64(to, records);
    }

    /// <summary>
    /// Decodes one record without its length; breaks with <c>malformed</c> on whatever is not as documented.
    /// </summary>
    public static FileEntry Read(ReadOnlySpan<byte> record)
    {
        var reader = new ByteReader(record);
        var changed = ReadTime(ref reader);
        var device = reader.SignedNumber();
        var inode = reader.UInt64();
        var type = (FileEntryType)reader.Byte();
        if (!Enum.IsDefined(type)) throw ByteReader.Broken($"a file list has an entry of type {(int)type}");
        var flags = (FileEntryFlags)reader.Byte();
        var path = ReadPath(ref reader, emptyAllowed: type is FileEntryType.Folder or FileEntryType.Missing);
        var mode = (int)reader.Number(0xFFF);
        var user = reader.UInt32();
        var group = reader.UInt32();
        var modified = ReadTime(ref reader);
        var attributes = ReadAttributes(ref reader);
        var target = type switch
        {
            FileEntryType.HardLink => ReadPath(ref reader, emptyAllowed: false),
            _ when HasTarget(type) => WithoutNul(reader.Sized(MaxPathBytes)),
            _ => default,
        };
        var content = type == FileEntryType.File ? ContentCodec.Read(ref reader) : null;
        reader.End();
        return new FileEntry
        {
            Type = type,
            Flags = flags,
            Path = path,
            Mode = mode,
            User = user,
            Group = group,
            Modified = modified,
            Changed = changed,
            Device = device,
            Inode = inode,
            Attributes = attributes,
            Target = target,
            Content = content,
        };
    }

    /// <summary>The order of paths in a list: a slash sorts before every other byte.</summary>
    public static int Compare(DiskPath one, DiskPath other) => DiskPath.CompareInTree(one, other);

    private static bool HasTarget(FileEntryType type) =>
        type is FileEntryType.SymbolicLink or FileEntryType.HardLink or FileEntryType.Missing;

    private static void Write(IBufferWriter<byte> to, UnixTime time)
    {
        ByteWriter.SignedNumber(to, time.Seconds);
        ByteWriter.Number(to, time.Nanoseconds);
    }

    private static UnixTime ReadTime(ref ByteReader reader)
    {
        var seconds = reader.SignedNumber();
        return new UnixTime(seconds, (int)reader.Number(999_999_999));
    }

    private static List<ExtendedAttribute> ReadAttributes(ref ByteReader reader)
    {
        var count = (int)reader.Number(MaxAttributes);
        var attributes = new List<ExtendedAttribute>(Math.Min(count, 16));
        for (var i = 0; i < count; i++)
        {
            var name = reader.Sized(MaxNameBytes);
            if (name.Contains((byte)0)) throw ByteReader.Broken("the name of an attribute holds a NUL");
            var value = reader.Sized(MaxAttributesBytes);
            attributes.Add(new ExtendedAttribute(Encoding.UTF8.GetString(name), value.ToArray()));
        }

        return attributes;
    }

    private static DiskPath ReadPath(ref ByteReader reader, bool emptyAllowed)
    {
        var path = WithoutNul(reader.Sized(MaxPathBytes));
        if (path.IsEmpty && emptyAllowed) return path;
        for (var rest = path.Bytes; ;)
        {
            var slash = rest.IndexOf((byte)'/');
            var name = slash < 0 ? rest : rest[..slash];
            if (!IsPlainName(name))
                throw ByteReader.Broken($"a file list has the path '{path}', which leaves its folder");
            if (slash < 0) return path;
            rest = rest[(slash + 1)..];
        }
    }

    private static bool IsPlainName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= MaxNameBytes
        && !name.SequenceEqual("."u8)
        && !name.SequenceEqual(".."u8)
        && !ExclusionRules.IsOwn(name)
        && !(OperatingSystem.IsWindows() && name.ContainsAny(NotOnWindows));

    private static DiskPath WithoutNul(ReadOnlySpan<byte> bytes) => bytes.Contains((byte)0)
        ? throw ByteReader.Broken("a path in a file list holds a NUL")
        : new DiskPath(bytes);
}
