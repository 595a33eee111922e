using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Reprise.Storage.Disk;

/// <summary>
/// A lock that is let go of by name, not by closing alone: a child that another thread is just starting has a copy of the
/// descriptor until it is another program, and the lock would live as long as that copy.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxLock(SafeFileHandle handle) : IDisposable
{
    /// <inheritdoc />
    public void Dispose()
    {
        // On a descriptor that is open this cannot fail, and closing follows in any case.
        if (!handle.IsClosed) _ = Libc.Lock(LinuxDisk.Descriptor(handle), Libc.Unlock);
        handle.Dispose();
    }
}
