using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Tests.Hostile;
using Reprise.Tests.Repository;

namespace Reprise.Tests.Wal;

/// <summary>WAL in a repository: nothing is overwritten, gaps and damage are seen, and two archivers are told apart.</summary>
public sealed class WalArchiveTests : WalRepository
{
    private static readonly WalOwner Mine = new("machine", "device 1, inode 2");

    [Fact]
    public async Task The_same_again_is_the_same_and_other_bytes_are_refused()
    {
        var bytes = Bytes(1, 100_000);
        Assert.Equal(WalStored.New, await StoreAsync(0, bytes));
        Assert.Equal(WalStored.Same, await StoreAsync(0, bytes));
        bytes[77]++;
        var refused = await Assert.ThrowsAsync<RepriseException>(() => StoreAsync(0, bytes));
        Assert.Equal((RepositoryErrors.WalConflict, ExitCodes.Refused), (refused.Code, refused.Code.Exit));
        bytes[77]--;
        Assert.Equal(bytes, await Archive.ReadAsync(Lineage, 1, Range(0, 100_000), None));
    }

    [Fact]
    public async Task A_damaged_range_is_named_by_a_check_and_stored_again_by_the_next_push()
    {
        var bytes = Bytes(2, 50_000);
        await StoreAsync(0, bytes);
        await StoreAsync(50_000, bytes);
        var name = Store.Names().First(n => n.Folder == "wal" && n.Value.EndsWith("000000000000c350", StringComparison.Ordinal));
        var altered = await Store.BytesAsync(name);
        altered[500] ^= 1;
        await Store.PutAsync(name, altered, PutMode.Replace, None);

        var report = await Repository.CheckWalAsync(null, _ => { }, None);
        Assert.Contains(report.Problems, p => p.Code == RepositoryErrors.ObjectDamaged && p.Where == name.Value && p.Severity == Severity.Error);
        Assert.Equal(2, report.Objects);
        Assert.Equal(WalStored.Again, await StoreAsync(0, bytes));
        Assert.Equal(bytes, await Archive.ReadAsync(Lineage, 1, Range(0, 50_000), None));
        report = await Repository.CheckWalAsync(null, _ => { }, None);
        Assert.DoesNotContain(report.Problems, p => p.Code == RepositoryErrors.ObjectDamaged);
    }

    [Fact]
    public async Task A_range_moved_to_another_place_does_not_open()
    {
        await StoreAsync(0, Bytes(3, 8192));
        var name = Store.Names().Single(n => n.Folder == "wal");
        var moved = new ObjectName(name.Value.Replace("0000000000000000-0000000000002000", "0000000000002000-0000000000004000", StringComparison.Ordinal));
        await Store.PutAsync(moved, await Store.BytesAsync(name), PutMode.CreateNew, None);
        var damaged = await Assert.ThrowsAsync<RepriseException>(() => Archive.ReadAsync(Lineage, 1, Range(8192, 16_384), None));
        Assert.Equal(RepositoryErrors.ObjectDamaged, damaged.Code);
    }

    [Fact]
    public async Task A_listing_shows_what_is_there_without_a_gap()
    {
        foreach (var (start, length) in ((int, int)[])[(0, 8192), (8192, 100), (8292, 8092), (32_768, 8192), (4096, 8192)])
            await StoreAsync(start, new byte[length]);
        await Archive.StoreAsync(Lineage, 1, new Lsn(90_000), Bytes(4, 10), isPartial: true, None);
        await Archive.StoreFileAsync(Lineage, 2, new WalFileName.History(), Bytes(5, 40), None);
        var listing = await Archive.ListAsync(Lineage, 1, None);
        Assert.Equal([Range(0, 16_384), Range(32_768, 40_960)], listing.Stretches);
        Assert.Equal(5, listing.Ranges.Count);
        Assert.False(listing.HasHistory);
        Assert.True((await Archive.ListAsync(Lineage, 2, None)).HasHistory);
        Assert.Empty((await Archive.ListAsync(Lineage, 3, None)).Ranges);
        Assert.Equal([1u, 2u], (await Archive.ListAllAsync(None)).Select(l => l.Timeline));

        await Archive.StoreAsync(Lineage, 1, new Lsn(0), new byte[16_384], isPartial: false, None);
        await Archive.ReplacedAsync(Lineage, 1, Range(8192, 8292), Range(0, 16_384), None);
        await Assert.ThrowsAsync<InvariantException>(() => Archive.ReplacedAsync(Lineage, 1, Range(32_768, 40_960), Range(0, 16_384), None));
        Assert.Equal([Range(0, 16_384), Range(32_768, 40_960)], (await Archive.ListAsync(Lineage, 1, None)).Stretches);
    }

    [Fact]
    public async Task One_of_two_claims_wins_and_a_lineage_is_found_again()
    {
        Assert.True(await Archive.ClaimAsync(Lineage, 1, Mine, None));
        Assert.False(await Archive.ClaimAsync(Lineage, 1, Mine with { Machine = "other" }, None));
        Assert.Equal(Mine, await Archive.ClaimantAsync(Lineage, 1, None));
        Assert.Null(await Archive.ClaimantAsync(Lineage, 2, None));

        var first = ALineage(0, null);
        Assert.True(await Archive.CreateAsync(first, None));
        Assert.False(await Archive.CreateAsync(first, None));
        var second = ALineage(1, new WalFork(first.Id, 3, new Lsn(0x3000028)));
        await Archive.CreateAsync(second, None);
        Assert.Equal([first, second], await Archive.LineagesAsync(7, None));
        Assert.Empty(await Archive.LineagesAsync(8, None));
        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public async Task Verify_names_foreign_objects_and_a_lineage_that_is_gone_and_prune_leaves_wal_alone()
    {
        await Archive.CreateAsync(ALineage(0, null), None);
        await Archive.ClaimAsync(Archive.NameOf(7, 0), 1, Mine, None);
        await Archive.StoreAsync(Archive.NameOf(7, 0), 1, new Lsn(0), new byte[8192], isPartial: false, None);
        Assert.Empty((await Repository.CheckWalAsync(null, _ => { }, None)).Problems);
        var before = Store.Names().Where(n => n.Folder == "wal").ToList();
        await Repository.PruneAsync(_ => [], SigningKeys.None, None);
        await Repository.PruneAsync(_ => [], SigningKeys.None, None);
        Assert.Equal(before, Store.Names().Where(n => n.Folder == "wal"));
        Assert.Empty((await Repository.CheckRestAsync(await Repository.ListPointsAsync(SigningKeys.None, None), None)).Problems);

        await Store.PutAsync(new ObjectName("wal/letter"), new byte[3], PutMode.CreateNew, None);
        await Store.DeleteAsync(new ObjectName($"wal/{Archive.NameOf(7, 0)}/lineage"), None);
        var problems = (await Repository.CheckWalAsync(null, _ => { }, None)).Problems;
        Assert.Equal([RepositoryErrors.ObjectForeign, StorageErrors.ObjectMissing], problems.Select(p => p.Code));
    }

    [Fact]
    public async Task A_sample_reads_each_range_once_in_all_its_turns()
    {
        for (var i = 0; i < 20; i++) await StoreAsync(i * 8192, new byte[8192]);
        var read = 0;
        for (var part = 0; part < SamplePart.Count; part++)
            read += (await Repository.CheckWalAsync(new SamplePart(part), _ => { }, None)).ObjectsRead;
        Assert.Equal(20, read);
    }

    [Fact]
    public async Task Decoders_survive_whatever_comes()
    {
        await Archive.CreateAsync(ALineage(0, null), None);
        var lineages = new[] { ALineage(0, null), ALineage(1, new WalFork(Archive.NameOf(7, 0), 3, new Lsn(77))) };
        Fuzzing.Run(3000, [.. lineages.Select(l => l.Encode())], bytes => WalLineage.Decode("0123456789abcdef", bytes), 64 * 1024);
        foreach (var lineage in lineages) Assert.Equal(lineage, WalLineage.Decode(lineage.Id, lineage.Encode()));
        await Archive.ClaimAsync(Lineage, 1, Mine, None);
        var claim = Repository.Keys.Sealer.OpenObject(
            ObjectKind.WalClaim, $"wal/{Lineage}/00000001/claim", await Store.BytesAsync(new ObjectName($"wal/{Lineage}/00000001/claim")), new Zstd(3));
        Fuzzing.Run(3000, [claim], bytes => WalArchive.DecodeClaim(bytes), 64 * 1024);
        string[] names = ["wal/0123456789abcdef/lineage", "wal/0123456789abcdef/00000001/0000000000000000-0000000000002000", "wal/0123456789abcdef/00000001/backup-0000000000000028"];
        Assert.All(names, n => Assert.Equal(n, WalName.Parse(new ObjectName(n))?.Object.Value));
        Fuzzing.Run(
            3000,
            names,
            text =>
            {
                if (ObjectName.IsValid(text) && WalName.Parse(new ObjectName(text)) is { } name) Assert.Equal(text, name.Object.Value);
            },
            64 * 1024);
    }

    private string Lineage => Archive.NameOf(7, 0);

    private WalLineage ALineage(int number, WalFork? parent) => new()
    {
        Id = Archive.NameOf(7, number),
        Number = number,
        Identifier = 7,
        SegmentBytes = 16 * 1024 * 1024,
        Major = 17,
        Parent = parent,
        Owner = Mine,
    };

    private static WalRange Range(ulong start, ulong end) => new(new Lsn(start), new Lsn(end));

    private Task<WalStored> StoreAsync(int start, byte[] bytes) => Archive.StoreAsync(Lineage, 1, new Lsn((ulong)start), bytes, isPartial: false, None);

    private static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
