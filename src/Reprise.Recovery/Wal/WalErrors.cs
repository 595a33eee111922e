using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>The codes of <c>wal</c> and <c>stream</c>.</summary>
public static class WalErrors
{
    /// <summary>A file that is not what its name says.</summary>
    public static readonly ErrorCode Invalid =
        new("wal-invalid", ExitCodes.Damaged, "a file of WAL is cut, torn, recycled, or not of this cluster and timeline");

    /// <summary>A name that PostgreSQL does not archive.</summary>
    public static readonly ErrorCode NameUnknown =
        new("wal-name-unknown", ExitCodes.Usage, "a file has a name that PostgreSQL gives to no file of WAL");

    /// <summary>No data directory.</summary>
    public static readonly ErrorCode NoCluster =
        new("wal-no-cluster", ExitCodes.Usage, "the command was not run in, or on a file of, a data directory of PostgreSQL");

    /// <summary>Several lineages.</summary>
    public static readonly ErrorCode LineageAmbiguous =
        new("wal-lineage-ambiguous", ExitCodes.Refused, "several lineages of the cluster could be meant");

    /// <summary>Nothing of this cluster.</summary>
    public static readonly ErrorCode LineageMissing =
        new("wal-lineage-missing", ExitCodes.Unavailable, "the repository holds no WAL of this cluster");

    /// <summary>A version that is not tested.</summary>
    public static readonly ErrorCode MajorUnsupported =
        new("wal-major-unsupported", ExitCodes.Refused, "WAL of this version of PostgreSQL is not supported");

    /// <summary>No way to stream.</summary>
    public static readonly ErrorCode StreamImpossible =
        new("stream-impossible", ExitCodes.Usage, "WAL cannot be streamed from this asset as it is configured");

    /// <summary>The server's disk may fill up.</summary>
    public static readonly ErrorCode KeepUnbounded =
        new("wal-keep-unbounded", ExitCodes.CheckFailed, "a server keeps WAL for a slot without a bound");

    /// <summary>The slot was dropped, or the server gave it up.</summary>
    public static readonly ErrorCode SlotLost =
        new("wal-slot-lost", ExitCodes.CheckFailed, "the server no longer keeps WAL for the slot of a stream, or soon will not");

    /// <summary>WAL never came.</summary>
    public static readonly ErrorCode NotArchived =
        new("wal-not-archived", ExitCodes.CheckFailed, "nothing brings the WAL of a server into the repository");

    /// <summary>WAL no longer comes.</summary>
    public static readonly ErrorCode ArchivingStopped =
        new("wal-archiving-stopped", ExitCodes.CheckFailed, "the WAL of a server does not reach the repository any more");
}
