using System.Globalization;

namespace Reprise.Storage.Disk;

/// <summary>
/// Makes this process, and every child that it starts from now on, give way to others. Linux keeps priorities for
/// each thread, and a new thread or process inherits those of whoever starts it: so every thread that there is gets them.
/// </summary>
public static class Courtesy
{
    /// <summary>What nice(1) adds without being told otherwise.</summary>
    public const int Niceness = 10;

    private const int OfThread = 0;
    private const int IoOfThread = 1;
    private const int IoIdle = 3 << 13;

    /// <summary>What could be had, as a sentence.</summary>
    public static string GiveWay(IDisk disk)
    {
        if (!OperatingSystem.IsLinux()) return "niceness is known on Linux only";
        var (cpu, io) = (true, true);
        foreach (var entry in disk.List(new DiskPath("/proc/self/task")))
        {
            var thread = int.Parse(entry.Name.ToString(), NumberStyles.None, CultureInfo.InvariantCulture);
            cpu &= Libc.SetPriority(OfThread, (uint)thread, Niceness) == 0;
            io &= Libc.SystemCall(Libc.IoPrioritySet, IoOfThread, thread, IoIdle) == 0;
        }

        return $"it ran with niceness {(cpu ? $"{Niceness}" : "as started")} and "
            + (io ? "the idle class of disk access" : "the usual class of disk access");
    }
}
