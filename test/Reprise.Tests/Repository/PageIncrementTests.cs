using Reprise.Repository;
using Reprise.Repository.Pages;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Repository;

/// <summary>Trees that are taken one beside the other: what did not change is not stored again, and each is whole by itself.</summary>
public sealed class PageIncrementTests : IDisposable
{
    private const int PageBytes = PageGround.PageBytes;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PageGround ground = new(11);

    public void Dispose() => ground.Dispose();

    [Fact]
    public async Task Nothing_changed_stores_lists_at_most_and_the_second_time_not_even_those()
    {
        ground.Files["a"] = ground.Pages(3000);
        ground.Files["b"] = [.. ground.Pages(100), 1, 2, 3];
        var first = await ground.TakeAsync(null);
        var full = ground.Store.WrittenBytes;
        ground.Store.Reset();
        var second = await ground.TakeAsync(first);
        Assert.Equal((3101, 0), (ground.Carried, ground.Stored));
        Assert.InRange(ground.Store.WrittenBytes, 1, full / 100);
        ground.Store.Reset();
        var third = await ground.TakeAsync(second);
        Assert.InRange(ground.Store.WrittenBytes, 1, 3000);
        foreach (var taken in new[] { first, second, third }) await ground.AssertHoldsAsync(taken);
    }

    [Fact]
    public async Task Pages_that_changed_are_stored_and_no_others()
    {
        ground.Files["a"] = ground.Pages(4000);
        var first = await ground.TakeAsync(null);
        for (var page = 1000; page < 1040; page++) ground.Touch("a", page);
        ground.Store.Reset();
        var second = await ground.TakeAsync(first);
        Assert.Equal((3960, 40), (ground.Carried, ground.Stored));
        Assert.InRange(ground.Store.WrittenBytes, 40 * PageBytes / 2, (40 * PageBytes / 2) + 120_000);
        await ground.AssertHoldsAsync(second);
    }

    [Fact]
    public async Task Files_come_go_shrink_grow_and_move_and_each_point_holds_what_there_was()
    {
        for (var seed = 1; seed <= 3; seed++)
        {
            using var own = new PageGround(seed);
            var random = new Random(seed);
            var history = new List<(Taken Point, SortedDictionary<string, byte[]> Files)>();
            for (var step = 0; step < 14; step++)
            {
                Change(own, random);
                var taken = await own.TakeAsync(history is [.., var last] ? last.Point : null);
                await own.AssertHoldsAsync(taken);
                history.Add((taken, new SortedDictionary<string, byte[]>(own.Files.ToDictionary(f => f.Key, f => f.Value.ToArray()), StringComparer.Ordinal)));
            }

            foreach (var (point, files) in history)
            {
                own.Files.Clear();
                foreach (var (path, bytes) in files) own.Files[path] = bytes;
                await own.AssertHoldsAsync(point);
            }
        }
    }

    [Fact]
    public async Task After_thirty_increments_a_restore_reads_little_more_than_after_a_full_one()
    {
        const int pages = 6000;
        ground.Files["a"] = ground.Pages(pages / 2);
        ground.Files["b"] = ground.Pages(pages / 2);
        var random = new Random(5);
        var taken = await ground.TakeAsync(null);
        for (var increment = 0; increment < 30; increment++)
        {
            // Half of what changes is where it always changes, half anywhere.
            for (var i = 0; i < pages / 100; i++)
            {
                ground.Touch("a", random.Next(200));
                ground.Touch("b", random.Next(pages / 2));
            }

            taken = await ground.TakeAsync(taken);
            Assert.InRange(taken.Contents.Sources.Count, 1, 8);
        }

        ground.Store.Reset();
        await ground.AssertHoldsAsync(taken);
        var (bytes, requests) = (ground.Store.ReadBytes, ground.Store.Reads);

        using var fresh = new PageGround(1);
        foreach (var (path, content) in ground.Files) fresh.Files[path] = content;
        var full = await fresh.TakeAsync(null);
        fresh.Store.Reset();
        await fresh.AssertHoldsAsync(full);
        Assert.InRange(bytes, 1, fresh.Store.ReadBytes * 1.3);

        // A stream begins with a pack of its own, however short: its head, and what is read before the pack is worth reading whole.
        Assert.InRange(requests, 1, (fresh.Store.Reads * 1.3) + (2 * taken.Contents.Sources.Count));
    }

    [Fact]
    public async Task Nothing_is_carried_over_from_a_pack_that_is_gone_or_condemned()
    {
        ground.Files["a"] = ground.Pages(6000);
        var first = await ground.TakeAsync(null);
        var packs = await PacksAsync(first);
        Assert.True(packs.Count > 2);
        await (await ground.RepositoryAsync()).CondemnDamagedAsync([packs[0]], None);
        await ground.Store.DeleteAsync(new ObjectName("packs/" + packs[1]), None);
        await Assert.ThrowsAnyAsync<RepriseException>(() => ground.ReadAsync(first));
        var second = await ground.TakeAsync(first);
        Assert.InRange(ground.Stored, 1000, 5000);
        Assert.DoesNotContain(packs[0], await PacksAsync(second));
        Assert.DoesNotContain(packs[1], await PacksAsync(second));
        await ground.AssertHoldsAsync(second);
    }

    [Fact]
    public async Task Prune_keeps_what_a_kept_point_carried_over_from_a_dropped_one_and_frees_the_rest()
    {
        ground.Files["a"] = ground.Pages(6000);
        var first = await ground.TakeAsync(null);
        for (var page = 0; page < 2600; page++) ground.Touch("a", page);
        var second = await ground.TakeAsync(first);
        var third = await ground.TakeAsync(second);
        var repository = await ground.RepositoryAsync();
        for (var i = 0; i < 3; i++)
            await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id != third.Id)], SigningKeys.None, None);
        await ground.AssertHoldsAsync(third);
        var report = await repository.CheckAsync([await ground.EntryAsync(third)], Reprise.Repository.Checking.ReadDepth.All, _ => { }, None);
        Assert.Empty(report.Damage);
        Assert.True(ground.Store.Names().Count(n => n.Value.StartsWith("packs/", StringComparison.Ordinal)) == report.Objects);
    }

    [Fact]
    public async Task A_writer_that_is_killed_at_any_write_leaves_the_last_point_and_the_next_backup_whole()
    {
        ground.Files["a"] = ground.Pages(2500);
        var last = await ground.TakeAsync(null);
        for (var write = 0; ; write++)
        {
            Assert.True(write < 40, "an increment has few writes");
            ground.Touch("a", 30 * write);
            ground.Store.DiesAfter = write;
            try
            {
                last = await ground.TakeAsync(last);
                ground.Store.DiesAfter = null;
                break;
            }
            catch (StoreException)
            {
                ground.Store.DiesAfter = null;
            }

            if (write % 3 == 0) await (await ground.RepositoryAsync()).PruneAsync(_ => [], SigningKeys.None, None);
        }

        await ground.AssertHoldsAsync(last);
        last = await ground.TakeAsync(last);
        Assert.Equal(0, ground.Stored);
        await ground.AssertHoldsAsync(last);
    }

    [Fact]
    public async Task A_prune_that_drops_the_last_point_at_any_step_of_a_capture_takes_nothing_from_it()
    {
        var committed = 0;
        for (var at = 0; ; at++)
        {
            Assert.True(at < 120, "a capture of so little has few steps");
            using var own = new PageGround(3);
            own.Files["a"] = own.Pages(200);
            var first = await own.TakeAsync(null);
            own.Touch("a", 7);
            var second = await own.TakeAsync(first);
            own.Touch("a", 100);
            var repository = await own.RepositoryAsync();
            var (step, happened) = (0, false);
            own.Store.Before = async () =>
            {
                if (Interlocked.Increment(ref step) != at + 1) return;
                happened = true;
                own.Store.Before = null;
                for (var i = 0; i < 2; i++)
                    await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == second.Id || p.Id == first.Id)], SigningKeys.None, None);
            };
            try
            {
                // Two prunes take a writer for dead, which is no loss: it says so.
                var third = await own.TakeAsync(second);
                own.Store.Before = null;
                await own.AssertHoldsAsync(third);
                var report = await repository.CheckAsync([await own.EntryAsync(third)], Reprise.Repository.Checking.ReadDepth.All, _ => { }, None);
                Assert.Empty(report.Damage);
                committed++;
            }
            catch (RepriseException e)
            {
                Assert.True(happened, e.Message);
            }

            if (!happened) break;
        }

        Assert.True(committed > 2, $"{committed} captures ended");
    }

    [Fact]
    public async Task Marks_that_cannot_be_read_carry_nothing_over_and_are_told()
    {
        ground.Files["a"] = ground.Pages(6000);
        var first = await ground.TakeAsync(null);
        using (var reader = (await ground.RepositoryAsync()).OpenPoint(await ground.EntryAsync(first)))
        {
            var name = new ObjectName("packs/" + reader.PacksNamedDirectly(first.Contents.Marks).Single());
            var bytes = await ground.Store.BytesAsync(name);
            for (var at = 200; at < bytes.Length - 200; at += 100) bytes[at] ^= 1;
            await ground.Store.PutAsync(name, bytes, PutMode.Replace, None);
        }

        // The map lies in the same pack: an asset then stores everything.
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ground.TakeAsync(first));
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
    }

    [Fact]
    public async Task A_tree_without_digests_or_with_pages_of_another_size_is_no_base()
    {
        ground.Files["a"] = ground.Pages(100);
        var first = await ground.TakeAsync(null);
        var repository = await ground.RepositoryAsync();
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        using var point = repository.OpenPoint(await ground.EntryAsync(first));
        Assert.Null(await KnownTree.OpenAsync(writer, point, first.Contents with { Digests = [] }, PageBytes, None));
        Assert.Null(await KnownTree.OpenAsync(writer, point, first.Contents, 4096, None));
    }

    [Fact]
    public async Task Digests_that_are_not_those_of_the_stream_are_refused()
    {
        ground.Files["a"] = ground.Pages(100);
        ground.Files["b"] = ground.Pages(100);
        var first = await ground.TakeAsync(null);
        ground.Files["a"] = ground.Pages(100);
        var second = await ground.TakeAsync(null);
        var repository = await ground.RepositoryAsync();
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        using var point = repository.OpenPoint(await ground.EntryAsync(second));
        var mixed = second.Contents with { Digests = [second.Contents.Marks] };
        await using var known = await KnownTree.OpenAsync(writer, point, mixed, PageBytes, None);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => PagesWriter.BesideAsync(writer, known!, None)); // There are digests, if wrong ones.
        Assert.Equal(RepositoryErrors.Malformed, error.Code);
    }

    private async Task<IReadOnlyList<string>> PacksAsync(Taken taken)
    {
        using var reader = (await ground.RepositoryAsync()).OpenPoint(await ground.EntryAsync(taken));
        var packs = new List<string>();
        foreach (var source in taken.Contents.Sources) packs.AddRange(await reader.PacksOfAsync(source, None));
        return [.. packs.Distinct()];
    }

    private static void Change(PageGround ground, Random random)
    {
        for (var changes = 1 + random.Next(6); changes > 0; changes--)
        {
            var name = $"f{random.Next(12):00}";
            var there = ground.Files.GetValueOrDefault(name);
            switch (random.Next(6))
            {
                case 0 when there is not null: ground.Files.Remove(name); break;
                case 1 when there is not null: ground.Files[name] = there[..random.Next(there.Length + 1)]; break;
                case 2 when there is not null: ground.Files[name] = [.. there, .. ground.Pages(random.Next(40)), .. new byte[random.Next(3) * PageBytes], 7]; break;
                case 3 when there is { Length: > PageBytes }: ground.Touch(name, random.Next(there.Length / PageBytes)); break;
                case 4 when there is not null: ground.Files[$"f{random.Next(12):00}"] = [.. there]; break;
                default: ground.Files[name] = [.. ground.Pages(random.Next(200)), .. new byte[random.Next(PageBytes)]]; break;
            }
        }
    }
}
