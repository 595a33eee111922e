using Reprise.Storage;

namespace Reprise.Repository.Points;

/// <summary>What in a folder is named like a point: points, sessions, drop records, lists of condemned packs.</summary>
internal static class PointListing
{
    /// <summary>Every such name, in one listing; what is named otherwise is left out.</summary>
    public static async Task<SortedSet<PointId>> ReadAsync(IStore store, string folder, CancellationToken cancellationToken)
    {
        var names = new SortedSet<PointId>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(folder), cancellationToken))
        {
            if (PointId.FromName(folder, info.Name) is { } id) names.Add(id);
        }

        return names;
    }
}
