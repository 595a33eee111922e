using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository;

/// <summary>What <see cref="VersionRecovery"/> found and did.</summary>
public sealed record VersionReport
{
    /// <summary>Objects that points need, keys and points included.</summary>
    public required int Needed { get; init; }

    /// <summary>Objects that somebody had deleted, and that are seen again (or would be).</summary>
    public required int Uncovered { get; init; }

    /// <summary>Objects that somebody had replaced, and whose first genuine version was written again (or would be).</summary>
    public required int PutBack { get; init; }

    /// <summary>Objects that points need and of which no genuine version is left.</summary>
    public required IReadOnlyList<ObjectName> Lost { get; init; }

    /// <summary>Points that are named by others and have no genuine version left, or are not what others saw.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>
/// Brings back what was deleted or replaced in a store that keeps versions. Every name of a repository is written once, so
/// that its first genuine version is the right one: the one whose bytes have the hash that is its name, or that the keys
/// of the repository opened. What prunes dropped stays away (their records say so), and so does what no point needs.
/// Sessions and lists of condemned packs are left alone: only writers and prunes at work need them.
/// </summary>
public sealed class VersionRecovery
{
    private const int AtOnce = 8;

    // Whatever is cut off is simply done again: first what others stand on.
    private static readonly string[] Order =
    [
        PackId.Folder, ChunkIndex.Folder, ClearFolders.Kit, ClearFolders.Evidence, WalName.Folder, FormerEpochs.Folder, DropRecord.Folder,
        PointId.Folder, KeyStock.Folder, RepositoryObject.Name.Folder,
    ];

    private readonly IStore store;
    private readonly VersionView view;
    private readonly SigningKeys signing;
    private readonly Dictionary<ObjectName, List<ObjectVersion>> names = [];
    private readonly Dictionary<ObjectName, ObjectVersion> picks = [];
    private readonly List<ObjectName> lost = [];

    private VersionRecovery(IStore store, SigningKeys signing)
    {
        this.store = store;
        this.signing = signing;
        view = new VersionView(store);
    }

    /// <summary>Looks, and unless <paramref name="plan"/>, does it. Nothing else may write meanwhile.</summary>
    /// <param name="store">must keep versions.</param>
    /// <param name="open">opens the repository as a store shows it, with whatever key there is.</param>
    /// <param name="signing">the keys that sign metadata.</param>
    /// <param name="plan">change nothing.</param>
    /// <param name="cancellationToken">stops before the next object.</param>
    public static async Task<VersionReport> RunAsync(
        IStore store,
        Func<IStore, CancellationToken, Task<PointRepository>> open,
        SigningKeys signing,
        bool plan,
        CancellationToken cancellationToken)
    {
        var recovery = new VersionRecovery(store, signing);
        await recovery.ReadNamesAsync(cancellationToken);
        using var zstd = new Zstd(Zstd.StoreOnly);
        var problems = await recovery.ChooseAsync(open, zstd, cancellationToken);
        var actions = recovery.picks.Values.Where(p => !p.IsCurrent)
            .OrderBy(p => Array.IndexOf(Order, p.Name.Folder))
            .Select(p => (Pick: p, Covered: recovery.names[p.Name].Count(v => !v.IsDeletion) == 1))
            .ToList();
        if (!plan)
        {
            foreach (var batch in actions.Chunk(AtOnce))
                await Task.WhenAll(batch.Select(a => recovery.BringBackAsync(a.Pick, a.Covered, cancellationToken)));
        }

        return new VersionReport
        {
            Needed = recovery.picks.Count + recovery.lost.Count,
            Uncovered = actions.Count(a => a.Covered),
            PutBack = actions.Count(a => !a.Covered),
            Lost = recovery.lost,
            Problems = problems,
        };
    }

    private async Task ReadNamesAsync(CancellationToken cancellationToken)
    {
        await foreach (var version in store.VersionsAsync(ObjectPrefix.All, cancellationToken))
        {
            if (!Order.Contains(version.Name.Folder)) continue;
            if (!names.TryGetValue(version.Name, out var versions)) names[version.Name] = versions = [];
            versions.Add(version);
        }

        // Oldest first. Media list the newest of a name first, and their clocks tick in seconds.
        foreach (var versions in names.Values)
        {
            versions.Reverse();
            versions.Sort((a, b) => a.Modified.CompareTo(b.Modified));
        }
    }

    private async Task<IReadOnlyList<Problem>> ChooseAsync(
        Func<IStore, CancellationToken, Task<PointRepository>> open, Zstd zstd, CancellationToken cancellationToken)
    {
        // Keys prove each other when they are opened, and a key file has copies of them.
        foreach (var folder in (string[])[RepositoryObject.Name.Folder, KeyStock.Folder]) await PickAsync(folder, null, zstd, cancellationToken);
        foreach (var name in names.Keys.Where(n => n.Folder == FormerEpochs.Folder)) ShowOldest(name);
        Sealer first;
        using (var opened = await open(view, cancellationToken)) first = opened.Keys.Sealer;
        await PickAsync(FormerEpochs.Folder, first, zstd, cancellationToken);

        using var repository = await open(view, cancellationToken);
        var sealer = repository.Keys.Sealer;
        foreach (var folder in (string[])[DropRecord.Folder, PointId.Folder, ClearFolders.Evidence, ClearFolders.Kit, WalName.Folder, ChunkIndex.Folder])
            await PickAsync(folder, sealer, zstd, cancellationToken);
        foreach (var id in picks.Keys.Select(n => PointId.FromName(DropRecord.Folder, n)).OfType<PointId>().ToList())
        {
            var name = new ObjectName($"{PointId.Folder}/{id}");
            picks.Remove(name);
            view.Hide(name);
        }

        var catalog = await repository.ListPointsAsync(signing, cancellationToken);
        foreach (var pack in PointCatalog.PacksOf(catalog.Points))
        {
            await PickAsync(pack.Name, sealer, zstd, cancellationToken);
            if (!picks.ContainsKey(pack.Name)) lost.Add(pack.Name);
        }

        return catalog.Problems;
    }

    private void ShowOldest(ObjectName name)
    {
        if (names[name].Find(v => !v.IsDeletion) is { } oldest) view.Show(oldest);
    }

    private async Task PickAsync(string folder, Sealer? sealer, Zstd zstd, CancellationToken cancellationToken)
    {
        foreach (var name in names.Keys.Where(n => n.Folder == folder).ToList())
            await PickAsync(name, sealer, zstd, cancellationToken);
    }

    private async Task PickAsync(ObjectName name, Sealer? sealer, Zstd zstd, CancellationToken cancellationToken)
    {
        view.Hide(name);
        var versions = names.GetValueOrDefault(name, []).Where(v => !v.IsDeletion).ToList();
        foreach (var version in versions)
        {
            // Of what has no twin there is nothing to choose; whether it is whole is asked by verify. But a record that a
            // point was dropped decides that it stays away, so that it is never believed unread.
            var judged = versions.Count > 1 || name.Folder == DropRecord.Folder || (!version.IsCurrent && name.Folder != PackId.Folder);
            if (judged && !await IsGenuineAsync(version, sealer, zstd, cancellationToken)) continue;

            // What was written again by an earlier recovery is the same, and current.
            var pick = versions.Find(v => v.IsCurrent) is { } current && await IsSameAsync(current, version, cancellationToken) ? current : version;
            picks[name] = pick;
            view.Show(pick);
            return;
        }
    }

    private async Task<bool> IsSameAsync(ObjectVersion one, ObjectVersion other, CancellationToken cancellationToken)
    {
        if (one == other || one.SizeBytes != other.SizeBytes) return one == other;
        var range = new ByteRange(0, (int)one.SizeBytes);
        using var first = await store.ReadVersionAsync(one, range, cancellationToken);
        using var second = await store.ReadVersionAsync(other, range, cancellationToken);
        return first.Memory.Span.SequenceEqual(second.Memory.Span);
    }

    private async Task<bool> IsGenuineAsync(ObjectVersion version, Sealer? sealer, Zstd zstd, CancellationToken cancellationToken)
    {
        if (version.SizeBytes > StoreLimits.MaxObjectBytes) return false;
        using var bytes = await store.ReadVersionAsync(version, new ByteRange(0, (int)version.SizeBytes), cancellationToken);
        var content = bytes.Memory;
        return version.Name.Folder switch
        {
            PackId.Folder => PackId.FromName(version.Name) == PackId.Of(content.Span),
            ChunkIndex.Folder => version.Name == ChunkIndex.NameOf(content.Span),
            var one when one == RepositoryObject.Name.Folder => Opens(() => RepositoryObject.Decode(content.Span)),
            PointId.Folder => OpensAs(ObjectKind.Point) || OpensAs(ObjectKind.Tombstone),
            DropRecord.Folder => OpensAs(ObjectKind.DropRecord),
            FormerEpochs.Folder => OpensAs(ObjectKind.Closing),
            WalName.Folder => WalName.Parse(version.Name) is { } wal && OpensAs(wal.Kind),
            _ => true,
        };

        bool OpensAs(ObjectKind kind) => sealer is not null && Opens(() => sealer.OpenObject(kind, version.Name.Value, content.Span, zstd));
    }

    private static bool Opens(Action open)
    {
        try
        {
            open();
            return true;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return false;
        }
    }

    private async Task BringBackAsync(ObjectVersion pick, bool covered, CancellationToken cancellationToken)
    {
        if (covered)
        {
            foreach (var deletion in names[pick.Name].Where(v => v.IsDeletion))
                await store.UncoverAsync(deletion, cancellationToken);
            return;
        }

        using var bytes = await store.ReadVersionAsync(pick, new ByteRange(0, (int)pick.SizeBytes), cancellationToken);
        await store.PutAsync(pick.Name, bytes.Memory, PutMode.Replace, cancellationToken);
    }
}
