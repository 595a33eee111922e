using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;

namespace Reprise.Repository.Pruning;

/// <summary>
/// Keeps the index as small as what it speaks of. It is only a memory aid: an index object that is lost, or is deleted
/// while somebody reads it, costs deduplication and never data.
/// </summary>
internal sealed class IndexCleaning(IStore store, Sealer sealer, Zstd zstd)
{
    /// <summary>Deletes index objects that speak of no pack that is there, and rewrites those of which half is gone.</summary>
    public async Task RunAsync(IReadOnlyDictionary<PackId, long> present, CancellationToken cancellationToken)
    {
        await foreach (var (name, packs) in ChunkIndex.ObjectsAsync(store, sealer, zstd, cancellationToken))
        {
            var alive = packs.Where(p => present.ContainsKey(p.Pack.Id)).ToList();
            if (alive.Count * 2 > packs.Count) continue;
            if (alive.Count > 0) await ChunkIndex.StoreAsync(store, sealer, zstd, alive, cancellationToken);
            await store.DeleteAsync(name, cancellationToken);
        }
    }

    /// <summary>Those of <paramref name="packs"/> that the index speaks of.</summary>
    public static async Task<List<PackId>> IndexedAsync(
        IStore store, Sealer sealer, Zstd zstd, IReadOnlyList<PackId> packs, CancellationToken cancellationToken)
    {
        if (packs.Count == 0) return [];
        var indexed = new HashSet<PackId>();
        await foreach (var (_, spoken) in ChunkIndex.ObjectsAsync(store, sealer, zstd, cancellationToken))
            indexed.UnionWith(spoken.Select(p => p.Pack.Id));
        return [.. packs.Where(indexed.Contains)];
    }
}
