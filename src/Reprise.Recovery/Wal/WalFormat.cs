using Reprise.Repository.Wal;

namespace Reprise.Recovery.Wal;

/// <summary>Numbers of PostgreSQL's WAL (its source: xlog_internal.h, xlogrecord.h, pg_control.h, xact.h), majors 15 to 18.</summary>
internal static class WalFormat
{
    public const int PageBytes = 8192;
    public const int ShortHeaderBytes = 24;
    public const int LongHeaderBytes = 40;
    public const int RecordHeaderBytes = 24;
    public const int RecordCrcOffset = 20;
    public const int Alignment = 8;

    /// <summary>PostgreSQL writes no longer record (XLogRecordMaxSize).</summary>
    public const uint MaxRecordBytes = 1020 * 1024 * 1024;

    public const ushort FirstIsContinuation = 1;
    public const ushort LongHeader = 2;
    public const ushort FirstOverwritesContinuation = 8;
    public const ushort AllFlags = 15;

    public const byte LogManagement = 0;
    public const byte KindMask = 0xF0;
    public const byte ShutdownCheckpoint = 0x00;
    public const byte OnlineCheckpoint = 0x10;
    public const byte Switch = 0x40;
    public const byte RestorePoint = 0x70;
    public const byte EndOfRecovery = 0x90;

    /// <summary>Where the time, in seconds since 1970, stands in a checkpoint.</summary>
    public const int CheckpointTimeOffset = 64;
    public const int RestorePointNameOffset = 8;
    public const int RestorePointNameBytes = 64;
    public const byte Transactions = 1;
    public const byte TransactionKinds = 0x70;
    public const byte Commit = 0x00;
    public const byte Abort = 0x20;
    public const byte CommitPrepared = 0x30;
    public const byte AbortPrepared = 0x40;

    public const byte Tablespaces = 5;

    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The major that writes pages with this number in front, or null.</summary>
    public static int? MajorOf(ushort magic) => magic switch
    {
        0xD110 => 15,
        0xD113 => 16,
        0xD116 => 17,
        0xD118 => 18,
        _ => null,
    };

    /// <summary>A time stamp of PostgreSQL; null where no time can be meant.</summary>
    public static DateTimeOffset? TimeOf(long microseconds)
    {
        const long most = 8_000L * 365 * 86_400 * 1_000_000;
        return microseconds is > -most / 8 and < most / 2 ? Epoch.AddMicroseconds(microseconds) : null;
    }

    /// <summary>Where the record after something that ends here begins.</summary>
    public static Lsn Aligned(Lsn lsn) => new((lsn.Value + Alignment - 1) & ~(ulong)(Alignment - 1));
}

/// <summary>Why WAL ends, or is none, at a place.</summary>
internal enum WalFaultKind
{
    /// <summary>Zeros where a record would begin: nothing was written there yet.</summary>
    Zeros,

    /// <summary>A page has no header of PostgreSQL's, or one of a version that is not known.</summary>
    NotWal,

    /// <summary>A page of an earlier use of the same file: PostgreSQL renames old segments for new ones.</summary>
    Recycled,

    /// <summary>A page of another cluster.</summary>
    OtherCluster,

    /// <summary>A page of a timeline that cannot be there.</summary>
    OtherTimeline,

    /// <summary>A page header that contradicts what came before.</summary>
    BrokenPage,

    /// <summary>A record that was not written whole, or was altered.</summary>
    BrokenRecord,
}

/// <summary>Where WAL ends, and why.</summary>
/// <param name="Kind">of what kind it is.</param>
/// <param name="At">where.</param>
/// <param name="Message">for people.</param>
internal sealed record WalFault(WalFaultKind Kind, Lsn At, string Message);

/// <summary>What the long header at the front of a segment says.</summary>
/// <param name="Major">the version of PostgreSQL.</param>
/// <param name="Identifier">of the cluster.</param>
/// <param name="SegmentBytes">of its segments.</param>
/// <param name="Timeline">of the first page; a segment in which a timeline begins has its parent's there.</param>
/// <param name="Start">of the segment.</param>
internal sealed record WalSegmentHeader(int Major, ulong Identifier, int SegmentBytes, uint Timeline, Lsn Start);
