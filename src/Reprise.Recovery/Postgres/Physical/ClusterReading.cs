using System.Collections.Concurrent;
using Reprise.Recovery.Assets;
using Reprise.Repository.Pages;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>A page that is damaged at its source.</summary>
/// <param name="Path">of the file, in the data directory.</param>
/// <param name="Relation">which relation the file is of.</param>
/// <param name="Block">number of the page in its relation.</param>
internal sealed record BadPage(DiskPath Path, RelationFile Relation, uint Block);

/// <summary>
/// Reads the files of a data directory into a map: blocks are read, hashed and judged on the machine's cores, some at
/// once, and taken up in their order. Memory: <see cref="IClusterFiles.BlocksInFlight"/> blocks.
/// </summary>
internal sealed class ClusterReading(
    IClusterFiles files, Cpu cpu, TimeProvider clock, PagesWriter pages, ServerFacts server, Lsn start, IProgressSink progress) : IAsyncDisposable
{
    private const int BlockBytes = 256 * 1024;
    private const int MaxBadPages = 1000;
    private const int Rereads = 5;
    private static readonly TimeSpan RereadPause = TimeSpan.FromMilliseconds(40);

    private readonly Queue<PendingBlock> pending = new();
    private readonly ConcurrentBag<PageHasher> hashers = [];

    /// <summary>Pages whose checksum is wrong and stays so; at most the first thousand.</summary>
    public List<BadPage> Bad { get; } = [];

    /// <summary>How many there are in all.</summary>
    public long BadCount { get; private set; }

    /// <summary>Bytes that were read.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>Is shown, in their order, the blocks of every file that is read outside of a scan.</summary>
    public Action<ReadOnlyMemory<byte>>? Witness { get; set; }

    /// <summary>Everything that a scan finds.</summary>
    public async Task RunAsync(IAsyncEnumerable<ScannedEntry> entries, CancellationToken cancellationToken)
    {
        await foreach (var next in entries.WithCancellation(cancellationToken))
        {
            if (next.Entry.Type == PagedEntryType.File) await BeginAsync(next, cancellationToken);
            else await PassAsync(new PendingBlock(null, next.Entry, null), cancellationToken);
        }

        await DrainAsync(0, cancellationToken);
    }

    /// <summary>One file outside of the scan, which must be there.</summary>
    public async Task ReadAsync(ScannedEntry file, CancellationToken cancellationToken)
    {
        await BeginAsync(file, cancellationToken);
        await DrainAsync(0, cancellationToken);
    }

    /// <summary>A file of our own bytes.</summary>
    public async Task WriteAsync(PagedEntry entry, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await DrainAsync(0, cancellationToken);
        await pages.AddAsync(entry, cancellationToken);
        using var hasher = pages.NewHasher();
        await pages.AppendAsync(hasher.Block(bytes), cancellationToken);
        await pages.EndAsync(cancellationToken);
        ReadBytes += bytes.Length;
    }

    public async ValueTask DisposeAsync()
    {
        while (pending.TryDequeue(out var block))
        {
            if (block.Reading is { } reading) await Task.WhenAny(reading);
            if (block.Reading is { IsCompletedSuccessfully: true } done) BlockBuffers.Program.Return((await done).Rented);
            block.File?.Dispose();
        }

        foreach (var hasher in hashers) hasher.Dispose();
    }

    private async ValueTask BeginAsync(ScannedEntry next, CancellationToken cancellationToken)
    {
        if (await files.OpenAsync(next, cancellationToken) is not { } opened) return;
        var file = new OpenedFile(opened, ClusterRules.Relation(next.Entry.Path));
        await PassAsync(new PendingBlock(file, null, null) { IsStart = true }, cancellationToken);
        var at = 0L;
        while (at < file.SizeBytes && !file.HasEnded && !file.IsGone)
        {
            var data = await opened.NextDataAsync(at, cancellationToken);
            var until = Math.Min(data ?? file.SizeBytes, file.SizeBytes) / server.BlockBytes * server.BlockBytes;
            if (until > at) await PassAsync(new PendingBlock(file, null, null) { Zeros = (until - at) / server.BlockBytes }, cancellationToken);
            at = Math.Max(at, until);
            var (offset, length) = (at, (int)Math.Min(BlockBytes, file.SizeBytes - at));
            if (length > 0) await PassAsync(new PendingBlock(file, null, ReadAsync(file, offset, length, cancellationToken)), cancellationToken);
            at += length;
        }

        await PassAsync(new PendingBlock(file, null, null) { IsEnd = true }, cancellationToken);
    }

    private async ValueTask PassAsync(PendingBlock block, CancellationToken cancellationToken)
    {
        pending.Enqueue(block);
        await DrainAsync(files.BlocksInFlight, cancellationToken);
    }

    private async ValueTask DrainAsync(int left, CancellationToken cancellationToken)
    {
        while (pending.Count > left)
        {
            // It stays in the queue until it is done with, so that whatever fails, its file is closed.
            await TakeAsync(pending.Peek(), cancellationToken);
            pending.Dequeue();
        }
    }

    private async ValueTask TakeAsync(PendingBlock block, CancellationToken cancellationToken)
    {
        if (block.Entry is { } entry) await pages.AddAsync(entry, cancellationToken);
        if (block.File is not { } file) return;
        if (block.IsStart)
        {
            file.IsGone = !await file.Content.IsThereAsync();
            if (!file.IsGone) await pages.AddAsync(file.Entry, cancellationToken);
        }

        if (block.Zeros > 0 && !file.HasEnded && !file.IsGone) pages.AppendZeros(block.Zeros);
        if (block.Reading is { } reading) await AppendAsync(file, await reading, cancellationToken);
        if (!block.IsEnd) return;
        file.Dispose();
        if (!file.IsGone) await pages.EndAsync(cancellationToken);
    }

    private async ValueTask AppendAsync(OpenedFile file, ReadBlock read, CancellationToken cancellationToken)
    {
        if (!file.IsGone)
        {
            foreach (var page in read.Suspects) read = await JudgeAsync(file, read, page, cancellationToken);
            if (!file.HasEnded) await pages.AppendAsync(read.Block, cancellationToken);
        }

        if (Witness is { } witness) await cpu.RunAsync(() => witness(read.Block.Bytes), cancellationToken);

        // A file that was cut off while it was read ends there; the WAL cuts it off again.
        file.HasEnded |= read.Block.Bytes.Length < read.Asked;
        ReadBytes += read.Block.Bytes.Length;
        progress.Advance(read.Block.Bytes.Length);
        BlockBuffers.Program.Return(read.Rented);
    }

    private async Task<ReadBlock> ReadAsync(OpenedFile file, long offset, int length, CancellationToken cancellationToken)
    {
        var rented = BlockBuffers.Program.Rent(length);
        try
        {
            return await file.Content.ReadAsync(
                offset, rented.AsMemory(0, length), read => Judged(file.Relation, rented, offset, length, read), cancellationToken);
        }
        catch
        {
            BlockBuffers.Program.Return(rented);
            throw;
        }
    }

    private ReadBlock Judged(RelationFile? relation, byte[] rented, long offset, int length, int read)
    {
        var suspects = new List<int>();
        if (server.Checksums && relation is { } known)
        {
            for (var at = 0; at + server.BlockBytes <= read; at += server.BlockBytes)
            {
                if (!PageChecksum.IsSound(rented.AsSpan(at, server.BlockBytes), Number(known, offset + at), start)) suspects.Add(at);
            }
        }

        return new ReadBlock(rented, offset, length, Marked(rented.AsMemory(0, read)), suspects);
    }

    // A page that is being written is read in two halves, perhaps; soon it is whole, or changed since the start.
    private async ValueTask<ReadBlock> JudgeAsync(OpenedFile file, ReadBlock read, int at, CancellationToken cancellationToken)
    {
        var number = Number(file.Relation ?? throw new InvariantException("only pages of relations are judged"), read.Offset + at);
        var page = read.Rented.AsMemory(at, server.BlockBytes);
        var differs = false;
        // With very many, the disk is broken, and nobody wants to wait for each.
        for (var again = BadCount < MaxBadPages ? 0 : Rereads - 1; again < Rereads; again++)
        {
            if (BadCount < MaxBadPages) await Task.Delay(RereadPause, clock, cancellationToken);
            var fresh = new byte[server.BlockBytes];
            var length = await file.Content.ReadAgainAsync(read.Offset + at, fresh, cancellationToken);

            // It was cut off meanwhile, which the WAL does too.
            if (length < fresh.Length) return read;
            differs |= !page.Span.SequenceEqual(fresh);
            fresh.CopyTo(page);
            if (!PageChecksum.IsSound(fresh, number, start)) continue;
            differs = true;
            break;
        }

        if (!differs)
        {
            BadCount++;
            if (Bad.Count < MaxBadPages) Bad.Add(new BadPage(file.Entry.Path, file.Relation.Value, number));
            return read;
        }

        return read with { Block = await cpu.RunAsync(() => Marked(read.Block.Bytes), cancellationToken) };
    }

    private PageBlock Marked(ReadOnlyMemory<byte> bytes)
    {
        if (!hashers.TryTake(out var hasher)) hasher = pages.NewHasher();
        try
        {
            return hasher.Block(bytes);
        }
        finally
        {
            hashers.Add(hasher);
        }
    }

    private uint Number(RelationFile relation, long offset) =>
        (relation.Segment * (uint)server.SegmentBlocks) + (uint)(offset / server.BlockBytes);

    private sealed class OpenedFile(IClusterFile content, RelationFile? relation) : IDisposable
    {
        public IClusterFile Content => content;

        public PagedEntry Entry => content.Entry;

        public RelationFile? Relation => relation;

        public long SizeBytes => content.SizeBytes;

        public bool HasEnded { get; set; }

        public bool IsGone { get; set; }

        public void Dispose() => content.Dispose();
    }

    /// <param name="Rented">the buffer, ours.</param>
    /// <param name="Offset">where it begins in the file.</param>
    /// <param name="Asked">how much was to be read.</param>
    /// <param name="Block">what was read.</param>
    /// <param name="Suspects">where pages begin whose checksum is wrong.</param>
    private sealed record ReadBlock(byte[] Rented, long Offset, int Asked, PageBlock Block, IReadOnlyList<int> Suspects);

    private sealed record PendingBlock(OpenedFile? File, PagedEntry? Entry, Task<ReadBlock>? Reading)
    {
        public long Zeros { get; init; }

        public bool IsStart { get; init; }

        public bool IsEnd { get; init; }
    }
}
