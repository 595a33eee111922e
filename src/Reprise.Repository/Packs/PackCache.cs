using System.Buffers;
using System.Collections.Concurrent;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Packs;

/// <summary>
/// Keeps the few packs that a reader used last. What lies together was written together and is mostly read together, so that
/// a pack is read whole; but a file that has some chunks in common with others finds these far away, and of such a pack only
/// they are read. A pack counts as needed whole when a quarter of it was asked for since it was read last. One that is still in use when it is
/// evicted lives until its last user lets go. Safe from several threads, but for its disposal.
/// </summary>
internal sealed class PackCache(IStore store, Sealer sealer) : IDisposable
{
    /// <summary>A pack that is not longer is read whole: asking twice costs more.</summary>
    private const int ShortPackBytes = 512 * 1024;
    private const int WholeFraction = 4;

    /// <summary>How many packs are remembered of which little was asked for.</summary>
    private const int MaxRemembered = 1024;

    private readonly Lock gate = new();
    private readonly List<LoadedPack> packs = [];
    private readonly Dictionary<PackId, long> asked = [];
    private readonly ConcurrentDictionary<PackId, byte[]> headers = new();

    /// <summary>The pack, or at least <paramref name="parts"/> of it, all of which lie in it. The caller releases it.</summary>
    /// <param name="facts">which.</param>
    /// <param name="parts">what is needed now.</param>
    /// <param name="mayLoad">whether all of it may be read; false keeps the memory to what the parts take.</param>
    /// <param name="cancellationToken">gives up reading.</param>
    public LoadedPack Acquire(
        PackFacts facts, IReadOnlyList<Part> parts, bool mayLoad, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            var at = packs.FindIndex(p => p.Facts.Id == facts.Id);
            if (at < 0 && !(IsNeededWhole(facts, parts) && mayLoad))
                return new LoadedPack(facts, ReadPartsAsync(facts, parts, cancellationToken), isWhole: false);
            var pack = at >= 0 ? packs[at] : new LoadedPack(facts, ReadAsync(facts, cancellationToken), isWhole: true);
            if (at >= 0) packs.RemoveAt(at);
            packs.Add(pack);
            if (packs.Count > Limits.PacksCached)
            {
                packs[0].Release();
                packs.RemoveAt(0);
            }

            pack.Use();
            return pack;
        }
    }

    /// <summary>Lets the store begin to fetch parts of a pack.</summary>
    public void Expect(PackFacts facts, IReadOnlyList<Part> parts) => store.Expect(
        facts.Id.Name, [.. Coalesced(parts).Select(range => new ByteRange(facts.DataOffsetBytes + range.Offset, range.Length))]);

    /// <inheritdoc />
    public void Dispose()
    {
        packs.ForEach(p => p.Release());
        packs.Clear();
    }

    private bool IsNeededWhole(PackFacts facts, IReadOnlyList<Part> parts)
    {
        if (facts.SizeBytes <= ShortPackBytes) return true;
        if (asked.Count >= MaxRemembered) asked.Clear();
        var bytes = asked.GetValueOrDefault(facts.Id) + parts.Sum(part => (long)part.StoredBytes);
        asked[facts.Id] = bytes;
        if (bytes < facts.SizeBytes / WholeFraction) return false;
        asked.Remove(facts.Id);
        return true;
    }

    private async Task<OwnedPack> ReadAsync(PackFacts facts, CancellationToken cancellationToken)
    {
        IMemoryOwner<byte>? owner = null;
        try
        {
            owner = await store.ReadAsync(facts.Id.Name, new ByteRange(0, facts.SizeBytes), cancellationToken);
            return new OwnedPack(new OpenPack(sealer, owner.Memory), [owner]);
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            owner?.Dispose();
            throw Damaged(facts.Id, e.Message, e);
        }
    }

    private async Task<OwnedPack> ReadPartsAsync(PackFacts facts, IReadOnlyList<Part> parts, CancellationToken cancellationToken)
    {
        if (await HeaderAsync(facts, cancellationToken) is not { } header)
            return await ReadAsync(facts, cancellationToken);
        var owners = new List<IMemoryOwner<byte>>();
        var whole = false;
        try
        {
            var ranges = new List<PackRange>();
            foreach (var (offset, length) in Coalesced(parts))
            {
                var start = facts.DataOffsetBytes + offset;
                if (start + length > facts.SizeBytes) throw Damaged(facts.Id, "an entry lies outside its pack", null);
                var owner = await store.ReadAsync(facts.Id.Name, new ByteRange(start, length), cancellationToken);
                owners.Add(owner);
                ranges.Add(new PackRange(start, owner.Memory));
            }

            var pack = new OpenPack(sealer, header, ranges);
            whole = true;
            return new OwnedPack(pack, owners);
        }
        finally
        {
            if (!whole) owners.ForEach(owner => owner.Dispose());
        }
    }

    // Null when the front of the pack is damaged, or says something else than the point: its end may still be good.
    private async Task<byte[]?> HeaderAsync(PackFacts facts, CancellationToken cancellationToken)
    {
        if (headers.TryGetValue(facts.Id, out var known)) return known;
        using var owner = await store.ReadAsync(facts.Id.Name, new ByteRange(0, ObjectHeader.Length), cancellationToken);
        var header = owner.Memory.ToArray();
        try
        {
            if (ObjectHeader.Length + ObjectHeader.Decode(header, ObjectKind.Pack).DirectoryBytes != facts.DataOffsetBytes)
                return null;
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            return null;
        }

        if (headers.Count >= MaxRemembered) headers.Clear();
        headers[facts.Id] = header;
        return header;
    }

    // Parts that follow each other are read together.
    private static List<(long Offset, int Length)> Coalesced(IReadOnlyList<Part> parts)
    {
        var ranges = new List<(long Offset, int Length)>();
        foreach (var part in parts.OrderBy(part => part.OffsetBytes))
        {
            if (ranges is [.., var last] && part.OffsetBytes <= last.Offset + last.Length)
                ranges[^1] = (last.Offset, (int)Math.Max(last.Length, part.OffsetBytes + part.StoredBytes - last.Offset));
            else
                ranges.Add((part.OffsetBytes, part.StoredBytes));
        }

        return ranges;
    }

    /// <summary>The error for a pack whose bytes are not what they were.</summary>
    public static RepriseException Damaged(PackId id, string why, Exception? inner) => new(
        new Problem(
            RepositoryErrors.ObjectDamaged,
            Severity.Error,
            $"pack {id} is damaged: {why}",
            "run 'reprise verify' to see what it affects, and restore another point")
        {
            Where = id.Name.Value,
        },
        inner);
}

/// <summary>A pack, and the memory that it lies in.</summary>
internal sealed record OwnedPack(OpenPack Pack, IReadOnlyList<IMemoryOwner<byte>> Owners);

/// <summary>A pack in memory, or parts of it, with the number of its users; its memory is given back after the last.</summary>
internal sealed class LoadedPack(PackFacts facts, Task<OwnedPack> loading, bool isWhole)
{
    private int users = 1;

    public PackFacts Facts => facts;

    /// <summary>Whether all of it is in memory.</summary>
    public bool IsWhole => isWhole;

    public async Task<OpenPack> PackAsync() => (await loading).Pack;

    public void Use() => Interlocked.Increment(ref users);

    public void Release()
    {
        if (Interlocked.Decrement(ref users) > 0 || !loading.IsCompletedSuccessfully) return;
#pragma warning disable MA0042, MA0045 // The task has ended: asking for its result does not wait.
        var (pack, owners) = loading.GetAwaiter().GetResult();
        pack.Dispose();
        foreach (var owner in owners) owner.Dispose();
#pragma warning restore MA0042, MA0045
    }
}
