#pragma warning disable RS0030 // A pipe is read by a thread that may wait in the call; nothing else waits so.
using System.IO.Pipes;
using System.Threading.Channels;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Processes;

/// <summary>
/// Reads a long stream, such as the output of a child, on a thread of its own and hands it over in large blocks. A program such as pg_dump
/// writes 4 KiB at a time: whoever is woken for each of these spends more time on waking than on reading. So the pipe is
/// made wide, and after a read that emptied it the reader sleeps for a moment instead of waiting for the next 4 KiB.
/// </summary>
internal sealed class OutputPump
{
    private const int BlockBytes = 256 * 1024;
    private const int Blocks = 4;

    private static readonly TimeSpan PipeMoment = TimeSpan.FromMilliseconds(1);

    private readonly Stream stream;
    private readonly TimeSpan moment;
    private readonly Channel<byte[]> empty = Channel.CreateBounded<byte[]>(Blocks);
    private readonly Channel<(byte[] Block, int Used)> full = Channel.CreateBounded<(byte[] Block, int Used)>(Blocks);

    private byte[]? shown;

    private OutputPump(Stream stream, TimeSpan moment)
    {
        this.stream = stream;
        this.moment = moment;
    }

    /// <summary>
    /// Begins to read. Whoever disposes of the pump closes the stream before, so that a read that waits ends.
    /// </summary>
    /// <param name="stream">what is read.</param>
    /// <param name="moment">how long the reader sleeps after a read that emptied it.</param>
    public static OutputPump Start(Stream stream, TimeSpan moment)
    {
        var pump = new OutputPump(stream, moment);
        for (var i = 0; i < Blocks; i++) pump.empty.Writer.TryWrite(new byte[BlockBytes]);
        new Thread(pump.Read) { IsBackground = true, Name = "long stream" }.Start();
        return pump;
    }

    /// <summary>What comes next, valid until the next call; empty at the end.</summary>
    /// <exception cref="IOException">it cannot be read.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        if (shown is not null) empty.Writer.TryWrite(shown);
        shown = null;
        if (!await full.Reader.WaitToReadAsync(cancellationToken) || !full.Reader.TryRead(out var next)) return default;
        shown = next.Block;
        return next.Block.AsMemory(0, next.Used);
    }

    /// <summary>Nobody takes any more: a reader that waits for an empty block ends.</summary>
    public void Stop() => empty.Writer.TryComplete();

    /// <summary>
    /// Gives <paramref name="take"/> everything that comes, until the end. When the child is killed, so is its end of
    /// the pipe, and the reading thread with it.
    /// </summary>
    public static async Task RunAsync(
        Stream stream, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take, CancellationToken cancellationToken)
    {
        if (stream is PipeStream pipe) Pipes.Widen(pipe.SafePipeHandle);
        var pump = Start(stream, PipeMoment);
        try
        {
            while (await pump.NextAsync(cancellationToken) is { IsEmpty: false } block) await take(block, cancellationToken);
        }
        finally
        {
            pump.Stop();
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
                if (got < BlockBytes && moment > TimeSpan.Zero) Thread.Sleep(moment);
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
