using Reprise.Storage.Disk;

namespace Reprise.Tests.Storage;

/// <summary>A folder of this test, deleted at the end whatever modes its content has.</summary>
public sealed class ScratchFolder : IDisposable
{
    /// <summary>
    /// With <paramref name="memory"/>, where syncing costs nothing: for tests that count steps, not bytes.
    /// </summary>
    public ScratchFolder(bool memory = false)
    {
        var parent = memory && Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Text = Directory.CreateDirectory(Path.Combine(parent, "reprise-test-" + Guid.NewGuid().ToString("N"))).FullName;
    }

    public string Text { get; }

    public DiskPath Folder => new(Text);

    public static DiskPath operator /(ScratchFolder folder, string name) => folder.Folder / name;

    public void Dispose()
    {
        // The library cannot delete names that are not UTF-8, our own disk can.
        var disk = Disks.OfThisMachine();
        Delete(disk, Folder);
    }

    private static void Delete(IDisk disk, DiskPath folder)
    {
        foreach (var entry in disk.List(folder).ToList())
        {
            var path = folder / entry.Name;
            if (disk.Stat(path)?.Type == FileType.Folder)
            {
                disk.SetMode(path, 0x1C0);
                Delete(disk, path);
            }
            else
            {
                disk.DeleteFile(path);
            }
        }

        disk.DeleteFolder(folder);
    }
}
