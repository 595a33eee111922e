using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>Prune deletes what no point needs, and nothing else, whoever is at work, was killed or tampered.</summary>
public sealed class PruneTests : IAsyncLifetime, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();
    private PointRepository repository = null!; // InitializeAsync sets it before any test.

    public async ValueTask InitializeAsync()
    {
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        repository = (await PointRepository.CreateAsync(host, None)).Repository;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task A_dropped_point_is_explained_and_its_packs_go_one_prune_later()
    {
        var first = await CommitAsync(1);
        var second = await CommitAsync(2);
        var dropped = await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first.Id)], SigningKeys.None, None);
        Assert.Equal([first.Id], dropped.Dropped);
        Assert.Equal(0, dropped.DeletedPacks);
        Assert.True(dropped.FreedNextBytes > 100_000, $"{dropped.FreedNextBytes} bytes");

        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        Assert.Empty(catalog.Problems);
        Assert.Equal([second.Id], catalog.Points.Select(p => p.Id));
        Assert.Equal([first.Id], catalog.Dropped.Select(d => d.Id));

        var next = await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal((1, dropped.FreedNextBytes), (next.DeletedPacks, next.FreedBytes));
        await AssertWholeAsync(second);
        Assert.Equal(0, await repository.WouldFreeAsync(catalog, [], None));
        Assert.Empty(await NamesAsync("condemned"));
        Assert.Single(await NamesAsync("index"));
    }

    [Fact]
    public async Task What_a_dropped_point_shares_with_another_one_stays()
    {
        var first = await CommitAsync(1);
        var second = await CommitAsync(1);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first.Id)], SigningKeys.None, None);
        var next = await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal(0, next.DeletedPacks);
        await AssertWholeAsync(second);
    }

    [Fact]
    public async Task A_point_that_somebody_deleted_holds_every_prune_until_it_is_given_up()
    {
        var first = await CommitAsync(1);
        var second = await CommitAsync(2);
        var packs = await NamesAsync("packs");
        await store.DeleteAsync(new ObjectName($"points/{first.Id}"), None);
        var held = await Assert.ThrowsAsync<RepriseException>(() => repository.PruneAsync(_ => [], SigningKeys.None, None));
        Assert.Equal((RepositoryErrors.PruneHeld, $"points/{first.Id}"), (held.Code, held.Problem.Where));
        Assert.Equal(packs, await NamesAsync("packs"));

        await repository.GiveUpAsync(first.Id, None);
        Assert.Empty((await repository.ListPointsAsync(SigningKeys.None, None)).Problems);
        Assert.Equal(1, (await repository.PruneAsync(_ => [], SigningKeys.None, None)).DeletedPacks);
        await AssertWholeAsync(second);
    }

    [Fact]
    public async Task A_damaged_point_holds_every_prune_and_a_foreign_object_does_not()
    {
        var first = await CommitAsync(1);
        await CommitAsync(2);
        await store.PutAsync(new ObjectName("points/readme"), "hello"u8.ToArray(), PutMode.CreateNew, None);
        await repository.PruneAsync(_ => [], SigningKeys.None, None);
        await store.PutAsync(new ObjectName($"points/{first.Id}"), new byte[300], PutMode.Replace, None);
        var held = await Assert.ThrowsAsync<RepriseException>(() => repository.PruneAsync(_ => [], SigningKeys.None, None));
        Assert.Equal(RepositoryErrors.PruneHeld, held.Code);
    }

    [Fact]
    public async Task A_drop_record_that_our_keys_did_not_make_explains_nothing()
    {
        var first = await CommitAsync(1);
        await CommitAsync(2);
        await store.DeleteAsync(new ObjectName($"points/{first.Id}"), None);
        await store.PutAsync(new ObjectName($"dropped/{first.Id}"), new byte[200], PutMode.CreateNew, None);
        var problems = (await repository.ListPointsAsync(SigningKeys.None, None)).Problems;
        Assert.Contains(problems, p => p.Code == RepositoryErrors.PointMissing && p.Where == $"points/{first.Id}");
        Assert.Contains(problems, p => p.Code == RepositoryErrors.ObjectDamaged && p.Where == $"dropped/{first.Id}");
    }

    [Fact]
    public async Task A_later_point_vouches_for_a_drop_whose_record_is_gone()
    {
        var first = await CommitAsync(1);
        await CommitAsync(2);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first.Id)], SigningKeys.None, None);
        await CommitAsync(3);
        await store.DeleteAsync(new ObjectName($"dropped/{first.Id}"), None);
        Assert.Empty((await repository.ListPointsAsync(SigningKeys.None, None)).Problems);
    }

    [Fact]
    public async Task What_a_killed_writer_left_is_gone_after_two_prunes()
    {
        var point = await CommitAsync(1);
        var killed = await repository.BeginPointAsync(SigningKeys.None, None);
        await StoreAsync(killed, 2);
        await killed.FlushAsync(None);

        var first = await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal((0, killed.Id), (first.DeletedPacks, first.Waiting.Single()));
        var second = await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal((1, killed.Id), (second.DeletedPacks, second.Expelled.Single()));
        Assert.Empty(await NamesAsync("sessions"));
        await AssertWholeAsync(point);
    }

    [Fact]
    public async Task A_writer_that_two_prunes_overtook_does_not_commit()
    {
        await CommitAsync(1);
        await using var slow = await repository.BeginPointAsync(SigningKeys.None, None);
        var content = await StoreAsync(slow, 2);
        for (var i = 0; i < 2; i++) await repository.PruneAsync(_ => [], SigningKeys.None, None);
        var late = await Assert.ThrowsAsync<RepriseException>(() => slow.CommitAsync(Manifests.Of(slow.Id, content), None));
        Assert.Contains(late.Code, new[] { RepositoryErrors.SessionExpelled, StorageErrors.ObjectMissing });
        Assert.Equal(ExitCodes.Unavailable, RepositoryErrors.SessionExpelled.Exit);
        Assert.Single((await repository.ListPointsAsync(SigningKeys.None, None)).Points);
    }

    [Fact]
    public async Task A_pack_that_vanishes_while_a_point_is_written_ends_the_backup()
    {
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var content = await StoreAsync(writer, 1);
        await writer.FlushAsync(None);
        foreach (var pack in await NamesAsync("packs")) await store.DeleteAsync(new ObjectName(pack), None);
        var refused = await Assert.ThrowsAsync<RepriseException>(() => writer.CommitAsync(Manifests.Of(writer.Id, content), None));
        Assert.Equal(StorageErrors.ObjectMissing, refused.Code);
        Assert.Empty(await NamesAsync("points"));
    }

    [Fact]
    public async Task A_writer_that_one_prune_overtook_commits_what_the_prune_condemned()
    {
        // The writer knows the pack of the first point; the point is dropped, and the pack condemned, before it commits.
        var first = await CommitAsync(1);
        await CommitAsync(2);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first.Id)], SigningKeys.None, None);
        PointId kept;
        await using (var slow = await repository.BeginPointAsync(SigningKeys.None, None))
        {
            var content = await StoreAsync(slow, 1);
            await repository.PruneAsync(_ => [], SigningKeys.None, None);
            await slow.CommitAsync(Manifests.Of(slow.Id, content), None);
            kept = slow.Id;
        }

        for (var i = 0; i < 2; i++) await repository.PruneAsync(_ => [], SigningKeys.None, None);
        await AssertWholeAsync((kept, Data(1)));
        Assert.Empty(await NamesAsync("condemned"));
    }

    [Fact]
    public async Task A_damaged_pack_is_stored_again_and_the_backup_says_so()
    {
        var first = await CommitAsync(1);
        var name = new ObjectName((await NamesAsync("packs")).Single());
        using (var bytes = await store.ReadAsync(name, new ByteRange(0, (int)(await store.StatAsync(name, None))!.Value.SizeBytes), None))
        {
            var flipped = bytes.Memory.ToArray();
            flipped[flipped.Length / 2] ^= 1;
            await store.PutAsync(name, flipped, PutMode.Replace, None);
        }

        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        var report = await repository.CheckAsync(catalog.Points, ReadDepth.All, _ => { }, None);
        var bad = Assert.Single(report.Damage).Key;
        await repository.CondemnDamagedAsync([bad], None);
        await repository.CondemnDamagedAsync([bad], None);
        Assert.Single(await NamesAsync("condemned"));

        await using (var writer = await repository.BeginPointAsync(SigningKeys.None, None))
        {
            var said = Assert.Single(writer.StoresAgain(catalog));
            Assert.Equal((RepositoryErrors.PackStoredAgain, Severity.Warning, name.Value), (said.Code, said.Severity, said.Where));
            Assert.Contains(first.Id.Value, said.Message, StringComparison.Ordinal);
        }

        var second = await CommitAsync(1);
        await AssertWholeAsync(second);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first.Id)], SigningKeys.None, None);
        await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.DoesNotContain(name.Value, await NamesAsync("packs"));
        await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Empty(await NamesAsync("condemned"));
        await AssertWholeAsync(second);
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_stops_neither_backups_nor_prunes()
    {
        var first = await CommitAsync(1);
        await store.PutAsync(new ObjectName($"condemned/{PointId.At(DateTimeOffset.UtcNow)}"), new byte[100], PutMode.CreateNew, None);
        var before = (await NamesAsync("packs")).Count;
        var second = await CommitAsync(1);
        Assert.Equal(before + 1, (await NamesAsync("packs")).Count);
        var report = await repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal(RepositoryErrors.ObjectDamaged, Assert.Single(report.Problems).Code);
        Assert.Empty(await NamesAsync("condemned"));
        await AssertWholeAsync(first);
        await AssertWholeAsync(second);
    }

    private async Task<(PointId Id, byte[] Data)> CommitAsync(int seed)
    {
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var content = await StoreAsync(writer, seed);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        await writer.CommitAsync(
            Manifests.After(catalog, writer.Id, content) with
            {
                Dropped = catalog.Dropped,
            },
            None);
        return (writer.Id, Data(seed));
    }

    private static async Task<Content> StoreAsync(PointWriter writer, int seed)
    {
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(Data(seed), None);
        return await content.CompleteAsync(None);
    }

    private static byte[] Data(int seed)
    {
        var data = new byte[200_000];
        new Random(seed).NextBytes(data);
        return data;
    }

    private async Task AssertWholeAsync((PointId Id, byte[] Data) point)
    {
        var entry = (await repository.ListPointsAsync(SigningKeys.None, None)).Points.Single(p => p.Id == point.Id);
        using var reader = repository.OpenPoint(entry);
        var bytes = new byte[point.Data.Length];
        await foreach (var block in reader.ReadAsync(entry.Manifest.Configuration!, None)) // Every point here has one.
            block.Bytes.Span.CopyTo(bytes.AsSpan((int)block.OffsetBytes));
        Assert.Equal(point.Data, bytes);
    }

    private async Task<List<string>> NamesAsync(string folder)
    {
        var names = new List<string>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(folder), None)) names.Add(info.Name.Value);
        return names;
    }
}
