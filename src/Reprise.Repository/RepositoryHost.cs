using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Repository;

/// <summary>What a repository stands on; nothing else reaches it.</summary>
/// <param name="Store">where its objects rest.</param>
/// <param name="Clock">for identifiers only: nothing in the repository trusts a clock.</param>
/// <param name="Entropy">for salts, keys and identifiers.</param>
/// <param name="Cpu">where hashing, compression and sealing run.</param>
public sealed record RepositoryHost(IStore Store, TimeProvider Clock, Entropy Entropy, Cpu Cpu)
{
    /// <summary>
    /// Makes a file of this process alone for what is too large for memory; null when everything may lie in memory.
    /// </summary>
    public Func<IDiskFile>? Spill { get; init; }

    /// <summary>
    /// How hard zstd tries: at 3, two cores keep up with one pg_dump. At 0 everything is stored as it is: golden
    /// repositories are, because releases of libzstd write different frames for the same bytes.
    /// </summary>
    internal int CompressionLevel { get; init; } = 2;
}
