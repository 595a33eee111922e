using System.Net.Sockets;
using Reprise.Recovery.Processes;

namespace Reprise.Recovery.Postgres;

/// <summary>How the bytes of the protocol come and go. One reader and one writer at a time.</summary>
internal abstract class WireTransport : IDisposable
{
    /// <summary>What comes next, valid until the next call; empty: the other side has closed.</summary>
    /// <exception cref="IOException">it cannot be read.</exception>
    public abstract ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken);

    /// <summary>Sends all of it.</summary>
    /// <exception cref="IOException">it cannot be written.</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>
/// For very many rows: a thread waits in the call. A socket that was used asynchronously once is read through the
/// runtime's polling thread for ever, also by a thread that could wait in the call itself: with rows coming every few
/// microseconds that costs a tenth of everything.
/// </summary>
internal sealed class PumpTransport(Socket socket) : WireTransport
{
    private readonly OutputPump pump = OutputPump.Start(new NetworkStream(socket, ownsSocket: false), TimeSpan.Zero);

    public override ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken) => pump.NextAsync(cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var left = bytes.Span;
        try
        {
            while (!left.IsEmpty) left = left[socket.Send(left)..];
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }

        return ValueTask.CompletedTask;
    }

    public override void Dispose()
    {
        // The reading thread waits in a call that this ends.
        socket.Dispose();
        pump.Stop();
    }
}

/// <summary>For a connection that mostly waits: nothing of ours waits in a call, and every wait can be cancelled.</summary>
internal sealed class StreamTransport(Stream stream) : WireTransport
{
    private const int BlockBytes = 256 * 1024;

    private readonly byte[] block = new byte[BlockBytes];

    public override async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken) =>
        block.AsMemory(0, await stream.ReadAsync(block, cancellationToken));

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes, cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }

    public override void Dispose() => stream.Dispose();
}
