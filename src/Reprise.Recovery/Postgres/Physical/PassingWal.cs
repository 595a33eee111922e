using System.Globalization;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Judges the WAL of a backup while it passes, segment after segment: every page, every record. It is enough when the place
/// where the backup ended is the end of a record, or the beginning of one.
/// </summary>
internal sealed class PassingWal
{
    private readonly WalWalker walker;
    private readonly Lsn start;
    private readonly Lsn stop;
    private readonly long segmentBytes;
    private Lsn position;
    private bool startsThere;
    private bool stopsThere;
    private bool hasTablespaces;
    private long records;

    public PassingWal(ServerFacts server, Lsn start, Lsn stop)
    {
        (this.start, this.stop, segmentBytes) = (start, stop, server.WalSegmentBytes);
        position = new Lsn(start.Value / (ulong)segmentBytes * (ulong)segmentBytes);
        walker = new WalWalker(
            new WalExpectation((int)segmentBytes, ulong.Parse(server.System, CultureInfo.InvariantCulture), server.Major, server.Timeline),
            new Lsn(start.Value / WalFormat.PageBytes * WalFormat.PageBytes))
        {
            Witness = See,
        };
    }

    /// <summary>The next bytes; the first ones are the beginning of the segment in which the backup began.</summary>
    public void Take(ReadOnlyMemory<byte> bytes)
    {
        // What came before the backup in that segment is nobody's business.
        var skip = (int)Math.Min((ulong)bytes.Length, walker.Position.Value > position.Value ? walker.Position.Value - position.Value : 0);
        position = position.Plus(bytes.Length);
        if (!stopsThere) walker.Take(bytes.Span[skip..]);
    }

    /// <summary>What was seen; <c>wal-range-broken</c> when it is not all that is needed.</summary>
    public WalFindings End()
    {
        if (stopsThere && startsThere) return new WalFindings(records, hasTablespaces);
        if (walker.Fault is { } fault) throw PhysicalErrors.Wal($"at {fault.At} there is {fault.Message}");
        throw PhysicalErrors.Wal(
            walker.Position < stop ? $"it ends at {walker.Position}"
            : stopsThere ? $"no record begins at {start}"
            : $"at {stop} there is the middle of a record");
    }

    // A place at the beginning of a page may be given with its header or without.
    private void See(in WalRecord record)
    {
        if (record.Start < start) return;
        startsThere |= record.Start == start || record.Start == Behind(start);
        if (stopsThere) return;
        stopsThere = record.Start == stop || record.Start == Behind(stop) || record.End == stop || Behind(record.End) == stop;
        if (record.Start >= stop) return;
        records++;
        hasTablespaces |= record.TouchesTablespaces;
    }

    private Lsn Behind(Lsn place) => place.Value % WalFormat.PageBytes != 0
        ? place
        : place.Plus(place.Value % (ulong)segmentBytes == 0 ? WalFormat.LongHeaderBytes : WalFormat.ShortHeaderBytes);
}
