using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>What an entry of a file list is.</summary>
internal enum FileEntryType : byte
{
    /// <summary>A folder.</summary>
    Folder = 1,

    /// <summary>A regular file with its content.</summary>
    File = 2,

    /// <summary>A symbolic link; <see cref="FileEntry.Target"/> is its text.</summary>
    SymbolicLink = 3,

    /// <summary>Another name of the file at <see cref="FileEntry.Target"/>, which came earlier in the list.</summary>
    HardLink = 4,

    /// <summary>A named pipe.</summary>
    Fifo = 5,

    /// <summary>
    /// Something that belongs to the asset and could not be read; <see cref="FileEntry.Target"/> is the code.
    /// </summary>
    Missing = 6,
}

/// <summary>What else is to be known of an entry.</summary>
[Flags]
internal enum FileEntryFlags : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A folder that no pattern means: it is kept because something below it is meant.</summary>
    Ancestor = 1,

    /// <summary>A file that changed each time it was read: its content is of no single instant.</summary>
    Changing = 2,

    /// <summary>A file that only grew while it was read: its content is that of its opening.</summary>
    Growing = 4,
}

/// <summary>One entry of a file list.</summary>
internal sealed record FileEntry
{
    /// <summary>What it is.</summary>
    public required FileEntryType Type { get; init; }

    /// <summary>Relative to the root; empty for the root itself.</summary>
    public required DiskPath Path { get; init; }

    /// <summary>What else.</summary>
    public FileEntryFlags Flags { get; init; }

    /// <summary>Permission bits.</summary>
    public int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public uint User { get; init; }

    /// <summary>Numeric group.</summary>
    public uint Group { get; init; }

    /// <summary>Last change of the content.</summary>
    public UnixTime Modified { get; init; }

    /// <summary>Last change of content or attributes, to know later whether the file is still the same.</summary>
    public UnixTime Changed { get; init; }

    /// <summary>Device number, for the same.</summary>
    public long Device { get; init; }

    /// <summary>Inode number, for the same.</summary>
    public ulong Inode { get; init; }

    /// <summary>Extended attributes, in ordinal order of their names.</summary>
    public IReadOnlyList<ExtendedAttribute> Attributes { get; init; } = [];

    /// <summary>Text of a symbolic link, first name of a hard link, code of what is missing.</summary>
    public DiskPath Target { get; init; }

    /// <summary>The bytes of a regular file.</summary>
    public Content? Content { get; init; }

    /// <summary>Whether the folder is kept only for what is below it.</summary>
    public bool IsAncestor => Flags.HasFlag(FileEntryFlags.Ancestor);

    /// <summary>An entry of what the kernel says.</summary>
    public static FileEntry Of(FileEntryType type, DiskPath path, FileStatus status) => new()
    {
        Type = type,
        Path = path,
        Mode = status.Mode,
        User = status.User,
        Group = status.Group,
        Modified = status.Modified,
        Changed = status.Changed,
        Device = status.Device,
        Inode = status.Inode,
    };
}
