using System.Collections.Immutable;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;

namespace Reprise.Simulation.Disk;

/// <summary>What a crash leaves of what was not synced.</summary>
public enum CrashStyle
{
    /// <summary>The process was killed: the kernel still has everything.</summary>
    Killed,

    /// <summary>The power failed and nothing unsynced survives.</summary>
    DropAll,

    /// <summary>
    /// The power failed: each unsynced write is dropped, kept or torn by seed; changes of names survive in order up to
    /// some moment, as a journalling file system (ext4, xfs) keeps them.
    /// </summary>
    Journalled,

    /// <summary>As before, but any change of names may survive without those before it, as btrfs allows.</summary>
    AnyName,
}

/// <summary>
/// What lies on a simulated disk: all of it as running programs see it, and as it rests. It survives every crash.
/// <para>The model: each folder at the root is a file system of its own, whose name is always there. The bytes of a file are durable after its sync, a name after the sync of its folder, everything
/// after a sync of the file system. A crash drops, keeps or tears (by sector of 512 bytes) each unsynced write, and
/// drops or keeps each unsynced change of names; the two halves of a rename between folders part when one of them was
/// synced. Whatever a failed sync had to write is decided at once and never again: later syncs succeed without it.</para>
/// <para>Not modelled: mounts in other places, device failures that grow, bits that rot at rest, holes, quotas
/// and inode limits, permissions (everything is allowed), hard links to folders, access times, creation of names with
/// case folding, memory maps, O_DIRECT, writes that a crash tears inside a sector, and metadata of a file system that a
/// crash damages. Space is counted in bytes of content only.</para>
/// </summary>
public sealed class DiskMedium
{
    internal const int SectorBytes = 512;

    private readonly List<NameChange> unsyncedNames = [];
    private readonly HashSet<Inode> touched = [];
    private ulong lastNumber = 1;

    /// <summary>Makes an empty disk.</summary>
    public DiskMedium(FaultCounters counters)
    {
        Counters = counters;
        Root = new Inode(1, FileType.Folder, NewFacts(0x1ED, default)) { Links = 1 };
    }

    /// <summary>How many bytes of content it takes.</summary>
    public long CapacityBytes { get; set; } = 1L << 32;

    /// <summary>Counts what crashes do.</summary>
    public FaultCounters Counters { get; }

    /// <summary>How often it crashed: whoever opened it before is dead.</summary>
    internal int Epoch { get; private set; }

    internal Inode Root { get; private set; }

    internal long UsedBytes { get; set; }

    internal static Facts NewFacts(int mode, UnixTime now) =>
        new(mode, 0, 0, now, now, ImmutableSortedDictionary<string, byte[]>.Empty);

    internal Inode Create(Inode folder, FileType type, int mode, UnixTime now, DiskPath target = default)
    {
        var inode = new Inode(++lastNumber, type, NewFacts(mode, now)) { Target = target };
        inode.Mount = folder == Root ? inode : folder.Mount;
        return inode;
    }

    /// <summary>Changes names, for running programs at once, for the medium when their folders are synced.</summary>
    internal void Rename(UnixTime now, params ReadOnlySpan<NameSetting> settings)
    {
        foreach (var setting in settings)
        {
            if (setting.Inode is not { } inode) continue;
            inode.Links++;
            Touch(inode, inode.Facts with { Changed = now });
        }

        foreach (var setting in settings)
        {
            if (setting.Folder.Entries.TryGetValue(setting.Name, out var old)) Unlink(old);
            setting.ApplyTo(setting.Folder.Entries);
            if (setting.Folder == Root) setting.ApplyTo(Root.DurableEntries);
            Touch(setting.Folder, setting.Folder.Facts with { Modified = now, Changed = now });
        }

        unsyncedNames.Add(new NameChange(settings.ToArray()));
    }

    internal void Change(Inode file, ByteChange change)
    {
        if (file.Links > 0) UsedBytes -= file.Bytes.Length;
        change.ApplyTo(file.Bytes);
        if (file.Links > 0) UsedBytes += file.Bytes.Length;
        file.Unsynced.Add(change);
        touched.Add(file);
    }

    internal void Touch(Inode inode, Facts facts)
    {
        inode.Facts = facts;
        touched.Add(inode);
    }

    internal void Sync(Inode file)
    {
        foreach (var change in file.Unsynced) change.ApplyTo(file.DurableBytes);
        file.Unsynced.Clear();
        file.DurableFacts = file.Facts;
        if (file.Type == FileType.Folder) SyncNames(file);
    }

    /// <summary>What a failed sync leaves: decided now, and no later sync tries it again.</summary>
    internal void FailSync(Inode file, Chance chance) => Settle(file, chance, CrashStyle.Journalled);

    internal void SyncAll(Inode? mount)
    {
        foreach (var change in unsyncedNames)
        {
            foreach (var setting in change.Settings.Where(s => s.Folder.Mount == mount))
                setting.ApplyTo(setting.Folder.DurableEntries);
            change.Settings.RemoveAll(s => s.Folder.Mount == mount);
        }

        unsyncedNames.RemoveAll(c => c.Settings.Count == 0);
        foreach (var inode in touched.Where(i => i.Mount == mount)) Sync(inode);
        touched.RemoveWhere(i => i.Mount == mount);
    }

    /// <summary>
    /// The machine or only the process dies: what survives becomes what is there. Everybody who had it open is dead.
    /// </summary>
    public void Crash(CrashStyle style, Chance chance)
    {
        Epoch++;
        Counters.Add(style == CrashStyle.Killed ? CrashEffect.ProcessKilled : CrashEffect.PowerLost);
        if (style == CrashStyle.Killed) return;
        SettleNames(style, chance);
        foreach (var inode in touched.OrderBy(i => i.Number))
        {
            Settle(inode, chance, style);
            inode.Bytes = inode.DurableBytes.Clone();
            inode.Entries = new SortedDictionary<DiskPath, Inode>(inode.DurableEntries);
            inode.Facts = inode.DurableFacts;
        }

        touched.Clear();
        Recount();
    }

    private void SyncNames(Inode folder)
    {
        foreach (var change in unsyncedNames)
        {
            foreach (var setting in change.Settings.Where(s => s.Folder == folder)) setting.ApplyTo(folder.DurableEntries);
            change.Settings.RemoveAll(s => s.Folder == folder);
        }

        unsyncedNames.RemoveAll(c => c.Settings.Count == 0);
    }

    private void SettleNames(CrashStyle style, Chance chance)
    {
        var survivors = chance.Below(unsyncedNames.Count + 1);
        for (var i = 0; i < unsyncedNames.Count; i++)
        {
            var kept = style switch
            {
                CrashStyle.Journalled => i < survivors,
                CrashStyle.AnyName => chance.OneIn(2),
                _ => false,
            };
            Counters.Add(kept ? CrashEffect.NameKept : CrashEffect.NameDropped);
            if (!kept) continue;
            foreach (var setting in unsyncedNames[i].Settings) setting.ApplyTo(setting.Folder.DurableEntries);
        }

        unsyncedNames.Clear();
    }

    private void Settle(Inode inode, Chance chance, CrashStyle style)
    {
        if (style != CrashStyle.DropAll && chance.OneIn(2)) inode.DurableFacts = inode.Facts;
        foreach (var change in inode.Unsynced)
        {
            var fate = style == CrashStyle.DropAll ? 0 : chance.Below(change.Content is null ? 2 : 3);
            Counters.Add(fate switch
            {
                0 => CrashEffect.WriteDropped,
                1 => CrashEffect.WriteKept,
                _ => CrashEffect.WriteTorn,
            });
            if (fate == 1) change.ApplyTo(inode.DurableBytes);
            if (fate == 2) Tear(inode.DurableBytes, change.Offset, change.Content, chance);
        }

        inode.Unsynced.Clear();
    }

    // The length may be there already while sectors are not: those read as zeros, or as what they held before.
    private static void Tear(ByteImage image, int offset, ReadOnlySpan<byte> content, Chance chance)
    {
        if (image.Length < offset + content.Length) image.Resize(offset + content.Length);
        for (var at = offset; at < offset + content.Length;)
        {
            var end = Math.Min(((at / SectorBytes) + 1) * SectorBytes, offset + content.Length);
            if (chance.OneIn(2)) image.Write(at, content[(at - offset)..(end - offset)]);
            at = end;
        }
    }

    private void Unlink(Inode inode)
    {
        if (--inode.Links == 0 && inode.Type == FileType.Regular) UsedBytes -= inode.Bytes.Length;
    }

    private void Recount()
    {
        UsedBytes = 0;
        var seen = new HashSet<Inode> { Root };
        var open = new Stack<Inode>([Root]);
        while (open.TryPop(out var folder))
        {
            foreach (var inode in folder.Entries.Values)
            {
                if (!seen.Add(inode))
                {
                    inode.Links++;
                    continue;
                }

                inode.Links = 1;
                UsedBytes += inode.Bytes.Length;
                if (inode.Type == FileType.Folder) open.Push(inode);
            }
        }
    }
}
