using Reprise.Storage.Disk;

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

    public ExclusionRules(IDisk disk, IEnumerable<string> rules)
    {
        foreach (var rule in rules)
        {
            if (rule.EndsWith('*'))
            {
                starts.Add(new DiskPath(rule[..^1]));
                continue;
            }

            var path = new DiskPath(rule.Length > 1 ? rule.TrimEnd('/') : rule);
            paths.Add(path);
            if (disk.Stat(path) is { Inode: > 0 } status) identities.Add((status.Device, status.Inode));
            if (disk.Stat(path / ".") is { Inode: > 0 } target) identities.Add((target.Device, target.Inode));
        }
    }

    /// <summary>Whether anything that a rule names exists, so that <see cref="Is"/> can be true.</summary>
    public bool KnowsIdentities => identities.Count > 0;

    /// <summary>Whether a name is one of ours.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> name) => name.StartsWith(OwnPrefix);

    /// <summary>Whether <paramref name="path"/> (absolute) is named by a rule.</summary>
    public bool Names(DiskPath path)
    {
        foreach (var excluded in paths)
        {
            if (path.IsWithin(excluded)) return true;
        }

        foreach (var start in starts)
        {
            if (path.Bytes.StartsWith(start.Bytes)) return true;
        }

        return false;
    }

    /// <summary>Whether this is the very file or folder that a rule names, under another name.</summary>
    public bool Is(FileStatus status) => identities.Contains((status.Device, status.Inode));
}
