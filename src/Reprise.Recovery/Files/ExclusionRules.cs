using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// What never belongs to a files asset whatever its patterns say: see <see cref="FilesSettings.ExcludedByRule"/>. What
/// exists is also known by device and inode, so that another spelling of the path or a hard link does not get around
/// it.
/// </summary>
internal sealed class ExclusionRules
{
    /// <summary>Slots, spools and parts of ours start with this, wherever they lie.</summary>
    public static ReadOnlySpan<byte> OwnPrefix => ".reprise-"u8;

    private readonly List<DiskPath> paths = [];
    private readonly List<DiskPath> starts = [];
    private readonly HashSet<(long Device, ulong Inode)> identities = [];

    /// <summary>Reads rules for what lies below <paramref name="root"/>; others cannot concern it.</summary>
    public ExclusionRules(IDisk disk, DiskPath root, IEnumerable<string> rules)
    {
        var places = new RealPaths(disk);
        DiskPath[] roots = [root, places.Of(root)];
        foreach (var rule in rules)
        {
            var isStart = rule.EndsWith('*');
            var path = new DiskPath(isStart ? rule[..^1] : rule.Length > 1 ? rule.TrimEnd('/') : rule);
            if (!path.IsAbsolute) throw PathPatterns.Invalid($"the path '{rule}' of a rule is not absolute");
            DiskPath[] spellings = [path, places.Of(path.Parent) / path.Name];
            foreach (var spelling in spellings)
            {
                foreach (var place in roots) Add(isStart ? starts : paths, spelling, place);
            }

            if (!isStart) Identify(disk, path);
        }
    }

    /// <summary>Whether anything that a rule names exists, so that <see cref="Is"/> can be true.</summary>
    public bool KnowsIdentities => identities.Count > 0;

    /// <summary>Whether a name is one of ours.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> name) => name.StartsWith(OwnPrefix);

    /// <summary>Whether <paramref name="path"/> (relative to the root) is named by a rule.</summary>
    public bool Names(DiskPath path)
    {
        foreach (var excluded in paths)
        {
            if (excluded.IsEmpty || path.IsWithin(excluded)) return true;
        }

        foreach (var start in starts)
        {
            if (path.Bytes.StartsWith(start.Bytes)) return true;
        }

        return false;
    }

    /// <summary>Whether this is the very file or folder that a rule names, under another name.</summary>
    public bool Is(FileStatus status) => identities.Contains((status.Device, status.Inode));

    private static void Add(List<DiskPath> to, DiskPath rule, DiskPath root)
    {
        if (root.IsWithin(rule)) to.Add(default);
        else if (rule.IsWithin(root)) to.Add(new DiskPath(rule.Bytes[root.Bytes.Length..].TrimStart((byte)'/')));
    }

    private void Identify(IDisk disk, DiskPath path)
    {
        foreach (var spelling in new[] { path, path / "." })
        {
            try
            {
                if (disk.Stat(spelling) is { Inode: > 0 } status) identities.Add((status.Device, status.Inode));
            }
            catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
            {
                // What we may not look at we cannot read either; its name keeps it out.
            }
        }
    }
}

/// <summary>Paths without symbolic links on their way, so that two spellings of a place can be compared.</summary>
internal sealed class RealPaths(IDisk disk)
{
    /// <summary>As many links as the kernel follows.</summary>
    private const int MaxLinks = 40;

    /// <summary>
    /// Where <paramref name="path"/> leads to; what does not exist, or may not be looked at, is taken as it is.
    /// </summary>
    public DiskPath Of(DiskPath path)
    {
        if (path.IsEmpty || path.Bytes[0] != (byte)'/') return path;
        var rest = new Stack<DiskPath>();
        Push(rest, path);
        var real = new DiskPath("/"u8);
        var links = 0;
        while (rest.TryPop(out var name))
        {
            if (name.Bytes.SequenceEqual(".."u8)) real = real.Parent.IsEmpty ? real : real.Parent;
            else if (LinkAt(real / name) is not { } target) real /= name;
            else if (++links > MaxLinks) return path;
            else if (target.IsAbsolute) (real, _) = (new DiskPath("/"u8), Push(rest, target));
            else Push(rest, target);
        }

        return real;
    }

    private DiskPath? LinkAt(DiskPath path)
    {
        try
        {
            return disk.Stat(path) is { Type: FileType.SymbolicLink } ? disk.ReadSymbolicLink(path) : null;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            return null;
        }
    }

    private static bool Push(Stack<DiskPath> rest, DiskPath path)
    {
        for (var left = path; !left.IsEmpty; left = left.Parent)
        {
            if (left.Bytes.SequenceEqual("/"u8)) break;
            if (left.Name is { IsEmpty: false } name && !name.Bytes.SequenceEqual("."u8)) rest.Push(name);
        }

        return true;
    }
}
