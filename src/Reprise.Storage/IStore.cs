using System.Buffers;
using System.Runtime.CompilerServices;

namespace Reprise.Storage;

/// <summary>
/// A medium that keeps named, immutable, bounded objects.
/// <para>Semantics that every store keeps, and that <c>Conformance</c> asks of it:</para>
/// <list type="bullet">
/// <item>When <see cref="PutAsync"/> returns, the object is durable, whole, and seen by every later read and listing.
/// A reader never sees a part of it.</item>
/// <item><see cref="PutMode.CreateNew"/> is atomic among all clients: exactly one of several wins.</item>
/// <item>A name is never used again for other bytes, except by deleting first.</item>
/// <item>Listings are complete and in ordinal order of the names.</item>
/// <item>Every failure is a <see cref="StoreException"/>, whose <see cref="StoreFault"/> says whether to retry and
/// whether the call may have taken effect. Stores do not retry; <c>Wrapping.RetryingStore</c> does.</item>
/// </list>
/// Objects are handed out as bounded buffers, not as streams: a buffer can be read again, cached and faulted.
/// </summary>
public interface IStore
{
    /// <summary>What this medium can do.</summary>
    StoreCapabilities Capabilities { get; }

    /// <summary>
    /// Stores <paramref name="content"/> (at most <see cref="StoreLimits.MaxObjectBytes"/>) under <paramref name="name"/>.
    /// On failure it may have taken effect when the fault says so.
    /// </summary>
    ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken);

    /// <summary>
    /// Reads exactly <paramref name="range"/>; the caller disposes the memory, whose length is exactly that of the
    /// range. A missing object is <see cref="StoreFault.NotFound"/>, a shorter one <see cref="StoreFault.Truncated"/>.
    /// </summary>
    ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken cancellationToken);

    /// <summary>
    /// Says that these ranges of an object will be read soon, so that a medium can begin to fetch them. Blocks for as long as that
    /// takes to be asked for; what cannot be fetched ahead is no failure, and most media do nothing.
    /// </summary>
    void Expect(ObjectName name, IReadOnlyList<ByteRange> ranges)
    {
    }

    /// <summary>Name and size, or null when the object does not exist.</summary>
    ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken);

    /// <summary>All objects under <paramref name="prefix"/>, in ordinal order of their names.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken cancellationToken);

    /// <summary>Those of <see cref="ListAsync"/> whose names come after <paramref name="after"/>: for whoever goes on with a listing.</summary>
    async IAsyncEnumerable<ObjectInfo> ListAfterAsync(
        ObjectPrefix prefix, ObjectName after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var info in ListAsync(prefix, cancellationToken))
        {
            if (info.Name > after) yield return info;
        }
    }

    /// <summary>Deletes an object; deleting what is absent succeeds.</summary>
    ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken);

    /// <summary>
    /// Every version of every object under <paramref name="prefix"/>, in any order. A medium that keeps no former ones has one of each.
    /// </summary>
    async IAsyncEnumerable<ObjectVersion> VersionsAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var info in ListAsync(prefix, cancellationToken))
            yield return new ObjectVersion(info.Name, "", info.SizeBytes, default) { IsCurrent = true };
    }

    /// <summary>
    /// What a listing of versions that broke off behind <paramref name="after"/> would have gone on with. Some that it has
    /// handed out may come again.
    /// </summary>
    IAsyncEnumerable<ObjectVersion> VersionsAfterAsync(
        ObjectPrefix prefix, ObjectVersion after, CancellationToken cancellationToken) => VersionsAsync(prefix, cancellationToken);

    /// <summary>Reads a version as <see cref="ReadAsync"/> reads what is current.</summary>
    ValueTask<IMemoryOwner<byte>> ReadVersionAsync(
        ObjectVersion version, ByteRange range, CancellationToken cancellationToken) =>
        ReadAsync(version.Name, range, cancellationToken);

    /// <summary>
    /// Keeps a version from being removed by anybody for as long as the location says, from now on; never shortens that. Media
    /// that protect nothing do nothing.
    /// </summary>
    ValueTask ProtectAsync(ObjectVersion version, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Removes a deletion, so that what it covers is seen again. Removing what is absent succeeds.</summary>
    ValueTask UncoverAsync(ObjectVersion deletion, CancellationToken cancellationToken) =>
        throw new Errors.InvariantException($"{Capabilities.Kind} keeps no versions");
}

/// <summary>What happens when the name exists.</summary>
public enum PutMode
{
    /// <summary>Fails with <see cref="StoreFault.AlreadyExists"/>, whatever the bytes are: the caller decides who won.</summary>
    CreateNew,

    /// <summary>Succeeds without writing when the existing object has the same size: the name is the hash of the bytes.</summary>
    ContentNamed,

    /// <summary>
    /// Replaces the bytes atomically. Only for healing a content-named object that was found damaged, and for the few
    /// objects that the format calls replaceable (the kit).
    /// </summary>
    Replace,
}

/// <summary>What a medium can do.</summary>
/// <param name="Kind">local, memory, s3.</param>
/// <param name="Location">where it is, as the user writes it, without secrets.</param>
public sealed record StoreCapabilities(string Kind, string Location)
{
    /// <summary>Whether <see cref="PutMode.CreateNew"/> is atomic among all clients.</summary>
    public bool AtomicCreate { get; init; } = true;

    /// <summary>Whether former versions of objects may be there.</summary>
    public bool KeepsVersions { get; init; }

    /// <summary>Whether what is written is kept from being removed for a time, and what is used again must be protected anew.</summary>
    public bool Protects { get; init; }

    /// <summary>The machine's device number of a local folder, or null: to say that a repository lies on the source's disk.</summary>
    public long? Device { get; init; }
}

/// <summary>Limits that every store keeps.</summary>
public static class StoreLimits
{
    /// <summary>The largest object: 16 MiB packs and their padding fit with room to spare.</summary>
    public const int MaxObjectBytes = 20 * 1024 * 1024;
}
