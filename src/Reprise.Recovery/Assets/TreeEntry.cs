using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Assets;

/// <summary>One entry of a captured tree, for whoever writes trees into something else than a folder.</summary>
public sealed record TreeEntry
{
    /// <summary>A regular file, a folder, a symbolic link or a FIFO.</summary>
    public required FileType Type { get; init; }

    /// <summary>
    /// Relative to the root of the tree; empty for the root itself. A folder comes before what it holds.
    /// </summary>
    public required DiskPath Path { get; init; }

    /// <summary>Permission bits, 0 to 07777.</summary>
    public required int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public required uint User { get; init; }

    /// <summary>Numeric group.</summary>
    public required uint Group { get; init; }

    /// <summary>Last change of the content.</summary>
    public required UnixTime Modified { get; init; }

    /// <summary>Extended attributes.</summary>
    public IReadOnlyList<ExtendedAttribute> Attributes { get; init; } = [];

    /// <summary>The text of a symbolic link.</summary>
    public DiskPath LinkText { get; init; }

    /// <summary>For another name of a regular file: the name of it that came earlier. Empty otherwise.</summary>
    public DiskPath HardLinkTo { get; init; }

    /// <summary>Length of a regular file that is no <see cref="HardLinkTo"/>.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The bytes of such a file when they lie in a point, else null.</summary>
    public Content? Content { get; init; }
}

/// <summary>
/// An asset whose captured tree can be read without writing it anywhere first: owners are kept without being root, and
/// no room is needed.
/// </summary>
public interface ITreeSource
{
    /// <summary>
    /// The entries of the tree in order; regular files have their <see cref="TreeEntry.Content"/>, which may be read
    /// between two entries. <paramref name="scratchFolder"/>, which exists and is empty, is emptied at the end.
    /// </summary>
    IAsyncEnumerable<TreeEntry> WalkAsync(
        AssetRecord record, PointReader point, string scratchFolder, CancellationToken cancellationToken);
}
