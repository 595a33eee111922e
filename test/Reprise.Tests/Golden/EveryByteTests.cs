using System.Collections.Concurrent;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Golden;

/// <summary>
/// Whatever happens to an object of a golden repository: verify names it, and each content comes back as it was or ends
/// with exit 5. What holds nothing, and may be deleted by a prune or a writer at any time, may be absent unnamed.
/// </summary>
public class EveryByteTests
{
    [Theory]
    [InlineData("rotated", 1)]
    [InlineData("plain", 128)]
    public async Task Every_flipped_byte_is_named(string name, int stride)
    {
        var golden = await OpenedAsync(name);
        var flips = golden.Objects.SelectMany(o => Enumerable.Range(0, o.Value.Length)
            .Where(at => at % (o.Key.StartsWith("packs/", StringComparison.Ordinal) ? stride : Math.Min(stride, 8)) == 0)
            .Select(at => (o.Key, at)));
        await AllAsync(flips, async flip =>
        {
            var altered = golden.Objects[flip.Key].ToArray();
            altered[flip.at] ^= 0x10;
            var store = await GoldenFolder.StoreOf(golden.Objects);
            await store.PutAsync(new ObjectName(flip.Key), altered, PutMode.Replace, default);
            return await FaultAsync(golden, store, [flip.Key], mayBeUnnamed: false) is { } fault ? $"{flip.Key} at {flip.at}: {fault}" : null;
        });
    }

    [Theory]
    [InlineData("rotated")]
    [InlineData("plain")]
    public async Task Every_deleted_object_is_named(string name)
    {
        var golden = await OpenedAsync(name);
        await AllAsync(golden.Objects.Keys, async gone =>
        {
            var store = await GoldenFolder.StoreOf(golden.Objects);
            await store.DeleteAsync(new ObjectName(gone), default);
            return await FaultAsync(golden, store, [gone], MayVanish(golden, gone)) is { } fault ? $"{gone}: {fault}" : null;
        });
    }

    [Theory]
    [InlineData("rotated")]
    [InlineData("plain")]
    public async Task Every_swapped_pair_is_named(string name)
    {
        var golden = await OpenedAsync(name);
        var names = golden.Objects.Keys.ToList();
        var pairs = names.SelectMany((one, i) => names.Skip(i + 1).Select((other, j) => (One: one, Other: other, IsNext: j == 0)))
            .Where(p => p.IsNext || p.One.Split('/')[0] == p.Other.Split('/')[0]);
        await AllAsync(pairs, async pair =>
        {
            var store = await GoldenFolder.StoreOf(golden.Objects);
            await store.PutAsync(new ObjectName(pair.One), golden.Objects[pair.Other], PutMode.Replace, default);
            await store.PutAsync(new ObjectName(pair.Other), golden.Objects[pair.One], PutMode.Replace, default);
            return await FaultAsync(golden, store, [pair.One, pair.Other], mayBeUnnamed: false) is { } fault
                ? $"{pair.One} and {pair.Other}: {fault}"
                : null;
        });
    }

    private sealed record Opened(
        SortedDictionary<string, byte[]> Objects, KeyFile Key, PointReference Newest, IReadOnlyDictionary<string, string?> Contents);

    // No point, no copy elsewhere, and nothing that names it: a writer ends its session, and a prune its lists, by deleting.
    private static bool MayVanish(Opened golden, string name) =>
        name.Split('/')[0] is "sessions" or "condemned" or "kit" or "dropped"
        || (name.StartsWith("points/", StringComparison.Ordinal) && golden.Objects[name][5] == 5)
        || (name.StartsWith("packs/", StringComparison.Ordinal) && golden.Objects.Keys.Any(k => k.StartsWith("condemned/", StringComparison.Ordinal)));

    private static async Task<Opened> OpenedAsync(string name)
    {
        var objects = await GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of(name), "repository"));
        Assert.NotEmpty(objects);
        var key = KeyFile.Parse(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of(name), "file.key")), "file.key");
        var newest = objects.Keys.Last(k => k.StartsWith("points/", StringComparison.Ordinal) && objects[k][5] == 3);
        Assert.True(PointId.TryParse(newest["points/".Length..], out var id));
        var remembered = new PointReference(id, new Sha256Digest(System.Security.Cryptography.SHA256.HashData(objects[newest])));
        var good = await GoldenReading.OfAsync(await GoldenFolder.StoreOf(objects), key, remembered);
        Assert.Null(good.Refused);
        Assert.Empty(good.Problems);
        Assert.DoesNotContain(null, good.Contents.Values);
        return new Opened(objects, key, remembered, good.Contents);
    }

    // Null: it is as it must be.
    private static async Task<string?> FaultAsync(Opened golden, IStore store, string[] names, bool mayBeUnnamed)
    {
        var reading = await GoldenReading.OfAsync(store, golden.Key, golden.Newest);
        if (reading.Refused is { } refused)
            return refused.Code.Exit is ExitCodes.Damaged or ExitCodes.Unavailable ? null : $"refused with {refused.Code}";
        foreach (var (path, hash) in reading.Contents)
        {
            // A table has a number for a name when the table of contents is damaged.
            var good = golden.Contents.TryGetValue(path, out var there) ? there == hash : golden.Contents.Values.Contains(hash);
            if (hash is not null && !good) return $"{path} came back with other bytes";
        }

        var unnamed = names.Where(n => !reading.Problems.Any(p => Names(p, n))).ToList();
        if (unnamed.Count > 0 && !mayBeUnnamed) return $"{string.Join(" and ", unnamed)} not named; {reading.Problems.Count} problems";
        var lost = golden.Contents.Count - reading.Contents.Count(c => c.Value is not null);
        return lost > 0 && reading.Problems.All(p => p.Severity != Severity.Error) ? $"{lost} contents are gone, and that is no error" : null;
    }

    private static bool Names(Problem problem, string name) =>
        problem.Where == name
        || problem.Message.Contains(name, StringComparison.Ordinal)
        || (problem.Where == "index" && name.StartsWith("index/", StringComparison.Ordinal));

    private static async Task AllAsync<T>(IEnumerable<T> cases, Func<T, Task<string?>> fault)
    {
        var faults = new ConcurrentBag<string>();
        var count = 0;
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (one, _) =>
        {
            Interlocked.Increment(ref count);
            if (await fault(one) is { } found) faults.Add(found);
        });
        Assert.True(count > 0);
        Assert.True(faults.IsEmpty, $"{faults.Count} of {count}:\n{string.Join('\n', faults.Order(StringComparer.Ordinal).Take(30))}");
    }
}
