using System.Runtime.InteropServices;

namespace Reprise.Storage.Disk;

/// <summary>Pipes to other processes.</summary>
public static class Pipes
{
    /// <summary>What an ordinary user may ask for where nobody changed <c>fs.pipe-max-size</c>.</summary>
    private const int WideBytes = 1024 * 1024;

    /// <summary>
    /// Lets a pipe hold more, so that neither end waits for the other at every few pages. Only for speed: where the
    /// system has no such call, or no room left for this user, the pipe stays as it is.
    /// </summary>
    public static void Widen(SafeHandle pipe)
    {
        if (OperatingSystem.IsLinux()) _ = Libc.Control(pipe, Libc.SetPipeSize, WideBytes);
    }
}
