using Reprise.Repository.Points;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>
/// Writes long files: chunks are opened ahead on the machine's cores, gathered into whole blocks, and these are written
/// past the page cache while the next ones fill. One file after another, but the end of one is written while the next is
/// begun; memory: two buffers.
/// </summary>
internal sealed class LongFileWriter(Cpu cpu, PointReader point)
{
    private const int BufferBytes = 2 * 1024 * 1024;

    private (DirectBuffer Filling, DirectBuffer Writing)? buffers;
    private Task work = Task.CompletedTask;

    /// <summary>
    /// Writes <paramref name="content"/> into an empty file, holes as holes; not synced. All of it is proven when the task ends,
    /// and then the next file may be begun; written and finished when the task in it ends.
    /// </summary>
    /// <param name="file">which is closed at the end, whatever that is.</param>
    /// <param name="content">what it is to hold.</param>
    /// <param name="finish">gets the file when everything is in it.</param>
    /// <param name="progress">hears how far it is.</param>
    /// <param name="cancellationToken">gives up.</param>
    public async Task<Task> WriteAsync(
        IDiskFile file,
        Content content,
        Action<IDiskFile> finish,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var proven = false;
        try
        {
            await FillAsync(file, content, progress, cancellationToken);
            proven = true;
        }
        finally
        {
            if (!proven)
            {
                await Task.WhenAny(work);
                file.Dispose();
            }
        }

        work = CloseAsync(work, file, content.LengthBytes, finish);
        return work;
    }

    private async Task CloseAsync(Task last, IDiskFile file, long lengthBytes, Action<IDiskFile> finish)
    {
        using (file)
        {
            await last;
            await cpu.RunAsync(
                () =>
                {
                    file.SetLength(lengthBytes);
                    finish(file);
                },
                CancellationToken.None);
        }
    }

    private async Task FillAsync(
        IDiskFile file, Content content, IProgressSink progress, CancellationToken cancellationToken)
    {
        // A disk that is too small says so now, and not after half of the bytes. Holes must not be filled by it.
        if (content.Depth == 0 && !content.Parts.Any(part => part.IsHole))
            await cpu.RunAsync(() => file.Reserve(content.LengthBytes), cancellationToken);
        var (filling, writing) = buffers ??= (new DirectBuffer(BufferBytes), new DirectBuffer(BufferBytes));
        var (start, used) = (0L, 0);
        await foreach (var block in point.ReadAsync(content, cancellationToken))
        {
            progress.Advance(block.Bytes.Length + block.HoleBytes);
            if (block.HoleBytes > 0 || start + used != block.OffsetBytes)
            {
                await SendAsync();
                start = block.OffsetBytes + block.HoleBytes;
            }

            for (var rest = block.Bytes; !rest.IsEmpty;)
            {
                var take = Math.Min(rest.Length, BufferBytes - used);
                rest[..take].CopyTo(filling.Memory[used..]);
                rest = rest[take..];
                used += take;
                if (used == BufferBytes) await SendAsync();
            }
        }

        await SendAsync();

        async Task SendAsync()
        {
            if (used == 0) return;
            await work;
            var (at, length) = (start, used);
            (filling, writing) = (writing, filling);
            buffers = (filling, writing);
            var full = writing;
            work = cpu.RunAsync(() => full.WriteTo(file, at, length), cancellationToken);
            (start, used) = (at + length, 0);
        }
    }
}
