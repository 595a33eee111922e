namespace Reprise.Storage.Disk;

/// <summary>Folders whose names survive a power failure.</summary>
public static class DurableFolders
{
    /// <summary>
    /// Makes a folder and the missing ones above it (mode as given, before the umask), and syncs the name of each that
    /// was missing. An existing one is fine; its own name is synced too, as whoever made it may have died before that.
    /// </summary>
    public static void MakeFolderDurably(this IDisk disk, DiskPath path, int mode = 0x1C0)
    {
        var highest = path;
        while (HasAbove(highest) && disk.Stat(highest.Parent) is null) highest = highest.Parent;
        disk.MakeFolder(path, mode);
        for (var folder = path; ; folder = folder.Parent)
        {
            disk.SyncFolder(folder);
            if (folder == highest) break;
        }

        if (HasAbove(highest)) disk.SyncFolder(highest.Parent);
    }

    /// <summary>The root is its own parent.</summary>
    private static bool HasAbove(DiskPath path) => !path.Parent.IsEmpty && path.Parent != path;
}
