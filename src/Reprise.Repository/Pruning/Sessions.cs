using System.Text;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;

namespace Reprise.Repository.Pruning;

/// <summary>
/// Writers at work: a session is unfinished until something stands at <c>points/ID</c>, a point or a tombstone. Whoever
/// creates that first wins, so that an expelled writer can never commit.
/// </summary>
internal sealed class Sessions(IStore store, Sealer sealer, Zstd zstd)
{
    /// <summary>The unfinished ones. Those that are finished are removed on the way when <paramref name="clean"/>.</summary>
    public async Task<IReadOnlySet<PointId>> UnfinishedAsync(bool clean, CancellationToken cancellationToken)
    {
        // Sessions first: a point that appears between the two listings then counts as finished, which it is.
        var sessions = await PointListing.ReadAsync(store, PointId.SessionsFolder, cancellationToken);
        var points = await PointListing.ReadAsync(store, PointId.Folder, cancellationToken);
        if (clean)
        {
            foreach (var done in sessions.Where(points.Contains).ToList())
                await store.DeleteAsync(new ObjectName($"{PointId.SessionsFolder}/{done}"), cancellationToken);
        }

        sessions.ExceptWith(points);
        return sessions;
    }

    /// <summary>
    /// Takes a writer for dead. Either way its session is finished afterwards: it committed first, or it never will.
    /// The tombstone stays for ever, because a writer may have been stopped for as long.
    /// </summary>
    public async Task ExpelAsync(PointId id, CancellationToken cancellationToken)
    {
        _ = await SealedObjects.CreateAsync(
            store,
            sealer,
            zstd,
            ObjectKind.Tombstone,
            new ObjectName($"{PointId.Folder}/{id}"),
            Encoding.ASCII.GetBytes(id.Value),
            cancellationToken);
        await store.DeleteAsync(new ObjectName($"{PointId.SessionsFolder}/{id}"), cancellationToken);
    }
}
