using Reprise.Recovery.Assets;
using Reprise.Repository.Pages;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Writes runs of pages into files that exist already: neighbours are gathered into whole blocks, which are written past
/// the page cache while the next ones fill. Memory: two buffers. Nothing is synced.
/// </summary>
internal sealed class PagedFileWriter(IDisk disk, Cpu cpu, DiskPath root, IProgressSink progress) : IAsyncDisposable
{
    private const int BufferBytes = 4 * 1024 * 1024;

    // Below this the page cache is faster, and most files of a cluster are short.
    private const int DirectBytes = 1024 * 1024;

    private DirectBuffer filling = new(BufferBytes);
    private DirectBuffer writing = new(BufferBytes);
    private Task work = Task.CompletedTask;
    private IDiskFile? file;
    private PagedEntry? entry;
    private long start;
    private int used;

    /// <summary>Writes the pages of all streams.</summary>
    public async Task RunAsync(PagesReader reader, CancellationToken cancellationToken)
    {
        for (var source = 0; source < reader.Sources; source++)
        {
            await foreach (var run in reader.RunsAsync(source, cancellationToken)) await AddAsync(run, cancellationToken);
        }

        await CloseAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAny(work);
        file?.Dispose();
    }

    private async ValueTask AddAsync(PageRun run, CancellationToken cancellationToken)
    {
        if (entry is null || run.Entry.Path != entry.Path)
        {
            await CloseAsync(cancellationToken);
            var path = root / run.Entry.Path;
            file = await cpu.RunAsync(() => disk.OpenWrite(path), cancellationToken);
            entry = run.Entry;
        }

        if (start + used != run.OffsetBytes)
        {
            await SendAsync(cancellationToken);
            start = run.OffsetBytes;
        }

        for (var rest = run.Bytes; !rest.IsEmpty;)
        {
            var take = Math.Min(rest.Length, BufferBytes - used);
            rest[..take].CopyTo(filling.Memory[used..]);
            rest = rest[take..];
            used += take;
            if (used == BufferBytes) await SendAsync(cancellationToken);
        }

        progress.Advance(run.Bytes.Length);
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        if (used == 0 || file is not { } target) return;
        await work;
        var (at, length) = (start, used);
        (filling, writing) = (writing, filling);
        var full = writing.Memory;
        work = cpu.RunAsync(() => Write(target, at, full, length), cancellationToken);
        (start, used) = (at + length, 0);
    }

    private async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        if (file is not { } open) return;
        await SendAsync(cancellationToken);
        await work;
        file = null;
        entry = null;
        (start, used) = (0, 0);
        open.Dispose();
    }

    // A page is a whole number of the disk's blocks, or is written through the cache.
    private static void Write(IDiskFile file, long offset, Memory<byte> buffer, int length)
    {
        if (length >= DirectBytes && length % DirectBuffer.Alignment == 0 && offset % DirectBuffer.Alignment == 0
            && file.TryWriteDirect(offset, buffer.Span[..length]))
            return;
        file.Write(offset, buffer.Span[..length]);
    }
}
