using System.Text;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Disk;

/// <summary>
/// A <see cref="DiskMedium"/> as one process sees it, until it crashes. Every call may fail before or after it took
/// effect, find no room (a write then writes a part), flip a bit while reading, or be the one at which the machine
/// dies. File times tick every 10 ms of virtual time, as those of Linux before 6.13 do. What is not modelled stands at
/// <see cref="DiskMedium"/>.
/// </summary>
public sealed class SimulatedDisk : IDisk
{
    internal const int PrivateFile = 0x180;
    private const long DeviceNumber = 0x5151;
    private const long TicksPerStamp = 10 * TimeSpan.TicksPerMillisecond;
    private const CallTraits Make = CallTraits.Change | CallTraits.Room;

    // What a call takes, so that time passes while a process only uses its disk.
    private static readonly TimeSpan CallTime = TimeSpan.FromMicroseconds(50);

    private readonly SimulationLoop loop;
    private readonly FaultPlan plan;
    private readonly int epoch;

    /// <summary>Mounts the disk for one process.</summary>
    public SimulatedDisk(DiskMedium medium, SimulationLoop loop, ulong seed, FaultPlan plan)
    {
        Medium = medium;
        this.loop = loop;
        this.plan = plan;
        Chance = Chance.For(seed, "disk");
        epoch = medium.Epoch;
    }

    internal DiskMedium Medium { get; }

    internal Chance Chance { get; }

    internal UnixTime Now
    {
        get
        {
            var since = loop.Clock.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
            since -= since % TicksPerStamp;
            return new UnixTime(since / TimeSpan.TicksPerSecond, (int)(since % TimeSpan.TicksPerSecond) * 100);
        }
    }

    /// <inheritdoc />
    public FileStatus? Stat(DiskPath path) => Do("stat", path, CallTraits.Look, () =>
        DiskNames.Find(Medium.Root, path, followLast: false, missingIsNull: true) is { Inode: { } inode }
            ? StatusOf(inode)
            : null);

    /// <inheritdoc />
    public IEnumerable<FolderEntry> List(DiskPath folder) => Do("list", folder, CallTraits.Look, () =>
    {
        var found = Folder(folder).Entries.Select(e => new FolderEntry(e.Key, e.Value.Type)).ToList();

        // A folder is listed in no order.
        for (var i = found.Count - 1; i > 0; i--)
        {
            var j = Chance.Below(i + 1);
            (found[i], found[j]) = (found[j], found[i]);
        }

        return found;
    });

    /// <inheritdoc />
    public IDiskFile OpenRead(DiskPath path) => Do("open", path, CallTraits.Look, () =>
        new SimulatedFile(this, RegularOnly(Existing(path, followLast: false), path), path, writable: false));

    /// <inheritdoc />
    public IDiskFile CreateNew(DiskPath path) => Do("create", path, Make, () =>
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false);
        if (place.Inode is not null) throw Fault(StorageErrors.FileExists, "create", path);
        return new SimulatedFile(this, MakeAt(place, path, FileType.Regular, PrivateFile), path, writable: true);
    });

    /// <inheritdoc />
    public IDiskFile OpenWrite(DiskPath path) => Do("open for writing", path, Make, () =>
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false);
        if (place.Inode is { Type: FileType.Folder }) throw Fault(StorageErrors.FileExists, "open", path);
        var inode = place.Inode ?? MakeAt(place, path, FileType.Regular, PrivateFile);
        return new SimulatedFile(this, RegularOnly(inode, path), path, writable: true);
    });

    /// <inheritdoc />
    public void MakeFolder(DiskPath path, int mode = 0x1C0) => Do("make folder", path, Make, () =>
    {
        MakeFolders(path, mode & ~0x12);
        return true;
    });

    /// <inheritdoc />
    public void Rename(DiskPath from, DiskPath to) => Do($"rename {from} to", to, CallTraits.Change, () =>
    {
        var (source, target) = Places(from, to, "rename");
        if (target.Inode == source.Inode) return true;
        DemandReplaceable(source, target, to);
        Move(source, target);
        return true;
    });

    /// <inheritdoc />
    public bool RenameNew(DiskPath from, DiskPath to) => Do($"rename {from} to new", to, CallTraits.Change, () =>
    {
        var (source, target) = Places(from, to, "rename");
        if (target.Inode is not null) return false;
        Move(source, target);
        return true;
    });

    /// <inheritdoc />
    public void Exchange(DiskPath one, DiskPath other) => Do($"exchange {one} with", other, CallTraits.Change, () =>
    {
        var (first, second) = Places(one, other, "exchange");
        if (second.Inode is null) throw Fault(StorageErrors.FileMissing, "exchange " + one + " with", other);
        Medium.Rename(
            Now,
            new NameSetting(first.Folder, first.Name, second.Inode),
            new NameSetting(second.Folder, second.Name, first.Inode));
        return true;
    });

    /// <inheritdoc />
    public bool Link(DiskPath existing, DiskPath to) => Do($"link {existing} as", to, Make, () =>
    {
        var (source, target) = Places(existing, to, "link");
        if (target.Inode is not null) return false;
        if (source.Inode is { Type: FileType.Folder }) throw Fault(StorageErrors.FileDenied, "link", to);
        Medium.Rename(Now, new NameSetting(target.Folder, target.Name, source.Inode));
        return true;
    });

    /// <inheritdoc />
    public void MakeSymbolicLink(DiskPath path, DiskPath target) => Do("make link", path, Make, () =>
        MakeAt(Vacant(path, "make the symbolic link"), path, FileType.SymbolicLink, 0x1FF, target));

    /// <inheritdoc />
    public DiskPath ReadSymbolicLink(DiskPath path) => Do("read link", path, CallTraits.Look, () =>
        Existing(path, followLast: false) is { Type: FileType.SymbolicLink } link
            ? link.Target
            : throw Fault(StorageErrors.MediumFailed, "read the symbolic link", path));

    /// <inheritdoc />
    public void MakeFifo(DiskPath path, int mode) => Do("make pipe", path, Make, () =>
        MakeAt(Vacant(path, "make the pipe"), path, FileType.Fifo, mode & ~0x12));

    /// <inheritdoc />
    public void DeleteFile(DiskPath path) => Do("delete", path, CallTraits.Change, () =>
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false, missingIsNull: true);
        if (place?.Inode is null) return true;
        if (place.Inode.Type == FileType.Folder) throw Fault(StorageErrors.FileExists, "delete", path);
        Medium.Rename(Now, new NameSetting(place.Folder, place.Name, null));
        return true;
    });

    /// <inheritdoc />
    public void DeleteFolder(DiskPath path) => Do("delete folder", path, CallTraits.Change, () =>
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false, missingIsNull: true);

        // Below what is no folder the kernel does not say "absent", but "not a folder".
        if (place is null && IsBelowAFile(path)) throw Fault(StorageErrors.FileMissing, "delete the folder", path);
        if (place?.Inode is null) return true;
        if (place.Inode.Type != FileType.Folder) throw Fault(StorageErrors.FileMissing, "delete the folder", path);
        if (place.Inode.Entries.Count > 0) throw Fault(StorageErrors.FileExists, "delete the folder", path);
        Medium.Rename(Now, new NameSetting(place.Folder, place.Name, null));
        return true;
    });

    /// <inheritdoc />
    public void SyncFolder(DiskPath folder) => Do("sync folder", folder, CallTraits.Change, () =>
    {
        Medium.Sync(Folder(folder));
        return true;
    });

    /// <inheritdoc />
    public void SyncFileSystem(DiskPath path) => Do("sync all", path, CallTraits.Change, () =>
    {
        Medium.SyncAll(Existing(path, followLast: true).Mount);
        return true;
    });

    /// <inheritdoc />
    public void SetMode(DiskPath path, int mode) => Alter("set mode", path, followLast: true, f => f with { Mode = mode });

    /// <inheritdoc />
    public void SetOwner(DiskPath path, uint user, uint group) =>
        Alter("set owner", path, followLast: false, f => f with { User = user, Group = group });

    /// <inheritdoc />
    public bool KeepsTimes(DiskPath path) => true;

    public void SetModified(DiskPath path, UnixTime time) =>
        Alter("set time", path, followLast: false, f => f with { Modified = time });

    /// <inheritdoc />
    public IReadOnlyList<ExtendedAttribute> ReadAttributes(DiskPath path) =>
        Do("read attributes", path, CallTraits.Look, () => Existing(path, followLast: false).Facts.Attributes
            .Select(a => new ExtendedAttribute(a.Key, a.Value)).ToList());

    /// <inheritdoc />
    public bool SetAttribute(DiskPath path, ExtendedAttribute attribute)
    {
        if (!attribute.Name.StartsWith("user.", StringComparison.Ordinal)) return false;
        var value = attribute.Value.ToArray();
        Alter("set attribute", path, followLast: false, f => f with
        {
            Attributes = f.Attributes.SetItem(attribute.Name, value),
        });
        return true;
    }

    /// <inheritdoc />
    public DiskSpace Space(DiskPath path) => Do("look for room", path, CallTraits.Look, () =>
        new DiskSpace(
            Math.Max(0, Medium.CapacityBytes - Medium.UsedBytes),
            Medium.CapacityBytes,
            DeviceNumber + (long)(MountOf(path)?.Number ?? 0)));

    /// <inheritdoc />
    // A look, though it may make the file: nobody is told of a failure once he holds a lock, for then nobody could
    // release it.
    public IDisposable? TryLock(DiskPath path) => Do("lock", path, CallTraits.Look | CallTraits.Room, () =>
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false);
        var inode = place.Inode ?? MakeAt(place, path, FileType.Regular, PrivateFile);
        if (inode.LockedIn == epoch) return null;
        inode.LockedIn = epoch;
        return new FileLock(inode, epoch);
    });

    /// <summary>Runs one call: notes it, lets it fail or die, and lets time pass.</summary>
    internal T Do<T>(string call, DiskPath path, CallTraits traits, Func<T> effect)
    {
        var fault = Enter(call, path, traits);
        if (fault == FaultKind.OutOfSpace) throw Fault(StorageErrors.DiskFull, call, path);
        var result = effect();
        Leave(fault, call, path);
        return result;
    }

    /// <summary>The first half of a call: what fails before it takes effect.</summary>
    internal FaultKind? Enter(string call, DiskPath path, CallTraits traits)
    {
        if (epoch != Medium.Epoch) throw new SimulatedCrashException();
        loop.AssertOnLoop(call);
        loop.Clock.Spend(CallTime);
        var text = $"{call} {path}";
        if (plan.Decide(traits, text) is not { } kind)
        {
            loop.Log.Add(text);
            return null;
        }

        Medium.Counters.Add(kind);
        loop.Log.Notable($"{kind}({text})");
        if (kind == FaultKind.CrashBefore) throw loop.Crash(text);
        if (kind == FaultKind.ErrorBefore) throw Fault(StorageErrors.MediumFailed, call, path);
        return kind;
    }

    /// <summary>The second half: what fails after it took effect.</summary>
    internal void Leave(FaultKind? fault, string call, DiskPath path)
    {
        if (fault == FaultKind.CrashAfter) throw loop.Crash($"{call} {path}");
        if (fault == FaultKind.ErrorAfter) throw Fault(StorageErrors.MediumFailed, call, path);
    }

    internal static RepriseException Fault(ErrorCode code, string doing, DiskPath path) =>
        DiskFault.Of(code, $"cannot {doing} {path}: simulated {code}", path);

    internal FileStatus StatusOf(Inode inode) => new()
    {
        Type = inode.Type,
        Mode = inode.Facts.Mode,
        User = inode.Facts.User,
        Group = inode.Facts.Group,
        SizeBytes = inode.Type == FileType.SymbolicLink ? inode.Target.Bytes.Length : inode.Bytes.Length,
        AllocatedBytes = (inode.Bytes.Length + DiskMedium.SectorBytes - 1L)
            / DiskMedium.SectorBytes * DiskMedium.SectorBytes,
        Device = DeviceNumber + (long)(inode.Mount?.Number ?? 0),
        Inode = inode.Number,
        Links = (uint)inode.Links,
        Modified = inode.Facts.Modified,
        Changed = inode.Facts.Changed,
    };

    private Inode Existing(DiskPath path, bool followLast) =>
        DiskNames.Find(Medium.Root, path, followLast).Inode ?? throw Fault(StorageErrors.FileMissing, "open", path);

    private Inode? MountOf(DiskPath path)
    {
        while (true)
        {
            if (DiskNames.Find(Medium.Root, path, followLast: true, missingIsNull: true)?.Inode is { } inode) return inode.Mount;
            if (path.Parent.IsEmpty || path.Parent == path) return null;
            path = path.Parent;
        }
    }

    private bool IsBelowAFile(DiskPath path)
    {
        for (var above = path.Parent; !above.IsEmpty && above != above.Parent; above = above.Parent)
        {
            if (DiskNames.Find(Medium.Root, above, followLast: true, missingIsNull: true)?.Inode is { } inode)
                return inode.Type != FileType.Folder;
        }

        return false;
    }

    private Inode Folder(DiskPath path) => Existing(path, followLast: true) is { Type: FileType.Folder } folder
        ? folder
        : throw Fault(StorageErrors.FileMissing, "list", path);

    private static Inode RegularOnly(Inode inode, DiskPath path) => inode.Type == FileType.Regular
        ? inode
        : throw Fault(StorageErrors.FileDenied, "open", path);

    private Place Vacant(DiskPath path, string doing)
    {
        var place = DiskNames.Find(Medium.Root, path, followLast: false);
        return place.Inode is null ? place : throw Fault(StorageErrors.FileExists, doing, path);
    }

    private Inode MakeAt(Place place, DiskPath path, FileType type, int mode, DiskPath target = default)
    {
        if (place.Name.Bytes.Length > 255) throw Fault(StorageErrors.DiskUnsupported, "create", path);
        var inode = Medium.Create(place.Folder, type, mode, Now, target);
        Medium.Rename(Now, new NameSetting(place.Folder, place.Name, inode));
        return inode;
    }

    private void MakeFolders(DiskPath path, int mode)
    {
        var found = DiskNames.Find(Medium.Root, path, followLast: true, missingIsNull: true);
        if (found is null)
        {
            if (path.Parent.IsEmpty || path.Parent == path) throw Fault(StorageErrors.FileMissing, "make", path);
            MakeFolders(path.Parent, mode);
            found = DiskNames.Find(Medium.Root, path, followLast: true);
        }

        if (found.Inode is { Type: not FileType.Folder }) throw Fault(StorageErrors.FileExists, "make the folder", path);
        if (found.Inode is null) MakeAt(found, path, FileType.Folder, mode);
    }

    private (Place Source, Place Target) Places(DiskPath from, DiskPath to, string doing)
    {
        var source = DiskNames.Find(Medium.Root, from, followLast: false);
        var target = DiskNames.Find(Medium.Root, to, followLast: false);
        if (source.Inode is null) throw Fault(StorageErrors.FileMissing, doing + " " + from + " to", to);
        if (source.Inode.Mount != target.Folder.Mount) throw Fault(StorageErrors.CrossesFileSystems, doing, to);
        return (source, target);
    }

    private static void DemandReplaceable(Place source, Place target, DiskPath to)
    {
        if (target.Inode is not { } there) return;
        var moved = source.Inode?.Type == FileType.Folder;
        if (moved && there.Type != FileType.Folder) throw Fault(StorageErrors.FileMissing, "rename to", to);
        if (!moved && there.Type == FileType.Folder) throw Fault(StorageErrors.FileExists, "rename to", to);
        if (there.Entries.Count > 0) throw Fault(StorageErrors.FileExists, "rename to", to);
    }

    private void Move(Place source, Place target) => Medium.Rename(
        Now,
        new NameSetting(source.Folder, source.Name, null),
        new NameSetting(target.Folder, target.Name, source.Inode));

    private void Alter(string call, DiskPath path, bool followLast, Func<Facts, Facts> how) =>
        Do(call, path, CallTraits.Change, () =>
        {
            var inode = Existing(path, followLast);
            Medium.Touch(inode, how(inode.Facts) with { Changed = Now });
            return true;
        });

    private sealed class FileLock(Inode inode, int epoch) : IDisposable
    {
        public void Dispose()
        {
            if (inode.LockedIn == epoch) inode.LockedIn = null;
        }
    }
}

/// <summary>Where a path leads: the folder, the name in it, and what has that name.</summary>
internal sealed record Place(Inode Folder, DiskPath Name, Inode? Inode);

/// <summary>Follows paths as the kernel does.</summary>
internal static class DiskNames
{
    private const int MostLinks = 40;

    /// <summary>
    /// Finds where the path leads. A missing last segment is a place without an inode; a missing one before it is
    /// <c>file-missing</c>, or null when that is asked for.
    /// </summary>
    public static Place Find(Inode root, DiskPath path, bool followLast) =>
        Find(root, path, followLast, missingIsNull: false) ?? throw SimulatedDisk.Fault(StorageErrors.FileMissing, "find", path);

    /// <inheritdoc cref="Find(Inode, DiskPath, bool)" />
    public static Place? Find(Inode root, DiskPath path, bool followLast, bool missingIsNull)
    {
        var rest = new Stack<DiskPath>();
        Push(rest, path);
        var trail = new Stack<Inode>([root]);
        var links = 0;
        while (rest.TryPop(out var name))
        {
            var folder = trail.Peek();
            if (folder.Type != FileType.Folder) return Missing(path, missingIsNull);
            if (name.Bytes.SequenceEqual("."u8)) continue;
            if (name.Bytes.SequenceEqual(".."u8))
            {
                if (trail.Count > 1) trail.Pop();
                continue;
            }

            if (!folder.Entries.TryGetValue(name, out var inode))
                return rest.Count == 0 ? new Place(folder, name, null) : Missing(path, missingIsNull);
            if (inode.Type == FileType.SymbolicLink && (rest.Count > 0 || followLast))
            {
                if (++links > MostLinks) throw SimulatedDisk.Fault(StorageErrors.FileDenied, "follow", path);
                if (inode.Target.IsAbsolute) trail = new Stack<Inode>([root]);
                Push(rest, inode.Target);
                continue;
            }

            if (rest.Count == 0) return new Place(folder, name, inode);
            trail.Push(inode);
        }

        // The root itself, or a path that ends in a dot.
        return new Place(trail.Peek(), default, trail.Peek());
    }

    private static void Push(Stack<DiskPath> rest, DiskPath path)
    {
        var text = Encoding.Latin1.GetString(path.Bytes);
        foreach (var segment in text.Split('/').Reverse())
        {
            if (segment.Length > 0) rest.Push(new DiskPath(Encoding.Latin1.GetBytes(segment)));
        }
    }

    private static Place? Missing(DiskPath path, bool isNull) =>
        isNull ? null : throw SimulatedDisk.Fault(StorageErrors.FileMissing, "find", path);
}
