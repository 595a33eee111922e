using Reprise.Repository.Format;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>What was pushed.</summary>
/// <param name="Name">the name of the file.</param>
/// <param name="Lineage">where to.</param>
/// <param name="Timeline">of which timeline.</param>
/// <param name="Range">of WAL, or null: it is a history or backup file.</param>
/// <param name="Stored">whether it was there already.</param>
public sealed record WalPushed(string Name, string Lineage, uint Timeline, WalRange? Range, WalStored Stored);

/// <summary>
/// Takes one file that PostgreSQL wants archived. It returns when the file is durable in the repository: PostgreSQL removes
/// its own then. Whatever is not as it must be is an error, so that PostgreSQL keeps the file and asks again.
/// </summary>
public sealed class WalPush(WalArchive archive, IDisk disk)
{
    /// <summary>Pushes <paramref name="file"/> of the cluster in <paramref name="cluster"/>.</summary>
    /// <exception cref="RepriseException">
    /// <c>wal-name-unknown</c>, <c>wal-invalid</c>, <c>wal-claimed</c>, <c>wal-conflict</c>, and what a store answers.
    /// </exception>
    public async Task<WalPushed> RunAsync(DiskPath file, DiskPath cluster, CancellationToken cancellationToken)
    {
        var text = file.Name.ToString();
        var name = WalFile.Parse(text) ?? throw new RepriseException(
            WalErrors.NameUnknown, $"'{text}' is no file of WAL", "give the path that PostgreSQL puts for %p");
        var facts = ClusterFolder.Read(disk, cluster);
        var owner = ClusterFolder.OwnerOf(disk, cluster);
        using var opened = disk.OpenRead(file);
        return name is WalFile.Segment segment
            ? await PushAsync(text, segment, opened, facts, owner, cancellationToken)
            : await PushAsync(text, name, opened, cluster, facts, owner, cancellationToken);
    }

    private async Task<WalPushed> PushAsync(
        string text, WalFile.Segment segment, IDiskFile file, ClusterFacts facts, WalOwner owner, CancellationToken cancellationToken)
    {
        var size = file.Stat().SizeBytes;
        var block = new byte[(int)Math.Min(size, Limits.MaxWalRangeBytes)];
        var have = file.Read(0, block);
        if (have < block.Length) throw Invalid(text, $"it has {size} bytes, and {have} could be read");
        var expected = Expect(text, segment, block, size, facts);
        var start = segment.Start(expected.SegmentBytes)!.Value; // Expect compared it.
        var walker = new WalWalker(expected, start);
        WalSegments.Walk(walker, file, size, block);
        if (!segment.IsPartial && walker.Fault is { } fault) throw Invalid(text, $"at {fault.At}: {fault.Message}");
        var lineage = await WalLineages.ClaimAsync(archive, expected, owner, cancellationToken);
        if (WalSegments.Timeline(block) != segment.Timeline)
            await new WalAncestry(archive, lineage).CompareAsync(segment.Timeline, start, block, cancellationToken);

        // Of an unfinished segment only what was written is WAL; the rest is what the file was before.
        var range = new WalRange(start, segment.IsPartial ? walker.RecordEnd : start.Plus(size));
        if (range.LengthBytes == 0) throw Invalid(text, "it holds no whole record");
        var stored = WalStored.Same;
        for (var done = 0L; done < range.LengthBytes; done += block.Length)
        {
            if (done > 0 || size > block.Length) _ = file.Read(done, block);
            var piece = block.AsMemory(0, (int)Math.Min(block.Length, range.LengthBytes - done));
            var one = await archive.StoreAsync(lineage.Id, segment.Timeline, start.Plus(done), piece, segment.IsPartial, cancellationToken);
            stored = one == WalStored.Again || stored == WalStored.Again ? WalStored.Again : one == WalStored.New ? one : stored;
        }

        return new WalPushed(text, lineage.Id, segment.Timeline, range, stored);
    }

    private async Task<WalPushed> PushAsync(
        string text, WalFile name, IDiskFile file, DiskPath cluster, ClusterFacts facts, WalOwner owner, CancellationToken cancellationToken)
    {
        var size = file.Stat().SizeBytes;
        if (size is 0 or > Limits.MaxWalFileBytes) throw Invalid(text, $"it has {size} bytes");
        var bytes = new byte[size];
        if (file.Read(0, bytes) < bytes.Length) throw Invalid(text, "it became shorter while it was read");
        var segmentBytes = WalSegments.SizeIn(disk, cluster / "pg_wal") ?? throw Invalid(text, "no segment beside it says how long segments are");
        var expected = new WalExpectation(segmentBytes, facts.Identifier, facts.Major, name.Timeline);
        WalFileName kept = name switch
        {
            WalFile.History => new WalFileName.History(),
            WalFile.Backup backup when backup.Front.Start(segmentBytes) is { } start && backup.OffsetBytes < segmentBytes =>
                new WalFileName.Backup(start.Plus(backup.OffsetBytes)),
            _ => throw Invalid(text, $"there is no such segment of {segmentBytes} bytes"),
        };
        var lineage = await WalLineages.ClaimAsync(archive, expected, owner, cancellationToken);
        var stored = await archive.StoreFileAsync(lineage.Id, name.Timeline, kept, bytes, cancellationToken);
        return new WalPushed(text, lineage.Id, name.Timeline, null, stored);
    }

    private static WalExpectation Expect(string text, WalFile.Segment segment, byte[] front, long size, ClusterFacts facts)
    {
        var header = WalWalker.HeaderOf(front, out var wrong) ?? throw Invalid(text, wrong);
        if (header.SegmentBytes != size) throw Invalid(text, $"it has {size} bytes, and says that segments have {header.SegmentBytes}");
        if (header.Identifier != facts.Identifier)
            throw Invalid(text, $"it is of the cluster {header.Identifier}, and this is {facts.Identifier}");
        if (segment.Start(header.SegmentBytes) != header.Start)
            throw Invalid(text, $"it begins at {header.Start}, which is not what its name says: an old segment under a new name perhaps");
        if (header.Major is 15 or 17 or 18 && header.Major == facts.Major)
            return new WalExpectation(header.SegmentBytes, header.Identifier, header.Major, segment.Timeline);
        throw new RepriseException(
            WalErrors.MajorUnsupported,
            $"{text} was written by PostgreSQL {header.Major}, in a data directory of {facts.Major}",
            "PostgreSQL 15, 17 and 18 are supported");
    }

    private static RepriseException Invalid(string text, string why) => new(
        new Problem(
            WalErrors.Invalid, Severity.Error, $"{text} is refused: {why}", "PostgreSQL keeps it; look at it with pg_waldump, and at the disk")
        {
            Where = text,
        });
}
