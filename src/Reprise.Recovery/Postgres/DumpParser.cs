using System.Buffers;
using System.Buffers.Binary;

namespace Reprise.Recovery.Postgres;

/// <summary>Hears what a dump holds, in order.</summary>
internal interface IDumpSink
{
    /// <summary>More bytes of the head, exactly as they came.</summary>
    ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The head is complete; pg_dump holds its locks by now.</summary>
    ValueTask EndHeadAsync(DumpHead head, CancellationToken cancellationToken);

    /// <summary>The data of an entry begins.</summary>
    ValueTask BeginAsync(DumpEntry entry, DumpBlock block, CancellationToken cancellationToken);

    /// <summary>
    /// More of the data that began. For a table, rows without the dump's framing; for large objects, as they came.
    /// </summary>
    ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The data ended. <paramref name="rows"/> is -1 where rows cannot be told.</summary>
    ValueTask EndAsync(DumpEntry entry, long rows, CancellationToken cancellationToken);
}

/// <summary>What a data block holds.</summary>
internal enum DumpBlock
{
    /// <summary>The rows of a table in COPY's text form.</summary>
    Rows = 1,

    /// <summary>Large objects, each its number and its frames.</summary>
    LargeObjects = 3,
}

/// <summary>
/// Takes a dump apart while it comes: the frames that pg_dump puts around rows depend on its release and on where its
/// buffers ended, so they are taken off, which makes the same rows the same bytes. No work is done by row: frames are
/// found by their lengths, and rows are counted as line feeds of whole buffers (COPY writes a line feed inside a value
/// as <c>\n</c>, and in no encoding of a server is the byte 10 part of another character).
/// </summary>
internal sealed class DumpParser(IDumpSink sink, DumpHeadParser headParser) : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private const int NumberBytes = 5;

    // What COPY's end looks like in a dump: the end mark, then two empty lines.
    internal static ReadOnlySpan<byte> RowsEnd => "\\.\n\n\n"u8;

    private readonly byte[] output = ArrayPool<byte>.Shared.Rent(BufferBytes + NumberBytes);
    private readonly byte[] carried = new byte[1 + NumberBytes];
    private readonly byte[] tail = new byte[NumberBytes];
    private readonly Dictionary<int, DumpEntry> missing = [];
    private State state = State.Head;
    private DumpEntry? current;
    private DumpBlock block;
    private int used;
    private int carry;
    private int frameLeft;
    private long lineFeeds;
    private long length;
    private Event pending;

    private enum State
    {
        Head,
        BlockStart,
        FrameLength,
        Frame,
        ObjectNumber,
    }

    private enum Event
    {
        None,
        Flush,
        Begin,
        End,
    }

    /// <summary>One that keeps of the head what a capture needs.</summary>
    public DumpParser(IDumpSink sink)
        : this(sink, new DumpHeadParser())
    {
    }

    /// <summary>The head, once it is complete.</summary>
    public DumpHead? Head => headParser.Head;

    /// <summary>Takes the next bytes of the dump.</summary>
    /// <exception cref="Storage.Errors.RepriseException"><c>dump-invalid</c>.</exception>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (state == State.Head)
        {
            var taken = headParser.Take(bytes.Span);
            await sink.TakeHeadAsync(bytes[..taken], cancellationToken);
            bytes = bytes[taken..];
            if (Head is null) return;
            foreach (var entry in Head.Data)
            {
                if (!missing.TryAdd(entry.Id, entry)) throw DumpHeadParser.Invalid($"entry {entry.Id} is there twice");
            }

            state = State.BlockStart;
            await sink.EndHeadAsync(Head, cancellationToken);
        }

        while (!bytes.IsEmpty)
        {
            bytes = bytes[Step(bytes.Span)..];
            if (pending != Event.None) await RaiseAsync(cancellationToken);
        }
    }

    /// <summary>The dump has ended: whatever was announced must have come.</summary>
    /// <exception cref="Storage.Errors.RepriseException"><c>dump-invalid</c>.</exception>
    public void Finish()
    {
        if (Head is null) throw DumpHeadParser.Invalid("it ended inside its table of contents");
        if (state != State.BlockStart || carry > 0)
        {
            throw DumpHeadParser.Invalid($"it ended inside the data of {current?.Tag ?? "an entry"}");
        }

        if (missing.Count > 0)
        {
            throw DumpHeadParser.Invalid(
                $"it ended before the data of {missing.Values.First().Tag} and {missing.Count - 1} others");
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(output);

    private async ValueTask RaiseAsync(CancellationToken cancellationToken)
    {
        var raised = pending;
        pending = Event.None;
        if (raised == Event.Begin)
        {
            await sink.BeginAsync(current!, block, cancellationToken); // Set by the step that raised this.
            return;
        }

        Measure(output.AsSpan(0, used));
        if (used > 0) await sink.TakeAsync(output.AsMemory(0, used), cancellationToken);
        used = 0;
        if (raised != Event.End) return;
        await sink.EndAsync(current!, Rows(), cancellationToken); // Set since the block began.
        current = null;
    }

    // Consumes input until it is used up or something must be told.
    private int Step(ReadOnlySpan<byte> input)
    {
        var at = 0;
        while (at < input.Length && pending == Event.None)
        {
            if (state == State.Frame)
            {
                var count = Math.Min(Math.Min(frameLeft, input.Length - at), BufferBytes - used);
                input.Slice(at, count).CopyTo(output.AsSpan(used));
                at += count;
                used += count;
                frameLeft -= count;
                if (frameLeft == 0) state = State.FrameLength;
                if (used == BufferBytes) pending = Event.Flush;
                continue;
            }

            var wanted = state == State.BlockStart ? 1 + NumberBytes : NumberBytes;
            if (carry == 0 && input.Length - at >= wanted)
            {
                Decide(input.Slice(at, wanted));
                at += wanted;
                continue;
            }

            var more = Math.Min(wanted - carry, input.Length - at);
            input.Slice(at, more).CopyTo(carried.AsSpan(carry));
            at += more;
            carry += more;
            if (carry < wanted) continue;
            carry = 0;
            Decide(carried.AsSpan(0, wanted));
        }

        return at;
    }

    private void Decide(ReadOnlySpan<byte> header)
    {
        switch (state)
        {
            case State.BlockStart:
                Start(header);
                break;
            case State.FrameLength:
                frameLeft = DumpCursor.Decode(header);
                if (frameLeft < 0) throw DumpHeadParser.Invalid($"a frame of {current?.Tag} has a negative length");
                if (block == DumpBlock.LargeObjects) Keep(header);
                if (frameLeft > 0) state = State.Frame;
                else if (block == DumpBlock.LargeObjects) state = State.ObjectNumber;
                else (state, pending) = (State.BlockStart, Event.End);
                break;
            case State.ObjectNumber:
                Keep(header);
                if (BinaryPrimitives.ReadUInt32LittleEndian(header[1..]) != 0) state = State.FrameLength;
                else (state, pending) = (State.BlockStart, Event.End);
                break;
            default:
                throw new Storage.Errors.InvariantException($"no header is read in state {state}");
        }
    }

    private void Start(ReadOnlySpan<byte> header)
    {
        var id = DumpCursor.Decode(header[1..]);
        if (header[0] is not ((byte)DumpBlock.Rows or (byte)DumpBlock.LargeObjects)
            || !missing.Remove(id, out var entry))
        {
            throw DumpHeadParser.Invalid($"a block of type {header[0]} for entry {id} is unexpected");
        }

        (current, block, lineFeeds, length, pending) = (entry, (DumpBlock)header[0], 0, 0, Event.Begin);
        state = block == DumpBlock.Rows ? State.FrameLength : State.ObjectNumber;
    }

    // The buffer has room for a number behind its last byte, and is flushed before a second one would not fit.
    private void Keep(ReadOnlySpan<byte> header)
    {
        header.CopyTo(output.AsSpan(used));
        used += header.Length;
        if (used >= BufferBytes) pending = Event.Flush;
    }

    private void Measure(ReadOnlySpan<byte> bytes)
    {
        length += bytes.Length;
        if (block == DumpBlock.Rows) lineFeeds += bytes.Count((byte)'\n');
        if (bytes.Length >= tail.Length)
        {
            bytes[^tail.Length..].CopyTo(tail);
            return;
        }

        tail.AsSpan(bytes.Length).CopyTo(tail);
        bytes.CopyTo(tail.AsSpan(tail.Length - bytes.Length));
    }

    private long Rows() =>
        block == DumpBlock.Rows && length >= tail.Length && tail.AsSpan().SequenceEqual(RowsEnd) ? lineFeeds - 3 : -1;
}
