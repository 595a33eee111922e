using System.Buffers.Binary;
using Reprise.Repository.Wal;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Wal;

/// <summary>What WAL has to be to be accepted.</summary>
/// <param name="SegmentBytes">the size of the cluster's segments.</param>
/// <param name="Identifier">the cluster's identifier.</param>
/// <param name="Major">its version.</param>
/// <param name="Timeline">the newest timeline whose pages may come.</param>
internal sealed record WalExpectation(int SegmentBytes, ulong Identifier, int Major, uint Timeline);

/// <summary>
/// Reads WAL as it comes, in pieces of any length: every page header, and every record with its CRC. It stops at the first
/// thing that PostgreSQL would not replay, and says what that is. It keeps 120 bytes of the record at hand, whatever its length.
/// </summary>
internal sealed class WalWalker
{
    // What is needed of the body: the time of a commit or a checkpoint, the name of a restore point.
    private const int HeadBytes = 96;

    private readonly WalExpectation expected;
    private readonly byte[] pageHeader = new byte[WalFormat.LongHeaderBytes];
    private readonly byte[] record = new byte[WalFormat.RecordHeaderBytes];
    private readonly byte[] head = new byte[HeadBytes];
    private int pageHeaderHave;
    private uint pageTimeline;
    private bool sawPage;

    private State state = State.Between;
    private Lsn recordStart;
    private Lsn? previous;
    private int recordHave;
    private uint bodyLeft;
    private int headHave;
    private uint crc;
    private long unknownLeft;

    /// <param name="expected">what it has to be.</param>
    /// <param name="start">where it begins: the front of a page.</param>
    public WalWalker(WalExpectation expected, Lsn start)
    {
        Storage.Errors.Invariant.Check(start.Value % WalFormat.PageBytes == 0, $"{start} is not the front of a page");
        this.expected = expected;
        Position = start;
        RecordEnd = start;
    }

    private enum State
    {
        /// <summary>A record begins at the next multiple of eight.</summary>
        Between,

        /// <summary>The rest of a record that began before we did.</summary>
        Unknown,

        /// <summary>Inside the header of a record.</summary>
        Header,

        /// <summary>Behind it.</summary>
        Body,

        /// <summary>Behind a switch: zeros up to the end of the segment.</summary>
        Switched,
    }

    /// <summary>Behind the last byte that was read.</summary>
    public Lsn Position { get; private set; }

    /// <summary>
    /// Behind the last record that is whole; behind a switch, the next segment. The rest of a record that began before the
    /// start is not whole: its checksum needs its front.
    /// </summary>
    public Lsn RecordEnd { get; private set; }

    /// <summary>Where the last whole record begins, or null: none was seen.</summary>
    public Lsn? LastRecord => previous;

    /// <summary>Is shown every whole record, in order.</summary>
    public WalWitness? Witness { get; init; }

    /// <summary>Where it cannot go on, or null.</summary>
    public WalFault? Fault { get; private set; }

    /// <summary>How many whole records there were.</summary>
    public long Records { get; private set; }

    /// <summary>When the first commit says that it was made.</summary>
    public DateTimeOffset? FirstCommit { get; private set; }

    /// <summary>When the last one does.</summary>
    public DateTimeOffset? LastCommit { get; private set; }

    /// <summary>What the first page header of a segment says; null with a fault when it is none.</summary>
    public static WalSegmentHeader? HeaderOf(ReadOnlySpan<byte> page, out string wrong)
    {
        wrong = "";
        if (page.Length < WalFormat.LongHeaderBytes)
        {
            wrong = $"it has {page.Length} bytes";
            return null;
        }

        var magic = BinaryPrimitives.ReadUInt16LittleEndian(page);
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(page[2..]);
        if (WalFormat.MajorOf(magic) is not { } major)
        {
            wrong = $"it begins with {magic:x4}, which no known version of PostgreSQL writes";
            return null;
        }

        var segment = BinaryPrimitives.ReadUInt32LittleEndian(page[32..]);
        var block = BinaryPrimitives.ReadUInt32LittleEndian(page[36..]);
        if ((flags & WalFormat.LongHeader) == 0 || !WalLineage.IsSegmentSize(segment) || block != WalFormat.PageBytes)
        {
            wrong = block == WalFormat.PageBytes || (flags & WalFormat.LongHeader) == 0
                ? "its first page is not that of a segment"
                : $"it has pages of {block} bytes, and only {WalFormat.PageBytes} are supported";
            return null;
        }

        return new WalSegmentHeader(
            major,
            BinaryPrimitives.ReadUInt64LittleEndian(page[24..]),
            (int)segment,
            BinaryPrimitives.ReadUInt32LittleEndian(page[4..]),
            new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(page[8..])));
    }

    /// <summary>Goes on with <paramref name="bytes"/>; stops at a fault.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && Fault is null)
        {
            var used = state == State.Switched ? TakeZeros(bytes) : InHeader ? TakePageHeader(bytes) : TakePage(bytes);
            bytes = bytes[used..];
        }
    }

    private int InPage => (int)(Position.Value % WalFormat.PageBytes);

    private ulong InSegment => Position.Value & (ulong)(expected.SegmentBytes - 1);

    private bool IsAtSegment => InSegment < WalFormat.PageBytes;

    private int PageHeaderBytes => IsAtSegment ? WalFormat.LongHeaderBytes : WalFormat.ShortHeaderBytes;

    private bool InHeader => InPage < PageHeaderBytes;

    private int TakeZeros(ReadOnlySpan<byte> bytes)
    {
        var left = expected.SegmentBytes - (int)InSegment;
        var piece = bytes[..Math.Min(left, bytes.Length)];
        var other = piece.IndexOfAnyExcept((byte)0);
        if (other >= 0)
        {
            Stop(WalFaultKind.BrokenPage, Position.Plus(other), "something follows a switch of segments, in the same segment");
            return bytes.Length;
        }

        Position = Position.Plus(piece.Length);
        if (piece.Length < left) return piece.Length;
        state = State.Between;
        RecordEnd = Position;
        return piece.Length;
    }

    private int TakePageHeader(ReadOnlySpan<byte> bytes)
    {
        var length = PageHeaderBytes;
        if (InPage == 0) pageHeaderHave = 0;
        var piece = Math.Min(length - pageHeaderHave, bytes.Length);
        bytes[..piece].CopyTo(pageHeader.AsSpan(pageHeaderHave));
        pageHeaderHave += piece;
        if (pageHeaderHave == length)
        {
            Position = Position.Plus(-(length - piece));
            var page = Position;
            JudgePage(page, pageHeader.AsSpan(0, length));
            if (Fault is null) Position = page.Plus(length);
        }
        else
        {
            Position = Position.Plus(piece);
        }

        return piece;
    }

    private void JudgePage(Lsn page, ReadOnlySpan<byte> header)
    {
        var magic = BinaryPrimitives.ReadUInt16LittleEndian(header);
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(header[2..]);
        var timeline = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        var address = new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(header[8..]));
        if (header.IndexOfAnyExcept((byte)0) < 0) Stop(WalFaultKind.Zeros, page, "a page of zeros");
        else if (WalFormat.MajorOf(magic) is not { } major) Stop(WalFaultKind.NotWal, page, $"a page begins with {magic:x4}");
        else if (address != page) Stop(address < page ? WalFaultKind.Recycled : WalFaultKind.BrokenPage, page, $"the page at {page} says that it is {address}");
        else if (major != expected.Major) Stop(WalFaultKind.BrokenPage, page, $"a page of PostgreSQL {major} among those of {expected.Major}");
        else if ((flags & ~WalFormat.AllFlags) != 0 || (flags & WalFormat.LongHeader) != 0 != (header.Length == WalFormat.LongHeaderBytes))
            Stop(WalFaultKind.BrokenPage, page, $"the header of a page has the flags {flags:x}");
        else if (timeline > expected.Timeline || timeline < pageTimeline)
            Stop(WalFaultKind.OtherTimeline, page, $"a page of timeline {timeline} after {pageTimeline}, up to {expected.Timeline} was expected");
        else if (header.Length == WalFormat.LongHeaderBytes) JudgeSegment(page, header);
        if (Fault is not null) return;
        pageTimeline = timeline;
        Continue(page, flags, BinaryPrimitives.ReadUInt32LittleEndian(header[16..]));
        sawPage = true;
    }

    private void JudgeSegment(Lsn page, ReadOnlySpan<byte> header)
    {
        var identifier = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);
        var segment = BinaryPrimitives.ReadUInt32LittleEndian(header[32..]);
        var block = BinaryPrimitives.ReadUInt32LittleEndian(header[36..]);
        if (identifier != expected.Identifier)
            Stop(WalFaultKind.OtherCluster, page, $"a segment of the cluster {identifier}, not of {expected.Identifier}");
        else if (segment != expected.SegmentBytes || block != WalFormat.PageBytes)
            Stop(WalFaultKind.BrokenPage, page, $"a segment that says it has {segment} bytes in pages of {block}");
    }

    // What a page says of the record that its predecessor left unfinished must be what that record says itself.
    private void Continue(Lsn page, ushort flags, uint remaining)
    {
        var continues = (flags & WalFormat.FirstIsContinuation) != 0;
        var left = state switch
        {
            State.Header => (long)BinaryPrimitives.ReadUInt32LittleEndian(record) - recordHave,
            State.Body => bodyLeft,
            State.Unknown => unknownLeft,
            _ => 0,
        };
        if ((flags & WalFormat.FirstOverwritesContinuation) != 0 && !continues)
        {
            // A crash cut the record off, and the server that came up says so: it never happened.
            state = State.Between;
            recordHave = 0;
        }
        else if (!sawPage && continues)
        {
            if (remaining == 0) Stop(WalFaultKind.BrokenPage, page, "a page goes on with nothing");
            state = State.Unknown;
            unknownLeft = remaining;
        }
        else if (continues ? remaining != left || left == 0 : left > 0)
        {
            Stop(WalFaultKind.BrokenPage, page, $"{left} bytes of a record are left, and the page says {(continues ? remaining : 0)}");
        }
    }

    private int TakePage(ReadOnlySpan<byte> bytes)
    {
        var piece = bytes[..Math.Min(WalFormat.PageBytes - InPage, bytes.Length)];
        switch (state)
        {
            case State.Between:
                var gap = Math.Min((int)(WalFormat.Aligned(Position).Value - Position.Value), piece.Length);
                Position = Position.Plus(gap);
                if (gap == piece.Length) return gap;
                state = State.Header;
                recordStart = Position;
                recordHave = 0;
                return gap;
            case State.Unknown:
                var known = (int)Math.Min(unknownLeft, piece.Length);
                Position = Position.Plus(known);
                unknownLeft -= known;
                if (unknownLeft == 0) state = State.Between;
                return known;
            case State.Header:
                return TakeHeader(piece);
            default:
                return TakeBody(piece);
        }
    }

    private int TakeHeader(ReadOnlySpan<byte> piece)
    {
        var take = Math.Min(WalFormat.RecordHeaderBytes - recordHave, piece.Length);
        piece[..take].CopyTo(record.AsSpan(recordHave));
        recordHave += take;
        Position = Position.Plus(take);
        var total = recordHave >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(record) : uint.MaxValue;

        // The length comes first and is judged at once: what continues on the next page is measured by it.
        if (recordHave >= 4 && total == 0) Stop(WalFaultKind.Zeros, recordStart, "nothing was written there yet");
        else if (recordHave >= 4 && total is < WalFormat.RecordHeaderBytes or > WalFormat.MaxRecordBytes && recordHave >= 4)
            Stop(WalFaultKind.BrokenRecord, recordStart, $"a record of {total} bytes");
        if (Fault is not null || recordHave < WalFormat.RecordHeaderBytes) return take;
        var before = new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(8)));
        if (previous is { } known ? before != known : before >= recordStart)
        {
            Stop(WalFaultKind.BrokenRecord, recordStart, $"a record that follows {before}, not {previous?.ToString() ?? "an earlier one"}");
            return take;
        }

        crc = 0;
        headHave = 0;
        bodyLeft = total - WalFormat.RecordHeaderBytes;
        state = State.Body;
        if (bodyLeft == 0) JudgeRecord();
        return take;
    }

    private int TakeBody(ReadOnlySpan<byte> piece)
    {
        var take = (int)Math.Min(bodyLeft, (uint)piece.Length);
        crc = Crc32C.Continue(crc, piece[..take]);
        if (headHave < HeadBytes)
        {
            var more = Math.Min(HeadBytes - headHave, take);
            piece[..more].CopyTo(head.AsSpan(headHave));
            headHave += more;
        }

        Position = Position.Plus(take);
        bodyLeft -= (uint)take;
        if (bodyLeft == 0) JudgeRecord();
        return take;
    }

    private void JudgeRecord()
    {
        crc = Crc32C.Continue(crc, record.AsSpan(0, WalFormat.RecordCrcOffset));
        if (crc != BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan(WalFormat.RecordCrcOffset)))
        {
            Stop(WalFaultKind.BrokenRecord, recordStart, "a record whose checksum is wrong");
            return;
        }

        Records++;
        previous = recordStart;
        var isSwitch = record[17] == WalFormat.LogManagement && (record[16] & WalFormat.KindMask) == WalFormat.Switch && InSegment != 0;
        var end = isSwitch ? Position.Plus(expected.SegmentBytes - (long)InSegment) : WalFormat.Aligned(Position);
        var seen = new WalRecord(recordStart, end, record, head.AsSpan(0, headHave));
        if (seen is { IsCommit: true, TransactionTime: { } time }) (FirstCommit, LastCommit) = (FirstCommit ?? time, time);
        Witness?.Invoke(seen);
        state = isSwitch ? State.Switched : State.Between;
        RecordEnd = WalFormat.Aligned(Position);
    }

    private void Stop(WalFaultKind kind, Lsn at, string message) => Fault ??= new WalFault(kind, at, message);
}
