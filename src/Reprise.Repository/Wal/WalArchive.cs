using System.Buffers;
using System.Globalization;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Wal;

/// <summary>Whether something was stored now.</summary>
public enum WalStored
{
    /// <summary>It is new, and durable.</summary>
    New,

    /// <summary>The same bytes were there already.</summary>
    Same,

    /// <summary>What was there was damaged, and was replaced by the same range.</summary>
    Again,
}

/// <summary>
/// The log of changes of PostgreSQL clusters: <c>wal/LINEAGE/TIMELINE/START-END</c>, immutable sealed ranges. Everything
/// is created conditionally, so that of two archivers one wins and the other is told; nothing here asks a clock or a lock.
/// What a method stored is durable when it returns.
/// </summary>
public sealed class WalArchive
{
    private readonly RepositoryHost host;
    private readonly Func<Sealer> sealer;
    private readonly Zstd zstd;

    internal WalArchive(RepositoryHost host, Func<Sealer> sealer, Zstd zstd) =>
        (this.host, this.sealer, this.zstd) = (host, sealer, zstd);

    /// <summary>
    /// The name of a lineage of a cluster: keyed, so that whoever only sees names cannot tell which cluster it is, and the
    /// same for everybody with the keys, so that two archivers meet.
    /// </summary>
    public string NameOf(ulong identifier, int number) => Convert.ToHexStringLower(sealer().Keys.Fingerprint(
        "wal lineage"u8,
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{identifier}/{number}"))))[..WalLineage.IdLength];

    /// <summary>Every lineage of a cluster, the first one first.</summary>
    public async Task<IReadOnlyList<WalLineage>> LineagesAsync(ulong identifier, CancellationToken cancellationToken)
    {
        var found = new List<WalLineage>();
        while (found.Count <= WalLineage.MaxNumber
            && await FindAsync(NameOf(identifier, found.Count), cancellationToken) is { } lineage) found.Add(lineage);
        return found;
    }

    /// <summary>A lineage, or null when there is none of this name.</summary>
    public async Task<WalLineage?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var name = new WalName.OfLineage(id);
        return await ReadAsync(name, cancellationToken) is { } plain
            ? Named(name, () => WalLineage.Decode(id, plain))
            : null;
    }

    /// <summary>Creates a lineage; false when its name is taken.</summary>
    public Task<bool> CreateAsync(WalLineage lineage, CancellationToken cancellationToken) =>
        CreateAsync(new WalName.OfLineage(lineage.Id), lineage.Encode(), cancellationToken);

    /// <summary>Who archives a timeline, or null: nobody has claimed it.</summary>
    public async Task<WalOwner?> ClaimantAsync(string lineage, uint timeline, CancellationToken cancellationToken)
    {
        var name = new WalName.OfClaim(lineage, timeline);
        return await ReadAsync(name, cancellationToken) is { } plain
            ? Named(name, () => DecodeClaim(plain))
            : null;
    }

    /// <summary>Claims a timeline; false when somebody has claimed it already.</summary>
    public Task<bool> ClaimAsync(string lineage, uint timeline, WalOwner owner, CancellationToken cancellationToken)
    {
        var writer = new ArrayBufferWriter<byte>();
        owner.Encode(writer);
        return CreateAsync(new WalName.OfClaim(lineage, timeline), writer.WrittenMemory, cancellationToken);
    }

    /// <summary>
    /// Stores a range of at most <see cref="Limits.MaxWalRangeBytes"/>. <c>wal-conflict</c> when the repository holds other
    /// bytes for it.
    /// </summary>
    /// <param name="lineage">whose.</param>
    /// <param name="timeline">of which timeline.</param>
    /// <param name="start">where it begins.</param>
    /// <param name="bytes">as they are in the segment.</param>
    /// <param name="isPartial">of a segment that PostgreSQL left unfinished when it changed the timeline: kept for people.</param>
    /// <param name="cancellationToken">stops before the object is written.</param>
    public Task<WalStored> StoreAsync(
        string lineage, uint timeline, Lsn start, ReadOnlyMemory<byte> bytes, bool isPartial, CancellationToken cancellationToken)
    {
        Invariant.Check(bytes.Length is > 0 and <= Limits.MaxWalRangeBytes, $"a range of WAL of {bytes.Length} bytes");
        var range = new WalRange(start, start.Plus(bytes.Length));
        return StoreAsync(new WalName.OfRange(lineage, timeline, range, isPartial), bytes, cancellationToken);
    }

    /// <summary>The bytes of a range of a listing.</summary>
    /// <exception cref="RepriseException"><c>object-damaged</c>, and <c>object-missing</c>.</exception>
    public async Task<byte[]> ReadAsync(string lineage, uint timeline, WalRange range, CancellationToken cancellationToken)
    {
        var name = new WalName.OfRange(lineage, timeline, range, IsPartial: false);
        var bytes = await ReadAsync(name, cancellationToken) ?? throw new RepriseException(
            new Problem(StorageErrors.ObjectMissing, Severity.Error, $"{name.Object} was listed and is gone", "find out who deletes in the repository")
            {
                Where = name.Object.Value,
            });
        return Named(name, () => bytes.Length == range.LengthBytes
            ? bytes
            : throw ByteReader.Broken($"it has {bytes.Length} bytes instead of {range.LengthBytes}"));
    }

    /// <summary>Stores a file that PostgreSQL archives beside the segments. <c>wal-conflict</c> as for ranges.</summary>
    public Task<WalStored> StoreFileAsync(
        string lineage, uint timeline, WalFileName file, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Invariant.Check(bytes.Length <= Limits.MaxWalFileBytes, $"a file of {bytes.Length} bytes beside the WAL");
        return StoreAsync(new WalName.OfFile(lineage, timeline, file), bytes, cancellationToken);
    }

    /// <summary>Such a file, or null: a successful look found none.</summary>
    public Task<byte[]?> ReadFileAsync(string lineage, uint timeline, WalFileName file, CancellationToken cancellationToken) =>
        ReadAsync(new WalName.OfFile(lineage, timeline, file), cancellationToken);

    /// <summary>What there is of a timeline. Names that are none of ours are left out; a check names them.</summary>
    public async Task<WalListing> ListAsync(string lineage, uint timeline, CancellationToken cancellationToken)
    {
        var objects = new List<ObjectInfo>();
        await foreach (var info in host.Store.ListAsync(WalName.Of(lineage, timeline), cancellationToken)) objects.Add(info);
        return Listed(lineage, timeline, objects);
    }

    /// <summary>Every timeline that there is, by lineage.</summary>
    public async Task<IReadOnlyList<WalListing>> ListAllAsync(CancellationToken cancellationToken)
    {
        var objects = new List<(string Lineage, uint Timeline, ObjectInfo Info)>();
        await foreach (var info in host.Store.ListAsync(new ObjectPrefix(WalName.Folder), cancellationToken))
        {
            var timeline = WalName.Parse(info.Name) switch
            {
                WalName.OfRange range => range.Timeline,
                WalName.OfFile file => file.Timeline,
                WalName.OfClaim claim => claim.Timeline,
                _ => 0u,
            };
            if (timeline > 0) objects.Add((info.Name.Value.Split('/')[1], timeline, info));
        }

        return [.. objects.GroupBy(o => (o.Lineage, o.Timeline)).Select(g => Listed(g.Key.Lineage, g.Key.Timeline, [.. g.Select(o => o.Info)]))];
    }

    /// <summary>
    /// Deletes a range that others cover together: the one deletion of WAL that there is. The caller has seen that they are
    /// durable.
    /// </summary>
    public async Task ReplacedAsync(string lineage, uint timeline, WalRange range, WalRange by, CancellationToken cancellationToken)
    {
        Invariant.Check(by != range && by.Start <= range.Start && by.End >= range.End, $"{by} does not cover {range}");
        var covering = new WalName.OfRange(lineage, timeline, by, IsPartial: false).Object;
        Invariant.Check(await host.Store.StatAsync(covering, cancellationToken) is not null, $"{covering} is not there");
        await host.Store.DeleteAsync(new WalName.OfRange(lineage, timeline, range, IsPartial: false).Object, cancellationToken);
    }

    internal static WalOwner DecodeClaim(ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        var owner = WalOwner.Decode(ref reader);
        reader.End();
        return owner;
    }

    private static WalListing Listed(string lineage, uint timeline, IReadOnlyList<ObjectInfo> objects)
    {
        var names = objects.Select(o => WalName.Parse(o.Name)).ToList();
        return new WalListing
        {
            Lineage = lineage,
            Timeline = timeline,
            Ranges = [.. names.OfType<WalName.OfRange>().Where(r => !r.IsPartial).Select(r => r.Range).OrderBy(r => r.Start).ThenByDescending(r => r.End)],
            HasHistory = names.Any(n => n is WalName.OfFile { File: WalFileName.History }),
            StoredBytes = objects.Sum(o => o.SizeBytes),
        };
    }

    private async Task<WalStored> StoreAsync(
        WalName name, ReadOnlyMemory<byte> plain, CancellationToken cancellationToken)
    {
        if (await CreateAsync(name, plain, cancellationToken)) return WalStored.New;
        byte[]? there;
        try
        {
            there = await ReadTwiceAsync(name, cancellationToken);
        }
        catch (RepriseException e) when (IsDamage(e))
        {
            // Nobody can read what is there, and the source still has it: this is the moment to have it whole again.
            await host.Store.PutAsync(name.Object, await SealAsync(name, plain, cancellationToken), PutMode.Replace, cancellationToken);
            return WalStored.Again;
        }

        if (there is not null && plain.Span.SequenceEqual(there))
        {
            await ConfirmAsync(name, cancellationToken);
            return WalStored.Same;
        }

        throw new RepriseException(
            new Problem(
                RepositoryErrors.WalConflict,
                Severity.Error,
                $"{name.Object} {(there is null ? "was there and is gone" : "holds other bytes")}; nothing was overwritten",
                "two servers write under one identity, or one was restored and went on: find out which is the real one, and run 'reprise wal adopt' there")
            {
                Where = name.Object.Value,
            });
    }

    private static bool IsDamage(RepriseException e) => e.Code == RepositoryErrors.ObjectDamaged || e.Code == StorageErrors.ObjectTruncated;

    // A read that went wrong once must not make good bytes give way to other ones.
    private async Task<byte[]?> ReadTwiceAsync(WalName name, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(name, cancellationToken);
        }
        catch (RepriseException e) when (IsDamage(e))
        {
            return await ReadAsync(name, cancellationToken);
        }
    }

    // Whoever wrote it may have been killed before its name was durable, and PostgreSQL removes the segment when we say so.
    private async Task ConfirmAsync(WalName name, CancellationToken cancellationToken)
    {
        if (await host.Store.StatAsync(name.Object, cancellationToken) is not { } info) return;
        using var bytes = await host.Store.ReadAsync(name.Object, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
        await host.Store.PutAsync(name.Object, bytes.Memory, PutMode.ContentNamed, cancellationToken);
    }

    private async Task<bool> CreateAsync(WalName name, ReadOnlyMemory<byte> plain, CancellationToken cancellationToken)
    {
        try
        {
            // A look first spares the work of sealing where the same is pushed again.
            if (await host.Store.StatAsync(name.Object, cancellationToken) is not null) return false;
            await host.Store.PutAsync(name.Object, await SealAsync(name, plain, cancellationToken), PutMode.CreateNew, cancellationToken);
            return true;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            return false;
        }
    }

    // What was sealed is opened once again: a bit that flipped in memory would be authenticated for ever.
    private Task<byte[]> SealAsync(WalName name, ReadOnlyMemory<byte> plain, CancellationToken cancellationToken) => host.Cpu.RunAsync(
        () =>
        {
            var current = sealer();
            var bytes = current.SealObject(name.Kind, name.Object.Value, plain.Span, zstd);
            if (current.OpenObject(name.Kind, name.Object.Value, bytes, zstd).AsSpan().SequenceEqual(plain.Span)) return bytes;
            throw new RepriseException(
                RepositoryErrors.MemoryUnsound, $"{name.Object} did not come back as it was sealed", "test the memory of this machine; nothing was stored");
        },
        cancellationToken);

    private Task<byte[]?> ReadAsync(WalName name, CancellationToken cancellationToken) =>
        SealedObjects.ReadAsync(host.Store, sealer(), zstd, name.Kind, name.Object, name.MaxBytes, cancellationToken);

    private static T Named<T>(WalName name, Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            throw new RepriseException(
                e.Problem with { Code = RepositoryErrors.ObjectDamaged, Message = $"{name.Object} cannot be used: {e.Message}", Where = name.Object.Value }, e);
        }
    }
}
