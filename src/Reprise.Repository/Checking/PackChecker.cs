using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Checking;

/// <summary>How much of a point is read to prove it.</summary>
public enum ReadDepth
{
    /// <summary>That every pack exists with its size; proves nothing about its bytes.</summary>
    None,

    /// <summary>One part of the packs wholly, see <see cref="SamplePart"/>.</summary>
    Sample,

    /// <summary>Every byte.</summary>
    All,
}

/// <summary>What a check found.</summary>
public sealed record CheckReport
{
    /// <summary>Packs that were looked at.</summary>
    public required int Objects { get; init; }

    /// <summary>Packs that were read whole.</summary>
    public required int ObjectsRead { get; init; }

    /// <summary>Bytes that were read.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Bad packs by name (64 hexadecimal digits), with what is wrong.</summary>
    public required IReadOnlyDictionary<string, Problem> Damage { get; init; }
}

/// <summary>Reads packs and proves name, directory and every entry. One bad pack stops nothing.</summary>
internal sealed class PackChecker(RepositoryHost host, Sealer sealer, Zstd zstd)
{
    /// <summary>So many packs before its turn, one is asked for.</summary>
    private const int ReadAhead = Limits.PacksChecked + 2;

    public async Task<CheckReport> CheckAsync(
        IReadOnlyList<PointEntry> points, Func<string, bool> reads, Action<long> progress, CancellationToken cancellationToken)
    {
        var wanted = new SortedDictionary<string, PackFacts>(StringComparer.Ordinal);
        foreach (var pack in points.SelectMany(p => p.Table.Packs)) wanted[pack.Id.ToString()] = pack;
        var present = await PackListing.ReadAsync(host.Store, cancellationToken);
        var damage = new SortedDictionary<string, Problem>(StringComparer.Ordinal);
        var (read, bytes) = (0, 0L);
        var reading = new Queue<(string Name, PackFacts Pack, Task<Problem?> Work)>();
        try
        {
            var names = wanted.Keys.ToList();
            for (var i = 0; i < names.Count; i++)
            {
                var (name, pack) = (names[i], wanted[names[i]]);
                if (i + ReadAhead < names.Count && reads(names[i + ReadAhead])) await ExpectAsync(wanted[names[i + ReadAhead]], cancellationToken);
                if (Absent(pack, present) is { } problem) damage[name] = problem;
                else if (reads(name)) reading.Enqueue((name, pack, ReadAsync(pack, cancellationToken)));
                if (reading.Count >= Limits.PacksChecked) await TakeAsync();
            }

            while (reading.Count > 0) await TakeAsync();
        }
        finally
        {
            // Whoever stops early must not leave work behind that still holds packs.
            await Task.WhenAll(reading.Select(r => Task.WhenAny(r.Work)));
        }

        async Task TakeAsync()
        {
            var (name, pack, work) = reading.Peek();
            if (await work is { } bad) damage[name] = bad;
            reading.Dequeue();
            read++;
            bytes += pack.SizeBytes;
            progress(pack.SizeBytes);
        }

        return new CheckReport { Objects = wanted.Count, ObjectsRead = read, BytesRead = bytes, Damage = damage };
    }

    // A medium that is told early is not waited for.
    private Task ExpectAsync(PackFacts pack, CancellationToken cancellationToken) => host.Cpu.RunAsync(
        () => host.Store.Expect(pack.Id.Name, [new ByteRange(0, pack.SizeBytes)]), cancellationToken);

    private static Problem? Absent(PackFacts pack, IReadOnlyDictionary<PackId, long> present)
    {
        if (!present.TryGetValue(pack.Id, out var size)) return Bad(StorageErrors.ObjectMissing, pack, $"pack {pack.Id} is missing");
        return size == pack.SizeBytes
            ? null
            : Bad(StorageErrors.ObjectTruncated, pack, $"pack {pack.Id} has {size} bytes instead of {pack.SizeBytes}");
    }

    /// <summary>Reads one pack whole; null when it is as it was written.</summary>
    public async Task<Problem?> ReadAsync(PackFacts pack, CancellationToken cancellationToken)
    {
        try
        {
            using var owner = await host.Store.ReadAsync(pack.Id.Name, new ByteRange(0, pack.SizeBytes), cancellationToken);
            var memory = owner.Memory;
            await host.Cpu.RunAsync(() => Prove(pack, memory), cancellationToken);
            return null;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged || e.Code == RepositoryErrors.FormatNewer)
        {
            return Bad(e.Code == RepositoryErrors.Malformed ? RepositoryErrors.ObjectDamaged : e.Code, pack, $"pack {pack.Id} is damaged: {e.Message}");
        }
        catch (StoreException e) when (e.Fault is StoreFault.Failed or StoreFault.Denied)
        {
            return Bad(RepositoryErrors.ObjectDamaged, pack, $"pack {pack.Id} cannot be read: {e.Message}");
        }
    }

    private void Prove(PackFacts pack, ReadOnlyMemory<byte> bytes)
    {
        if (PackId.Of(bytes.Span) != pack.Id) throw ByteReader.Broken("its bytes do not have the hash that is its name");
        using var open = new OpenPack(sealer, bytes);
        var offset = 0;
        var entries = open.Directory();
        for (var number = 0; number < entries.Length; number++)
        {
            var entry = entries[number];
            var part = new Part(0, number, offset, entry.StoredBytes, entry.PlainBytes);
            BlockBuffers.Program.Return(open.Entry(part, entry.Type, zstd));
            offset += entry.StoredBytes;
        }
    }

    private static Problem Bad(ErrorCode code, PackFacts pack, string message) => new(
        code, Severity.Error, message, "the next 'reprise backup' stores again what the source still has; restore another point until then")
    {
        Where = pack.Id.Name.Value,
    };
}
