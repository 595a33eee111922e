using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Moments;

/// <summary>A record at which a recovery can end.</summary>
/// <param name="Start">where it begins.</param>
/// <param name="End">where the next one does.</param>
/// <param name="Inclusive">whether it still happens.</param>
internal readonly record struct FoundRecord(Lsn Start, Lsn End, bool Inclusive);

/// <summary>A commit.</summary>
/// <param name="Time">when.</param>
/// <param name="Transaction">which one.</param>
/// <param name="At">where its record begins.</param>
internal readonly record struct EndOfTransaction(DateTimeOffset Time, uint Transaction, Lsn At);

/// <summary>Looks at one record after another until it is the one that is meant.</summary>
internal sealed class MomentWatch(MomentWish wish, Lsn from)
{
    /// <summary>The record that is meant, or null: it has not come yet.</summary>
    public FoundRecord? Found { get; private set; }

    /// <summary>The last record that happens.</summary>
    public FoundRecord? Last { get; private set; }

    /// <summary>The last transaction that ends before.</summary>
    public EndOfTransaction? LastEnd { get; private set; }

    /// <summary>The one before that.</summary>
    public EndOfTransaction? PreviousEnd { get; private set; }

    /// <summary>The last time that any record tells.</summary>
    public DateTimeOffset? LastTime { get; private set; }

    /// <summary>The first commit that does not happen; null: it is not near.</summary>
    public EndOfTransaction? Next { get; private set; }

    /// <summary>Whether nothing more has to be read.</summary>
    public bool IsDone => Found is not null;

    public void See(in WalRecord record)
    {
        if (record.Start < from) return;
        var ended = record.TransactionTime;
        EndOfTransaction? commit = record is { IsCommit: true, Transaction: > 0 } && ended is { } at ? new EndOfTransaction(at, record.Transaction, record.Start) : null;
        if (Found is not null)
        {
            Next ??= commit;
            return;
        }

        var time = record.Time;
        Found = Judge(record, ended, time);
        if (Found is { Inclusive: false })
        {
            Next = commit;
            return;
        }

        Last = new FoundRecord(record.Start, record.End, Inclusive: true);
        if (commit is not null) (PreviousEnd, LastEnd) = (LastEnd, commit);
        LastTime = time ?? LastTime;
    }

    // A time is behind us when a transaction ended later, or when the server says of anything else that it is later: so it
    // was quiet until then.
    private FoundRecord? Judge(in WalRecord record, DateTimeOffset? ended, DateTimeOffset? time) => wish switch
    {
        MomentWish.Time w when (ended ?? time) > w.At => Record(record, inclusive: false),
        MomentWish.Place w when record.Start >= w.At => Record(record, inclusive: false),
        MomentWish.Transaction w when ended is not null && record.Transaction == w.Number => Record(record, inclusive: true),
        MomentWish.Named w when record.RestorePoint == w.Name => Record(record, inclusive: true),
        _ => null,
    };

    private static FoundRecord Record(in WalRecord record, bool inclusive) => new(record.Start, record.End, inclusive);
}

/// <summary>Shows WAL of a route to somebody.</summary>
internal static class WalScan
{
    /// <summary>Walks from the beginning of a segment until <paramref name="isDone"/>; what ended it too early is the fault.</summary>
    public static async Task<WalWalker> RunAsync(
        WalRoute route, Lsn segment, Lsn until, WalWitness witness, Func<bool> isDone, CancellationToken cancellationToken)
    {
        var walker = new WalWalker(route.Expected, segment) { Witness = witness };
        await route.ReadAsync(
            segment,
            until,
            (_, bytes) =>
            {
                walker.Take(bytes.Span);
                return walker.Fault is null && !isDone();
            },
            cancellationToken);
        return walker;
    }

    /// <summary>What stands where WAL is expected and cannot be replayed. Zeros are the end of what was written.</summary>
    public static RepriseException Damaged(WalFault fault) => new(
        WalErrors.Invalid,
        $"the WAL in the repository cannot be replayed beyond {fault.At}: {fault.Message}",
        $"run 'reprise verify'; what is before it comes back with --lsn {fault.At}");
}
