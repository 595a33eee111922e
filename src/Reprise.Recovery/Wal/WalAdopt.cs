using System.Globalization;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>What came of an adoption.</summary>
/// <param name="Lineage">the lineage that this server writes to from now on.</param>
/// <param name="Timeline">the timeline that it is on.</param>
/// <param name="Fork">where it left its parent; null: there was nothing to adopt.</param>
public sealed record WalAdopted(string Lineage, uint Timeline, WalFork? Fork);

/// <summary>
/// Makes a server the one that archives, when somebody else has claimed its timeline: in a lineage of its own, which has
/// the past up to the fork in common with the other. Nothing of the other is overwritten.
/// </summary>
public sealed class WalAdopt(WalArchive archive, IDisk disk)
{
    private const string WalFolder = "pg_wal";

    /// <summary>Adopts the timeline that the cluster in <paramref name="cluster"/> is on.</summary>
    public async Task<WalAdopted> RunAsync(DiskPath cluster, CancellationToken cancellationToken)
    {
        var facts = ClusterFolder.Read(disk, cluster);
        var owner = ClusterFolder.OwnerOf(disk, cluster);
        var folder = cluster / WalFolder;
        var files = disk.List(folder / ".").Select(e => WalFile.Parse(e.Name.ToString())).OfType<WalFile>().ToList();
        var timeline = files.Where(f => f is WalFile.Segment or WalFile.History).Select(f => f.Timeline).DefaultIfEmpty(0u).Max();
        var parent = await WalLineages.OfAsync(archive, facts.Identifier, owner, cancellationToken);
        if (parent is null || timeline == 0)
        {
            throw new RepriseException(
                WalErrors.LineageMissing,
                parent is null ? $"the repository holds no WAL of the cluster {facts.Identifier}" : $"{folder} holds no segment",
                "there is nothing to adopt: let the server archive with 'reprise wal push %p'");
        }

        var claimant = await archive.ClaimantAsync(parent.Id, timeline, cancellationToken);
        if (claimant is null || claimant == owner) return new WalAdopted(parent.Id, timeline, null);
        var size = WalSegments.SizeIn(disk, folder) ?? parent.SegmentBytes;
        var segments = files.OfType<WalFile.Segment>().Where(s => !s.IsPartial && s.Timeline == timeline).ToList();
        var fork = await ForkAsync(parent, timeline, segments, folder, cancellationToken);
        var lineage = await CreateAsync(parent, fork, size, facts, owner, cancellationToken);
        if (!await archive.ClaimAsync(lineage.Id, timeline, owner, cancellationToken))
            throw new InvariantException($"timeline {timeline} of a new lineage was claimed");
        if (History(folder, timeline) is { } history)
            await archive.StoreFileAsync(lineage.Id, timeline, new WalFileName.History(), history, cancellationToken);
        return new WalAdopted(lineage.Id, timeline, fork);
    }

    private async Task<WalLineage> CreateAsync(
        WalLineage parent, WalFork fork, int segmentBytes, ClusterFacts facts, WalOwner owner, CancellationToken cancellationToken)
    {
        var number = (await archive.LineagesAsync(facts.Identifier, cancellationToken)).Count;
        while (true)
        {
            var lineage = parent with
            {
                Id = archive.NameOf(facts.Identifier, number),
                Number = number++,
                SegmentBytes = segmentBytes,
                Major = facts.Major,
                Parent = fork,
                Owner = owner,
            };
            if (await archive.CreateAsync(lineage, cancellationToken)) return lineage;
        }
    }

    // Where both have the same bytes, it is the same server at another place, and goes on behind what there is. Where they
    // differ, two servers left one past: the history file says where.
    private async Task<WalFork> ForkAsync(
        WalLineage parent, uint timeline, List<WalFile.Segment> segments, DiskPath folder, CancellationToken cancellationToken)
    {
        var ancestry = new WalAncestry(archive, parent);
        var pieces = await ancestry.PiecesAsync(timeline, cancellationToken);
        foreach (var segment in segments.OrderBy(s => s.Start(parent.SegmentBytes)?.Value))
        {
            if (segment.Start(parent.SegmentBytes) is not { } start) continue;
            var (mine, theirs) = (new byte[parent.SegmentBytes], new byte[parent.SegmentBytes]);
            var known = (int)(await ancestry.ReadAsync(timeline, pieces, start, theirs, cancellationToken)).Since(start);
            using var file = disk.OpenRead(folder / WalFile.Segment.NameOf(timeline, start, parent.SegmentBytes));
            if (known == 0 || file.Read(0, mine) < known || mine.AsSpan(0, known).SequenceEqual(theirs.AsSpan(0, known))) continue;
            return Switch(parent, History(folder, timeline)) ?? new WalFork(parent.Id, timeline, start);
        }

        var end = WalListing.Merge(pieces.Select(p => p.Range with { End = p.End })).Select(s => (Lsn?)s.End).LastOrDefault();
        return end is { } at
            ? new WalFork(parent.Id, timeline, at)
            : Switch(parent, History(folder, timeline)) ?? throw new RepriseException(
                RepositoryErrors.WalConflict,
                $"timeline {timeline} was claimed and holds no WAL, and {folder} has no history of it: nobody can tell where it began",
                "find out who claimed it; 'reprise status' names the machine");
    }

    private byte[]? History(DiskPath folder, uint timeline)
    {
        var path = folder / string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}.history");
        if (disk.Stat(path) is not { Type: FileType.Regular } status) return null;
        using var file = disk.OpenRead(path);
        var bytes = new byte[Math.Min(status.SizeBytes, Repository.Format.Limits.MaxWalFileBytes)];
        return bytes[..file.Read(0, bytes)];
    }

    private static WalFork? Switch(WalLineage parent, byte[]? history) =>
        WalHistory.Before(history) is { } before ? new WalFork(parent.Id, before.Timeline, before.At) : null;
}
