using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>
/// Where the files of a server lie, and the names that are made from it. Beside the data directory, as a rule; where that
/// is a mount, nothing beside it is on the same file system, and the slots lie in it.
/// </summary>
internal sealed class ClusterPlace
{
    /// <summary>How the names of slots in a mount begin: a backup leaves them out.</summary>
    public const string OwnPrefix = "reprise.";

    private const int MaxLinks = 40;
    private const int MaxMountBytes = 4 * 1024 * 1024;
    private const int MountPointField = 4;
    private static readonly DiskPath Mounts = new("/proc/self/mountinfo");

    private ClusterPlace(DiskPath data, bool isMount) => (Data, IsMount) = (data, isMount);

    /// <summary>The data directory itself, no link to it.</summary>
    public DiskPath Data { get; }

    /// <summary>Whether it cannot be renamed, only what is in it.</summary>
    public bool IsMount { get; }

    /// <summary>The folder of all our names.</summary>
    public DiskPath Folder => IsMount ? Data : Data.Parent;

    /// <summary>What says which exchange is under way.</summary>
    public DiskPath Marker => IsMount ? Data / (OwnPrefix + "swap") : Data.WithSuffix(".reprise-swap");

    /// <summary>The data directory in a slot.</summary>
    public DiskPath In(Slot slot) => IsMount ? Data / (OwnPrefix + slot) : Data.WithSuffix("." + slot);

    /// <summary>Whether an entry of a mount is not the server's: it stays where it is.</summary>
    public static bool Stays(DiskPath name) =>
        name.ToString() is var text && (text == "lost+found" || text.StartsWith(OwnPrefix, StringComparison.Ordinal));

    /// <summary>Follows links at <paramref name="path"/>: the folder is replaced where it really is, and the link stays.</summary>
    public static ClusterPlace Resolve(IDisk disk, DiskPath path)
    {
        path = new DiskPath(path.Bytes.TrimEnd((byte)'/'));
        for (var links = 0; links < MaxLinks; links++)
        {
            if (disk.Stat(path) is not { Type: FileType.SymbolicLink }) return new ClusterPlace(path, IsMounted(disk, path));
            var target = disk.ReadSymbolicLink(path);
            path = Normal(target.IsAbsolute ? target : path.Parent / target);
        }

        throw new RepriseException(StorageErrors.FileDenied, $"{path} is behind more than {MaxLinks} symbolic links", "correct the links");
    }

    /// <summary>The same path without <c>.</c> and <c>..</c>.</summary>
    public static DiskPath Normal(DiskPath path)
    {
        var kept = new List<string>();
        foreach (var part in Encoding.Latin1.GetString(path.Bytes).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..") kept.RemoveRange(Math.Max(kept.Count - 1, 0), Math.Min(kept.Count, 1));
            else if (part != ".") kept.Add(part);
        }

        return new DiskPath(Encoding.Latin1.GetBytes("/" + string.Join('/', kept)));
    }

    // A folder of another device, or one at which something is mounted from the same one.
    private static bool IsMounted(IDisk disk, DiskPath path)
    {
        if (disk.Stat(path) is not { Type: FileType.Folder } status) return false;
        if (disk.Stat(path.Parent / ".") is { } parent && parent.Device != status.Device) return true;
        return disk.Stat(Mounts) is not null && MountPoints(disk).Contains(path);
    }

    private static IEnumerable<DiskPath> MountPoints(IDisk disk)
    {
        var bytes = new byte[MaxMountBytes];
        int length;
        using (var file = disk.OpenRead(Mounts)) length = file.Read(0, bytes);
        foreach (var line in Encoding.Latin1.GetString(bytes, 0, length).Split('\n'))
        {
            if (line.Split(' ') is { Length: > MountPointField } fields)
                yield return new DiskPath(Encoding.Latin1.GetBytes(Unescaped(fields[MountPointField])));
        }
    }

    // The kernel writes a space as \040.
    private static string Unescaped(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                plain.Append((char)Convert.ToInt32(text.Substring(i + 1, 3), 8));
                i += 3;
            }
            else plain.Append(text[i]);
        }

        return plain.ToString();
    }
}
