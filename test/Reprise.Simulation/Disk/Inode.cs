using System.Collections.Immutable;
using Reprise.Storage.Disk;

namespace Reprise.Simulation.Disk;

/// <summary>What a stat and the attributes say of an inode.</summary>
internal sealed record Facts(
    int Mode, uint User, uint Group, UnixTime Modified, UnixTime Changed, ImmutableSortedDictionary<string, byte[]> Attributes);

/// <summary>A file, folder, link or pipe: as running programs see it, and as it rests on the medium.</summary>
internal sealed class Inode(ulong number, FileType type, Facts facts)
{
    public ulong Number => number;

    public FileType Type => type;

    public Facts Facts { get; set; } = facts;

    public Facts DurableFacts { get; set; } = facts;

    public ByteImage Bytes { get; set; } = new();

    public ByteImage DurableBytes { get; set; } = new();

    /// <summary>Changes of bytes since the last sync, in order.</summary>
    public List<ByteChange> Unsynced { get; } = [];

    public SortedDictionary<DiskPath, Inode> Entries { get; set; } = [];

    public SortedDictionary<DiskPath, Inode> DurableEntries { get; set; } = [];

    /// <summary>The text of a symbolic link.</summary>
    public DiskPath Target { get; init; }

    /// <summary>The folder at the root below which it lies: a file system of its own.</summary>
    public Inode? Mount { get; set; }

    /// <summary>How many names it has.</summary>
    public int Links { get; set; }

    /// <summary>The epoch of the disk in which somebody took the lock, or null: a crash lets go of it.</summary>
    public int? LockedIn { get; set; }
}

/// <summary>One change of names: what a rename does in one or two folders happens together or not at all.</summary>
internal sealed class NameChange(IEnumerable<NameSetting> settings)
{
    /// <summary>What is not durable yet.</summary>
    public List<NameSetting> Settings { get; } = [.. settings];
}

/// <summary>A name in a folder that was given to an inode, or taken away.</summary>
internal sealed record NameSetting(Inode Folder, DiskPath Name, Inode? Inode)
{
    public void ApplyTo(SortedDictionary<DiskPath, Inode> entries)
    {
        if (Inode is null) entries.Remove(Name);
        else entries[Name] = Inode;
    }
}
