using System.Runtime.InteropServices;
using System.Text;

namespace Reprise.Storage.Disk;

/// <summary>The network interface <c>lo</c>, which a new network namespace has, but switched off.</summary>
public static class Loopback
{
    private const int Internet = 2;
    private const int Datagrams = 2;
    private const nuint GetFlags = 0x8913;
    private const nuint SetFlags = 0x8914;
    private const short IsUp = 1;

    // struct ifreq: a name of 16 bytes, then a union whose first two bytes are the flags.
    private const int RequestBytes = 40;
    private const int FlagsAt = 16;

    /// <summary>Switches it on where we are; null when that worked, else why it did not.</summary>
    public static string? SwitchOn()
    {
        if (!OperatingSystem.IsLinux()) return "namespaces are known on Linux only";
        var socket = Libc.Socket(Internet, Datagrams | Libc.CloseOnExec, 0);
        if (socket < 0) return $"no socket (error {Marshal.GetLastPInvokeError()})";
        try
        {
            var request = new byte[RequestBytes];
            Encoding.ASCII.GetBytes("lo").CopyTo(request, 0);
            if (Libc.IoControl(socket, GetFlags, request) != 0) return Fault("be asked");
            var flags = (short)(BitConverter.ToInt16(request, FlagsAt) | IsUp);
            BitConverter.TryWriteBytes(request.AsSpan(FlagsAt), flags);
            return Libc.IoControl(socket, SetFlags, request) == 0 ? null : Fault("be switched on");
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    private static string Fault(string what) => $"lo cannot {what} (error {Marshal.GetLastPInvokeError()})";
}
