using Reprise.Storage;

namespace Reprise.Repository.Packs;

/// <summary>Which packs a store really has; one listing proves them all.</summary>
internal static class PackListing
{
    /// <summary>Every pack with its length in bytes.</summary>
    public static async Task<IReadOnlyDictionary<PackId, long>> ReadAsync(IStore store, CancellationToken cancellationToken)
    {
        var packs = new Dictionary<PackId, long>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(PackId.Folder), cancellationToken))
        {
            if (PackId.FromName(info.Name) is { } id) packs[id] = info.SizeBytes;
        }

        return packs;
    }
}
