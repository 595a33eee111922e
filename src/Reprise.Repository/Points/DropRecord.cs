using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>
/// <c>dropped/ID</c>: says, under the keys of the repository, that a point was dropped by a prune or given up by a
/// person, and has not vanished by itself. It is written before the point is deleted, and is the decision: whoever finds
/// both completes the deletion.
/// </summary>
internal static class DropRecord
{
    public const string Folder = "dropped";

    public static ObjectName NameOf(PointId id) => new($"{Folder}/{id}");

    /// <summary>Records the drop, then deletes the point. Repeatable; the hash is zeros where nobody could read it any more.</summary>
    public static async Task DropAsync(
        IStore store, Sealer sealer, Zstd zstd, PointReference point, CancellationToken cancellationToken)
    {
        byte[] record = [.. Encoding.ASCII.GetBytes(point.Id.Value), .. point.Sha256.Bytes];
        _ = await SealedObjects.CreateAsync(
            store, sealer, zstd, ObjectKind.DropRecord, NameOf(point.Id), record, cancellationToken);
        await store.DeleteAsync(new ObjectName($"{PointId.Folder}/{point.Id}"), cancellationToken);
    }

    /// <summary>The SHA-256 of every record that the keys of the repository made.</summary>
    public static async IAsyncEnumerable<byte[]> HashesAsync(
        IStore store, Sealer sealer, Zstd zstd, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var names = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(Folder), cancellationToken)) names.Add(info);
        foreach (var info in names)
        {
            if (PointId.FromName(Folder, info.Name) is null || info.SizeBytes > Limits.MaxObjectBytes) continue;
            // Twice: a read that went wrong once must not leave a drop unexplained for ever.
            var hash = await HashAsync(store, sealer, zstd, info, cancellationToken) ?? await HashAsync(store, sealer, zstd, info, cancellationToken);
            if (hash is null) continue;
            yield return hash;
        }
    }

    // Null: damaged, forged, or removed by a prune since the listing; it explains nothing, as before.
    private static async Task<byte[]?> HashAsync(
        IStore store, Sealer sealer, Zstd zstd, ObjectInfo info, CancellationToken cancellationToken)
    {
        try
        {
            using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
            _ = sealer.OpenObject(ObjectKind.DropRecord, info.Name.Value, bytes.Memory.Span, zstd);
            return SHA256.HashData(bytes.Memory.Span);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return null;
        }
    }

    private static PointReference Decode(PointId id, ReadOnlySpan<byte> plain)
    {
        if (plain.Length != PointId.Length + SHA256.HashSizeInBytes
            || Encoding.ASCII.GetString(plain[..PointId.Length]) != id.Value)
        {
            throw ByteReader.Broken("a drop record is of another point");
        }

        return new PointReference(id, new Sha256Digest(plain[PointId.Length..]));
    }

    /// <summary>The record of a point; null when there is none, or none that the keys of the repository made.</summary>
    public static async Task<PointReference?> ReadAsync(
        IStore store, Sealer sealer, Zstd zstd, PointId id, CancellationToken cancellationToken)
    {
        if (await SealedObjects.ReadAsync(store, sealer, zstd, ObjectKind.DropRecord, NameOf(id), cancellationToken) is not { } plain)
            return null;
        return Decode(id, plain);
    }
}
