using Reprise.Storage.Disk;

namespace Reprise.Repository.Pages;

/// <summary>What an entry of a page map is.</summary>
public enum PagedEntryType : byte
{
    /// <summary>A folder.</summary>
    Folder = 1,

    /// <summary>A file, kept by pages.</summary>
    File = 2,

    /// <summary>A folder that lay elsewhere, behind a symbolic link: what it held follows below it.</summary>
    LinkedFolder = 3,
}

/// <summary>A run of pages of a file, and where they lie.</summary>
/// <param name="FirstPage">number of the first one in the file.</param>
/// <param name="Pages">how many.</param>
/// <param name="Source">number of the stream that holds them.</param>
/// <param name="Position">which page of that stream the first one is.</param>
public readonly record struct PageExtent(long FirstPage, long Pages, int Source, long Position);

/// <summary>
/// One file or folder of a tree that is kept by pages. The pages of a file that no extent holds are zeros.
/// </summary>
public sealed record PagedEntry
{
    /// <summary>What it is.</summary>
    public required PagedEntryType Type { get; init; }

    /// <summary>Relative to the root; the root itself is the empty path.</summary>
    public required DiskPath Path { get; init; }

    /// <summary>Permission bits, 0 to 07777.</summary>
    public required int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public uint User { get; init; }

    /// <summary>Numeric group.</summary>
    public uint Group { get; init; }

    /// <summary>Last change of content, before it was read.</summary>
    public UnixTime Modified { get; init; }

    /// <summary>Of a linked folder: the text of the link.</summary>
    public DiskPath Target { get; init; }

    /// <summary>Of a file: its length, which need not be whole pages.</summary>
    public long LengthBytes { get; init; }

    /// <summary>Of a file: the CRC-32C of its bytes.</summary>
    public uint Crc32C { get; init; }

    /// <summary>Of a file: where its pages lie, ascending.</summary>
    public IReadOnlyList<PageExtent> Extents { get; init; } = [];
}
