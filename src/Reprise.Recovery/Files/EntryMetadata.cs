using System.Collections.Concurrent;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>What could not be given back, counted: a restore by somebody else than root is still a restore.</summary>
internal sealed class MetadataTally
{
    private long ownersKept;
    private long attributesLost;

    /// <summary>Entries whose owner or group stays that of this process.</summary>
    public long OwnersKept => ownersKept;

    /// <summary>Attributes that the file system or the permission did not take.</summary>
    public long AttributesLost => attributesLost;

    /// <summary>Folders whose mode or time could not be set, because they belong to somebody else.</summary>
    public long FoldersNotOurs { get; set; }

    /// <summary>Entries left out because another asset owns their path now.</summary>
    public long LeftOut { get; set; }

    /// <summary>Counts in <see cref="OwnersKept"/>. Safe from several threads.</summary>
    public void KeepOwner() => Interlocked.Increment(ref ownersKept);

    /// <summary>Counts in <see cref="AttributesLost"/>. Safe from several threads.</summary>
    public void LoseAttribute() => Interlocked.Increment(ref attributesLost);

    /// <summary>One line for each kind of loss.</summary>
    public IEnumerable<string> Lines()
    {
        if (OwnersKept > 0)
            yield return $"{OwnersKept:N0} entries belong to the user of this process: run as root to give them "
                + "their owners";
        if (AttributesLost > 0)
            yield return $"{AttributesLost:N0} extended attributes could not be set on this file system or by "
                + "this user";
        if (FoldersNotOurs > 0)
            yield return $"{FoldersNotOurs:N0} folders belong to another user and keep their mode and time";
        if (LeftOut > 0)
            yield return $"{LeftOut:N0} entries were left out, because another asset owns their paths now";
    }
}

/// <summary>Gives an entry its owner, attributes, mode and time. Safe from several threads, but for one path.</summary>
internal sealed class EntryMetadata(IDisk disk, MetadataTally tally)
{
    private const int SetIds = 0xC00;

    private readonly ConcurrentDictionary<(uint User, uint Group), bool> refused = new();

    /// <summary>
    /// Sets everything, in the order that the kernel asks for: a change of owner clears set-id bits and capabilities, a
    /// change of mode moves the mask of an ACL, and the time comes last.
    /// </summary>
    /// <param name="path">of the entry.</param>
    /// <param name="entry">what it is to have.</param>
    /// <param name="now">what it has.</param>
    /// <param name="open">it, when it is open: then its name need not be looked up.</param>
    public void Apply(DiskPath path, FileEntry entry, FileStatus now, IDiskFile? open = null)
    {
        var owned = SetOwner(path, entry, now);
        foreach (var attribute in entry.Attributes)
        {
            if (!disk.SetAttribute(path, attribute)) tally.LoseAttribute();
        }

        // A program that would run as its owner must not become one that runs as whoever restores it.
        var mode = owned ? entry.Mode : entry.Mode & ~SetIds;
        var isSet = now.Mode == mode && now.User == entry.User && now.Group == entry.Group && entry.Attributes.Count == 0;
        if (entry.Type != FileEntryType.SymbolicLink && !isSet) disk.SetMode(path, mode);
        if (open?.TrySetModified(entry.Modified) != true) disk.SetModified(path, entry.Modified);
    }

    /// <summary>The same for a live folder, which may belong to somebody else: then it keeps what it has.</summary>
    public void ApplyToLive(DiskPath path, FileEntry entry, FileStatus now)
    {
        try
        {
            var sameOwner = now.User == entry.User && now.Group == entry.Group;
            if (!sameOwner || now.Mode != entry.Mode || entry.Attributes.Count > 0) Apply(path, entry, now);
            else if (now.Modified != entry.Modified) disk.SetModified(path, entry.Modified);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            tally.FoldersNotOurs++;
        }
    }

    private bool SetOwner(DiskPath path, FileEntry entry, FileStatus now)
    {
        if (now.User == entry.User && now.Group == entry.Group) return true;
        var owner = (entry.User, entry.Group);
        if (!refused.ContainsKey(owner))
        {
            try
            {
                disk.SetOwner(path, entry.User, entry.Group);
                return true;
            }
            catch (RepriseException e) when (
                e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.DiskUnsupported)
            {
                refused[owner] = true;
            }
        }

        tally.KeepOwner();
        return false;
    }
}
