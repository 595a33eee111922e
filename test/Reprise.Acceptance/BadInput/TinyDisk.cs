using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>A file system of a chosen size at a folder, gone again at the end; only root may mount one.</summary>
public sealed class TinyDisk : IDisposable
{
    private TinyDisk(string folder) => Folder = folder;

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    private string Ballast => Path.Combine(Folder, "ballast");

    /// <summary>Mounts one over <paramref name="folder"/>, which is made when it does not exist.</summary>
    public static async Task<TinyDisk> MountAsync(string folder, long sizeBytes, int files = 0)
    {
        if (Environment.UserName != "root")
        {
            Assert.False(House.IsCi, "CI has to run these tests as root, who may mount a file system");
            Assert.Skip("only root may mount a file system");
        }

        Directory.CreateDirectory(folder);
        var limits = $"size={sizeBytes},mode=755" + (files > 0 ? $",nr_inodes={files}" : "");
        await RunAsync("mount", "-t", "tmpfs", "-o", limits, "tmpfs", folder);
        return new TinyDisk(folder);
    }

    /// <summary>Takes all room but <paramref name="leaveBytes"/>.</summary>
    public void Fill(long leaveBytes = 0)
    {
        using (var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            var page = new byte[4096];
            try
            {
                while (true) file.Write(page);
            }
            catch (IOException)
            {
                // It is full: that was the purpose.
            }
        }

        if (leaveBytes == 0) return;
        using var shorter = new FileStream(Ballast, FileMode.Open, FileAccess.Write);
        shorter.SetLength(Math.Max(0, shorter.Length - leaveBytes));
    }

    /// <summary>Gives the room back.</summary>
    public void MakeRoom() => File.Delete(Ballast);

    /// <summary>Makes it larger, as an administrator would who adds a disk.</summary>
    public Task GrowAsync(long sizeBytes) =>
        RunAsync("mount", "-o", $"remount,size={sizeBytes},nr_inodes=0", "tmpfs", Folder);

    /// <inheritdoc />
    public void Dispose()
    {
        // Lazily: whatever still holds a file there must not keep the test from cleaning up.
        using var running = RunningProgram.Start(new Surroundings(), ["umount", "-l", Folder]);
        running.EndAsync().GetAwaiter().GetResult().MustExit(0);
    }

    private static async Task RunAsync(params string[] command)
    {
        using var running = RunningProgram.Start(new Surroundings(), command);
        (await running.EndAsync()).MustExit(0);
    }
}
