using Reprise.Storage;
using Reprise.Storage.Memory;
using Reprise.Tests.House;
using Reprise.Tests.Repository;

namespace Reprise.Tests.Golden;

/// <summary>What is committed under <c>test/golden</c>.</summary>
internal static class GoldenFolder
{
    /// <summary>Whether this run writes what the others compare with.</summary>
    public static bool IsWriting => Environment.GetEnvironmentVariable("REPRISE_WRITE_GOLDEN") == "1";

    public static string Of(string name) => Path.Combine(Clone.Root, "test/golden/v0", name);

    public static Task<byte[]> InputAsync(string name) => File.ReadAllBytesAsync(Path.Combine(Clone.Root, "test/golden/inputs", name));

    /// <summary>The objects of a folder.</summary>
    public static async Task<SortedDictionary<string, byte[]>> ObjectsAsync(string folder)
    {
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        if (!Directory.Exists(folder)) return objects;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            objects[Path.GetRelativePath(folder, path)] = await File.ReadAllBytesAsync(path);
        return objects;
    }

    public static async Task<SortedDictionary<string, byte[]>> ObjectsAsync(IStore store)
    {
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in store.Names().ToList()) objects[name.Value] = await store.BytesAsync(name);
        return objects;
    }

    /// <summary>The committed repository in memory.</summary>
    public static async Task<MemoryStore> LoadAsync(string name)
    {
        var objects = await ObjectsAsync(Path.Combine(Of(name), "repository"));
        Assert.NotEmpty(objects);
        return await StoreOf(objects);
    }

    public static async Task<MemoryStore> StoreOf(IReadOnlyDictionary<string, byte[]> objects)
    {
        var store = new MemoryStore();
        foreach (var (name, bytes) in objects) await store.PutAsync(new ObjectName(name), bytes, PutMode.CreateNew, default);
        return store;
    }

    /// <summary>Writes objects into a folder that has nothing else.</summary>
    public static async Task WriteAsync(string folder, IReadOnlyDictionary<string, byte[]> objects)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        foreach (var (name, bytes) in objects)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!); // A path below the folder has a parent.
            await File.WriteAllBytesAsync(path, bytes);
        }
    }
}
