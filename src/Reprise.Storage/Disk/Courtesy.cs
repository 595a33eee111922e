using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Storage.Disk;

/// <summary>
/// Makes this process and everything that it starts give way to others, until it is disposed of. They run only when
/// nobody else wants a processor (SCHED_IDLE), and for a tenth of each second like others of the lowest priority, so
/// that what others keep from working still ends. Linux keeps priorities for each thread, and a new thread or process
/// inherits those of whoever starts it. Whoever may not take SCHED_IDLE back (an ordinary user) gets the lowest niceness.
/// </summary>
public sealed class Courtesy : IDisposable
{
    private const int Niceness = 19;
    private const int Usual = 0;
    private const int OnlyWhenIdle = 5;
    private const int OfThread = 0;
    private const int IoOfThread = 1;
    private const int IoIdle = 3 << 13;
    private const int MaxChildrenBytes = 64 * 1024;

    private static readonly TimeSpan Working = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Waiting = TimeSpan.FromMilliseconds(900);

    private readonly IDisk disk;
    private readonly ManualResetEventSlim ended = new();
    private readonly ManualResetEventSlim begun = new();
    private readonly byte[] children = new byte[MaxChildrenBytes];
    private bool canWait;

    private Courtesy(IDisk disk) => this.disk = disk;

    /// <summary>What could be had, as a sentence.</summary>
    public string Sentence { get; private set; } = "it ran as started";

    /// <summary>Nobody is given way to.</summary>
    public static Courtesy None(IDisk disk) => new(disk);

    /// <summary>Gives way from now on.</summary>
    public static Courtesy GiveWay(IDisk disk)
    {
        var courtesy = new Courtesy(disk);
        if (!OperatingSystem.IsLinux())
        {
            courtesy.Sentence = "niceness is known on Linux only";
            return courtesy;
        }

        var (cpu, io) = (true, true);
        foreach (var thread in courtesy.Threads("self"))
        {
            cpu &= Libc.SetPriority(OfThread, (uint)thread, Niceness) == 0;
            io &= Libc.SystemCall(Libc.IoPrioritySet, IoOfThread, thread, IoIdle) == 0;
        }

#pragma warning disable RS0030 // What wakes the others must not itself wait until a processor is idle, so it is no task of the pool.
        new Thread(courtesy.Run) { IsBackground = true, Name = "courtesy" }.Start();
#pragma warning restore RS0030
        courtesy.begun.Wait();
        courtesy.Sentence = (courtesy.canWait
                ? "it ran while processors were idle, and for a tenth of the time"
                : "it ran") + $" with niceness {(cpu ? $"{Niceness}" : "as started")}, and with "
            + (io ? "the idle class of disk access" : "the usual class of disk access");
        return courtesy;
    }

    /// <inheritdoc />
    public void Dispose() => ended.Set();

    [SupportedOSPlatform("linux")]
    private void Run()
    {
        var us = (int)Libc.SystemCall(Libc.ThreadIdentifier, 0, 0, 0);

        // Not everybody who may begin to wait may end it: better to know before anything else does.
        canWait = Libc.SetScheduler(us, OnlyWhenIdle, 0) == 0 && Libc.SetScheduler(us, Usual, 0) == 0;
        if (canWait) Tell("self", OnlyWhenIdle, us);
        begun.Set();
        while (canWait && !ended.Wait(Waiting))
        {
            Tell("self", Usual, us);
            if (ended.Wait(Working)) return;
            Tell("self", OnlyWhenIdle, us);
        }

        if (canWait) Tell("self", Usual, us);
    }

    [SupportedOSPlatform("linux")]
    private void Tell(string process, int policy, int except)
    {
        foreach (var thread in Threads(process))
        {
            if (thread != except) _ = Libc.SetScheduler(thread, policy, 0);
            foreach (var child in Children(process, thread)) Tell(child, policy, except);
        }
    }

    private List<int> Threads(string process)
    {
        try
        {
            return [.. disk.List(new DiskPath($"/proc/{process}/task"))
                .Select(e => int.Parse(e.Name.ToString(), NumberStyles.None, CultureInfo.InvariantCulture))];
        }
        catch (RepriseException)
        {
            // It has ended meanwhile.
            return [];
        }
    }

    private string[] Children(string process, int thread)
    {
        try
        {
            using var file = disk.OpenRead(new DiskPath($"/proc/{process}/task/{thread}/children"));
            return Encoding.ASCII.GetString(children, 0, file.Read(0, children))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (RepriseException)
        {
            // It has ended meanwhile, or the kernel does not tell; then children that are there keep waiting.
            return [];
        }
    }
}
