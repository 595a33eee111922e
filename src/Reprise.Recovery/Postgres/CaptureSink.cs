using System.Buffers;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>Stores what a dump holds: its head as one content, every block as one of its own.</summary>
internal sealed class CaptureSink(CaptureContext context, Gate gate, CopiedTables? copied) : IDumpSink
{
    private readonly TaskCompletionSource<DumpHead> head = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ContentWriter tocWriter = context.Writer.Begin(Cutting.ContentDefined);
    private readonly List<DumpTable> tables = [];
    private readonly List<(DumpEntry Entry, long Rows)> rows = [];
    private readonly ArrayBufferWriter<byte> kept = new();
    private ContentWriter? writer;
    private DumpHead? known;
    private Content? toc;
    private DumpBlock block;

    /// <summary>Ends when the head has come, which may be never.</summary>
    public Task<DumpHead> Head => head.Task;

    public Content Toc => toc ?? throw new InvariantException("the head of the dump is not stored yet");

    /// <summary>Everything in the order of the table of contents.</summary>
    public IReadOnlyList<DumpTable> Tables
    {
        get
        {
            var order = Known.Data.Select((entry, i) => (entry.Id, i)).ToDictionary(p => p.Id, p => p.i);
            return [.. tables.OrderBy(table => order[table.Id])];
        }
    }

    public IReadOnlyList<(DumpEntry Entry, long Rows)> Rows => rows;

    public async ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (copied is not null) kept.Write(bytes.Span);
        else await WriteAsync(tocWriter, bytes, cancellationToken);
    }

    public async ValueTask EndHeadAsync(DumpHead complete, CancellationToken cancellationToken)
    {
        if (copied is not null)
        {
            var edited = await copied.AttachAsync(kept.WrittenMemory, complete, context.Writer, cancellationToken);
            await WriteAsync(tocWriter, edited, cancellationToken);
            var parser = new DumpHeadParser();
            parser.Take(edited);
            complete = parser.Head ?? throw new InvariantException("an edited table of contents is complete");
        }

        using (await gate.EnterAsync(cancellationToken)) toc = await tocWriter.CompleteAsync(cancellationToken);
        known = complete;
        head.TrySetResult(complete);
    }

    /// <summary>Takes up tables that were read beside the dump.</summary>
    public void Add(IReadOnlyList<DumpTable> more)
    {
        var entries = Known.Data.ToDictionary(entry => entry.Id);
        tables.AddRange(more);
        rows.AddRange(more.Select(table => (entries[table.Id], table.Rows)));
    }

    public ValueTask BeginAsync(DumpEntry entry, DumpBlock kind, CancellationToken cancellationToken)
    {
        writer = context.Writer.Begin(Cutting.ContentDefined, hashedByPart: true);
        block = kind;
        return ValueTask.CompletedTask;
    }

    public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        WriteAsync(Current, bytes, cancellationToken);

    public async ValueTask EndAsync(DumpEntry entry, long count, CancellationToken cancellationToken)
    {
        using (await gate.EnterAsync(cancellationToken))
            tables.Add(new DumpTable(entry.Id, block, count, await Current.CompleteAsync(cancellationToken)));
        if (block == DumpBlock.Rows) rows.Add((entry, count));
        writer = null;
    }

    // Tables that are read beside the dump write into the same point and advance the same progress.
    private async ValueTask WriteAsync(
        ContentWriter to, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using (await gate.EnterAsync(cancellationToken))
        {
            await to.WriteAsync(bytes, cancellationToken);
            context.Progress.Advance(bytes.Length);
        }
    }

    private DumpHead Known => known ?? throw new InvariantException("the head of the dump has not come yet");

    private ContentWriter Current => writer ?? throw new InvariantException("no data block has begun");
}
