using System.Security.Cryptography;
using Reprise.Repository.Chunking;
using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>
/// Writes one point: session, packs, index, point, in this order; creating the point is the one commit. Contents may be
/// interleaved, but calls come one after another, never at once. Chunks are named and compressed on the machine's cores
/// and taken up in the order in which they were cut.
/// </summary>
public sealed class PointWriter : IAsyncDisposable
{
    private readonly RepositoryHost host;
    private readonly Sealer sealer;
    private readonly Zstd zstd;
    private readonly ChunkPreparer preparer;
    private readonly ChunkIndex index;
    private readonly ReadOnlyMemory<byte>? signingKey;
    private readonly PackTable table = new();
    private readonly Queue<PendingChunk> pending = new();
    private readonly Queue<Task<StoredPack>> storing = new();
    private readonly List<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> unindexed = [];
    private readonly HashSet<PackId> written = [];
    private readonly OpenedPack?[] open = new OpenedPack?[2];
    private int unindexedEntries;
    private bool isLarge;
    private bool committed;
    private bool mayBeCommitted;

    internal PointWriter(
        RepositoryHost host, Sealer sealer, Zstd zstd, ChunkIndex index, PointId id, ReadOnlyMemory<byte>? signingKey)
    {
        this.host = host;
        this.sealer = sealer;
        this.zstd = zstd;
        this.index = index;
        this.signingKey = signingKey;
        Id = id;
        Cutter = new Cutter(sealer.Keys.CuttingKey);
        preparer = new ChunkPreparer(sealer, zstd, index, Cutter);
    }

    /// <summary>The identifier that the point will have.</summary>
    public PointId Id { get; }

    /// <summary>Bytes that this writer added to the repository so far (sealed; what was there already does not count).</summary>
    public long StoredBytes { get; private set; }

    /// <summary>Index objects that could not be read: they cost deduplication, not data.</summary>
    public IReadOnlyList<Problem> Problems => index.Problems;

    internal Cutter Cutter { get; }

    /// <summary>What pages are hashed with.</summary>
    internal ReadOnlyMemory<byte> PagesKey => sealer.Keys.PagesKey;

    private ObjectName Name => new($"{PointId.Folder}/{Id}");

    internal LackingPacks Lacking { get; init; } = LackingPacks.None;

    /// <summary>Packs that can be relied on, with their sizes.</summary>
    internal IReadOnlyDictionary<PackId, long> Usable { get; init; } = new Dictionary<PackId, long>();

    /// <summary>
    /// Says of which packs that points need nothing can be used: what the sources still have of them is stored again.
    /// </summary>
    public IReadOnlyList<Problem> StoresAgain(PointCatalog catalog) => Lacking.Say(catalog);

    /// <summary>Starts some content. Several may be open, but each is written by one caller.</summary>
    /// <param name="cutting">where its chunks end.</param>
    /// <param name="hashedByPart">see <see cref="Content.IsHashedByPart"/>.</param>
    /// <param name="isList">whether it says where other contents lie. Of a large point, lists have packs of their own, so
    /// that reading one does not read the packs that it was written between.</param>
    public ContentWriter Begin(Cutting cutting, bool hashedByPart = false, bool isList = false) =>
        new(this, cutting, PackEntry.DataType, hashedByPart) { IsList = isList };

    /// <summary>Starts a stream of pages, which is hashed by part; <paramref name="placed"/> hears the SHA-256 of each part.</summary>
    internal ContentWriter BeginPages(Cutting cutting, Action<Sha256Digest> placed) =>
        new(this, cutting, PackEntry.DataType, hashedByPart: true) { Placed = placed };

    /// <summary>
    /// Begins to cut, name and compress short contents on the machine's cores, several at a time; <see cref="TakeUpAsync"/>
    /// stores them. The next batch may begin before this one is taken up. The memory is the batch's until that has ended.
    /// </summary>
    public ContentBatch Prepare(IReadOnlyList<ReadOnlyMemory<byte>> contents, CancellationToken cancellationToken) =>
        new(preparer, host.Cpu, contents, cancellationToken);

    /// <summary>Gives the contents of a batch their places, in their order. Batches are taken up one after another.</summary>
    public async Task<IReadOnlyList<Content>> TakeUpAsync(ContentBatch batch, CancellationToken cancellationToken)
    {
        // What was taken before comes before.
        await DrainAsync(0, cancellationToken);
        var stored = new List<Content>();
        foreach (var share in batch.Shares)
        {
            foreach (var content in (await share).Contents) stored.Add(await PlaceAsync(content, cancellationToken));
        }

        return stored;
    }

    /// <summary>
    /// Whether <see cref="AdoptAsync"/> would find every pack that <paramref name="content"/> names itself. Safe from
    /// another thread; of content whose list of parts is stored, only that list is looked at.
    /// </summary>
    public bool MayAdopt(PointReader from, Content content) =>
        content.Parts.All(part => part.IsHole || IsUsable(from.PackOf(part)));

    /// <summary>
    /// Makes content of an earlier point part of this one without reading its bytes; null when a pack that it needs is
    /// gone or condemned, and then it has to be captured again.
    /// </summary>
    public async Task<Content?> AdoptAsync(PointReader from, Content content, CancellationToken cancellationToken)
    {
        if (!MayAdopt(from, content)) return null;
        if (content.Depth == 0) return content with { Parts = [.. content.Parts.Select(part => Renumbered(from, part))] };
        var copy = Begin(Cutting.ContentDefined, content.IsHashedByPart);
        await foreach (var part in from.PartsOfAsync(content, cancellationToken))
        {
            if (!part.IsHole && !IsUsable(from.PackOf(part))) return null;
            await copy.AddAsync(Renumbered(from, part), cancellationToken);
        }

        var adopted = await copy.CompleteAsync(cancellationToken);
        return adopted with { Sha256 = content.Sha256 };
    }

    /// <summary>Whether the pack that a part of an earlier point lies in can be relied on.</summary>
    internal bool IsUsable(PointReader from, Part part) => part.IsHole || IsUsable(from.PackOf(part));

    /// <summary>A part of an earlier point as this one numbers its packs. It is usable.</summary>
    internal Part Adopt(PointReader from, Part part) => Renumbered(from, part);

    /// <summary>
    /// From now on lists have packs of their own: the point is large by what it adopts, however little it stores itself.
    /// </summary>
    internal void KeepListsApart() => isLarge = true;

    /// <summary>
    /// Makes everything that was taken so far count in <see cref="StoredBytes"/>, but for the pack that is being filled.
    /// </summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await DrainAsync(0, cancellationToken);
        for (var place = 0; place < open.Length; place++) await ClosePackAsync(place, cancellationToken);
        while (storing.Count > 0) await TakeStoredAsync(cancellationToken);
    }

    /// <summary>
    /// Commits the point: everything is stored, one listing proves that every pack of the point exists with its size,
    /// then index and manifest are written. On failure nothing was committed, but for a lost answer of the last call,
    /// which the store's retrying resolves. <c>session-expelled</c> when a prune took this writer for dead.
    /// </summary>
    public async Task<CommittedPoint> CommitAsync(PointManifest manifest, CancellationToken cancellationToken)
    {
        Invariant.Check(manifest.Id == Id && !committed, "a writer commits its own point once");
        await FlushAsync(cancellationToken);
        await StoreIndexAsync(cancellationToken);
        await ProvePacksAsync(cancellationToken);
        await new PointLocks(host.Store).ExtendAsync(table.Packs.Select(p => p.Id).Where(p => !written.Contains(p)).ToHashSet(), cancellationToken);

        var encoded = PointCodec.Create(manifest, table, signingKey);
        var bytes = sealer.SealObject(ObjectKind.Point, Name.Value, encoded.Encode(), zstd);
        Invariant.Check(bytes.Length <= Limits.MaxObjectBytes, $"a point of {bytes.Length} bytes is too large");
        mayBeCommitted = true;
        try
        {
            await host.Store.PutAsync(Name, bytes, PutMode.CreateNew, cancellationToken);
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            throw Expelled(e);
        }

        committed = true;
        StoredBytes += bytes.Length;
        return new CommittedPoint(encoded.Manifest(), new Sha256Digest(SHA256.HashData(bytes)));
    }

    /// <summary>
    /// Ends the session, unless nobody knows whether it committed. Without a commit, what was written stays as orphans that
    /// a prune removes; nothing refers to it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // Work that was given up is waited for, because it holds buffers; its own failure no longer matters to anybody.
        while (pending.TryDequeue(out var chunk)) await Ended(chunk.Work);
        while (storing.TryDequeue(out var pack)) await Ended(pack);
        foreach (var pack in open) pack?.Builder.Dispose();
        Array.Clear(open);
        index.Dispose();
        if (mayBeCommitted && !committed) return;
        try
        {
            await host.Store.DeleteAsync(new ObjectName($"{PointId.SessionsFolder}/{Id}"), CancellationToken.None);
        }
        catch (StoreException)
        {
            // The point is committed, and nobody may be told that it is not; or nothing was. A session that stays behind
            // harms nobody: a prune removes it, as it does those of writers that were killed.
        }
    }

    /// <summary>Takes a chunk in a rented buffer that is ours from now on; <paramref name="taken"/> learns where it lies.</summary>
    internal async ValueTask TakeAsync(
        byte type,
        bool isList,
        byte[] rented,
        int length,
        Action<Part, Sha256Digest> taken,
        CancellationToken cancellationToken)
    {
        await DrainAsync(Limits.ChunksInFlight - 1, cancellationToken);
        var work = host.Cpu.ComputeAsync(() => preparer.PrepareOwned(type, rented, length), cancellationToken);
        pending.Enqueue(new PendingChunk(type, isList, length, work, taken));
    }

    /// <summary>Takes up prepared chunks until at most <paramref name="left"/> are in flight.</summary>
    internal async ValueTask DrainAsync(int left, CancellationToken cancellationToken)
    {
        while (pending.Count > left)
        {
            var chunk = pending.Dequeue();
            using var prepared = await chunk.Work;
            var part = await PlaceAsync(chunk.Type, chunk.IsList, chunk.Length, prepared, cancellationToken);
            chunk.Taken(part, prepared.Sha256);
        }
    }

    private bool IsUsable(PackFacts pack) => Usable.TryGetValue(pack.Id, out var size) && size == pack.SizeBytes;

    private Part Renumbered(PointReader from, Part part) =>
        part.IsHole ? part : part with { Pack = table.Number(from.PackOf(part)) };

    private static async ValueTask Ended(Task work)
    {
        await Task.WhenAny(work);
        _ = work.Exception;
    }

    private async ValueTask<Content> PlaceAsync(PreparedContent content, CancellationToken cancellationToken)
    {
        var parts = new Part[content.Chunks.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            var (chunk, length) = content.Chunks[i];
            parts[i] = await PlaceAsync(PackEntry.DataType, false, length, chunk, cancellationToken);
        }

        return new Content { LengthBytes = content.LengthBytes, Sha256 = content.Sha256, Parts = parts };
    }

    private async ValueTask<Part> PlaceAsync(
        byte type, bool isList, int length, PreparedChunk prepared, CancellationToken cancellationToken)
    {
        if (index.TryFind(prepared.Id, out var known))
        {
            var number = known.IsOwn ? ~known.Pack : table.Number(index.Packs[known.Pack]);
            return new Part(number, known.Entry, known.OffsetBytes, known.StoredBytes, known.PlainBytes);
        }

        var place = isList && isLarge ? 1 : 0;
        if (open[place] is { } full && !full.Builder.HasRoom(prepared.Encoded.Length))
        {
            isLarge = true;
            await ClosePackAsync(place, cancellationToken);
        }

        var pack = open[place] ??= new OpenedPack(new PackBuilder(TargetOf(place)), table.Reserve());
        var (entry, offset, stored) = pack.Builder.Add(type, prepared.Id, prepared.Encoded.Span, length);
        var part = new Part(pack.Number, entry, offset, stored, length);
        index.AddOwn(prepared.Id, new ChunkPlace(~pack.Number, entry, offset, stored, length));
        return part;
    }

    private int TargetOf(int place) => place == 0 ? Limits.PackTargetBytes(table.Packs.Count) : Limits.ListPackTargetBytes;

    private async ValueTask ClosePackAsync(int place, CancellationToken cancellationToken)
    {
        if (open[place] is not { } full) return;
        open[place] = null;
        while (storing.Count >= Limits.PacksInFlight(table.Packs.Count)) await TakeStoredAsync(cancellationToken);
        storing.Enqueue(StoreAsync(full.Builder, full.Number, cancellationToken));
    }

    private async Task<StoredPack> StoreAsync(PackBuilder full, int number, CancellationToken cancellationToken)
    {
        using (full)
        {
            var (pack, facts) = await host.Cpu.RunAsync(() => full.Seal(sealer), cancellationToken);
            await host.Store.PutAsync(facts.Id.Name, pack, PutMode.ContentNamed, cancellationToken);
            return new StoredPack(number, facts, full.Entries);
        }
    }

    private async ValueTask TakeStoredAsync(CancellationToken cancellationToken)
    {
        var stored = await storing.Dequeue();
        table.Fill(stored.Number, stored.Facts);
        StoredBytes += stored.Facts.SizeBytes;
        written.Add(stored.Facts.Id);
        if (unindexedEntries > 0 && unindexedEntries + stored.Entries.Count > Limits.IndexEntries) await StoreIndexAsync(cancellationToken);
        unindexed.Add((stored.Facts, stored.Entries));
        unindexedEntries += stored.Entries.Count;
    }

    // Only of packs that are stored already; nobody needs it before the point, so that a full batch need not wait for it.
    private async ValueTask StoreIndexAsync(CancellationToken cancellationToken)
    {
        if (unindexed.Count == 0) return;
        StoredBytes += await ChunkIndex.StoreAsync(host.Store, sealer, zstd, unindexed, cancellationToken);
        unindexed.Clear();
        unindexedEntries = 0;
    }

    private async ValueTask ProvePacksAsync(CancellationToken cancellationToken)
    {
        var present = await PackListing.ReadAsync(host.Store, cancellationToken);
        foreach (var pack in table.Packs)
        {
            if (present.GetValueOrDefault(pack.Id, -1) == pack.SizeBytes) continue;

            // A prune that took this writer for dead has removed what it stored, which is no damage.
            if (await host.Store.StatAsync(Name, cancellationToken) is not null) throw Expelled(null);
            throw new RepriseException(new Problem(
                Storage.Errors.StorageErrors.ObjectMissing,
                Severity.Error,
                $"pack {pack.Id} vanished or changed its size while the point was being written",
                "find out what deletes or alters objects in the repository, then run 'reprise backup' again")
            {
                Where = pack.Id.Name.Value,
            });
        }
    }

    private RepriseException Expelled(Exception? inner) => new(
        RepositoryErrors.SessionExpelled,
        $"point {Id} was given up by a prune while it was being written",
        "run 'reprise backup' again",
        inner);

    private sealed record OpenedPack(PackBuilder Builder, int Number);

    private sealed record PendingChunk(
        byte Type, bool IsList, int Length, Task<PreparedChunk> Work, Action<Part, Sha256Digest> Taken);

    private sealed record StoredPack(int Number, PackFacts Facts, IReadOnlyList<PackEntry> Entries);
}

/// <summary>A point that is committed.</summary>
/// <param name="Manifest">as it was written.</param>
/// <param name="Sha256">of the sealed object, which the next points carry.</param>
public sealed record CommittedPoint(PointManifest Manifest, Sha256Digest Sha256);
