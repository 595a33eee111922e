using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>Which lineage of a cluster is meant: by whom, and for what.</summary>
internal static class WalLineages
{
    /// <summary>
    /// The lineage that an archiver writes to: the newest that it adopted, else the cluster's first, which is made when there
    /// is none. The timeline is claimed. <c>wal-claimed</c> when it is somebody else's.
    /// </summary>
    public static async Task<WalLineage> ClaimAsync(
        WalArchive archive, WalExpectation cluster, WalOwner owner, CancellationToken cancellationToken)
    {
        var lineage = await OfAsync(archive, cluster.Identifier, owner, cancellationToken)
            ?? await FirstAsync(archive, cluster, owner, cancellationToken);
        if (lineage.SegmentBytes != cluster.SegmentBytes || lineage.Major != cluster.Major)
        {
            throw new RepriseException(
                RepositoryErrors.WalConflict,
                $"lineage {lineage.Id} has segments of {lineage.SegmentBytes} bytes of PostgreSQL {lineage.Major}, this cluster has {cluster.SegmentBytes} of {cluster.Major}",
                "if the cluster was changed on purpose: reprise wal adopt, then reprise backup");
        }

        var claimant = await archive.ClaimantAsync(lineage.Id, cluster.Timeline, cancellationToken);
        if (claimant is null && !await archive.ClaimAsync(lineage.Id, cluster.Timeline, owner, cancellationToken))
            claimant = await archive.ClaimantAsync(lineage.Id, cluster.Timeline, cancellationToken);
        return claimant is null || claimant == owner ? lineage : throw Claimed(lineage, cluster.Timeline, claimant, owner);
    }

    /// <summary>The newest lineage that <paramref name="owner"/> adopted, else the first of the cluster; null: there is none.</summary>
    public static async Task<WalLineage?> OfAsync(
        WalArchive archive, ulong identifier, WalOwner owner, CancellationToken cancellationToken)
    {
        var lineages = await archive.LineagesAsync(identifier, cancellationToken);
        return lineages.LastOrDefault(l => l.Number > 0 && l.Owner == owner) ?? (lineages.Count == 0 ? null : lineages[0]);
    }

    /// <summary>
    /// The lineage that a recovery reads: the one that was named, the one that this data directory adopted, or the only one.
    /// Where several could be meant nobody guesses: they hold different data.
    /// </summary>
    public static async Task<WalLineage> ForReadingAsync(
        WalArchive archive, ulong identifier, WalOwner owner, string? named, CancellationToken cancellationToken)
    {
        var lineages = await archive.LineagesAsync(identifier, cancellationToken);
        if (lineages.Count == 0)
        {
            throw new RepriseException(
                WalErrors.LineageMissing,
                $"the repository holds no WAL of the cluster {identifier}",
                "look whether this is the right repository; 'reprise points' says what it holds");
        }

        if (named is not null)
        {
            return lineages.FirstOrDefault(l => l.Id == named) ?? throw new RepriseException(
                WalErrors.LineageAmbiguous,
                $"the cluster {identifier} has no lineage '{named}'",
                $"it has {string.Join(", ", lineages.Select(l => l.Id))}");
        }

        return lineages.LastOrDefault(l => l.Number > 0 && l.Owner == owner)
            ?? (lineages.Count == 1 ? lineages[0] : throw new RepriseException(
                WalErrors.LineageAmbiguous,
                $"the cluster {identifier} has {lineages.Count} lineages, and this data directory began none of them",
                $"name the one that is meant with --lineage: {string.Join(", ", lineages.Select(l => l.Id))}"));
    }

    private static async Task<WalLineage> FirstAsync(
        WalArchive archive, WalExpectation cluster, WalOwner owner, CancellationToken cancellationToken)
    {
        var first = new WalLineage
        {
            Id = archive.NameOf(cluster.Identifier, 0),
            Number = 0,
            Identifier = cluster.Identifier,
            SegmentBytes = cluster.SegmentBytes,
            Major = cluster.Major,
            Owner = owner,
        };
        if (await archive.CreateAsync(first, cancellationToken)) return first;
        return await archive.FindAsync(first.Id, cancellationToken)
            ?? throw new InvariantException($"lineage {first.Id} is there and is not");
    }

    private static RepriseException Claimed(WalLineage lineage, uint timeline, WalOwner claimant, WalOwner owner) => new(
        RepositoryErrors.WalClaimed,
        $"timeline {timeline} of lineage {lineage.Id} is archived by {claimant}; this is {owner}",
        "a copy of a server must not archive: set archive_mode = off there. If this is the real one now: reprise wal adopt");
}
