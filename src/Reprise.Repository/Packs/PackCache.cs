using System.Buffers;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Packs;

/// <summary>
/// Keeps the few packs that a reader used last. A pack is read whole: what lies together was written together and is
/// mostly read together. One that is still in use when it is evicted lives until its last user lets go.
/// </summary>
internal sealed class PackCache(IStore store, Sealer sealer) : IDisposable
{
    private readonly List<LoadedPack> packs = [];

    /// <summary>The pack, read when it is not kept. The caller releases it.</summary>
    public LoadedPack Acquire(PackFacts facts, CancellationToken cancellationToken)
    {
        var at = packs.FindIndex(p => p.Facts.Id == facts.Id);
        var pack = at >= 0 ? packs[at] : new LoadedPack(facts, ReadAsync(facts, cancellationToken));
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

    /// <inheritdoc />
    public void Dispose()
    {
        packs.ForEach(p => p.Release());
        packs.Clear();
    }

    private async Task<(IMemoryOwner<byte> Owner, OpenPack Pack)> ReadAsync(PackFacts facts, CancellationToken cancellationToken)
    {
        IMemoryOwner<byte>? owner = null;
        try
        {
            owner = await store.ReadAsync(facts.Id.Name, new ByteRange(0, facts.SizeBytes), cancellationToken);
            return (owner, new OpenPack(sealer, owner.Memory));
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            owner?.Dispose();
            throw Damaged(facts.Id, e.Message, e);
        }
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

/// <summary>A pack in memory, with the number of its users; its memory is given back after the last.</summary>
internal sealed class LoadedPack(PackFacts facts, Task<(IMemoryOwner<byte> Owner, OpenPack Pack)> loading)
{
    private int users = 1;

    public PackFacts Facts => facts;

    public async Task<OpenPack> PackAsync() => (await loading).Pack;

    public void Use() => Interlocked.Increment(ref users);

    public void Release()
    {
        if (Interlocked.Decrement(ref users) > 0 || !loading.IsCompletedSuccessfully) return;
#pragma warning disable MA0042, MA0045 // The task has ended: asking for its result does not wait.
        var (owner, pack) = loading.GetAwaiter().GetResult();
        pack.Dispose();
        owner.Dispose();
#pragma warning restore MA0042, MA0045
    }
}
