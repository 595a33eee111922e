using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Pruning;

/// <summary>
/// Drops points and deletes packs that nobody needs, beside writers, other prunes and restores, without a lock and
/// without believing a clock. A pack is deleted only while a list condemns it that was in place before every writer that
/// may still commit; such a writer treats it as absent, so that no new point can need it, whoever stops for how long.
/// <list type="number">
/// <item>Writers that the previous prune saw unfinished are expelled.</item>
/// <item>Lists whose writers have all ended are carried out: of their packs, those that no point needs are deleted.</item>
/// <item>What no point needs now is condemned. When no writer is at work, it is deleted at once.</item>
/// <item>Points are dropped: record first, then the point. Their packs are condemned by the next prune, so that restores
/// that are running have until then.</item>
/// </list>
/// </summary>
internal sealed class PruneRun(RepositoryHost host, Sealer sealer, Zstd zstd, SigningKeys signing)
{
    private readonly IStore store = host.Store;
    private readonly Sessions sessions = new(host.Store, sealer, zstd);
    private readonly PruneCount count = new();

    /// <summary>Does it. Every step may be cut off; the next prune goes on from there.</summary>
    /// <param name="choose">which points go, of those that there are.</param>
    /// <param name="cancellationToken">stops before the next step.</param>
    public async Task<PruneReport> RunAsync(Func<PointCatalog, IReadOnlyList<PointEntry>> choose, CancellationToken cancellationToken)
    {
        await CondemnedList.RemoveRestsAsync(store, cancellationToken);
        var (lists, unreadable) = await ReadListsAsync(cancellationToken);
        var gone = await GoneAsync(cancellationToken);
        var waiting = await SettleSessionsAsync(lists, cancellationToken);
        var catalog = await CatalogAsync(cancellationToken);
        var present = new Dictionary<PackId, long>(await PackListing.ReadAsync(store, cancellationToken));

        lists = await CarryOutAsync(lists, waiting, catalog, present, cancellationToken);
        await CondemnAsync(lists, waiting, catalog, present, cancellationToken);

        // What an unreadable list held is absent, or needed, or was condemned again just now; but not all of it is, while
        // writers are at work.
        foreach (var id in waiting.Count == 0 ? unreadable : []) await new CondemnedList(id, CondemnedFor.Unused, [], null).RemoveAsync(store, cancellationToken);
        var drop = await DroppableAsync(choose(catalog), cancellationToken);
        await DropAsync(drop, cancellationToken);
        await CompleteDropsAsync(catalog, drop, waiting.Count == 0 ? gone : new SortedSet<PointId>(), cancellationToken);
        await new IndexCleaning(store, sealer, zstd).RunAsync(present, cancellationToken);
        return count.Report(drop, waiting, FreedNext(catalog, drop, present, lists));
    }

    private async Task<(List<CondemnedList> Lists, List<PointId> Unreadable)> ReadListsAsync(CancellationToken cancellationToken)
    {
        var (lists, unreadable) = (new List<CondemnedList>(), new List<PointId>());
        foreach (var id in await PointListing.ReadAsync(store, CondemnedList.Folder, cancellationToken))
        {
            try
            {
                if (await CondemnedList.ReadAsync(store, sealer, zstd, id, cancellationToken) is { } list) lists.Add(list);
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.ObjectDamaged)
            {
                count.Notice(e.Problem with { Severity = Severity.Warning, Hint = "it is made again; nothing is lost" });
                unreadable.Add(id);
            }
        }

        return (lists, unreadable);
    }

    // Returns the writers that are at work and that no prune has seen before.
    private async Task<IReadOnlySet<PointId>> SettleSessionsAsync(List<CondemnedList> lists, CancellationToken cancellationToken)
    {
        var seen = lists.SelectMany(l => l.Sessions ?? new HashSet<PointId>()).ToHashSet();
        foreach (var id in (await sessions.UnfinishedAsync(clean: true, cancellationToken)).Where(seen.Contains))
        {
            await sessions.ExpelAsync(id, cancellationToken);
            count.Expelled(id);
        }

        // A prune that was killed between a list and its look at the writers left nobody knowing who may not have seen it.
        for (var i = 0; i < lists.Count; i++)
        {
            if (lists[i].Sessions is null) lists[i] = await LookAsync(lists[i], cancellationToken);
        }

        return await sessions.UnfinishedAsync(clean: false, cancellationToken);
    }

    private async Task<CondemnedList> LookAsync(CondemnedList list, CancellationToken cancellationToken) =>
        await list.WithSessionsAsync(
            store, sealer, zstd, await sessions.UnfinishedAsync(clean: false, cancellationToken), cancellationToken);

    // A point that cannot be read now may need any pack, each time that points are read.
    private async Task<PointCatalog> CatalogAsync(CancellationToken cancellationToken)
    {
        var catalog = await new CatalogReader(store, sealer, zstd, signing).ReadAsync(cancellationToken);
        return PruneHold.Of(catalog) is { } held ? throw held : catalog;
    }

    // Returns the lists that are still waiting, and takes what was deleted out of those that are present.
    private async Task<List<CondemnedList>> CarryOutAsync(
        List<CondemnedList> lists,
        IReadOnlySet<PointId> waiting,
        PointCatalog catalog,
        Dictionary<PackId, long> present,
        CancellationToken cancellationToken)
    {
        var needed = PointCatalog.PacksOf(catalog.Points);
        var left = new List<CondemnedList>();
        foreach (var list in lists)
        {
            if (list.Reason == CondemnedFor.Damaged)
            {
                if (list.Packs.Any(present.ContainsKey)) left.Add(list);
                else await list.RemoveAsync(store, cancellationToken);
            }
            else if (list.Sessions!.Any(waiting.Contains)) // Settling has looked for each list.
            {
                left.Add(list);
            }
            else if (await store.StatAsync(list.Name, cancellationToken) is not null)
            {
                // Another prune that has removed the list since then has carried it out, and writers use what it spared.
                await DeleteAsync(list.Packs.Where(p => !needed.Contains(p)), present, cancellationToken);
                await list.RemoveAsync(store, cancellationToken);
            }
        }

        return left;
    }

    private async Task CondemnAsync(
        List<CondemnedList> lists,
        IReadOnlySet<PointId> waiting,
        PointCatalog catalog,
        Dictionary<PackId, long> present,
        CancellationToken cancellationToken)
    {
        var needed = PointCatalog.PacksOf(catalog.Points);
        var known = lists.Where(l => l.Reason == CondemnedFor.Unused).SelectMany(l => l.Packs).ToHashSet();
        var unused = present.Keys.Where(p => !needed.Contains(p) && !known.Contains(p)).ToList();

        // What a writer at work has stored is not in the index yet; condemning it would make later backups store it again.
        if (waiting.Count > 0) unused = await IndexCleaning.IndexedAsync(store, sealer, zstd, unused, cancellationToken);
        unused.Sort((a, b) => a.Name.CompareTo(b.Name));
        var batches = unused.Chunk(CondemnedList.MaxPacks).ToList();

        // Who is at work is remembered even when nothing is condemned, because the next prune expels them.
        if (batches.Count == 0 && waiting.Count > 0 && !lists.Exists(l => l.Sessions is { } s && waiting.IsSubsetOf(s))) batches.Add([]);
        foreach (var packs in batches)
        {
            var list = await CondemnedList.StoreAsync(
                store, sealer, zstd, PointId.At(host.Clock.GetUtcNow()), CondemnedFor.Unused, packs, cancellationToken);
            list = await LookAsync(list, cancellationToken);
            if (list.Sessions!.Count > 0) // LookAsync has just looked.
            {
                lists.Add(list);
                continue;
            }

            // Nobody is at work who could not have seen the list; but somebody may have ended just before it.
            var now = PointCatalog.PacksOf((await CatalogAsync(cancellationToken)).Points);
            await DeleteAsync(packs.Where(p => !now.Contains(p)), present, cancellationToken);
            await list.RemoveAsync(store, cancellationToken);
        }
    }

    private async Task DeleteAsync(IEnumerable<PackId> packs, Dictionary<PackId, long> present, CancellationToken cancellationToken)
    {
        foreach (var pack in packs)
        {
            if (!present.TryGetValue(pack, out var size)) continue;
            await store.DeleteAsync(pack.Name, cancellationToken);
            present.Remove(pack);
            count.Deleted(size);
        }
    }

    // A pack that a list condemned before a point came to need it is spared when the list is carried out. Dropping the
    // point earlier would let two prunes judge it differently, so such a point waits for the next prune.
    private async Task<IReadOnlyList<PointEntry>> DroppableAsync(
        IReadOnlyList<PointEntry> chosen, CancellationToken cancellationToken)
    {
        var (lists, _) = await ReadListsAsync(cancellationToken);
        var listed = lists.Where(l => l.Reason == CondemnedFor.Unused).SelectMany(l => l.Packs).ToHashSet();
        return [.. chosen.Where(p => !p.Table.Packs.Any(k => listed.Contains(k.Id)))];
    }

    private async Task DropAsync(IReadOnlyList<PointEntry> drop, CancellationToken cancellationToken)
    {
        foreach (var point in drop)
            await DropRecord.DropAsync(store, sealer, zstd, new PointReference(point.Id, point.Sha256), cancellationToken);
    }

    // The records of points that were deleted before the writers were looked at: who registered later cannot name them.
    private async Task<SortedSet<PointId>> GoneAsync(CancellationToken cancellationToken)
    {
        var gone = await RecordsAsync(cancellationToken);
        gone.ExceptWith(await PointListing.ReadAsync(store, PointId.Folder, cancellationToken));
        return gone;
    }

    private Task<SortedSet<PointId>> RecordsAsync(CancellationToken cancellationToken) =>
        PointListing.ReadAsync(store, DropRecord.Folder, cancellationToken);

    // A record is the decision: a prune that was killed after writing it is completed. One that is older than everything
    // that is left, and that nobody names, goes; but not while a writer is at work, who may have seen the point.
    private async Task CompleteDropsAsync(
        PointCatalog catalog, IReadOnlyList<PointEntry> drop, IReadOnlySet<PointId> gone, CancellationToken cancellationToken)
    {
        var dropped = drop.Select(p => p.Id).ToHashSet();
        var alive = catalog.Points.Where(p => !dropped.Contains(p.Id)).ToList();
        var named = alive.SelectMany(p => p.Manifest.Live).Select(r => r.Id).ToHashSet();
        foreach (var id in await RecordsAsync(cancellationToken))
        {
            if (alive.FirstOrDefault(p => p.Id == id) is { } halfDropped)
            {
                await DropAsync([halfDropped], cancellationToken);
                count.Completed(id);
            }
            else if (gone.Contains(id) && !named.Contains(id) && alive.Exists(p => p.Id > id) && alive.TrueForAll(p => p.Id > id))
            {
                await store.DeleteAsync(DropRecord.NameOf(id), cancellationToken);
            }
        }
    }

    private static long FreedNext(
        PointCatalog catalog, IReadOnlyList<PointEntry> drop, Dictionary<PackId, long> present, List<CondemnedList> waiting)
    {
        var next = PointCatalog.PacksOf(drop);
        next.UnionWith(waiting.Where(l => l.Reason == CondemnedFor.Unused).SelectMany(l => l.Packs));
        next.ExceptWith(PointCatalog.PacksOf(catalog.Points.Except(drop)));
        return next.Sum(p => present.GetValueOrDefault(p));
    }
}
