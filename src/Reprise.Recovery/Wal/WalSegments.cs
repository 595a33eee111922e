using System.Buffers.Binary;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>Segments as files.</summary>
internal static class WalSegments
{
    /// <summary>Walks a whole file. <paramref name="block"/> holds its front already, and at the end again.</summary>
    public static void Walk(WalWalker walker, IDiskFile file, long size, byte[] block)
    {
        walker.Take(block);
        for (var at = (long)block.Length; at < size && walker.Fault is null; at += block.Length)
        {
            var piece = block.AsSpan(0, (int)Math.Min(block.Length, size - at));
            if (file.Read(at, piece) < piece.Length) return;
            walker.Take(piece);
        }

        if (size > block.Length) _ = file.Read(0, block);
    }

    /// <summary>The timeline of a first page.</summary>
    public static uint Timeline(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32LittleEndian(page[4..]);

    /// <summary>The size of the segments in a folder, by the first of them that can be read; null: there is none.</summary>
    public static int? SizeIn(IDisk disk, DiskPath folder)
    {
        Span<byte> page = stackalloc byte[WalFormat.LongHeaderBytes];
        foreach (var entry in disk.List(folder / "."))
        {
            if (WalFile.Parse(entry.Name.ToString()) is not WalFile.Segment) continue;
            using var file = disk.OpenRead(folder / entry.Name);
            if (file.Read(0, page) == page.Length && WalWalker.HeaderOf(page, out _) is { } header) return header.SegmentBytes;
        }

        return null;
    }
}

/// <summary>
/// A lineage with those that it came from: what lies before a fork stands in the parent. Reads across both as if it were one.
/// </summary>
internal sealed class WalAncestry(WalArchive archive, WalLineage lineage)
{
    /// <summary>Every range of a timeline that belongs to this lineage, with where it stands, by start.</summary>
    public async Task<IReadOnlyList<WalPiece>> PiecesAsync(uint timeline, CancellationToken cancellationToken)
    {
        var pieces = new List<WalPiece>();
        WalLineage? at = lineage;
        Lsn? limit = null;
        while (at is not null)
        {
            var listing = await archive.ListAsync(at.Id, timeline, cancellationToken);
            pieces.AddRange(listing.Ranges
                .Where(r => limit is not { } end || r.Start < end)
                .Select(r => new WalPiece(at.Id, r, limit is { } end && end < r.End ? end : r.End)));
            if (at.Parent is not { } fork || timeline > fork.Timeline) break;
            if (timeline == fork.Timeline && (limit is not { } former || fork.At < former)) limit = fork.At;
            at = await ParentAsync(fork, cancellationToken);
        }

        return [.. pieces.OrderBy(p => p.Range.Start).ThenByDescending(p => p.End)];
    }

    /// <summary>A history file, here or in a parent; null: there is none.</summary>
    public async Task<byte[]?> HistoryAsync(uint timeline, CancellationToken cancellationToken)
    {
        for (var at = lineage; ;)
        {
            if (await archive.ReadFileAsync(at.Id, timeline, new WalFileName.History(), cancellationToken) is { } bytes) return bytes;
            if (at.Parent is not { } fork || timeline > fork.Timeline) return null;
            at = await ParentAsync(fork, cancellationToken);
        }
    }

    /// <summary>
    /// Fills <paramref name="to"/> with WAL from <paramref name="start"/> on; returns how far that went without a gap.
    /// </summary>
    public async Task<Lsn> ReadAsync(
        uint timeline, IReadOnlyList<WalPiece> pieces, Lsn start, Memory<byte> to, CancellationToken cancellationToken)
    {
        var (at, end) = (start, start.Plus(to.Length));
        while (at < end)
        {
            var piece = pieces.Where(p => p.Range.Start <= at && p.End > at).OrderByDescending(p => p.End).FirstOrDefault();
            if (piece is null) break;
            var bytes = await archive.ReadAsync(piece.Lineage, timeline, piece.Range, cancellationToken);
            var until = piece.End < end ? piece.End : end;
            bytes.AsMemory((int)at.Since(piece.Range.Start), (int)until.Since(at)).CopyTo(to[(int)at.Since(start)..]);
            at = until;
        }

        return at;
    }

    /// <summary>
    /// Whether the segment in which a timeline begins goes on with what its parent wrote: its first pages are a copy. Two
    /// servers that were restored from one point differ there. <c>wal-conflict</c> when they do.
    /// </summary>
    public async Task CompareAsync(uint timeline, Lsn start, ReadOnlyMemory<byte> segment, CancellationToken cancellationToken)
    {
        // The last page of the parent has what the child wrote behind the fork.
        var parent = WalSegments.Timeline(segment.Span);
        var pages = 0;
        while ((pages + 1) * WalFormat.PageBytes < segment.Length && WalSegments.Timeline(segment.Span[((pages + 1) * WalFormat.PageBytes)..]) == parent) pages++;
        if (pages == 0) return;
        var there = new byte[pages * WalFormat.PageBytes];
        var until = await ReadAsync(parent, await PiecesAsync(parent, cancellationToken), start, there, cancellationToken);
        var known = (int)until.Since(start);
        if (segment.Span[..known].SequenceEqual(there.AsSpan(0, known))) return;
        throw new RepriseException(
            RepositoryErrors.WalConflict,
            $"timeline {timeline} does not go on with timeline {parent} as lineage {lineage.Id} has it: the server was restored from another one's past",
            "if this is the real server now: reprise wal adopt, then reprise backup");
    }

    private async Task<WalLineage> ParentAsync(WalFork fork, CancellationToken cancellationToken) =>
        await archive.FindAsync(fork.Lineage, cancellationToken) ?? throw new RepriseException(
            new Problem(
                StorageErrors.ObjectMissing,
                Severity.Error,
                $"lineage {fork.Lineage}, from which {lineage.Id} comes, is gone",
                "find out who deleted it; WAL from before the fork cannot be found without it") { Where = $"wal/{fork.Lineage}/lineage" });
}

/// <summary>A range, where it stands, and up to where it belongs to the lineage that is read.</summary>
/// <param name="Lineage">where it stands.</param>
/// <param name="Range">as it is stored.</param>
/// <param name="End">what lies behind is not of the lineage that is read.</param>
internal sealed record WalPiece(string Lineage, WalRange Range, Lsn End);
