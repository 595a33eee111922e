using System.Collections.Concurrent;
using System.Globalization;
using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;
using Reprise.Storage.Runtime;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Repository;

/// <summary>
/// Two writers and a prune on one folder of a real disk, really at once, with clocks that are a year apart. For 30 s, or for
/// <c>REPRISE_CLOCKS_SECONDS</c>; the simulator does the same with seeds and faults.
/// </summary>
public sealed class ParallelClocksTests(ITestOutputHelper output) : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly RetentionRules Rules = new(3, 2, 2, TimeSpan.FromDays(1));
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(int.Parse(
        Environment.GetEnvironmentVariable("REPRISE_CLOCKS_SECONDS") ?? "30", CultureInfo.InvariantCulture));

    private readonly ScratchFolder scratch = new();
    private readonly ConcurrentDictionary<PointId, (Content Content, byte[] Data)> committed = new();
    private readonly ConcurrentDictionary<PointId, bool> chosen = new();
    private int expelled, pruned, deleted;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Nothing_that_is_reachable_is_lost_and_no_clock_makes_a_prune_delete_more()
    {
        var made = await PointRepository.CreateAsync(Host("store", 0, create: true), None);
        made.Repository.Dispose();
        var key = made.File;
        using var ending = new CancellationTokenSource(Within);
        await Task.WhenAll(
            Task.Run(() => WriteAsync(key, 365, 1, ending.Token)),
            Task.Run(() => WriteAsync(key, -365, 2, ending.Token)),
            Task.Run(() => PruneAsync(key, ending.Token)));
        output.WriteLine($"{committed.Count} points, {expelled} writers expelled, {pruned} prunes, {deleted} packs deleted, {chosen.Count} points dropped");
        Assert.True(pruned >= 3 && deleted > 0 && committed.Count >= 10);

        await AssertEverythingIsThereAsync("store", key);
        var kept = new List<string>();
        foreach (var days in new[] { 0, 365, -365 })
        {
            var copy = "copy" + days.ToString(CultureInfo.InvariantCulture);
            Copy((scratch / "store").ToString(), (scratch / copy).ToString());
            using var repository = await PointRepository.OpenAsync(Host(copy, days), key, None);
            for (var i = 0; i < 2; i++) await repository.PruneAsync(Choose, SigningKeys.None, None);
            await AssertEverythingIsThereAsync(copy, key);
            kept.Add(string.Join('\n', Directory.GetFiles((scratch / copy).ToString() + "/packs", "*", SearchOption.AllDirectories)
                .Concat(Directory.GetFiles((scratch / copy).ToString() + "/points")).Select(Path.GetFileName).Order(StringComparer.Ordinal)));
        }

        Assert.NotEmpty(kept[0]);
        Assert.Equal(kept[0], kept[1]);
        Assert.Equal(kept[0], kept[2]);
    }

    private RepositoryHost Host(string name, int daysOff, bool create = false)
    {
        var (disk, cpu) = (Disks.OfThisMachine(), Cpu.OfThisMachine());
        var store = create
            ? LocalStore.Create(disk, scratch / name, cpu, Entropy.System)
            : LocalStore.Open(disk, scratch / name, cpu, Entropy.System);
        return new RepositoryHost(store, new WrongClock(TimeProvider.System, TimeSpan.FromDays(daysOff)), Entropy.System, cpu);
    }

    // Each point takes a few of the same contents again, so that packs are shared between writers and over time.
    private async Task WriteAsync(KeyFile key, int daysOff, int seed, CancellationToken ending)
    {
        var random = new Random(seed);
        while (!ending.IsCancellationRequested)
        {
            using var repository = await PointRepository.OpenAsync(Host("store", daysOff), key, None);
            var data = new byte[4 * 70_000];
            for (var part = 0; part < 4; part++)
                new Random(random.Next(12)).NextBytes(data.AsSpan(part * 70_000, 70_000));
            try
            {
                await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
                var content = writer.Begin(new Cutting(65_536));
                await content.WriteAsync(data, None);
                var complete = await content.CompleteAsync(None);
                if (random.Next(3) == 0) await Task.Delay(random.Next(200), None);
                var earlier = await repository.ListPointsAsync(SigningKeys.None, None);
                Assert.DoesNotContain(earlier.Problems, p => p.Severity == Severity.Error);
                var point = await writer.CommitAsync(Manifests.After(earlier, writer.Id, complete) with { Dropped = earlier.Dropped }, None);
                committed[point.Manifest.Id] = (complete, data);
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.SessionExpelled)
            {
                Interlocked.Increment(ref expelled);
            }
        }
    }

    private async Task PruneAsync(KeyFile key, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            using var repository = await PointRepository.OpenAsync(Host("store", pruned % 2 == 0 ? 365 : 0), key, None);
            var report = await repository.PruneAsync(Choose, SigningKeys.None, None);
            pruned++;
            deleted += report.DeletedPacks;
            await Task.Delay(150, None);
        }
    }

    private List<PointEntry> Choose(PointCatalog catalog)
    {
        var goes = Retention.Judge(catalog.Points, Rules, new HashSet<PointId>(), new Dictionary<PointId, string>())
            .Where(v => !v.Stays).Select(v => v.Point).ToList();
        foreach (var point in goes) chosen[point.Id] = true;
        return goes;
    }

    private async Task AssertEverythingIsThereAsync(string name, KeyFile key)
    {
        using var repository = await PointRepository.OpenAsync(Host(name, 0), key, None);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        Assert.Empty(catalog.Problems);
        var there = catalog.Points.ToDictionary(p => p.Id);
        Assert.All(committed.Keys.Where(id => !chosen.ContainsKey(id)), id => Assert.True(there.ContainsKey(id), $"{id} is gone"));
        Assert.NotEmpty(there);
        foreach (var (id, point) in there)
        {
            using var reader = repository.OpenPoint(point);
            var bytes = new MemoryStream();
            await foreach (var block in reader.ReadAsync(committed[id].Content, None)) bytes.Write(block.Bytes.Span);
            Assert.True(committed[id].Data.AsSpan().SequenceEqual(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)), $"{id} comes back as something else");
        }

        var report = await repository.CheckAsync(catalog.Points, ReadDepth.All, _ => { }, None);
        Assert.Empty(report.Damage);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from)) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
