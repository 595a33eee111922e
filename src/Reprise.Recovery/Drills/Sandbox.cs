using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>
/// The folders of one drill: <c>reprise-drill-ID</c> in the folder for temporary files, and beside it
/// <c>reprise-drill-ID-pg</c> when the server in it must belong to another user than we are. A lock in it dies with us:
/// what has the name and no lock is left over, and the next drill removes it.
/// </summary>
internal sealed class Sandbox : IDisposable
{
    private const string Prefix = "reprise-drill-";
    private const string ServerSuffix = "-pg";
    private const string LockName = "lock";
    private const int PrivateFolder = 0x1C0;

    // A socket's path has room for 107 bytes, and PostgreSQL adds its name.
    private const int MaxSocketFolder = 107 - 14;

    private readonly IDisk disk;
    private readonly IDisposable held;

    private Sandbox(IDisk disk, DiskPath folder, DiskPath servers, IDisposable held)
    {
        this.disk = disk;
        this.held = held;
        Folder = folder;
        Servers = servers;
    }

    /// <summary>Everything but servers; ours alone.</summary>
    public DiskPath Folder { get; }

    /// <summary>Where servers are made.</summary>
    public DiskPath Servers { get; }

    /// <summary>Everything of it.</summary>
    public IReadOnlyList<DiskPath> Both => Servers.IsWithin(Folder) ? [Folder] : [Folder, Servers];

    /// <summary>Makes an empty one.</summary>
    public static Sandbox Make(IDisk disk, DiskPath parent, PointId id, bool serversBeside)
    {
        var folder = parent / (Prefix + id);
        var servers = serversBeside ? parent / (Prefix + id + ServerSuffix) : folder / "pg";
        if (servers.ToString().Length + 4 > MaxSocketFolder)
        {
            throw new RepriseException(
                DrillErrors.SandboxImpossible,
                $"{servers} is too long for the path of a socket",
                "set TMPDIR to a folder with a shorter path");
        }

        if (disk.Stat(folder) is not null || disk.Stat(servers) is not null)
            throw new RepriseException(DrillErrors.SandboxImpossible, $"{folder} exists", "run the command again");
        disk.MakeFolder(folder, PrivateFolder);
        disk.MakeFolder(servers, PrivateFolder);
        return new Sandbox(
            disk,
            folder,
            servers,
            disk.TryLock(folder / LockName)
                ?? throw new InvariantException("nobody else has the lock in a folder that was just made"));
    }

    /// <summary>Removes what drills that were killed have left; one sentence for each.</summary>
    public static IReadOnlyList<string> RemoveLeftOvers(IDisk disk, DiskPath parent, DiskPath ours)
    {
        var said = new List<string>();
        var us = disk.Stat(ours)?.User;
        foreach (var entry in disk.List(parent).ToList())
        {
            var name = entry.Name.ToString();
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name.EndsWith(ServerSuffix, StringComparison.Ordinal))
                continue;
            var folder = parent / name;
            if (folder == ours || disk.Stat(folder) is not { Type: FileType.Folder, Mode: PrivateFolder } status) continue;

            // Anybody may make a folder of this name where everybody may write.
            if (status.User != us || disk.Stat(folder / LockName) is not { Type: FileType.Regular }) continue;
            using (var free = disk.TryLock(folder / LockName))
            {
                if (free is null) continue;
                if (SandboxUsers.Of(disk, [folder, parent / (name + ServerSuffix)]) is [var user, ..])
                {
                    said.Add($"{folder} is left over from a drill that was killed, but {user} still uses it");
                    continue;
                }
            }

            Folders.DeleteTree(disk, folder);
            Folders.DeleteTree(disk, parent / (name + ServerSuffix));
            said.Add($"{folder} was left over from a drill that was killed, and was removed");
        }

        return said;
    }

    /// <summary>Processes that still use it, one line each.</summary>
    public IReadOnlyList<string> Users() => SandboxUsers.Of(disk, [Folder, Servers]);

    /// <summary>Deletes it; true when nothing is left.</summary>
    public bool Delete()
    {
        // Held to the end: another drill that begins takes a sandbox without a holder for one that was left over, and deletes it too.
        Folders.DeleteTree(disk, Servers);
        Folders.DeleteTree(disk, Folder);
        Dispose();
        return disk.Stat(Folder) is null && disk.Stat(Servers) is null;
    }

    /// <summary>Leaves it to who asked for it: without a lock file it is nobody's left-over, and no drill removes it.</summary>
    public void Keep() => disk.DeleteFile(Folder / LockName);

    /// <summary>Lets go of the lock.</summary>
    public void Dispose() => held.Dispose();
}

/// <summary>Finds processes that have their working folder, their root or an open file below some folders.</summary>
internal static class SandboxUsers
{
    public static IReadOnlyList<string> Of(IDisk disk, IReadOnlyList<DiskPath> folders)
    {
        var proc = new DiskPath("/proc");
        if (disk.Stat(proc) is null) return [];
        var users = new List<string>();
        foreach (var entry in disk.List(proc).ToList())
        {
            var id = entry.Name.ToString();
            if (!id.All(char.IsAsciiDigit) || id == Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture))
                continue;
            if (Links(disk, proc / id).FirstOrDefault(l => folders.Any(f => IsBelow(l, f))) is { } link)
                users.Add($"process {id} ({link})");
        }

        return users;
    }

    // What was deleted is still named, with a word behind it.
    private static bool IsBelow(string link, DiskPath folder) =>
        link.StartsWith(folder.ToString(), StringComparison.Ordinal);

    private static List<string> Links(IDisk disk, DiskPath process)
    {
        var links = new List<string>();
        try
        {
            links.Add(disk.ReadSymbolicLink(process / "cwd").ToString());
            links.Add(disk.ReadSymbolicLink(process / "root").ToString());
            foreach (var file in disk.List(process / "fd").ToList())
                links.Add(disk.ReadSymbolicLink(process / "fd" / file.Name).ToString());
        }
        catch (RepriseException)
        {
            // It ended meanwhile, or is another user's, which cannot have anything open in a folder of mode 0700.
        }

        return links;
    }
}
