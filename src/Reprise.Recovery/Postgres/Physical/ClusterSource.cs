using Reprise.Repository.Pages;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Where the files of a server are read for a backup: on this machine, or through the server.</summary>
internal abstract class ClusterSource : IAsyncDisposable
{
    /// <summary>The data directory, as a person finds it.</summary>
    public abstract string Root { get; }

    /// <summary>Whether everything passes through the connection.</summary>
    public abstract bool IsStreamed { get; }

    /// <summary>Reads the files.</summary>
    public abstract IClusterFiles Files { get; }

    /// <summary>What was left out because it is neither a file nor a folder nor the link of a tablespace.</summary>
    public virtual IReadOnlyList<string> Odd => [];

    /// <summary>Where a path of the data directory is read.</summary>
    public abstract DiskPath At(DiskPath path);

    /// <summary>Whether a place is in the data directory.</summary>
    public abstract bool Holds(DiskPath place);

    /// <summary>Everything that a backup holds, in the order of a map.</summary>
    public abstract IAsyncEnumerable<ScannedEntry> EntriesAsync(
        IReadOnlyList<ClusterTablespace> tablespaces, CancellationToken cancellationToken);

    /// <summary><c>pg_control</c>, or null when its CRC does not hold now.</summary>
    public abstract Task<byte[]?> ControlAsync(CancellationToken cancellationToken);

    /// <summary>What lies at a place, as an entry with another path.</summary>
    /// <exception cref="Storage.Errors.RepriseException"><c>physical-impossible</c>: nothing, or it may not be looked at.</exception>
    public abstract Task<PagedEntry> LookAsync(DiskPath place, DiskPath path, PagedEntryType type, CancellationToken cancellationToken);

    /// <summary>Walks the WAL of the backup before it is kept; null: it is walked while it passes.</summary>
    public abstract Task<WalFindings?> WalkAsync(Lsn start, Lsn stop, CancellationToken cancellationToken);

    /// <summary>Who the source is.</summary>
    public abstract SortedDictionary<string, string> Identity(ClusterFacts cluster);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}
