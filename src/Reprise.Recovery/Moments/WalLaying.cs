using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Moments;

/// <summary>What was laid down.</summary>
/// <param name="Files">names in <c>pg_wal</c>.</param>
/// <param name="LastEnd">the last transaction that is committed before the moment; null: none does after the point.</param>
internal sealed record LaidWal(IReadOnlyList<string> Files, EndOfTransaction? LastEnd);

/// <summary>
/// Puts all WAL that a recovery needs into <c>pg_wal</c>, each record proven on the way. A <c>restore_command</c> that fails
/// makes PostgreSQL promote; what lies there already it cannot fail to fetch, and needs no program of ours.
/// </summary>
internal sealed class WalLaying(WalRoute route, Lsn from, AssetMoment moment, IDisk disk, Cpu cpu)
{
    private readonly Lsn target = Lsn.Parse(moment.Target);
    private readonly List<string> files = [];
    private EndOfTransaction? last;
    private bool found;
    private bool makesTablespaces;
    private IDiskFile? open;
    private Lsn segment;

    /// <summary>Writes into <paramref name="folder"/>, over what the point itself brought.</summary>
    public async Task<LaidWal> RunAsync(DiskPath folder, IProgressSink progress, CancellationToken cancellationToken)
    {
        var first = route.Floor(from);
        var end = route.Floor(Lsn.Parse(moment.End).Plus(-1)).Plus(route.Lineage.SegmentBytes);
        progress.Begin($"fetch the WAL up to {moment.Target}", end.Since(first));
        foreach (var (timeline, bytes) in route.Histories)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}.history");
            await cpu.RunAsync(() => WriteHistory(folder / name, bytes), cancellationToken);
            files.Add(name);
        }

        var walker = new WalWalker(route.Expected, first) { Witness = See };
        try
        {
            await route.ReadAsync(
                first,
                end,
                (at, bytes) =>
                {
                    progress.Advance(bytes.Length);
                    return Take(folder, walker, at, bytes.Span);
                },
                cancellationToken);
        }
        finally
        {
            open?.Dispose();
        }

        if (makesTablespaces)
        {
            throw new RepriseException(
                RecoveryErrors.TablespaceReplay,
                "the WAL up to that moment makes or drops a tablespace, in the folders of production",
                "restore a point after it, or a moment before it");
        }

        if (!found) throw walker.Fault is { } fault
            ? WalScan.Damaged(fault)
            : new RepriseException(WalErrors.Invalid, $"the WAL in the repository changed: nothing begins at {target} any more", "run the command again");
        return new LaidWal(files, last);
    }

    private void See(in WalRecord record)
    {
        if (found || record.Start < from) return;
        found = record.Start == target;
        if (found && !moment.Inclusive) return;
        makesTablespaces |= record.TouchesTablespaces;
        if (record is { IsCommit: true, TransactionTime: { } time }) last = new EndOfTransaction(time, record.Transaction, record.Start);
    }

    private void WriteHistory(DiskPath path, byte[] bytes)
    {
        disk.DeleteFile(path);
        using var file = disk.CreateNew(path);
        file.Write(0, bytes);
    }

    private bool Take(DiskPath folder, WalWalker walker, Lsn at, ReadOnlySpan<byte> bytes)
    {
        var size = route.Lineage.SegmentBytes;
        if (route.Floor(at) == at)
        {
            open?.Dispose();
            segment = at;
            var name = at.SegmentName(route.Find(at)!.Value.Leg.Timeline, size); // It was just read.
            disk.DeleteFile(folder / name);
            open = disk.CreateNew(folder / name);
            open.SetLength(size);
            files.Add(name);
        }

        open!.Write(at.Since(segment), bytes); // The first block of a segment opened it.
        walker.Take(bytes);
        return walker.Fault is null || found;
    }
}
