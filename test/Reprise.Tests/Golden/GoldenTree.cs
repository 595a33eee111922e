using System.Buffers;
using System.Text;
using Reprise.Recovery.Files;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Tests.Golden;

/// <summary>One file of the golden tree, as it went in and has to come out.</summary>
/// <param name="Entry">everything but the content.</param>
/// <param name="Pieces">the bytes; a number of zeros is a hole.</param>
internal sealed record GoldenFile(FileEntry Entry, IReadOnlyList<(byte[] Bytes, int Hole)> Pieces)
{
    public byte[] Bytes => [.. Pieces.SelectMany(p => p.Hole > 0 ? new byte[p.Hole] : p.Bytes)];
}

/// <summary>A small tree with everything that a list of files can say, of fixed bytes.</summary>
internal static class GoldenTree
{
    /// <summary>In the order of the list.</summary>
    public static IReadOnlyList<GoldenFile> Files(int version) =>
    [
        Of(FileEntryType.Folder, "", 0x1ED, 1),
        Of(FileEntryType.File, "empty", 0x180, 2),
        Of(FileEntryType.File, "hello", 0x1A4, 3, Encoding.UTF8.GetBytes($"hello for the {version}. time\n")),
        Of(FileEntryType.HardLink, "hello-again", 0x1A4, 3, target: "hello"),
        Of(FileEntryType.SymbolicLink, "link", 0x1FF, 4, target: "sub/deep"),
        new(Entry(FileEntryType.File, new DiskPath([0x6f, 0x64, 0x64, 0xff]), 0x100, 5, default), [(Fixed(77, 1), 0)]),
        Of(FileEntryType.SymbolicLink, "out", 0x1FF, 4, target: "/nowhere/else"),
        Of(FileEntryType.Fifo, "pipe", 0x1B0, 6),
        new(Entry(FileEntryType.File, new DiskPath("sparse"), 0x1A4, 7, default), Sparse()),
        Of(FileEntryType.Folder, "sub", 0x1E8, 8),
        Of(FileEntryType.File, "sub/deep", 0x9ED, 9, Fixed(3000, 2)) is var deep
            ? deep with { Entry = deep.Entry with { Attributes = [new ExtendedAttribute("user.reprise", "golden"u8.ToArray())] } }
            : deep,
    ];

    /// <summary>What <c>find -printf '%P|%y|%m|%T@|%U:%G|%l\n'</c> says of the restored tree, in ordinal order.</summary>
    public static IEnumerable<string> Lines(int version, bool withOwners) => Files(version).Select(f =>
    {
        var e = f.Entry;
        var type = e.Type switch
        {
            FileEntryType.Folder => 'd', FileEntryType.SymbolicLink => 'l', FileEntryType.Fifo => 'p', _ => 'f',
        };
        var path = Encoding.Latin1.GetString(e.Path.Bytes);
        var link = e.Type == FileEntryType.SymbolicLink ? e.Target.ToString() : "";
        var mode = Convert.ToString(e.Mode, 8);
        return $"{path}|{type}|{mode}|{e.Modified.Seconds}.{e.Modified.Nanoseconds:D9}0|{(withOwners ? $"{e.User}:{e.Group}" : "")}|{link}";
    }).Order(StringComparer.Ordinal);

    /// <summary>Stores the tree in a point.</summary>
    public static async Task<(Content List, Sha256Digest Sha256)> StoreAsync(PointWriter writer, int version)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var encoder = new FileListEncoder();
        FileListEncoder.Begin(bytes);
        foreach (var file in Files(version))
        {
            var entry = file.Entry;
            if (entry.Type == FileEntryType.File) entry = entry with { Content = await StoreAsync(writer, file) };
            encoder.Add(bytes, entry);
        }

        encoder.End(bytes);
        var list = writer.Begin(Cutting.ContentDefined);
        await list.WriteAsync(bytes.WrittenMemory, default);
        return (await list.CompleteAsync(default), encoder.Hash());
    }

    /// <summary>Bytes that look random and are the same everywhere.</summary>
    public static byte[] Fixed(int count, uint seed)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i++)
        {
            seed = (seed * 1664525) + 1013904223;
            bytes[i] = (byte)(seed >> 24);
        }

        return bytes;
    }

    // Thirty parts: more than stand in a record, so that their list is content itself.
    private static List<(byte[] Bytes, int Hole)> Sparse() =>
        [.. Enumerable.Range(0, 15).SelectMany(i => new[] { (new[] { (byte)('a' + i) }, 0), (Array.Empty<byte>(), 70_000) })];

    private static async Task<Content> StoreAsync(PointWriter writer, GoldenFile file)
    {
        var content = writer.Begin(Cutting.ContentDefined);
        foreach (var (bytes, hole) in file.Pieces)
        {
            if (hole > 0) await content.WriteZerosAsync(hole, default);
            else await content.WriteAsync(bytes, default);
        }

        return await content.CompleteAsync(default);
    }

    private static GoldenFile Of(FileEntryType type, string path, int mode, int minute, byte[]? bytes = null, string? target = null) =>
        new(Entry(type, new DiskPath(path), mode, minute, target is null ? default : new DiskPath(target)), [(bytes ?? [], 0)]);

    private static FileEntry Entry(FileEntryType type, DiskPath path, int mode, int minute, DiskPath target) => new()
    {
        Type = type,
        Path = path,
        Mode = mode,
        User = 1000,
        Group = 1001,
        Modified = new UnixTime(1_700_000_000 + (60 * minute), 123_456_789),
        Changed = new UnixTime(1_700_000_000, 5),
        Device = 2049,
        Inode = (ulong)(4711 + minute),
        Target = target,
    };
}
