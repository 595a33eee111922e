using Reprise.Recovery.Wal;
using Reprise.Recovery.Windows;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>What of the WAL goes, what stays, and why.</summary>
public sealed class WalPruneTests : IAsyncLifetime
{
    private const int Segment = 1024 * 1024;
    private const ulong Identifier = 77;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly WalOwner Owner = new("m", "device 1, inode 2");
    private readonly ArrivingStore store = new();
    private readonly Dictionary<PointId, WalNeed> needs = [];
    private PointRepository repository = null!; // InitializeAsync sets it before any test.
    private WalArchive archive = null!; // And this.
    private string lineage = "";

    // While others write, windows grow.
    private bool isCrowded;

    public async ValueTask InitializeAsync()
    {
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        repository = (await PointRepository.CreateAsync(host, None)).Repository;
        archive = await repository.WriteWalAsync(None);
        lineage = (await WalLineages.ClaimAsync(archive, new WalExpectation(Segment, Identifier, 17, 1), Owner, None)).Id;
    }

    public ValueTask DisposeAsync()
    {
        repository.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_lies_before_the_oldest_point_goes_and_all_else_stays()
    {
        for (var segment = 1; segment <= 8; segment++) await PushAsync(1, segment);
        var point = await PointAsync(1, (4 * Segment) + 5000);
        var plan = await PlanAsync();
        Assert.Equal(
            [(new WalRange(At(1), At(4)), false, 3), (new WalRange(At(4), At(9)), true, 5)],
            plan.Stretches.Select(s => (s.Range, s.Stays, s.Objects)));
        Assert.Contains(point.Value, plan.Stretches[0].Why, StringComparison.Ordinal);
        Assert.Contains($"needs timeline 1 from {At(4)} on", plan.Stretches[1].Why, StringComparison.Ordinal);
        Assert.Equal((0, 8), (plan.Deleted, (await RangesAsync(1)).Count));
        var report = await PruneAsync();
        Assert.Equal((3, false), (report.Deleted, report.Waits));
        Assert.Equal(plan.Stretches[0].StoredBytes, report.FreedBytes);
        Assert.Equal(new WalRange(At(4), At(9)), Assert.Single((await archive.ListAsync(lineage, 1, None)).Stretches));
        Assert.Equal(0, (await PruneAsync()).Deleted);
    }

    [Fact]
    public async Task What_only_a_dropped_point_needed_goes_one_prune_later()
    {
        for (var segment = 1; segment <= 8; segment++) await PushAsync(1, segment);
        var first = await PointAsync(1, 2 * Segment);
        await PointAsync(1, 6 * Segment);
        var before = await repository.ListPointsAsync(SigningKeys.None, None);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first)], SigningKeys.None, None);
        Assert.Equal(1, (await PruneAsync(before)).Deleted);
        Assert.Equal(4, (await PruneAsync()).Deleted);
        Assert.Equal(new WalRange(At(6), At(9)), Assert.Single((await archive.ListAsync(lineage, 1, None)).Stretches));
    }

    [Fact]
    public async Task The_plan_says_of_a_point_that_goes_when_its_wal_goes()
    {
        for (var segment = 1; segment <= 4; segment++) await PushAsync(1, segment);
        var first = await PointAsync(1, 1 * Segment);
        await PointAsync(1, 3 * Segment);
        needs[first] = needs[first] with { Goes = true };
        var plan = await PlanAsync();
        Assert.All(plan.Stretches, s => Assert.True(s.Stays));
        Assert.Contains($"point {first} needs it", plan.Stretches[0].Why, StringComparison.Ordinal);
        Assert.Contains("the prune after that one deletes it", plan.Stretches[0].Why, StringComparison.Ordinal);
        Assert.Equal(new WalRange(At(1), At(3)), plan.Stretches[0].Range);
    }

    [Fact]
    public async Task Earlier_timelines_go_with_their_last_point_and_their_newest_segment_and_history_stay()
    {
        for (var segment = 1; segment <= 4; segment++) await PushAsync(1, segment);
        for (var segment = 4; segment <= 6; segment++) await PushAsync(2, segment);
        await archive.StoreFileAsync(lineage, 2, new WalFileName.History(), "1\t0/400100\tx\n"u8.ToArray(), None);
        var old = await PointAsync(1, 2 * Segment);
        await PointAsync(2, 5 * Segment);
        Assert.Equal(1, (await PruneAsync()).Deleted);

        // Whoever follows the older point needs the later timeline too.
        Assert.Equal(6, (await RangesAsync(1)).Count + (await RangesAsync(2)).Count);
        await DropAsync(old);
        Assert.Equal(3, (await PruneAsync()).Deleted);
        Assert.Equal([new WalRange(At(4), At(5))], await RangesAsync(1));
        Assert.Equal([new WalRange(At(5), At(6)), new WalRange(At(6), At(7))], await RangesAsync(2));
        Assert.True((await archive.ListAsync(lineage, 2, None)).HasHistory);
        Assert.Equal(Owner, await archive.ClaimantAsync(lineage, 1, None));
    }

    [Fact]
    public async Task The_past_of_a_lineage_that_was_adopted_stays_for_the_points_that_lead_there()
    {
        for (var segment = 1; segment <= 5; segment++) await PushAsync(1, segment);
        var child = archive.NameOf(Identifier, 1);
        await archive.CreateAsync(
            new WalLineage
            {
                Id = child, Number = 1, Identifier = Identifier, SegmentBytes = Segment, Major = 17, Parent = new WalFork(lineage, 1, At(4)), Owner = Owner,
            },
            None);
        await archive.StoreAsync(child, 2, At(4), new byte[Segment], isPartial: false, None);
        await PointAsync(1, 3 * Segment);
        Assert.Equal(2, (await PruneAsync()).Deleted);
        Assert.Single((await archive.ListAsync(child, 2, None)).Ranges);
        Assert.Equal(3, (await RangesAsync(1)).Count);
    }

    [Fact]
    public async Task Without_a_point_of_the_server_and_without_a_lineage_nothing_goes()
    {
        for (var segment = 1; segment <= 3; segment++) await PushAsync(1, segment);
        Assert.Contains("no point holds the files of this server", Assert.Single((await PruneAsync()).Stretches).Why, StringComparison.Ordinal);
        await PointAsync(1, 3 * Segment, identifier: 5);
        Assert.Equal(0, (await PruneAsync()).Deleted);
        await PointAsync(1, 3 * Segment);
        await store.DeleteAsync(new ObjectName($"wal/{lineage}/lineage"), None);
        var report = await PruneAsync();
        Assert.Equal((0, 3), (report.Deleted, (await RangesAsync(1)).Count));
        Assert.Contains("the object of its lineage is gone", Assert.Single(report.Stretches).Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_point_that_does_not_say_what_it_needs_keeps_everything()
    {
        for (var segment = 1; segment <= 3; segment++) await PushAsync(1, segment);
        await PointAsync(1, 3 * Segment);
        var before = await repository.ListPointsAsync(SigningKeys.None, None);
        var report = await repository.PruneWalAsync(
            _ => throw new RepriseException(RepositoryErrors.Malformed, "the record of orders has no fact cluster", ""), before, SigningKeys.None, None);
        Assert.Equal(0, report.Deleted);
        Assert.Contains("no WAL is deleted", Assert.Single(report.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_a_backup_is_at_work_nothing_goes_and_a_damaged_point_holds_it()
    {
        for (var segment = 1; segment <= 4; segment++) await PushAsync(1, segment);
        await PointAsync(1, 3 * Segment);
        await using (await repository.BeginPointAsync(SigningKeys.None, None))
        {
            var report = await PruneAsync();
            Assert.Equal((0, true), (report.Deleted, report.Waits));
        }

        var other = await PointAsync(1, 4 * Segment);
        await store.PutAsync(new ObjectName($"points/{other}"), new byte[300], PutMode.Replace, None);
        var held = await Assert.ThrowsAsync<RepriseException>(() => PruneAsync());
        Assert.Equal(RepositoryErrors.PruneHeld, held.Code);
        Assert.Equal(4, (await RangesAsync(1)).Count);
    }

    [Fact]
    public async Task An_archiver_that_pushes_and_a_backup_that_begins_at_any_step_of_a_prune_lose_nothing()
    {
        for (var at = 0; ; at++)
        {
            Assert.True(at < 60, "a prune of WAL has few steps");
            await using var world = new World();
            await world.BeginAsync();
            var step = 0;
            var happened = false;
            world.Store.Before = async () =>
            {
                if (step++ != at) return;
                happened = true;
                world.Store.Before = null;
                await world.PushAsync(9);
                world.Late = await world.PointAsync(9 * Segment);
                await world.PushAsync(10);
            };
            await world.PruneAsync();
            world.Store.Before = null;

            // The window of each point: from its segment on to the end, without a gap.
            var stretch = Assert.Single(await world.StretchesAsync());
            Assert.Equal(happened ? At(11) : At(9), stretch.End);
            Assert.True(stretch.Start <= At(5));
            if (!happened) return;
        }
    }

    [Fact]
    public async Task A_prune_that_is_killed_at_any_deletion_leaves_no_gap()
    {
        for (var deletions = 0; deletions < 5; deletions++)
        {
            await using var world = new World();
            await world.BeginAsync();
            world.Store.DeletionsUntilDeath = deletions;
            try
            {
                await world.PruneAsync();
            }
            catch (StoreException)
            {
                Assert.True(deletions < 4);
            }

            world.Store.DeletionsUntilDeath = null;
            var stretch = Assert.Single(await world.StretchesAsync());
            Assert.Equal((At(1 + deletions), At(9)), (stretch.Start, stretch.End));
            await world.PruneAsync();
            Assert.Equal(At(5), Assert.Single(await world.StretchesAsync()).Start);
        }
    }

    private static Lsn At(int segment) => new((ulong)segment * Segment);

    private Task PushAsync(uint timeline, int segment) =>
        archive.StoreAsync(lineage, timeline, At(segment), new byte[Segment], isPartial: false, None);

    private async Task<IReadOnlyList<WalRange>> RangesAsync(uint timeline) => (await archive.ListAsync(lineage, timeline, None)).Ranges;

    private async Task<PointId> PointAsync(uint timeline, int start, ulong identifier = Identifier)
    {
        var id = await World.CommitAsync(repository);
        needs[id] = new WalNeed(id, identifier, timeline, new Lsn((ulong)start), Goes: false);
        return id;
    }

    private async Task DropAsync(PointId id) => await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == id)], SigningKeys.None, None);

    private async Task<WalPruneReport> PlanAsync() => await repository.PlanWalAsync(
        NeedsOf, await repository.ListPointsAsync(SigningKeys.None, None), SigningKeys.None, None);

    // Whatever goes: of every point that is there, the window stays what it was.
    private async Task<WalPruneReport> PruneAsync(PointCatalog? before = null)
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        var promised = await WindowsAsync(catalog);
        var report = await repository.PruneWalAsync(NeedsOf, before ?? catalog, SigningKeys.None, None);
        if (!isCrowded) Assert.Equal(promised, await WindowsAsync(catalog));
        return report;
    }

    private async Task<IReadOnlyList<WalWindow>> WindowsAsync(PointCatalog catalog)
    {
        var bases = NeedsOf(catalog).Select(n => new WalBase(
            n.Point, "orders", n.Point.Time, n.Identifier, n.Timeline, n.Start.Plus(1000), Owner, "/data"));
        var windows = new List<WalWindow>();

        // Each by itself: joined, a shorter one would hide behind a longer.
        foreach (var one in bases) windows.AddRange(await new WalWindows(archive).ReadAsync([one], None));
        return windows;
    }

    private IReadOnlyList<WalNeed> NeedsOf(PointCatalog catalog) => [.. catalog.Points.Select(p => needs[p.Id])];

    /// <summary>Eight segments, and a point that begins in the fifth.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly WalPruneTests tests = new();

        public ArrivingStore Store => tests.store;

        public PointId Late { get; set; }

        public async Task BeginAsync()
        {
            tests.isCrowded = true;
            await tests.InitializeAsync();
            for (var segment = 1; segment <= 8; segment++) await PushAsync(segment);
            await PointAsync((5 * Segment) + 77);
        }

        public Task PushAsync(int segment) => tests.PushAsync(1, segment);

        public Task<PointId> PointAsync(int start) => tests.PointAsync(1, start);

        public Task PruneAsync() => tests.PruneAsync();

        public async Task<IReadOnlyList<WalRange>> StretchesAsync() => (await tests.archive.ListAsync(tests.lineage, 1, None)).Stretches;

        public ValueTask DisposeAsync() => tests.DisposeAsync();

        public static async Task<PointId> CommitAsync(PointRepository repository)
        {
            await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
            var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
            return (await writer.CommitAsync(Manifests.After(catalog, writer.Id, null), None)).Manifest.Id;
        }
    }
}
