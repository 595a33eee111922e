using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Index;

/// <summary>
/// Where every chunk of the repository lies, for writers only: a restore never loads it. It is the union of the objects
/// under <c>index/</c>, in any order; one that cannot be read costs deduplication, never data.
/// </summary>
internal sealed class ChunkIndex : IDisposable
{
    public const string Folder = "index";

    private readonly ChunkTable places;
    private readonly List<PackFacts> packs = [];

    private ChunkIndex(ChunkTable places) => this.places = places;

    /// <summary>The packs that <see cref="ChunkPlace.Pack"/> numbers.</summary>
    public IReadOnlyList<PackFacts> Packs => packs;

    /// <summary>Index objects that could not be used, with the reason.</summary>
    public List<Problem> Problems { get; } = [];

    /// <summary>Whether the chunk is stored. Safe from several threads.</summary>
    public bool Contains(ChunkId id) => places.TryFind(id, out _);

    /// <summary>Where the chunk lies.</summary>
    public bool TryFind(ChunkId id, out ChunkPlace place) => places.TryFind(id, out place);

    /// <summary>Notes a chunk that this writer stores itself, which the index did not know.</summary>
    public void AddOwn(ChunkId id, in ChunkPlace place) => Invariant.Check(places.TryAdd(id, place), "a chunk is stored once");

    /// <inheritdoc />
    public void Dispose() => places.Dispose();

    /// <summary>
    /// Reads every index object, keeping only entries of packs that <paramref name="present"/> lists with their size: a
    /// chunk of a lost pack is stored again.
    /// </summary>
    public static async Task<ChunkIndex> LoadAsync(
        IStore store,
        Func<IDiskFile>? spill,
        Sealer sealer,
        Zstd zstd,
        IReadOnlyDictionary<PackId, long> present,
        CancellationToken cancellationToken)
    {
        var index = new ChunkIndex(new ChunkTable(spill));
        try
        {
            await foreach (var (_, stored) in ObjectsAsync(store, sealer, zstd, index.Problems, cancellationToken))
            {
                foreach (var (pack, entries) in stored)
                {
                    if (present.TryGetValue(pack.Id, out var size) && size == pack.SizeBytes) index.Add(pack, entries);
                }
            }

            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>Every index object that can be read, with what it speaks of.</summary>
    public static IAsyncEnumerable<(ObjectName Name, IReadOnlyList<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> Packs)>
        ObjectsAsync(IStore store, Sealer sealer, Zstd zstd, CancellationToken cancellationToken) =>
        ObjectsAsync(store, sealer, zstd, [], cancellationToken);

    /// <summary>Seals and stores the entries of some packs as one index object; returns its size in bytes.</summary>
    public static async Task<long> StoreAsync(
        IStore store,
        Sealer sealer,
        Zstd zstd,
        IReadOnlyList<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> stored,
        CancellationToken cancellationToken)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, stored.Count);
        foreach (var (pack, entries) in stored)
        {
            ByteWriter.Bytes(writer, pack.Id.Bytes());
            ByteWriter.Number(writer, pack.SizeBytes);
            ByteWriter.Number(writer, pack.DataOffsetBytes);
            ByteWriter.Number(writer, entries.Count);
            foreach (var entry in entries)
            {
                ByteWriter.Byte(writer, entry.Type);
                ByteWriter.Number(writer, entry.StoredBytes);
                ByteWriter.Number(writer, entry.PlainBytes);
                entry.Id.Write(writer.GetSpan(ChunkId.Length));
                writer.Advance(ChunkId.Length);
            }
        }

        var bytes = sealer.SealObject(ObjectKind.Index, Folder, writer.WrittenSpan, zstd);
        await store.PutAsync(NameOf(bytes), bytes, PutMode.ContentNamed, cancellationToken);
        return bytes.Length;
    }

    /// <summary>The same; what cannot be read is added to <paramref name="problems"/>.</summary>
    public static async IAsyncEnumerable<(ObjectName Name, IReadOnlyList<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> Packs)>
        ObjectsAsync(
            IStore store,
            Sealer sealer,
            Zstd zstd,
            List<Problem> problems,
            [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var names = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(Folder), cancellationToken)) names.Add(info);
        foreach (var info in names)
        {
            IReadOnlyList<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> spoken;
            try
            {
                if (info.SizeBytes > Limits.MaxObjectBytes) throw ByteReader.Broken($"{info.Name} has {info.SizeBytes} bytes");
                using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
                if (info.Name != NameOf(bytes.Memory.Span)) throw ByteReader.Broken("its bytes do not have the hash that is its name");
                spoken = Decode(sealer.OpenObject(ObjectKind.Index, Folder, bytes.Memory.Span, zstd));
            }
            catch (StoreException e) when (e.Fault is StoreFault.NotFound)
            {
                // A prune has written it anew, or it speaks of nothing any more.
                continue;
            }
            catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
            {
                problems.Add(e.Problem with { Severity = Severity.Warning, Where = info.Name.Value });
                continue;
            }

            yield return (info.Name, spoken);
        }
    }

    /// <summary>The name of an object: the hash of its sealed bytes.</summary>
    public static ObjectName NameOf(ReadOnlySpan<byte> sealedObject) =>
        new($"{Folder}/{Convert.ToHexStringLower(SHA256.HashData(sealedObject))}");

    internal static List<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)> Decode(ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        var decoded = new List<(PackFacts Pack, IReadOnlyList<PackEntry> Entries)>();
        for (var left = reader.Number(Limits.MaxObjectPlainBytes); left > 0; left--)
        {
            var id = new PackId(reader.Bytes(PackId.Length));
            var pack = new PackFacts(id, (int)reader.Number(Limits.MaxPackBytes), (int)reader.Number(Limits.MaxPackBytes));
            var entries = new PackEntry[(int)reader.Number(Limits.MaxPackEntries + 1)];
            for (var i = 0; i < entries.Length; i++)
            {
                var type = reader.Byte();
                var stored = (int)reader.Number(Limits.MaxPackBytes);
                var length = (int)reader.Number(Limits.MaxPackBytes);
                entries[i] = new PackEntry(type, stored, length, ChunkId.Read(reader.Bytes(ChunkId.Length)));
            }

            decoded.Add((pack, entries));
        }

        reader.End();
        return decoded;
    }

    private void Add(PackFacts pack, IReadOnlyList<PackEntry> entries)
    {
        packs.Add(pack);
        var offset = 0;
        for (var number = 0; number < entries.Count; number++)
        {
            var entry = entries[number];
            if (entry.Type != PackEntry.PaddingType)
                places.TryAdd(entry.Id, new ChunkPlace(packs.Count - 1, number, offset, entry.StoredBytes, entry.PlainBytes));
            offset += entry.StoredBytes;
        }
    }
}

/// <summary>
/// Where a chunk lies: pack number in the index, or the complement of the point's own when its writer stored the chunk
/// itself; then as in <see cref="Points.Part"/>.
/// </summary>
internal readonly record struct ChunkPlace(int Pack, int Entry, int OffsetBytes, int StoredBytes, int PlainBytes)
{
    /// <summary>Whether the writer that asks stored it.</summary>
    public bool IsOwn => Pack < 0;
}
