using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>Something that a walk met.</summary>
/// <param name="Path">relative to the root; empty for the root.</param>
/// <param name="FullPath">absolute.</param>
/// <param name="Status">what the kernel says; may be null for a regular file, whose status is taken once it is
/// open.</param>
/// <param name="IsAncestor">whether it is a folder that no pattern means, kept for what is below it.</param>
/// <param name="Fault">why a folder could not be listed; then the other facts are of that folder.</param>
internal readonly record struct Walked(
    DiskPath Path, DiskPath FullPath, FileStatus? Status, bool IsAncestor, RepriseException? Fault);

/// <summary>
/// Walks what the patterns mean, depth first, names in the order of their bytes: the same tree is always met in the
/// same order. Never follows a symbolic link and never opens a folder in which nothing can match. Memory is that of the
/// names in the folders on the way down.
/// </summary>
internal sealed class TreeWalker(
    IDisk disk, DiskPath root, PathPatterns include, PathPatterns exclude, ExclusionRules rules)
{
    /// <summary>Meets everything; whatever vanishes meanwhile is left out.</summary>
    public IEnumerable<Walked> Walk()
    {
        if (disk.Stat(root / ".") is not { Type: FileType.Folder } rootStatus) yield break;
        if (rules.Names(default)) yield break;
        var start = include.Start;
        var open = new Stack<Frame>();
        open.Push(new Frame(default, root, rootStatus, start, exclude.Start, include.Matches(start)));
        if (open.Peek().Inside)
        {
            open.Peek().Emitted = true;
            yield return new Walked(default, root, rootStatus, false, null);
        }

        while (open.TryPeek(out var frame))
        {
            if (frame.Names is null && Load(frame) is { } fault)
            {
                open.Pop();
                foreach (var ancestor in Unemitted(open, frame)) yield return ancestor;
                yield return new Walked(frame.Path, frame.FullPath, frame.Status, false, fault);
                continue;
            }

            if (frame.Names?.Next() is not { } entry)
            {
                open.Pop();
                continue;
            }

            if (Meet(frame, entry) is not var (met, deeper)) continue;
            if (met is { } walked)
            {
                foreach (var ancestor in Unemitted(open, null)) yield return ancestor;
                yield return walked;
            }

            if (deeper is not null) open.Push(deeper);
        }
    }

    private (Walked? Met, Frame? Deeper)? Meet(Frame frame, FolderEntry entry)
    {
        var name = entry.Name.Bytes;
        if (ExclusionRules.IsOwn(name)) return null;
        var excluded = frame.Exclude is null ? null : exclude.Enter(frame.Exclude, name);
        if (excluded is not null && exclude.Matches(excluded)) return null;
        var included = frame.Inside ? frame.Include : include.Enter(frame.Include, name);
        if (included is null) return null;
        var inside = frame.Inside || include.Matches(included);
        if (!inside && entry.Type is not (FileType.Folder or null)) return null;

        var path = frame.Path / entry.Name;
        if (rules.Names(path)) return null;
        var fullPath = frame.FullPath / entry.Name;
        if (entry.Type == FileType.Regular && !rules.KnowsIdentities)
            return (new Walked(path, fullPath, null, false, null), null);
        if (Look(fullPath, out var fault) is not { } status)
            return fault is null || !inside ? null : (new Walked(path, fullPath, null, false, fault), null);
        if (rules.Is(status)) return null;
        var met = inside ? new Walked(path, fullPath, status, false, null) : (Walked?)null;
        if (status.Type != FileType.Folder) return met is null ? null : (met, null);
        return (met, new Frame(path, fullPath, status, included, excluded, inside) { Emitted = inside });
    }

    private FileStatus? Look(DiskPath path, out RepriseException? fault)
    {
        fault = null;
        try
        {
            return disk.Stat(path);
        }
        catch (RepriseException e) when (e.Code != StorageErrors.FileMissing)
        {
            fault = e;
            return null;
        }
    }

    /// <summary>The folders on the way down that have to come before what was met in them.</summary>
    private static IEnumerable<Walked> Unemitted(Stack<Frame> open, Frame? last)
    {
        var frames = open.Where(frame => !frame.Emitted).Reverse();
        if (last is { Emitted: false }) frames = frames.Append(last);
        foreach (var frame in frames)
        {
            frame.Emitted = true;
            yield return new Walked(frame.Path, frame.FullPath, frame.Status, true, null);
        }
    }

    private RepriseException? Load(Frame frame)
    {
        frame.Names = new NameList();
        try
        {
            foreach (var entry in disk.List(frame.FullPath)) frame.Names.Add(entry);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            // The folder vanished after it was met; whatever was in it is gone as well.
            return null;
        }
        catch (RepriseException e)
        {
            return e;
        }

        frame.Names.Sort();
        return null;
    }

    /// <summary>A folder on the way down.</summary>
    private sealed class Frame(
        DiskPath path,
        DiskPath fullPath,
        FileStatus status,
        PathPatterns.State include,
        PathPatterns.State? exclude,
        bool inside)
    {
        public DiskPath Path => path;

        public DiskPath FullPath => fullPath;

        public FileStatus Status => status;

        public PathPatterns.State Include => include;

        public PathPatterns.State? Exclude => exclude;

        /// <summary>Whether everything below belongs to the asset.</summary>
        public bool Inside => inside;

        public bool Emitted { get; set; }

        public NameList? Names { get; set; }
    }
}

/// <summary>
/// The names of one folder, sorted by their bytes. They lie end to end in one array, so that a folder of five million
/// names costs its bytes and eight more a name.
/// </summary>
internal sealed class NameList
{
    private const byte Unknown = 255;

    private readonly List<(int Offset, byte Length, byte Type)> names = [];
    private byte[] bytes = new byte[1024];
    private int used;
    private int next;

    /// <summary>Adds a name of at most 255 bytes, which is the limit of every file system that we know.</summary>
    public void Add(FolderEntry entry)
    {
        var name = entry.Name.Bytes;
        Invariant.Check(name.Length is > 0 and <= 255, $"a name has {name.Length} bytes");
        if (used + name.Length > bytes.Length) Array.Resize(ref bytes, checked(bytes.Length * 2));
        name.CopyTo(bytes.AsSpan(used));
        names.Add((used, (byte)name.Length, entry.Type is { } type ? (byte)type : Unknown));
        used += name.Length;
    }

    /// <summary>Puts the names into order.</summary>
    public void Sort() => names.Sort((one, other) =>
        bytes.AsSpan(one.Offset, one.Length).SequenceCompareTo(bytes.AsSpan(other.Offset, other.Length)));

    /// <summary>The next name, or null after the last.</summary>
    public FolderEntry? Next()
    {
        if (next == names.Count) return null;
        var (offset, length, type) = names[next++];
        return new FolderEntry(
            new DiskPath(bytes.AsSpan(offset, length)), type == Unknown ? null : (FileType)type);
    }
}
