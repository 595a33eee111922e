using System.Text;
using Reprise.Repository.Checking;
using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository;

/// <summary>
/// Our encrypted, deduplicated format on a store: the whole public surface of this project. Opening needs a key; every
/// method says what it makes durable. No locks are taken and no clock is believed.
/// </summary>
public sealed class PointRepository : IDisposable
{
    private readonly RepositoryHost host;
    private readonly Zstd zstd;

    private PointRepository(RepositoryHost host, Zstd zstd, RepositoryKeys keys)
    {
        this.host = host;
        this.zstd = zstd;
        Keys = keys;
    }

    /// <summary>Who can open it, and how that changes.</summary>
    public RepositoryKeys Keys { get; }

    /// <summary>Its identity: 32 hexadecimal digits.</summary>
    public string Id => Convert.ToHexStringLower(Sealer.Keys.RepositoryId.Span);

    private Sealer Sealer => Keys.Sealer;

    /// <summary>What was kept of drills, beside the points and in clear.</summary>
    public EvidenceObjects Evidence => new(host.Store);

    /// <summary>The WAL of PostgreSQL clusters, for reading.</summary>
    public WalArchive Wal => new(host, () => Sealer, zstd);

    /// <summary>
    /// Makes a repository in an empty store. <c>repository-exists</c> when there is one. The keys are returned and
    /// nowhere else kept: the caller makes them durable before it says that the repository exists.
    /// </summary>
    public static async Task<NewRepository> CreateAsync(RepositoryHost host, CancellationToken cancellationToken)
    {
        if (await host.Store.StatAsync(RepositoryObject.Name, cancellationToken) is not null)
        {
            throw new RepriseException(
                RepositoryErrors.RepositoryExists,
                $"{host.Store.Capabilities.Location} holds a repository already",
                "open it with its key file, or choose an empty location");
        }

        await ForgetUnfinishedCreationAsync(host.Store, cancellationToken);
        var id = host.Entropy.Bytes(KeyFile.RepositoryIdLength);
        var objects = RepositoryKeys.Create(id, host, out var file, out var sheet);
        foreach (var (name, bytes) in objects)
            await host.Store.PutAsync(KeyStock.NameOf(name), bytes, PutMode.CreateNew, cancellationToken);
        await host.Store.PutAsync(RepositoryObject.Name, RepositoryObject.Encode(id), PutMode.CreateNew, cancellationToken);

        // Nothing that can fail comes after the last object: the keys would be lost with it.
        return new NewRepository(await OpenAsync(host, zstd => Task.FromResult(RepositoryKeys.JustMade(host, zstd, id, file))), file, sheet);
    }

    /// <summary>
    /// Opens the repository. <c>repository-missing</c>, <c>format-newer</c>, <c>key-wrong</c> (of another repository),
    /// <c>key-revoked</c>, <c>key-invalid</c>. The objects under <c>keys/</c> are not needed: the key file has copies of
    /// those that there were when it was written; what is wrong with them is in <see cref="RepositoryKeys.Problems"/>.
    /// </summary>
    public static async Task<PointRepository> OpenAsync(RepositoryHost host, KeyFile key, CancellationToken cancellationToken)
    {
        var id = await ReadIdAsync(host.Store, cancellationToken);
        if (!id.AsSpan().SequenceEqual(key.RepositoryId))
        {
            throw new RepriseException(
                RepositoryErrors.KeyWrong,
                $"the key is of repository {key.Repository}, not of {Convert.ToHexStringLower(id)} at {host.Store.Capabilities.Location}",
                "use the key file of this repository, or correct repository.location");
        }

        return await OpenAsync(host, zstd => RepositoryKeys.OpenAsync(host, zstd, id, key, cancellationToken));
    }

    /// <summary>
    /// Opens the repository with a passphrase, which needs the objects under <c>keys/</c>. <c>key-wrong</c> when no slot opens.
    /// </summary>
    public static async Task<PointRepository> OpenAsync(RepositoryHost host, string passphrase, CancellationToken cancellationToken)
    {
        var id = await ReadIdAsync(host.Store, cancellationToken);
        return await OpenAsync(host, zstd => RepositoryKeys.OpenAsync(host, zstd, id, passphrase, cancellationToken));
    }

    /// <summary>A keyed fingerprint of a labelled value, as hexadecimal: says later whether a secret is still the same.</summary>
    public string Fingerprint(string label, string value) => Convert.ToHexStringLower(
        Sealer.Keys.Fingerprint(Encoding.UTF8.GetBytes(label), Encoding.UTF8.GetBytes(value)));

    /// <summary>Reads every point, and says which are missing, altered, forged or badly signed.</summary>
    public async Task<PointCatalog> ListPointsAsync(SigningKeys signing, CancellationToken cancellationToken)
    {
        var catalog = await new CatalogReader(host.Store, Sealer, zstd, signing).ReadAsync(cancellationToken);
        if (catalog.Problems.Count == 0) return catalog;

        // A point of a key epoch that came after this repository was opened is no damage.
        var before = Keys.Epoch;
        await Keys.RefreshAsync(cancellationToken);
        return Keys.Epoch == before
            ? catalog
            : await new CatalogReader(host.Store, Sealer, zstd, signing).ReadAsync(cancellationToken);
    }

    /// <summary>Opens a point of the catalogue. The caller disposes it.</summary>
    public PointReader OpenPoint(PointEntry point) => new(host, Sealer, zstd, point.Manifest, point.Table);

    /// <summary>
    /// Starts a point: registers the session first, only then reads packs and index. <c>session</c> objects of writers
    /// that were killed stay until a prune.
    /// </summary>
    public async Task<PointWriter> BeginPointAsync(SigningKeys signing, CancellationToken cancellationToken)
    {
        Keys.DemandWritable();
        var id = PointId.At(host.Clock.GetUtcNow());
        while (!await TryRegisterAsync(id, cancellationToken)) id = id.Next();

        // Only now: a rotation either is seen here, or it sees the session and expels this writer.
        await Keys.RefreshAsync(cancellationToken);
        Keys.DemandWritable();

        // In this order: a list of condemned packs that is gone by now was removed after its packs, which the listing
        // then lacks; one that comes later is of a prune that saw the session and waits for it.
        var condemned = await CondemnedPacks.ReadAsync(host.Store, Sealer, zstd, cancellationToken);
        var present = await PackListing.ReadAsync(host.Store, cancellationToken);
        var usable = present.Where(p => !condemned.Covers(p.Key)).ToDictionary();
        var index = await ChunkIndex.LoadAsync(host.Store, host.Spill, Sealer, zstd, usable, cancellationToken);
        index.Problems.AddRange(condemned.Problems);
        var lacking = new LackingPacks(present, condemned.Damaged);
        return new PointWriter(host, Sealer, zstd, index, id, signing.Current) { Lacking = lacking, Usable = usable };
    }

    /// <summary>Proves the packs that <paramref name="points"/> need: all of them, or only that they are there.</summary>
    public Task<CheckReport> CheckAsync(
        IReadOnlyList<PointEntry> points, ReadDepth depth, Action<long> progress, CancellationToken cancellationToken)
    {
        Storage.Errors.Invariant.Check(depth != ReadDepth.Sample, "nobody said which part is read");
        return new PackChecker(host, Sealer, zstd).CheckAsync(points, _ => depth == ReadDepth.All, progress, cancellationToken);
    }

    /// <summary>Proves one part of the packs that <paramref name="points"/> need, and that the others are there.</summary>
    public Task<CheckReport> CheckAsync(
        IReadOnlyList<PointEntry> points, SamplePart part, Action<long> progress, CancellationToken cancellationToken) =>
        new PackChecker(host, Sealer, zstd).CheckAsync(points, part.Holds, progress, cancellationToken);

    /// <summary>
    /// Proves everything that no point needs: index, lists of prunes, records, kit, and packs. Only warnings, because no
    /// point is less whole; packs are in <see cref="CheckReport.Damage"/>.
    /// </summary>
    public Task<(IReadOnlyList<Problem> Problems, CheckReport Packs)> CheckRestAsync(PointCatalog catalog, CancellationToken cancellationToken) =>
        new RestChecker(host, Sealer, zstd).CheckAsync(catalog, cancellationToken);

    /// <summary>The WAL, for writing: with the key that is in force now. <c>key-revoked</c> and its kin.</summary>
    public async Task<WalArchive> WriteWalAsync(CancellationToken cancellationToken)
    {
        await Keys.RefreshAsync(cancellationToken);
        Keys.DemandWritable();
        return Wal;
    }

    /// <summary>Proves the WAL: names, seals and lengths of everything, or of one part of the ranges.</summary>
    public Task<WalReport> CheckWalAsync(SamplePart? part, Action<long> progress, CancellationToken cancellationToken) =>
        new WalCheck(host, Sealer, zstd).RunAsync(hash => part?.Holds(hash) != false, progress, cancellationToken);

    /// <summary>Drops points and deletes what nobody needs, see <see cref="PruneRun"/>. <c>prune-held</c>.</summary>
    public async Task<PruneReport> PruneAsync(
        Func<PointCatalog, IReadOnlyList<PointEntry>> choose, SigningKeys signing, CancellationToken cancellationToken)
    {
        await Keys.RefreshAsync(cancellationToken);
        Keys.DemandWritable();
        return await new PruneRun(host, Sealer, zstd, signing).RunAsync(choose, cancellationToken);
    }

    /// <summary>
    /// Deletes WAL that no point needs, see <see cref="WalPrune"/>; called after <see cref="PruneAsync"/>. <c>prune-held</c>.
    /// </summary>
    /// <param name="needs">what points need.</param>
    /// <param name="before">the points that there were before that.</param>
    /// <param name="signing">keys of the metadata.</param>
    /// <param name="cancellationToken">stops before the next deletion.</param>
    public Task<WalPruneReport> PruneWalAsync(
        Func<PointCatalog, IReadOnlyList<WalNeed>> needs, PointCatalog before, SigningKeys signing, CancellationToken cancellationToken) =>
        new WalPrune(host, Wal, Sealer, zstd, signing).RunAsync(needs, before, cancellationToken);

    /// <summary>What <see cref="PruneWalAsync"/> would do, and why; changes nothing.</summary>
    public Task<WalPruneReport> PlanWalAsync(
        Func<PointCatalog, IReadOnlyList<WalNeed>> needs, PointCatalog catalog, SigningKeys signing, CancellationToken cancellationToken) =>
        new WalPrune(host, Wal, Sealer, zstd, signing).PlanAsync(needs, catalog, cancellationToken);

    /// <summary>What a prune would free by the next one, when it drops <paramref name="drop"/>; changes nothing.</summary>
    public async Task<long> WouldFreeAsync(
        PointCatalog catalog, IReadOnlyList<PointEntry> drop, CancellationToken cancellationToken)
    {
        var kept = PointCatalog.PacksOf(catalog.Points.Except(drop));
        return (await PackListing.ReadAsync(host.Store, cancellationToken)).Where(p => !kept.Contains(p.Key)).Sum(p => p.Value);
    }

    /// <summary>
    /// Gives a point up that is damaged, forged or gone, so that it no longer holds prunes: records that, then deletes
    /// whatever stands at its name.
    /// </summary>
    public Task GiveUpAsync(PointId id, CancellationToken cancellationToken) =>
        DropRecord.DropAsync(host.Store, Sealer, zstd, new PointReference(id, default), cancellationToken);

    /// <summary>Whether a point that is gone was dropped by a prune, or given up by a person.</summary>
    public async Task<bool> WasDroppedAsync(PointCatalog catalog, PointId id, CancellationToken cancellationToken) =>
        catalog.Dropped.Any(d => d.Id == id)
        || await DropRecord.ReadAsync(host.Store, Sealer, zstd, id, cancellationToken) is not null;

    /// <summary>Makes every later backup store again what the sources have of these packs (64 hexadecimal digits each).</summary>
    public async Task CondemnDamagedAsync(IReadOnlyCollection<string> packs, CancellationToken cancellationToken)
    {
        var known = await CondemnedPacks.ReadAsync(host.Store, Sealer, zstd, cancellationToken);
        var fresh = packs.Select(p => new PackId(Convert.FromHexString(p))).Where(p => !known.Damaged.Contains(p));
        foreach (var batch in fresh.Chunk(CondemnedList.MaxPacks))
        {
            await CondemnedList.StoreAsync(
                host.Store, Sealer, zstd, PointId.At(host.Clock.GetUtcNow()), CondemnedFor.Damaged, batch, cancellationToken);
        }
    }

    /// <inheritdoc />
    public void Dispose() => zstd.Dispose();

    // The object 'repository' is created last: without it, keys are the rest of a creation that was cut off, and would
    // stand in the way of every later one. But where points or packs are, they are the keys of somebody's data.
    private static async Task ForgetUnfinishedCreationAsync(IStore store, CancellationToken cancellationToken)
    {
        foreach (var folder in new[] { PointId.Folder, PackId.Folder })
        {
            await foreach (var info in store.ListAsync(new ObjectPrefix(folder), cancellationToken))
            {
                throw new RepriseException(
                    RepositoryErrors.RepositoryExists,
                    $"{store.Capabilities.Location} holds {info.Name}, but the object 'repository' is gone",
                    "bring the object 'repository' back from a copy, or choose an empty location");
            }
        }

        var left = new List<ObjectName>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(KeyStock.Folder), cancellationToken)) left.Add(info.Name);
        foreach (var name in left) await store.DeleteAsync(name, cancellationToken);
    }

    private async ValueTask<bool> TryRegisterAsync(PointId id, CancellationToken cancellationToken)
    {
        if (await host.Store.StatAsync(new ObjectName($"{PointId.Folder}/{id}"), cancellationToken) is not null) return false;
        var session = new ObjectName($"{PointId.SessionsFolder}/{id}");
        var content = Sealer.SealObject(ObjectKind.Session, session.Value, Encoding.UTF8.GetBytes(id.Value), zstd);
        try
        {
            await host.Store.PutAsync(session, content, PutMode.CreateNew, cancellationToken);
            return true;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            return false;
        }
    }

    private static async Task<byte[]> ReadIdAsync(IStore store, CancellationToken cancellationToken)
    {
        var info = await store.StatAsync(RepositoryObject.Name, cancellationToken) ?? throw new RepriseException(
            RepositoryErrors.RepositoryMissing,
            $"there is no repository at {store.Capabilities.Location}",
            "check repository.location, mount the disk, or make one with 'reprise init'");
        if (info.SizeBytes > RepositoryObject.MaxBytes) throw ByteReader.Broken("the object 'repository' is too large");
        using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
        return RepositoryObject.Decode(bytes.Memory.Span);
    }

    private static async Task<PointRepository> OpenAsync(RepositoryHost host, Func<Zstd, Task<RepositoryKeys>> open)
    {
        var made = new Zstd(host.CompressionLevel);
        try
        {
            return new PointRepository(host, made, await open(made));
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }
}

/// <summary>A repository that was just made, and its only keys.</summary>
/// <param name="Repository">open.</param>
/// <param name="File">for the host that takes backups.</param>
/// <param name="Sheet">for paper, away from that host.</param>
public sealed record NewRepository(PointRepository Repository, KeyFile File, KeyFile Sheet);
