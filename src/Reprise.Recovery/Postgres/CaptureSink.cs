using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>Stores what a dump holds: its head as one content, every block as one of its own.</summary>
internal sealed class CaptureSink(CaptureContext context) : IDumpSink
{
    private readonly TaskCompletionSource<DumpHead> head = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ContentWriter tocWriter = context.Writer.Begin(Cutting.ContentDefined);
    private readonly List<DumpTable> tables = [];
    private readonly List<(DumpEntry Entry, long Rows)> rows = [];
    private ContentWriter? writer;
    private Content? toc;
    private DumpBlock block;

    /// <summary>Ends when the head has come, which may be never.</summary>
    public Task<DumpHead> Head => head.Task;

    public Content Toc => toc ?? throw new InvariantException("the head of the dump is not stored yet");

    public IReadOnlyList<DumpTable> Tables => tables;

    public IReadOnlyList<(DumpEntry Entry, long Rows)> Rows => rows;

    public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        context.Progress.Advance(bytes.Length);
        return tocWriter.WriteAsync(bytes, cancellationToken);
    }

    public async ValueTask EndHeadAsync(DumpHead complete, CancellationToken cancellationToken)
    {
        toc = await tocWriter.CompleteAsync(cancellationToken);
        head.TrySetResult(complete);
    }

    public ValueTask BeginAsync(DumpEntry entry, DumpBlock kind, CancellationToken cancellationToken)
    {
        writer = context.Writer.Begin(Cutting.ContentDefined);
        block = kind;
        return ValueTask.CompletedTask;
    }

    public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        context.Progress.Advance(bytes.Length);
        return Current.WriteAsync(bytes, cancellationToken);
    }

    public async ValueTask EndAsync(DumpEntry entry, long count, CancellationToken cancellationToken)
    {
        tables.Add(new DumpTable(entry.Id, block, count, await Current.CompleteAsync(cancellationToken)));
        if (block == DumpBlock.Rows) rows.Add((entry, count));
        writer = null;
    }

    private ContentWriter Current => writer ?? throw new InvariantException("no data block has begun");
}
