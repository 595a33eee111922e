using System.Buffers.Binary;
using System.Text;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Wal;

/// <summary>Is shown a record.</summary>
internal delegate void WalWitness(in WalRecord record);

/// <summary>One whole record of WAL, as far as a recovery to a moment has to know it.</summary>
internal readonly ref struct WalRecord
{
    private const int TransactionOffset = 4;
    private const int InfoOffset = 16;
    private const int ManagerOffset = 17;
    private const byte ShortData = 255;
    private const byte LongData = 254;
    private const byte Origin = 253;
    private const byte TopTransaction = 252;

    private readonly byte manager;
    private readonly byte info;
    private readonly ReadOnlySpan<byte> data;

    /// <param name="start">where it begins.</param>
    /// <param name="end">where the next one begins, but for the header of a page.</param>
    /// <param name="header">its header.</param>
    /// <param name="head">the front of what follows the header.</param>
    public WalRecord(Lsn start, Lsn end, ReadOnlySpan<byte> header, ReadOnlySpan<byte> head)
    {
        (Start, End) = (start, end);
        Transaction = BinaryPrimitives.ReadUInt32LittleEndian(header[TransactionOffset..]);
        (info, manager) = (header[InfoOffset], header[ManagerOffset]);
        data = DataOf(head);
    }

    /// <summary>Where it begins.</summary>
    public Lsn Start { get; }

    /// <summary>Where the next one begins, but for the header of a page; behind a switch, the next segment.</summary>
    public Lsn End { get; }

    /// <summary>The transaction that wrote it; 0: none.</summary>
    public uint Transaction { get; }

    /// <summary>Whether a transaction was committed.</summary>
    public bool IsCommit => manager == WalFormat.Transactions && (info & WalFormat.TransactionKinds) is WalFormat.Commit or WalFormat.CommitPrepared;

    /// <summary>Whether a transaction ended, one way or the other.</summary>
    public bool EndsTransaction =>
        IsCommit || (manager == WalFormat.Transactions && (info & WalFormat.TransactionKinds) is WalFormat.Abort or WalFormat.AbortPrepared);

    /// <summary>Whether a tablespace is made or dropped.</summary>
    public bool TouchesTablespaces => manager == WalFormat.Tablespaces;

    /// <summary>When a transaction ended, or null: it is no such record.</summary>
    public DateTimeOffset? TransactionTime => EndsTransaction ? TimeAt(0) : null;

    /// <summary>The name of a restore point, or null.</summary>
    public string? RestorePoint
    {
        get
        {
            const int length = WalFormat.RestorePointNameOffset + WalFormat.RestorePointNameBytes;
            if (!IsLog(WalFormat.RestorePoint) || data.Length < length) return null;
            var name = data[WalFormat.RestorePointNameOffset..length];
            var zero = name.IndexOf((byte)0);
            return Encoding.UTF8.GetString(zero < 0 ? name : name[..zero]);
        }
    }

    /// <summary>When it was written, if it is of a kind that says so.</summary>
    public DateTimeOffset? Time =>
        EndsTransaction || IsLog(WalFormat.RestorePoint) || IsLog(WalFormat.EndOfRecovery) ? TimeAt(0)
        : (IsLog(WalFormat.ShutdownCheckpoint) || IsLog(WalFormat.OnlineCheckpoint)) && data.Length >= WalFormat.CheckpointTimeOffset + 8
            ? SecondsAt(BinaryPrimitives.ReadInt64LittleEndian(data[WalFormat.CheckpointTimeOffset..]))
            : null;

    private bool IsLog(byte kind) => manager == WalFormat.LogManagement && (info & WalFormat.KindMask) == kind;

    private DateTimeOffset? TimeAt(int offset) =>
        data.Length < offset + 8 ? null : WalFormat.TimeOf(BinaryPrimitives.ReadInt64LittleEndian(data[offset..]));

    private static DateTimeOffset? SecondsAt(long seconds) =>
        seconds is > 0 and < 100_000_000_000 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    // These records have no blocks: behind what names origin and outer transaction stand their own bytes.
    private static ReadOnlySpan<byte> DataOf(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            var skip = rest[0] switch
            {
                ShortData => 2,
                LongData => 5,
                Origin => 3,
                TopTransaction => 5,
                _ => 0,
            };
            if (skip == 0 || rest.Length < skip) return default;
            var isOwn = rest[0] >= LongData;
            rest = rest[skip..];
            if (isOwn) return rest;
        }

        return default;
    }
}
