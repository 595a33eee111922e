using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Checks;

/// <summary>
/// A door into a network namespace: a process of ours that runs inside and listens on a Unix socket, which belongs to
/// the file system and is seen from outside too. Whoever comes through says a line first, <c>tcp HOST PORT</c> or
/// <c>unix PATH</c>, gets <c>ok</c> or a number of <see cref="SocketError"/>, and is connected from inside.
/// </summary>
public static class Gateway
{
    /// <summary>How our program is called to be one, followed by the path of the socket.</summary>
    public const string Command = "internal-gateway";

    private const int MaxLine = 4096;
    private const int BlockBytes = 16 * 1024;

    /// <summary>Serves until it is killed.</summary>
    /// <returns>null never; else why it cannot.</returns>
    public static async Task<string> ServeAsync(string path, CancellationToken cancellationToken)
    {
        if (Loopback.SwitchOn() is { } why) return why;
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        while (true)
        {
            var guest = await listener.AcceptAsync(cancellationToken);

            // One guest never waits for another, and what goes wrong with one is told to that one.
            _ = ServeAsync(guest, cancellationToken);
        }
    }

    /// <summary>Connects from inside. <see cref="SocketException"/> as if we were there.</summary>
    public static async Task<Stream> ConnectAsync(string path, string target, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(target + "\n"), cancellationToken);
            var answer = await LineAsync(stream, cancellationToken);
            if (answer == "ok") return stream;
            throw new SocketException(
                int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out var error)
                    ? error
                    : (int)SocketError.ConnectionReset);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A target over TCP.</summary>
    public static string Tcp(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"tcp {host} {port}");

    /// <summary>A target on the file system.</summary>
    public static string Unix(string path) => $"unix {path}";

    private static async Task ServeAsync(Socket guest, CancellationToken cancellationToken)
    {
        await using var near = new NetworkStream(guest, ownsSocket: true);
        try
        {
            using var far = await OpenAsync(await LineAsync(near, cancellationToken), cancellationToken);
            await near.WriteAsync("ok\n"u8.ToArray(), cancellationToken);
            await using var there = new NetworkStream(far, ownsSocket: false);
            await Task.WhenAll(
                CopyAsync(near, there, far, cancellationToken), CopyAsync(there, near, guest, cancellationToken));
        }
        catch (SocketException e)
        {
            await near.WriteAsync(
                Encoding.ASCII.GetBytes(((int)e.SocketErrorCode).ToString(CultureInfo.InvariantCulture) + "\n"),
                cancellationToken);
        }
        catch (IOException)
        {
            // One of the two has gone: the other hears it by the end of its connection.
        }
    }

    private static async Task<Socket> OpenAsync(string target, CancellationToken cancellationToken)
    {
        var words = target.Split(' ', 2);
        var isUnix = words is ["unix", _];
        var socket = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isUnix) await socket.ConnectAsync(new UnixDomainSocketEndPoint(words[1]), cancellationToken);
            else if (words is ["tcp", var place] && place.LastIndexOf(' ') is > 0 and var at)
            {
                var port = int.Parse(place.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture);
                await socket.ConnectAsync(place[..at], port, cancellationToken);
            }
            else throw new SocketException((int)SocketError.InvalidArgument);

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task CopyAsync(Stream from, Stream to, Socket end, CancellationToken cancellationToken)
    {
        var buffer = new byte[BlockBytes];
        for (int got; (got = await from.ReadAsync(buffer, cancellationToken)) > 0;)
            await to.WriteAsync(buffer.AsMemory(0, got), cancellationToken);
        end.Shutdown(SocketShutdown.Send);
    }

    // Byte by byte: what follows the line belongs to the connection.
    private static async Task<string> LineAsync(Stream stream, CancellationToken cancellationToken)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (line.Count < MaxLine && await stream.ReadAsync(one, cancellationToken) == 1 && one[0] != '\n')
            line.Add(one[0]);
        return Encoding.UTF8.GetString([.. line]);
    }
}
