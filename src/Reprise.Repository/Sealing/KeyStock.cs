using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Sealing;

/// <summary>
/// The objects under <c>keys/</c>, as the key file has them and as the store does. What is damaged or away in one place
/// is taken from the other.
/// </summary>
internal sealed class KeyStock
{
    public const string Folder = "keys";
    private const int MaxObjectBytes = 768 * 1024;

    private readonly IReadOnlyDictionary<string, byte[]> file;
    private readonly SortedDictionary<string, byte[]> store = new(StringComparer.Ordinal);

    private KeyStock(IReadOnlyDictionary<string, byte[]> file) => this.file = file;

    /// <summary>Every name that is known, without the folder.</summary>
    public IEnumerable<string> Names => file.Keys.Union(store.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>The names in the store.</summary>
    public IReadOnlyCollection<string> StoreNames => store.Keys;

    /// <summary>What was just written.</summary>
    public static KeyStock Written(IReadOnlyDictionary<string, byte[]> objects)
    {
        var stock = new KeyStock(objects);
        foreach (var (name, bytes) in objects) stock.store[name] = bytes;
        return stock;
    }

    /// <summary>Reads what is in the store. One object that cannot be read is there without bytes.</summary>
    public static async Task<KeyStock> ReadAsync(
        IStore store, IReadOnlyDictionary<string, byte[]> file, CancellationToken cancellationToken)
    {
        var stock = new KeyStock(file);
        foreach (var name in await ListAsync(store, cancellationToken))
        {
            if (await ReadAsync(store, NameOf(name), cancellationToken) is { } bytes) stock.store[name] = bytes;
        }

        return stock;
    }

    /// <summary>The names in the store now.</summary>
    public static async Task<List<string>> ListAsync(IStore store, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(Folder), cancellationToken))
            names.Add(info.Name.Value[(Folder.Length + 1)..]);
        return names;
    }

    public static ObjectName NameOf(string name) => new($"{Folder}/{name}");

    /// <summary>The copies of an object: that of the key file first, which nobody but its owner can have replaced.</summary>
    public IEnumerable<byte[]> Copies(string name)
    {
        if (file.TryGetValue(name, out var mine)) yield return mine;
        if (store.TryGetValue(name, out var theirs)) yield return theirs;
    }

    /// <summary>What the store has, or null.</summary>
    public byte[]? InStore(string name) => store.GetValueOrDefault(name);

    private static async Task<byte[]?> ReadAsync(IStore store, ObjectName name, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.StatAsync(name, cancellationToken) is not { } info) return null;
            if (info.SizeBytes > MaxObjectBytes) return [];
            using var bytes = await store.ReadAsync(name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
            return bytes.Memory.ToArray();
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            return null;
        }
        catch (StoreException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return [];
        }
    }
}
