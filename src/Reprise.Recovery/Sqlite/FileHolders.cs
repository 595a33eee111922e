using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Sqlite;

/// <summary>A process that has a file open.</summary>
/// <param name="Id">its number, as this machine's <c>/proc</c> shows it.</param>
/// <param name="Name">its command's name.</param>
internal readonly record struct Holder(int Id, string Name)
{
    public override string ToString() => $"{Name} (pid {Id})";
}

/// <summary>Who has a file open.</summary>
/// <param name="Holders">all that were seen, our own process excepted.</param>
/// <param name="Hidden">processes of other users that may not be looked at.</param>
internal sealed record Holding(IReadOnlyList<Holder> Holders, int Hidden)
{
    public static Holding Nobody { get; } = new([], 0);

    public override string ToString() => string.Join(", ", Holders);
}

/// <summary>
/// Finds processes that have a file open, by device and inode, so that neither another name nor a container's own view
/// of the file system hides them. Nothing but <c>/proc</c> is opened: opening and closing the file itself would drop
/// the POSIX locks that our own process has on it.
/// </summary>
/// <param name="disk">the machine's disk.</param>
/// <param name="processes">where the kernel shows processes.</param>
internal sealed class FileHolders(IDisk disk, DiskPath processes)
{
    /// <summary>At most so many processes and, of each, descriptors are looked at.</summary>
    public const int MaxEntries = 100_000;

    private const int MaxNameBytes = 64;

    /// <summary>Those of this machine.</summary>
    public FileHolders(IDisk disk)
        : this(disk, new DiskPath("/proc"))
    {
    }

    /// <summary>Who has <paramref name="file"/> open now; nobody where there is no <c>/proc</c>.</summary>
    public Holding Find(FileStatus file)
    {
        if (file.Inode == 0 || disk.Stat(processes) is null) return Holding.Nobody;
        var holders = new List<Holder>();
        var hidden = 0;
        foreach (var entry in disk.List(processes).Take(MaxEntries))
        {
            if (!int.TryParse(entry.Name.ToString(), out var id) || id == Environment.ProcessId) continue;
            var folder = processes / entry.Name;
            try
            {
                if (Holds(folder, file)) holders.Add(new Holder(id, NameOf(folder)));
            }
            catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
            {
                hidden++;
            }
            catch (RepriseException) when (disk.Stat(folder / "fd") is null)
            {
                // It ended while it was looked at, and holds nothing any more.
                continue;
            }
        }

        return new Holding(holders, hidden);
    }

    private bool Holds(DiskPath process, FileStatus file)
    {
        var root = process / "root";
        foreach (var entry in disk.List(process / "fd").Take(MaxEntries))
        {
            // The link says the path as that process sees it; below its root the kernel resolves it for us.
            if (LinkOf(process / "fd" / entry.Name) is not { IsAbsolute: true } target) continue;
            if (target.IsWithin(new DiskPath("/dev")) || target.IsWithin(processes)) continue;
            if (disk.Stat(root / new DiskPath(target.Bytes[1..])) is { } found
                && found.Inode == file.Inode
                && found.Device == file.Device)
            {
                return true;
            }
        }

        return false;
    }

    private DiskPath? LinkOf(DiskPath descriptor)
    {
        try
        {
            return disk.ReadSymbolicLink(descriptor);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            return null;
        }
    }

    private string NameOf(DiskPath process)
    {
        try
        {
            using var file = disk.OpenRead(process / "comm");
            var buffer = new byte[MaxNameBytes];
            return Encoding.UTF8.GetString(buffer, 0, file.Read(0, buffer)).Trim();
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing || e.Code == StorageErrors.MediumFailed)
        {
            return "a process that has just ended";
        }
    }
}
