using System.Runtime.InteropServices;
using Reprise.Storage.Disk;

namespace Reprise.Tests.Storage;

/// <summary>A lock ends with whoever took it, also when a child that is just being started has a copy of its descriptor.</summary>
public class LockTests
{
    [Fact]
    public void A_lock_that_is_let_go_of_is_free_though_a_copy_of_its_descriptor_lives()
    {
        using var scratch = new ScratchFolder();
        var disk = new LinuxDisk();
        var path = scratch / "lock";
        var held = disk.TryLock(path);
        Assert.NotNull(held);

        // What fork does to every descriptor until the child is another program.
        var copy = Duplicate(DescriptorOf(path));
        Assert.True(copy > 0);
        try
        {
            Assert.Null(disk.TryLock(path));
            held.Dispose();
            using var again = disk.TryLock(path);
            Assert.NotNull(again);
        }
        finally
        {
            Assert.Equal(0, Close(copy));
        }
    }

    private static int DescriptorOf(DiskPath path) => int.Parse(
        Path.GetFileName(Directory.EnumerateFiles("/proc/self/fd").Single(
            f => new FileInfo(f).LinkTarget == path.ToString())),
        System.Globalization.CultureInfo.InvariantCulture);

    [DllImport("libc", EntryPoint = "dup", SetLastError = true)]
    private static extern int Duplicate(int file);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int file);
}
