using Reprise.Storage.Errors;

namespace Reprise.Storage.Disk;

/// <summary>Folders whose names survive a power failure.</summary>
public static class DurableFolders
{
    /// <summary>
    /// Makes a folder and the missing ones above it (mode as given, before the umask) and syncs the names of all of
    /// them. Also of those that were there: whoever made them may have died before that, and syncing what is durable
    /// costs nothing.
    /// </summary>
    public static void MakeFolderDurably(this IDisk disk, DiskPath path, int mode = 0x1C0)
    {
        var highest = path;
        while (HasAbove(highest) && disk.Stat(highest.Parent) is null) highest = highest.Parent;
        disk.MakeFolder(path, mode);
        for (var folder = path; !folder.IsEmpty; folder = folder.Parent)
        {
            SyncFolder(disk, folder, isOurs: folder.IsWithin(highest) || folder == highest.Parent);
            if (!HasAbove(folder)) return;
        }
    }

    private static void SyncFolder(IDisk disk, DiskPath folder, bool isOurs)
    {
        try
        {
            disk.SyncFolder(folder);
        }
        catch (RepriseException e) when (!isOurs && e.Code == StorageErrors.FileDenied)
        {
            // What we may not open, such as the home of all users, we did not make either.
        }
    }

    /// <summary>The root is its own parent.</summary>
    private static bool HasAbove(DiskPath path) => !path.Parent.IsEmpty && path.Parent != path;
}
