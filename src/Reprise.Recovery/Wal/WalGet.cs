using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Wal;

/// <summary>What came of a request of a recovery.</summary>
public enum WalAnswer
{
    /// <summary>The file is there now.</summary>
    Fetched,

    /// <summary>A listing that succeeded shows nothing later on this timeline: the only answer that may end a recovery.</summary>
    NoLater,
}

/// <summary>
/// Gives a recovering PostgreSQL the file that it asks for. It promotes when it is told that there is no more, so that only a
/// listing that succeeded may say so; everything else is an error.
/// </summary>
public sealed class WalGet(WalArchive archive, IDisk disk, Entropy entropy)
{
    /// <summary>Writes the file <paramref name="text"/> to <paramref name="target"/>.</summary>
    /// <param name="text">its name, as PostgreSQL puts it for %f.</param>
    /// <param name="target">where to, as PostgreSQL puts it for %p.</param>
    /// <param name="cluster">the data directory.</param>
    /// <param name="named">the lineage, or null: see <see cref="WalErrors.LineageAmbiguous"/>.</param>
    /// <param name="cancellationToken">stops; nothing stands at the target then.</param>
    public async Task<WalAnswer> RunAsync(
        string text, DiskPath target, DiskPath cluster, string? named, CancellationToken cancellationToken)
    {
        var name = WalFile.Parse(text) ?? throw new RepriseException(
            WalErrors.NameUnknown, $"'{text}' is no file of WAL", "give the name that PostgreSQL puts for %f");
        var facts = ClusterFolder.Read(disk, cluster);
        var lineage = await WalLineages.ForReadingAsync(
            archive, facts.Identifier, ClusterFolder.OwnerOf(disk, cluster), named, cancellationToken);
        var ancestry = new WalAncestry(archive, lineage);
        var bytes = name switch
        {
            WalFile.Segment { IsPartial: false } segment => await SegmentAsync(text, segment, lineage, ancestry, cancellationToken),
            WalFile.History => await HistoryAsync(name.Timeline, ancestry, cancellationToken),
            WalFile.Backup backup when backup.Front.Start(lineage.SegmentBytes) is { } start =>
                await archive.ReadFileAsync(lineage.Id, name.Timeline, new WalFileName.Backup(start.Plus(backup.OffsetBytes)), cancellationToken),
            _ => throw new RepriseException(
                WalErrors.NameUnknown, $"'{text}' is not what a recovery asks for", "give the name that PostgreSQL puts for %f"),
        };
        if (bytes is null) return WalAnswer.NoLater;
        Write(target, bytes);
        return WalAnswer.Fetched;
    }

    private static async Task<byte[]?> SegmentAsync(
        string text, WalFile.Segment segment, WalLineage lineage, WalAncestry ancestry, CancellationToken cancellationToken)
    {
        var start = segment.Start(lineage.SegmentBytes) ?? throw new RepriseException(
            WalErrors.NameUnknown, $"'{text}' cannot be: segments have {lineage.SegmentBytes} bytes", "look at wal_segment_size of the cluster");
        var pieces = await ancestry.PiecesAsync(segment.Timeline, cancellationToken);
        if (!pieces.Any(p => p.End > start)) return null;
        var bytes = new byte[lineage.SegmentBytes];
        var until = await ancestry.ReadAsync(segment.Timeline, pieces, start, bytes, cancellationToken);
        if (until < start.Plus(bytes.Length) && pieces.FirstOrDefault(p => p.End > until) is { } later)
        {
            throw new RepriseException(
                new Problem(
                    RepositoryErrors.WalGap,
                    Severity.Error,
                    $"WAL of timeline {segment.Timeline} is missing from {until} to {later.Range.Start}",
                    $"if a server still has it in pg_wal, push it from there; else recover with a target before {until}")
                {
                    Where = text,
                });
        }

        // What was not written yet when the server was lost is zeros: PostgreSQL ends its replay there.
        var header = WalWalker.HeaderOf(bytes, out var wrong);
        if (header is not null && header.Start == start && header.Identifier == lineage.Identifier) return bytes;
        throw new RepriseException(
            WalErrors.Invalid,
            $"what the repository has for {text} is not that segment: {(header is null ? wrong : $"it begins at {header.Start}")}",
            "run 'reprise verify'; recover with a target before it");
    }

    private static async Task<byte[]?> HistoryAsync(uint timeline, WalAncestry ancestry, CancellationToken cancellationToken)
    {
        if (await ancestry.HistoryAsync(timeline, cancellationToken) is { } bytes) return bytes;
        if (timeline == 1 || (await ancestry.PiecesAsync(timeline, cancellationToken)).Count == 0) return null;
        throw new RepriseException(
            RepositoryErrors.WalGap,
            $"there is WAL of timeline {timeline}, and its history file is gone",
            "push the history file again from the server's pg_wal: without it nobody knows where the timeline began");
    }

    // Under another name first, so that a file that is not whole never has the name that PostgreSQL looks at. It syncs the file
    // itself when it renames it into its place.
    private void Write(DiskPath target, byte[] bytes)
    {
        var staged = target.WithSuffix($".reprise-{Convert.ToHexStringLower(entropy.Bytes(4))}");
        var done = false;
        try
        {
            using (var file = disk.CreateNew(staged)) file.Write(0, bytes);
            disk.Rename(staged, target);
            done = true;
        }
        finally
        {
            if (!done) disk.DeleteFile(staged);
        }
    }
}
