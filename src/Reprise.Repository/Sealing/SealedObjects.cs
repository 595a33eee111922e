using Reprise.Repository.Format;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Sealing;

/// <summary>Small sealed objects that are created once, by whoever comes first, and never changed.</summary>
internal static class SealedObjects
{
    /// <summary>What the object holds; null when there is none. Damage throws, and names the object.</summary>
    public static Task<byte[]?> ReadAsync(
        IStore store, Sealer sealer, Zstd zstd, ObjectKind kind, ObjectName name, CancellationToken cancellationToken) =>
        ReadAsync(store, sealer, zstd, kind, name, Limits.MaxObjectBytes, cancellationToken);

    /// <summary>The same for kinds that may be longer: at most <paramref name="maxBytes"/> in the store.</summary>
    public static async Task<byte[]?> ReadAsync(
        IStore store, Sealer sealer, Zstd zstd, ObjectKind kind, ObjectName name, int maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.StatAsync(name, cancellationToken) is not { } info) return null;
            if (info.SizeBytes > maxBytes) throw ByteReader.Broken($"it has {info.SizeBytes} bytes");
            using var bytes = await store.ReadAsync(name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
            return sealer.OpenObject(kind, name.Value, bytes.Memory.Span, zstd);
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            return null;
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed || e.Code == RepositoryErrors.KeyForged)
        {
            throw new RepriseException(
                e.Problem with
                {
                    Code = e.Code == RepositoryErrors.Malformed ? RepositoryErrors.ObjectDamaged : e.Code, Message = $"{name} cannot be used: {e.Message}", Where = name.Value,
                },
                e);
        }
    }

    /// <summary>Makes the object durable; false when the name is taken.</summary>
    public static async Task<bool> CreateAsync(
        IStore store,
        Sealer sealer,
        Zstd zstd,
        ObjectKind kind,
        ObjectName name,
        ReadOnlyMemory<byte> plain,
        CancellationToken cancellationToken)
    {
        try
        {
            await store.PutAsync(name, sealer.SealObject(kind, name.Value, plain.Span, zstd), PutMode.CreateNew, cancellationToken);
            return true;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            return false;
        }
    }
}
