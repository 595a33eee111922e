using System.Buffers;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>Why a pack is condemned.</summary>
internal enum CondemnedFor : byte
{
    /// <summary>No point needed it when the list was made; a prune deletes it.</summary>
    Unused = 0,

    /// <summary>A verification found it damaged; it is stored again, and deleted when no point needs it any more.</summary>
    Damaged = 1,
}

/// <summary>
/// One object under <c>condemned/</c>: packs that every writer that begins later treats as absent.
/// </summary>
/// <param name="Id">its name.</param>
/// <param name="Reason">why.</param>
/// <param name="Packs">which packs.</param>
/// <param name="Sessions">
/// the writers that were unfinished after the list was in place, and may not have seen it; null while nobody has looked.
/// Once all of them are finished or expelled, no new point can ever name these packs.
/// </param>
internal sealed record CondemnedList(
    PointId Id, CondemnedFor Reason, IReadOnlyList<PackId> Packs, IReadOnlySet<PointId>? Sessions)
{
    public const string Folder = "condemned";

    // Names of packs do not compress: so many fit into the largest object.
    public const int MaxPacks = 100_000;

    private const string SessionsSuffix = ".sessions";

    public ObjectName Name => new($"{Folder}/{Id}");

    public ObjectName SessionsName => new($"{Folder}/{Id}{SessionsSuffix}");

    /// <summary>Removes what a removal that was cut off has left: who was at work when a list was made that is gone.</summary>
    public static async Task RemoveRestsAsync(IStore store, CancellationToken cancellationToken)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var info in store.ListAsync(new ObjectPrefix(Folder), cancellationToken)) names.Add(info.Name.Value);
        foreach (var name in names.Where(n => n.EndsWith(SessionsSuffix, StringComparison.Ordinal)))
        {
            if (!names.Contains(name[..^SessionsSuffix.Length])) await store.DeleteAsync(new ObjectName(name), cancellationToken);
        }
    }

    /// <summary>
    /// A list; null when it has vanished meanwhile: then a prune has removed it, after the packs in it. One that cannot
    /// be read is <c>object-damaged</c>.
    /// </summary>
    public static async Task<CondemnedList?> ReadAsync(
        IStore store, Sealer sealer, Zstd zstd, PointId id, CancellationToken cancellationToken)
    {
        var empty = new CondemnedList(id, CondemnedFor.Unused, [], null);
        if (await SealedObjects.ReadAsync(store, sealer, zstd, ObjectKind.Condemned, empty.Name, cancellationToken) is not { } packs)
            return null;
        return Decode(id, packs, await SealedObjects.ReadAsync(
            store, sealer, zstd, ObjectKind.Sessions, empty.SessionsName, cancellationToken));
    }

    /// <summary>Stores the list under the first free name from <paramref name="id"/> on.</summary>
    public static async Task<CondemnedList> StoreAsync(
        IStore store,
        Sealer sealer,
        Zstd zstd,
        PointId id,
        CondemnedFor reason,
        IReadOnlyList<PackId> packs,
        CancellationToken cancellationToken)
    {
        Invariant.Check(packs.Count <= MaxPacks, $"{packs.Count} packs are too many for one list");
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Byte(writer, (byte)reason);
        ByteWriter.Number(writer, packs.Count);
        foreach (var pack in packs) ByteWriter.Bytes(writer, pack.Bytes());
        while (true)
        {
            var list = new CondemnedList(id, reason, packs, null);
            if (await SealedObjects.CreateAsync(
                store, sealer, zstd, ObjectKind.Condemned, list.Name, writer.WrittenMemory, cancellationToken)) return list;
            id = id.Next();
        }
    }

    /// <summary>Notes which writers may not have seen the list. Another prune may have looked before: both looks are right.</summary>
    public async Task<CondemnedList> WithSessionsAsync(
        IStore store, Sealer sealer, Zstd zstd, IReadOnlySet<PointId> sessions, CancellationToken cancellationToken)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, sessions.Count);
        foreach (var session in sessions) ByteWriter.Sized(writer, Encoding.ASCII.GetBytes(session.Value));
        await SealedObjects.CreateAsync(
            store, sealer, zstd, ObjectKind.Sessions, SessionsName, writer.WrittenMemory, cancellationToken);
        return this with { Sessions = sessions };
    }

    /// <summary>Removes the list; whoever calls this has proven that its packs are gone, or still needed.</summary>
    public async Task RemoveAsync(IStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(Name, cancellationToken);
        await store.DeleteAsync(SessionsName, cancellationToken);
    }

    private static CondemnedList Decode(PointId id, byte[] packs, byte[]? sessions)
    {
        var reader = new ByteReader(packs);
        var reason = reader.Byte() switch
        {
            0 => CondemnedFor.Unused,
            1 => CondemnedFor.Damaged,
            var other => throw ByteReader.Broken($"packs are condemned for reason {other}"),
        };
        var list = new PackId[(int)reader.Number(MaxPacks)];
        for (var i = 0; i < list.Length; i++) list[i] = new PackId(reader.Bytes(PackId.Length));
        reader.End();
        return new CondemnedList(id, reason, list, sessions is null ? null : Decode(sessions));
    }

    private static HashSet<PointId> Decode(byte[] sessions)
    {
        var reader = new ByteReader(sessions);
        var seen = new HashSet<PointId>();
        for (var left = reader.Number(Limits.MaxObjectPlainBytes); left > 0; left--)
        {
            var text = Encoding.ASCII.GetString(reader.Sized(PointId.Length));
            if (!PointId.TryParse(text, out var id)) throw ByteReader.Broken("a session has no name");
            seen.Add(id);
        }

        reader.End();
        return seen;
    }
}
