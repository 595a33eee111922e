using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;
using static Reprise.Tests.Sqlite.SqliteBench;

namespace Reprise.Tests.Sqlite;

/// <summary>Measures memory of the whole process, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(SqliteMemoryTests), DisableParallelization = true)]
[Collection(nameof(SqliteMemoryTests))]
public class SqliteMemoryTests(ITestOutputHelper output)
{
    private const long Megabyte = 1024 * 1024;

    [Fact]
    public async Task A_hundred_megabytes_pass_through_bounded_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's");
        await using var bench = new SqliteBench();
        bench.Create("wal", rows: 500_000).Dispose();
        var size = new FileInfo(bench.Database).Length;
        Assert.True(size > 100 * Megabyte, $"{size} bytes");

        // The private copy and the questions to it: this room alone.
        var alone = await PeakAsync(async () =>
        {
            var copy = bench.Disk.CreateNew(new DiskPath(bench.ScratchText + "/alone"));
            copy.Dispose();
            var facts = await new SqliteSnapshot(
                new DiskPath(bench.Database),
                new DiskPath(bench.ScratchText + "/alone"),
                TimeSpan.FromSeconds(30),
                TimeProvider.System,
                Cpu.OfThisMachine(),
                bench).TakeAsync(None);
            using var session = SqliteSession.OpenReadOnly(new DiskPath(bench.ScratchText + "/alone"), None);
            var findings = SqliteExamination.Examine(session, TimeProvider.System);
            Assert.Equal(500_000, findings.Rows["orders"]);
            Assert.Equal(Integrity.Ok, findings.Integrity);
            Assert.Equal(TimeSpan.Zero, facts.LongestHold);
            output.WriteLine($"counting rows {findings.RowsElapsed.TotalSeconds:0.000} s");
        });

        Captured? captured = null;
        var whole = await PeakAsync(async () => captured = await bench.CaptureAsync());
        var staged = await PeakAsync(async () =>
        {
            var item = new RestoreItem(PointId.At(DateTimeOffset.UnixEpoch), captured!.Record);
            await bench.Asset.StageAsync(item, captured.Reader, bench, None);
            var checks = await bench.Asset.VerifyStagedAsync(item, bench, None);
            Assert.All(checks, c => Assert.Equal(Outcome.Pass, c.Outcome));
        });
        output.WriteLine(
            $"{size / Megabyte} MiB; peak above the start: copy and checks {alone / Megabyte} MiB, capture "
            + $"{whole / Megabyte} MiB, staging {staged / Megabyte} MiB; "
            + $"copy {captured!.Fact(SqliteFacts.CopySeconds)} s");
        Assert.InRange(alone, 0, 24 * Megabyte);
        Assert.InRange(whole, 0, 160 * Megabyte);
        Assert.InRange(staged, 0, 96 * Megabyte);
    }

    /// <summary>By how much the memory of the process rose at most while <paramref name="work"/> ran.</summary>
    private static async Task<long> PeakAsync(Func<Task> work)
    {
        // Aggressive gives free memory back to the system, so that what is needed again is seen again.
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var start = Resident();
        var peak = start;
        using var stop = new CancellationTokenSource();
        var watch = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                peak = Math.Max(peak, Resident());
                Thread.Sleep(5);
            }
        });
        watch.Start();
        try
        {
            await work();
        }
        finally
        {
            await stop.CancelAsync();
            watch.Join();
        }

        return peak - start;
    }

    private static long Resident() => File.ReadLines("/proc/self/status")
        .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words[0] is "RssAnon:" or "RssShmem:")
        .Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture) * 1024);
}
