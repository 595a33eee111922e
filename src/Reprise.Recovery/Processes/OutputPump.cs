#pragma warning disable RS0030 // A pipe is read by a thread that may wait in the call; nothing else waits so.
using System.IO.Pipes;
using System.Threading.Channels;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Processes;

/// <summary>
/// Reads the long output of a child on a thread of its own and hands it over in large blocks. A program such as pg_dump
/// writes 4 KiB at a time: whoever is woken for each of these spends more time on waking than on reading. So the pipe is
/// made wide, and after a read that emptied it the reader sleeps for a moment instead of waiting for the next 4 KiB.
/// </summary>
internal sealed class OutputPump
{
    private const int BlockBytes = 256 * 1024;
    private const int Blocks = 4;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly Stream stream;
    private readonly Channel<byte[]> empty = Channel.CreateBounded<byte[]>(Blocks);
    private readonly Channel<(byte[] Block, int Used)> full = Channel.CreateBounded<(byte[] Block, int Used)>(Blocks);

    private OutputPump(Stream stream) => this.stream = stream;

    /// <summary>
    /// Gives <paramref name="take"/> everything that comes, until the end. When the child is killed, so is its end of
    /// the pipe, and the reading thread with it.
    /// </summary>
    public static async Task RunAsync(
        Stream stream, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take, CancellationToken cancellationToken)
    {
        if (stream is PipeStream pipe) Pipes.Widen(pipe.SafePipeHandle);
        var pump = new OutputPump(stream);
        for (var i = 0; i < Blocks; i++) pump.empty.Writer.TryWrite(new byte[BlockBytes]);
        new Thread(pump.Read) { IsBackground = true, Name = "output of a child" }.Start();
        try
        {
            while (await pump.full.Reader.WaitToReadAsync(cancellationToken))
            {
                while (pump.full.Reader.TryRead(out var full))
                {
                    await take(full.Block.AsMemory(0, full.Used), cancellationToken);
                    pump.empty.Writer.TryWrite(full.Block);
                }
            }
        }
        finally
        {
            // Nobody takes any more: a reader that waits for an empty block ends.
            pump.empty.Writer.TryComplete();
        }
    }

    private void Read()
    {
        try
        {
            while (NextEmpty() is { } block)
            {
                var got = stream.Read(block);
                if (got == 0) break;
                full.Writer.TryWrite((block, got));
                if (got < BlockBytes) Thread.Sleep(Moment);
            }

            full.Writer.TryComplete();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The consumer learns it where it waits for more.
            full.Writer.TryComplete(e);
        }
    }

    private byte[]? NextEmpty() =>
        empty.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult() && empty.Reader.TryRead(out var block)
            ? block
            : null;
}
