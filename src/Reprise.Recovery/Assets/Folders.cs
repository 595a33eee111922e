using Reprise.Storage.Disk;

namespace Reprise.Recovery.Assets;

/// <summary>What several rooms do with folders.</summary>
public static class Folders
{
    private const int OwnerAll = 0x1C0;

    /// <summary>Deletes a folder of our own with everything in it; never follows a symbolic link. An absent one is fine.</summary>
    public static void DeleteTree(IDisk disk, DiskPath folder)
    {
        if (disk.Stat(folder) is not { Type: FileType.Folder } status) return;

        // A restored tree may hold folders in which not even their owner may write.
        if ((status.Mode & OwnerAll) != OwnerAll) disk.SetMode(folder, OwnerAll);
        foreach (var entry in disk.List(folder).ToList())
        {
            var path = folder / entry.Name;
            if (disk.Stat(path) is { Type: FileType.Folder }) DeleteTree(disk, path);
            else disk.DeleteFile(path);
        }

        disk.DeleteFolder(folder);
    }
}
