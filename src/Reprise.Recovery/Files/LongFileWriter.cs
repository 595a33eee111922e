using Reprise.Repository.Points;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>
/// Writes long files: chunks are opened ahead on the machine's cores, gathered into whole blocks, and these are written
/// past the page cache while the next ones fill. One file at a time; memory: two buffers.
/// </summary>
internal sealed class LongFileWriter(Cpu cpu)
{
    private const int BufferBytes = 4 * 1024 * 1024;

    private (DirectBuffer Filling, DirectBuffer Writing)? buffers;

    /// <summary>Writes <paramref name="content"/> into an empty file, holes as holes; not synced.</summary>
    public async Task WriteAsync(
        IDiskFile file, Content content, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        // A disk that is too small says so now, and not after half of the bytes. Holes must not be filled by it.
        if (content.Depth == 0 && !content.Parts.Any(part => part.IsHole))
            await cpu.RunAsync(() => file.Reserve(content.LengthBytes), cancellationToken);
        var (filling, writing) = buffers ??= (new DirectBuffer(BufferBytes), new DirectBuffer(BufferBytes));
        var work = Task.CompletedTask;
        var (start, used) = (0L, 0);
        try
        {
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
            await work;
        }
        finally
        {
            await Task.WhenAny(work);
        }

        await cpu.RunAsync(() => file.SetLength(content.LengthBytes), cancellationToken);

        async Task SendAsync()
        {
            if (used == 0) return;
            await work;
            var (at, length) = (start, used);
            (filling, writing) = (writing, filling);
            var full = writing;
            work = cpu.RunAsync(() => full.WriteTo(file, at, length), cancellationToken);
            (start, used) = (at + length, 0);
        }
    }
}
