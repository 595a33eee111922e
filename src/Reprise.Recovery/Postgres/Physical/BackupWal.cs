using System.Buffers.Binary;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>What the WAL between two places says.</summary>
/// <param name="Records">how many records there are.</param>
/// <param name="HasTablespaces">whether one of them makes or drops a tablespace.</param>
internal readonly record struct WalFindings(long Records, bool HasTablespaces);

/// <summary>
/// Walks the WAL of a backup in <c>pg_wal</c>: the header of each page (magic, address, timeline, and in the first page of
/// a segment system identifier and sizes), length, predecessor and CRC-32C of each record. What is not as PostgreSQL
/// wrote it is <c>wal-range-broken</c>.
/// </summary>
internal sealed class BackupWal : IDisposable
{
    private const int PageBytes = 8192;
    private const int ShortHeader = 24;
    private const int LongHeader = 40;
    private const int RecordHeader = 24;
    private const int CrcOffset = 20;
    private const int MinMagic = 0xD100;
    private const int MaxMagic = 0xD1FF;
    private const ushort ContinuesFlag = 1;
    private const ushort LongHeaderFlag = 2;
    private const ushort AllFlags = 15;
    private const byte XlogManager = 0;
    private const byte TablespaceManager = 5;
    private const byte SwitchRecord = 0x40;
    private const byte InfoMask = 0xF0;
    private const uint MaxRecordBytes = 1020 * 1024 * 1024;

    private readonly IDisk disk;
    private readonly DiskPath folder;
    private readonly ServerFacts server;
    private readonly byte[] page = new byte[PageBytes];
    private readonly byte[] piece = new byte[PageBytes];
    private IDiskFile? segment;
    private string? name;
    private ulong pageAt = ulong.MaxValue;
    private int magic;

    public BackupWal(IDisk disk, DiskPath folder, ServerFacts server)
    {
        this.disk = disk;
        this.folder = folder;
        this.server = server;
    }

    /// <summary>The names of the segments from <paramref name="start"/> to the one that holds <paramref name="stop"/>.</summary>
    public static IEnumerable<string> Segments(Lsn start, Lsn stop, uint timeline, long segmentBytes)
    {
        for (var at = start.Value / (ulong)segmentBytes; at <= stop.Value / (ulong)segmentBytes; at++)
            yield return new Lsn(at * (ulong)segmentBytes).SegmentName(timeline, segmentBytes);
    }

    /// <summary>Walks from a record that begins at <paramref name="start"/> to <paramref name="stop"/>, where one must begin.</summary>
    public WalFindings Walk(Lsn start, Lsn stop, CancellationToken cancellationToken)
    {
        var (records, tablespaces, at, before) = (0L, false, start.Value, 0UL);
        while (at < stop.Value)
        {
            cancellationToken.ThrowIfCancellationRequested();
            at = Enter(at, 0);
            var begins = at;
            var header = new byte[RecordHeader];
            at = Copy(at, header, 0);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
            var previous = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(8));
            if (length is < RecordHeader or > MaxRecordBytes) throw Broken(begins, $"a record of {length} bytes");
            if (before != 0 && previous != before) throw Broken(begins, "a record that does not follow the one before it");
            at = CheckCrc(at, header, length, begins);
            var (info, manager) = (header[16] & InfoMask, header[17]);
            tablespaces |= manager == TablespaceManager;
            records++;
            before = begins;
            at = manager == XlogManager && info == SwitchRecord
                ? (at + (ulong)server.WalSegmentBytes - 1) / (ulong)server.WalSegmentBytes * (ulong)server.WalSegmentBytes
                : (at + 7) & ~7UL;
        }

        if (records == 0) throw Broken(start.Value, "no record");

        // The place where replay is to end must be the beginning of a record, else PostgreSQL runs past it.
        if (at > stop.Value && SkipHeader(stop.Value) != at) throw Broken(stop.Value, "the middle of a record");
        return new WalFindings(records, tablespaces);
    }

    public void Dispose() => segment?.Dispose();

    // Places of records are given without the header of the page when they fall on its beginning.
    private ulong SkipHeader(ulong at) => at % PageBytes == 0 ? at + (ulong)HeaderBytes(at) : at;

    private int HeaderBytes(ulong at) => at % (ulong)server.WalSegmentBytes < PageBytes ? LongHeader : ShortHeader;

    private ulong CheckCrc(ulong at, byte[] header, uint length, ulong begins)
    {
        // The data comes first, then the header up to the CRC itself.
        var crc = 0u;
        for (var left = (int)length - RecordHeader; left > 0;)
        {
            var take = Math.Min(left, piece.Length);
            at = Copy(at, piece.AsSpan(0, take), (uint)(left - take));
            crc = Crc32C.Continue(crc, piece.AsSpan(0, take));
            left -= take;
        }

        crc = Crc32C.Continue(crc, header.AsSpan(0, CrcOffset));
        return crc == BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(CrcOffset))
            ? at
            : throw Broken(begins, "a record with a wrong CRC");
    }

    // The length stands in the first bytes, which are never divided; with it the rest of a header that is.
    private ulong Copy(ulong at, Span<byte> to, uint behind)
    {
        var isHeader = to.Length == RecordHeader && behind == 0;
        var whole = to;
        while (!to.IsEmpty)
        {
            var left = (uint)to.Length + behind;
            if (isHeader && to.Length < RecordHeader)
                left = BinaryPrimitives.ReadUInt32LittleEndian(whole) - (uint)(RecordHeader - to.Length);
            at = Enter(at, to.Length == whole.Length && isHeader ? 0 : left);
            var inPage = (int)(at % PageBytes);
            var take = Math.Min(to.Length, PageBytes - inPage);
            page.AsSpan(inPage, take).CopyTo(to);
            to = to[take..];
            at += (ulong)take;
        }

        return at;
    }

    // At the beginning of a page its header comes first, and says how much of a record that began before is left.
    private ulong Enter(ulong at, uint left)
    {
        Load(at);
        if (at % PageBytes != 0) return at;
        var continues = (BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(2)) & ContinuesFlag) != 0;
        if (continues != (left > 0) || BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(16)) != left)
            throw Broken(at, "a page that does not go on where the one before it ended");
        return SkipHeader(at);
    }

    private void Load(ulong at)
    {
        var wanted = at / PageBytes * PageBytes;
        if (wanted == pageAt) return;
        var place = new Lsn(wanted);
        var segmentName = place.SegmentName(server.Timeline, server.WalSegmentBytes);
        if (segmentName != name)
        {
            segment?.Dispose();
            (segment, name) = (Open(segmentName), segmentName);
        }

        if (segment?.Read((long)(wanted % (ulong)server.WalSegmentBytes), page) != PageBytes) throw Broken(wanted, "the end of its segment");
        pageAt = wanted;
        CheckPage(wanted);
    }

    private IDiskFile Open(string segmentName)
    {
        try
        {
            return disk.OpenRead(folder / segmentName);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            throw PhysicalErrors.Wal($"segment {segmentName} is not in {folder}");
        }
    }

    private void CheckPage(ulong at)
    {
        int found = BinaryPrimitives.ReadUInt16LittleEndian(page);
        if (found is < MinMagic or > MaxMagic || (magic != 0 && found != magic)) throw Broken(at, $"a page with the magic {found:X4}");
        magic = found;
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(2));
        if ((flags & ~AllFlags) != 0) throw Broken(at, $"a page with the flags {flags:X4}");
        var timeline = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(4));
        if (timeline != server.Timeline) throw Broken(at, $"a page of timeline {timeline} instead of {server.Timeline}");
        if (BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(8)) != at) throw Broken(at, "a page of another place: the segment was used again");
        var isFirst = at % (ulong)server.WalSegmentBytes == 0;
        if (isFirst != ((flags & LongHeaderFlag) != 0)) throw Broken(at, "a page with a header of the wrong kind");
        if (!isFirst) return;
        var system = BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(24));
        if (system.ToString(System.Globalization.CultureInfo.InvariantCulture) != server.System) throw Broken(at, $"WAL of system {system}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(32)) != server.WalSegmentBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(36)) != PageBytes)
            throw Broken(at, "segments or pages of another size");
    }

    private static RepriseException Broken(ulong at, string what) => PhysicalErrors.Wal($"at {new Lsn(at)} there is {what}");
}
