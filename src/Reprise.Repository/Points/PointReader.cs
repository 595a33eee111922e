using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Points;

/// <summary>Reads one committed point; needs nothing but the point and its packs. One enumeration at a time.</summary>
public sealed class PointReader : IDisposable
{
    private const long MostExpectedBytes = 64 * 1024 * 1024;

    private readonly RepositoryHost host;
    private readonly Sealer sealer;
    private readonly Zstd zstd;
    private readonly PackTable table;
    private readonly PackCache cache;
    private readonly bool ownsCache;

    internal PointReader(RepositoryHost host, Sealer sealer, Zstd zstd, PointManifest manifest, PackTable table)
        : this(host, sealer, zstd, manifest, table, new PackCache(host.Store, sealer)) => ownsCache = true;

    private PointReader(
        RepositoryHost host, Sealer sealer, Zstd zstd, PointManifest manifest, PackTable table, PackCache cache)
    {
        this.host = host;
        this.sealer = sealer;
        this.zstd = zstd;
        this.table = table;
        Manifest = manifest;
        this.cache = cache;
    }

    /// <summary>A reader of the same point for an enumeration beside this one; it is disposed of by itself.</summary>
    public PointReader Another() => new(host, sealer, zstd, Manifest, table);

    /// <summary>The same for contents that lie near to what this one reads: the packs of both are kept once. Ends before this one.</summary>
    public PointReader Beside() => new(host, sealer, zstd, Manifest, table, cache);

    /// <summary>What the point says of itself.</summary>
    public PointManifest Manifest { get; }

    internal IReadOnlyList<PackFacts> Packs => table.Packs;

    /// <summary>
    /// The bytes of <paramref name="content"/> in order, in blocks of at most 2 MiB that are valid until the next one
    /// is asked for. Length and SHA-256 are compared at the end: damage is an exception (exit 5), so nothing read may
    /// be published before the enumeration has ended.
    /// </summary>
    public async IAsyncEnumerable<ContentBlock> ReadAsync(
        Content content, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var zeros = new byte[64 * 1024];
        var offset = 0L;
        var opened = OpenAsync(
            PartsOfAsync(content, cancellationToken), PackEntry.DataType, content.IsHashedByPart, cancellationToken);
        await foreach (var (part, bytes, sha256) in opened)
        {
            if (offset + part.PlainBytes > content.LengthBytes) throw Wrong("it is longer than its point says");
            if (part.IsHole)
            {
                if (content.IsHashedByPart) throw Wrong("it has a hole and is hashed by part");
                for (var left = part.PlainBytes; left > 0; left -= Math.Min(left, zeros.Length))
                    hash.AppendData(zeros.AsSpan(0, Math.Min(left, zeros.Length)));
                yield return new ContentBlock(offset, default, part.PlainBytes);
            }
            else
            {
                hash.AppendData(sha256 is { } digest ? digest.Bytes : bytes.AsSpan(0, part.PlainBytes));
                yield return new ContentBlock(offset, bytes.AsMemory(0, part.PlainBytes), 0);
                BlockBuffers.Program.Return(bytes);
            }

            offset += part.PlainBytes;
        }

        if (offset != content.LengthBytes) throw Wrong($"it has {offset} bytes instead of {content.LengthBytes}");
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(content.Sha256.Bytes)) throw Wrong("its SHA-256 is another one");
    }

    /// <summary>
    /// Reads short contents whose parts they name themselves: their packs are fetched, then <paramref name="take"/> gets
    /// the number and the bytes of each, proven, in order and in one piece of work on the machine's cores. Another call
    /// may begin before this one has ended, but from the same caller.
    /// </summary>
    /// <param name="contents">which; none is longer than the room.</param>
    /// <param name="room">holds one of them after the other, from its start; this call's alone until it has ended.</param>
    /// <param name="take">gets them.</param>
    /// <param name="cancellationToken">gives up.</param>
    public Task ReadEachAsync(
        IReadOnlyList<Content> contents, Memory<byte> room, TakeContent take, CancellationToken cancellationToken)
    {
        var packs = new Dictionary<int, LoadedPack>();
        foreach (var parts in contents.SelectMany(content => content.Parts).Where(part => !part.IsHole).GroupBy(part => part.Pack))
        {
            var mayLoad = packs.Values.Count(pack => pack.IsWhole) < Limits.PacksCached;
            packs[parts.Key] = cache.Acquire(PackOf(parts.First()), [.. parts], mayLoad, cancellationToken);
        }

        return OpenEachAsync(contents, packs, room, take, cancellationToken);
    }

    /// <summary>Lets the store begin to fetch what <paramref name="contents"/> name themselves, up to 64 MiB of it. Never fails.</summary>
    public void Expect(IEnumerable<Content> contents)
    {
        var left = MostExpectedBytes;
        var parts = contents.SelectMany(content => content.Parts).Where(part => !part.IsHole)
            .TakeWhile(part => (left -= part.StoredBytes) > 0 && part.Pack < table.Packs.Count);
        foreach (var pack in parts.GroupBy(part => part.Pack)) cache.Expect(table.Packs[pack.Key], [.. pack]);
    }

    /// <summary>The names of the packs that <paramref name="content"/> needs, its lists of parts included.</summary>
    public async Task<IReadOnlySet<string>> PacksOfAsync(Content content, CancellationToken cancellationToken)
    {
        var names = PacksNamedDirectly(content);
        if (content.Depth == 0) return names;
        await foreach (var part in PartsOfAsync(content, cancellationToken))
        {
            if (!part.IsHole) names.Add(PackOf(part).Id.ToString());
        }

        return names;
    }

    /// <summary>The names of the packs that <paramref name="content"/> names itself, without reading anything.</summary>
    public HashSet<string> PacksNamedDirectly(Content content) =>
        content.Parts.Where(p => !p.IsHole).Select(p => PackOf(p).Id.ToString()).ToHashSet(StringComparer.Ordinal);

    /// <inheritdoc />
    public void Dispose()
    {
        if (ownsCache) cache.Dispose();
    }

    private async Task OpenEachAsync(
        IReadOnlyList<Content> contents,
        Dictionary<int, LoadedPack> packs,
        Memory<byte> room,
        TakeContent take,
        CancellationToken cancellationToken)
    {
        try
        {
            var open = new Dictionary<int, OpenPack>();
            foreach (var (number, pack) in packs) open[number] = await pack.PackAsync();
            await host.Cpu.RunAsync(() => TakeEach(contents, open, room.Span, take, cancellationToken), cancellationToken);
        }
        finally
        {
            foreach (var pack in packs.Values) pack.Release();
        }
    }

    private void TakeEach(
        IReadOnlyList<Content> contents,
        Dictionary<int, OpenPack> packs,
        Span<byte> room,
        TakeContent take,
        CancellationToken cancellationToken)
    {
        for (var number = 0; number < contents.Count; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var content = contents[number];
            var plain = room[..(int)content.LengthBytes];
            Fill(content, packs, plain);
            if (new Sha256Digest(SHA256.HashData(plain)) != content.Sha256) throw Wrong("its SHA-256 is another one");
            take(number, plain);
        }
    }

    private void Fill(Content content, Dictionary<int, OpenPack> packs, Span<byte> plain)
    {
        Invariant.Check(content is { Depth: 0, IsHashedByPart: false }, "only short contents are read together");
        foreach (var part in content.Parts)
        {
            if (part.PlainBytes > plain.Length) throw Wrong("it is longer than its point says");
            if (part.IsHole)
            {
                plain[..part.PlainBytes].Clear();
            }
            else
            {
                try
                {
                    packs[part.Pack].Entry(part, PackEntry.DataType, zstd, plain[..part.PlainBytes]);
                }
                catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
                {
                    throw PackCache.Damaged(PackOf(part).Id, e.Message, e);
                }
            }

            plain = plain[part.PlainBytes..];
        }

        if (!plain.IsEmpty) throw Wrong($"it is {plain.Length} bytes shorter than its point says");
    }

    private static RepriseException Wrong(string why) => new(
        RepositoryErrors.ContentDamaged,
        $"content cannot be given back: {why}",
        "run 'reprise verify' to see what is affected, and restore another point");

    /// <summary>How large the pack is that a part lies in.</summary>
    internal int PackBytes(Part part) => PackOf(part).SizeBytes;

    /// <summary>The pack that a part lies in.</summary>
    internal PackFacts PackOf(Part part) => part.Pack < table.Packs.Count
        ? table.Packs[part.Pack]
        : throw ByteReader.Broken($"a part names pack {part.Pack} of {table.Packs.Count}");

    /// <summary>The parts of <paramref name="content"/>, whatever its depth, as this point numbers its packs.</summary>
    internal async IAsyncEnumerable<Part> PartsOfAsync(
        Content content, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Parts of depth n are the bytes of a list, whose own parts are of depth n - 1.
        IAsyncEnumerable<Part> parts = Inline(content.Parts);
        for (var depth = content.Depth; depth > 0; depth--) parts = DecodeAsync(parts, cancellationToken);
        await foreach (var part in parts.WithCancellation(cancellationToken)) yield return part;
    }

    private static async IAsyncEnumerable<Part> Inline(IReadOnlyList<Part> parts)
    {
        foreach (var part in parts) yield return part;
        await ValueTask.CompletedTask;
    }

    private async IAsyncEnumerable<Part> DecodeAsync(
        IAsyncEnumerable<Part> lists, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The longest encoded part; fewer bytes than this may end in the middle of one.
        const int longest = 32;
        byte[] rest = [];
        await foreach (var (list, bytes, _) in OpenAsync(lists, PackEntry.PartsType, false, cancellationToken))
        {
            if (list.IsHole) throw ByteReader.Broken("a list of parts has a hole");
            rest = [.. rest, .. bytes.AsSpan(0, list.PlainBytes)];
            BlockBuffers.Program.Return(bytes);
            var (parts, used) = Decode(rest, rest.Length - longest);
            rest = rest[used..];
            foreach (var part in parts) yield return part;
        }

        foreach (var part in Decode(rest, rest.Length).Parts) yield return part;
    }

    private static (List<Part> Parts, int Used) Decode(ReadOnlySpan<byte> bytes, int until)
    {
        var parts = new List<Part>();
        var reader = new ByteReader(bytes);
        while (bytes.Length - reader.Remaining < until) parts.Add(ContentCodec.ReadPart(ref reader));
        return (parts, bytes.Length - reader.Remaining);
    }

    // Opens parts ahead of the reader on the machine's cores, and hands them out in order, in rented buffers that the
    // receiver gives back.
    private async IAsyncEnumerable<(Part Part, byte[] Bytes, Sha256Digest? Sha256)> OpenAsync(
        IAsyncEnumerable<Part> parts, byte type, bool hashes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var ahead = new Queue<(Part Part, Task<OpenedPart> Opening)>();
        try
        {
            await foreach (var part in parts.WithCancellation(cancellationToken))
            {
                ahead.Enqueue((part, part.IsHole
                    ? Task.FromResult(new OpenedPart([], null))
                    : OpenAsync(part, type, hashes, cancellationToken)));
                if (ahead.Count < Limits.ChunksInFlight) continue;
                var next = await ahead.Peek().Opening;
                yield return (ahead.Peek().Part, next.Bytes, next.Sha256);
                ahead.Dequeue();
            }

            while (ahead.Count > 0)
            {
                var next = await ahead.Peek().Opening;
                yield return (ahead.Peek().Part, next.Bytes, next.Sha256);
                ahead.Dequeue();
            }
        }
        finally
        {
            // Whoever stops reading early must not leave work behind that still holds packs.
            foreach (var (_, opening) in ahead)
            {
                await Task.WhenAny(opening);
                _ = opening.Exception;
            }
        }
    }

    private async Task<OpenedPart> OpenAsync(Part part, byte type, bool hashes, CancellationToken cancellationToken)
    {
        var loaded = cache.Acquire(PackOf(part), [part], mayLoad: true, cancellationToken);
        try
        {
            var pack = await loaded.PackAsync();
            return await host.Cpu.RunAsync(
                () =>
                {
                    var bytes = pack.Entry(part, type, zstd);
                    return new OpenedPart(
                        bytes, hashes ? new Sha256Digest(SHA256.HashData(bytes.AsSpan(0, part.PlainBytes))) : null);
                },
                cancellationToken);
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            throw PackCache.Damaged(loaded.Facts.Id, e.Message, e);
        }
        finally
        {
            loaded.Release();
        }
    }

    private sealed record OpenedPart(byte[] Bytes, Sha256Digest? Sha256);
}

/// <summary>Takes one of several contents.</summary>
/// <param name="number">which, from 0.</param>
/// <param name="bytes">all of it, until the call returns.</param>
public delegate void TakeContent(int number, ReadOnlySpan<byte> bytes);

/// <summary>A run of bytes of some content.</summary>
/// <param name="OffsetBytes">where it stands in the content.</param>
/// <param name="Bytes">the bytes; empty for a hole.</param>
/// <param name="HoleBytes">how many zeros it stands for, when <paramref name="Bytes"/> is empty.</param>
public readonly record struct ContentBlock(long OffsetBytes, ReadOnlyMemory<byte> Bytes, long HoleBytes);
