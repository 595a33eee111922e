using Reprise.Storage;

namespace Reprise.Tests.Repository;

/// <summary>Looks into a store from outside.</summary>
internal static class StoreProbe
{
    public static List<ObjectInfo> Objects(this IStore store) => [.. store.ListAsync(ObjectPrefix.All, default).ToBlockingEnumerable()];

    public static IEnumerable<ObjectName> Names(this IStore store) => store.Objects().Select(o => o.Name);

    public static long SizeBytes(this IStore store) => store.Objects().Sum(o => o.SizeBytes);

    public static async Task<byte[]> BytesAsync(this IStore store, ObjectName name)
    {
        var size = (await store.StatAsync(name, default))!.Value.SizeBytes;
        using var owner = await store.ReadAsync(name, new ByteRange(0, (int)size), default);
        return owner.Memory.ToArray();
    }
}
