using System.Buffers;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A file that is written from its beginning to its end: one buffer is filled while the other one is being written.
/// </summary>
internal sealed class DumpFile(IDiskFile file, Cpu cpu, IProgressSink progress) : IDisposable
{
    private const int BufferBytes = 1024 * 1024;

    private byte[] filling = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private byte[] writing = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private Task written = Task.CompletedTask;
    private int used;
    private long at;

    /// <summary>Lays a dump out in a new file with the places of its blocks filled in. Not synced.</summary>
    public static async Task WriteAsync(
        PostgresHost host,
        DiskPath path,
        PointReader point,
        Content head,
        IReadOnlyList<DumpTable> tables,
        IReadOnlySet<int> elsewhere,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        using var file = host.Disk.CreateNew(path);
        using var dump = new DumpFile(file, host.Cpu, progress);
        var places = await DumpLayout.WriteAsync(
            point, head, tables, elsewhere, dump.WriteAsync, cancellationToken);
        await dump.EndAsync(cancellationToken);
        await host.Cpu.RunAsync(
            () =>
            {
                foreach (var (place, bytes) in places) file.Write(place, bytes);
            },
            cancellationToken);
    }

    public void Dispose()
    {
        // A write that is still under way holds its buffer: then neither goes back to the pool.
        if (!written.IsCompleted) return;
        ArrayPool<byte>.Shared.Return(filling);
        ArrayPool<byte>.Shared.Return(writing);
    }

    /// <summary>Appends; what is given may be reused on return.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, BufferBytes - used);
            bytes[..count].CopyTo(filling.AsMemory(used));
            used += count;
            bytes = bytes[count..];
            if (used == BufferBytes) await FlushAsync(cancellationToken);
        }
    }

    /// <summary>Everything is in the file on return; not synced.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await written;
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await written;
        (filling, writing) = (writing, filling);
        var (buffer, count, place) = (writing, used, at);
        at += used;
        used = 0;
        written = cpu.RunAsync(() => file.Write(place, buffer.AsSpan(0, count)), cancellationToken);
        progress.Advance(count);
    }
}
