using Reprise.Repository.Format;
using Reprise.Storage;

namespace Reprise.Repository;

/// <summary>
/// The evidence in a repository: objects under <c>evidence/</c>, in clear, so that an auditor reads them with public
/// tools and without the key of the data. Nothing here judges them: whoever reads them verifies their signatures.
/// </summary>
public sealed class EvidenceObjects
{
    /// <summary>The largest object, in bytes.</summary>
    public const int MaxBytes = Limits.MaxObjectBytes;

    private const string Folder = ClearFolders.Evidence;
    private readonly IStore store;

    internal EvidenceObjects(IStore store) => this.store = store;

    /// <summary>Where the repository lies, as the user writes it.</summary>
    public string Location => store.Capabilities.Location;

    /// <summary>Names below <c>evidence/</c> in ordinal order: <c>00000001.json</c>, <c>keys/HASH.pub</c>.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(Folder), cancellationToken))
            names.Add(info.Name.Value[(Folder.Length + 1)..]);
        return names;
    }

    /// <summary>
    /// The bytes of an object; null when there is none. Of one that is larger than <see cref="MaxBytes"/> only as much
    /// as that, which no signature fits.
    /// </summary>
    public async Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var stored = NameOf(name);
        if (await store.StatAsync(stored, cancellationToken) is not { } info) return null;
        var length = (int)Math.Min(info.SizeBytes, MaxBytes);
        using var bytes = await store.ReadAsync(stored, new ByteRange(0, length), cancellationToken);
        return bytes.Memory.ToArray();
    }

    /// <summary>
    /// Makes an object durable; false when the name is taken by other bytes. Atomic among all clients.
    /// </summary>
    public async Task<bool> TryCreateAsync(string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Storage.Errors.Invariant.Check(bytes.Length <= MaxBytes, $"evidence of {bytes.Length} bytes");
        try
        {
            await store.PutAsync(NameOf(name), bytes, PutMode.CreateNew, cancellationToken);
            return true;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            // Ours already: an earlier try took effect, and its answer was lost.
            return await ReadAsync(name, cancellationToken) is { } there && bytes.Span.SequenceEqual(there);
        }
    }

    private static ObjectName NameOf(string name) => new($"{Folder}/{name}");
}
