using System.Net.Sockets;

namespace Reprise.Tests.Wal;

/// <summary>Between a client and a Unix socket, and can be cut.</summary>
internal sealed class BreakingProxy : IDisposable
{
    private readonly string target;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> open = [];
    private readonly Lock turn = new();

    public BreakingProxy(string target)
    {
        this.target = target;
        Folder = Directory.CreateTempSubdirectory("rpp").FullName;
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Folder, Path.GetFileName(target))));
        listener.Listen();
        _ = AcceptAsync();
    }

    /// <summary>Folder of its socket.</summary>
    public string Folder { get; }

    /// <summary>Cuts every connection.</summary>
    public void Break()
    {
        lock (turn)
        {
            foreach (var socket in open) socket.Dispose();
            open.Clear();
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        Break();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(target));
            lock (turn) open.AddRange([client, server]);
            _ = CopyAsync(client, server);
            _ = CopyAsync(server, client);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int got;
            while ((got = await from.ReceiveAsync(buffer)) > 0) await to.SendAsync(buffer.AsMemory(0, got));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }

        from.Dispose();
        to.Dispose();
    }
}
