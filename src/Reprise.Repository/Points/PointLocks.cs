using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;

namespace Reprise.Repository.Points;

/// <summary>
/// Where a store locks what is written for a time, a new point must not stand on packs and keys whose time runs out before
/// its own: they are locked anew before it is committed.
/// </summary>
internal sealed class PointLocks(IStore store)
{
    // A lock is one short request each.
    private const int AtOnce = 8;

    /// <summary>Locks what a point uses and did not write itself.</summary>
    public async Task ExtendAsync(IReadOnlySet<PackId> reused, CancellationToken cancellationToken)
    {
        if (!store.Capabilities.Protects) return;
        var found = new Dictionary<ObjectName, List<ObjectVersion>>();
        await foreach (var version in store.VersionsAsync(ObjectPrefix.All, cancellationToken))
        {
            if (version.IsDeletion || !IsNeeded(version.Name, reused)) continue;
            if (!found.TryGetValue(version.Name, out var versions)) found[version.Name] = versions = [];
            versions.Add(version);
        }

        // Names are written once: the first version is ours, whatever somebody put over it. The current one is what was
        // looked at; where a damaged object was written again, it is the good one.
        var wanted = found.Values.SelectMany(v => new[] { v.MinBy(x => x.Modified), v.Find(x => x.IsCurrent) })
            .OfType<ObjectVersion>().Distinct();
        foreach (var batch in wanted.Chunk(AtOnce))
            await Task.WhenAll(batch.Select(version => store.ProtectAsync(version, cancellationToken).AsTask()));
    }

    private static bool IsNeeded(ObjectName name, IReadOnlySet<PackId> reused) =>
        name == RepositoryObject.Name
        || new ObjectPrefix(KeyStock.Folder).Contains(name)
        || new ObjectPrefix(FormerEpochs.Folder).Contains(name)
        || (PackId.FromName(name) is { } pack && reused.Contains(pack));
}
