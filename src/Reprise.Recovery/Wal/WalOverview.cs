using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>What the repository holds of one timeline.</summary>
/// <param name="Lineage">of which lineage.</param>
/// <param name="Timeline">which one.</param>
/// <param name="Stretches">from where to where, without a gap each; empty: it was claimed and nothing came.</param>
/// <param name="StoredBytes">what it takes.</param>
/// <param name="LastCommit">when the newest commit in it was made; null: none is near its end, or it cannot be read.</param>
public sealed record WalTimelineState(
    WalLineage Lineage, uint Timeline, IReadOnlyList<WalRange> Stretches, long StoredBytes, DateTimeOffset? LastCommit);

/// <summary>Says what WAL is there. The server is not asked: it may be gone.</summary>
public sealed class WalOverview(WalArchive archive)
{
    /// <summary>Every timeline of every lineage whose object can be read; the others a verification names.</summary>
    public async Task<IReadOnlyList<WalTimelineState>> ReadAsync(CancellationToken cancellationToken)
    {
        var states = new List<WalTimelineState>();
        foreach (var listing in await archive.ListAllAsync(cancellationToken))
        {
            if (await FindAsync(listing.Lineage, cancellationToken) is not { } lineage) continue;
            var stretches = listing.Stretches;
            var last = stretches.Count == 0 ? null : await LastCommitAsync(lineage, listing, stretches[^1], cancellationToken);
            states.Add(new WalTimelineState(lineage, listing.Timeline, stretches, listing.StoredBytes, last));
        }

        return states;
    }

    private async Task<WalLineage?> FindAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await archive.FindAsync(id, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return null;
        }
    }

    // The newest commit stands in the last segment, or, where that has only just begun, in the one before.
    private async Task<DateTimeOffset?> LastCommitAsync(
        WalLineage lineage, WalListing listing, WalRange stretch, CancellationToken cancellationToken)
    {
        var size = lineage.SegmentBytes;
        var floor = new Lsn((stretch.End.Value - 1) / (ulong)size * (ulong)size);
        try
        {
            for (var back = 0; back < 2; back++)
            {
                var start = back == 0 ? floor : floor.Plus(-(long)size);
                if (start < stretch.Start || start.Value > stretch.End.Value) return null;
                var bytes = new byte[Math.Min(size, stretch.End.Since(start))];
                var pieces = listing.Ranges.Select(r => new WalPiece(lineage.Id, r, r.End)).ToList();
                await new WalAncestry(archive, lineage).ReadAsync(listing.Timeline, pieces, start, bytes, cancellationToken);
                var walker = new WalWalker(new WalExpectation(size, lineage.Identifier, lineage.Major, listing.Timeline), start);
                walker.Take(bytes);
                if (walker.LastCommit is { } commit) return commit;
                if (floor.Value < (ulong)size) return null;
            }
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            // What is damaged a verification names; here only the time is not known.
        }

        return null;
    }
}
