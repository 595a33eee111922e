using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>Slots, rotation and revocation; and what somebody with write access, or with a former key, comes to.</summary>
public class KeyTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();
    private byte seed;

    private RepositoryHost Host => new(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());

    [Fact]
    public async Task After_a_rotation_every_key_opens_everything_and_writes_with_the_new_one()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        var rotation = await made.Repository.Keys.RotateAsync(null, None);
        Assert.Equal((2, 2), (rotation.Epoch, rotation.Slots.Count));
        var second = await CommitAsync(made.Repository);
        Assert.Equal(2u, await EpochOfAsync($"points/{second}"));
        foreach (var key in new[] { made.File, made.Sheet, Again(made.Repository.Keys.File!) })
        {
            using var opened = await PointRepository.OpenAsync(Host, key, None);
            Assert.Equal(2, opened.Keys.Epoch);
            Assert.Empty(opened.Keys.Problems);
            await AssertWholeAsync(opened, first, second);
            await CommitAsync(opened);
        }

        Assert.Equal(["epoch-2"], (await OpenAsync(made.File)).Keys.FileLacks);
        Assert.Empty((await OpenAsync(made.Repository.Keys.File!)).Keys.FileLacks);
    }

    [Fact]
    public async Task A_repository_that_was_open_during_a_rotation_writes_with_the_new_key()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        using var other = await OpenAsync(made.Sheet);
        await made.Repository.Keys.RotateAsync(null, None);
        Assert.Equal(2u, await EpochOfAsync($"points/{await CommitAsync(other)}"));
        var writer = await made.Repository.BeginPointAsync(SigningKeys.None, None);
        Assert.Equal([writer.Id], (await other.Keys.RotateAsync(null, None)).Expelled);
        var expelled = await Assert.ThrowsAsync<RepriseException>(() => writer.CommitAsync(Manifests.Of(writer.Id, null), None));
        Assert.Equal(RepositoryErrors.SessionExpelled, expelled.Code);
    }

    [Fact]
    public async Task With_all_keys_deleted_an_old_key_file_opens_everything_up_to_its_epoch()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        await made.Repository.Keys.RotateAsync(null, None);
        var second = await CommitAsync(made.Repository);
        await DeleteKeysAsync();
        using var fresh = await OpenAsync(made.Repository.Keys.File!);
        await AssertWholeAsync(fresh, first, second);
        Assert.Equal(3, fresh.Keys.Problems.Count(p => p.Code == StorageErrors.ObjectMissing));

        using var old = await OpenAsync(made.File);
        var catalog = await old.ListPointsAsync(SigningKeys.None, None);
        Assert.Equal([first], catalog.Points.Select(p => p.Id));
        Assert.Contains(catalog.Problems, p => p.Where == $"points/{second}" && p.Message.Contains("epoch 2", StringComparison.Ordinal));

        await fresh.Keys.RotateAsync(null, None);
        using var healed = await OpenAsync(made.Sheet);
        Assert.Empty(healed.Keys.Problems);
        await AssertWholeAsync(healed, first, second);
    }

    [Fact]
    public async Task A_revoked_key_is_called_so_and_opens_only_what_was_written_before()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var lost = await made.Repository.Keys.AddAsync(asSheet: false, None);
        var first = await CommitAsync(made.Repository);
        (await OpenAsync(lost)).Dispose();
        await made.Repository.Keys.RotateAsync(lost.Slot, None);
        var second = await CommitAsync(made.Repository);
        await RefusedAsync(RepositoryErrors.KeyRevoked, () => OpenAsync(lost));
        using var opened = await OpenAsync(made.Sheet);
        await AssertWholeAsync(opened, first, second);
        var slots = opened.Keys.Slots.ToDictionary(s => s.Name);
        Assert.Equal((KeySlotState.Revoked, 1), (slots[lost.Slot].State, slots[lost.Slot].OpensUpTo));
        Assert.Equal((KeySlotState.InForce, 2, true), (slots[made.Sheet.Slot].State, slots[made.Sheet.Slot].OpensUpTo, slots[made.Sheet.Slot].InUse));
        await RefusedAsync(RepositoryErrors.KeyUnknown, () => opened.Keys.RotateAsync(lost.Slot, None));
        await opened.Keys.RotateAsync(made.File.Slot, None);
        await RefusedAsync(RepositoryErrors.KeyLast, () => opened.Keys.RotateAsync(made.Sheet.Slot, None));
        await RefusedAsync(RepositoryErrors.KeyRevoked, () => CommitAsync(made.Repository));
    }

    [Fact]
    public async Task A_key_that_was_added_later_opens_all_former_epochs()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        await made.Repository.Keys.RotateAsync(null, None);
        await made.Repository.Keys.RotateAsync(null, None);
        var added = Again(await made.Repository.Keys.AddAsync(asSheet: true, None));
        Assert.StartsWith("sheet-", added.Slot, StringComparison.Ordinal);
        var second = await CommitAsync(made.Repository);
        await DeleteKeysAsync();
        using var opened = await OpenAsync(added);
        await AssertWholeAsync(opened, first, second);
    }

    [Fact]
    public async Task A_passphrase_opens_and_a_wrong_a_revoked_and_a_damaged_one_differ()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        await RefusedAsync(RepositoryErrors.KeyWrong, () => PointRepository.OpenAsync(Host, "correct horse", None));
        var name = await made.Repository.Keys.AddPassphraseAsync("correct horse", None);
        using (var opened = await PointRepository.OpenAsync(Host, "correct horse", None))
        {
            Assert.Equal((name, null), (opened.Keys.InUse, opened.Keys.File));
            await AssertWholeAsync(opened, first);
            await opened.Keys.RotateAsync(null, None);
        }

        await RefusedAsync(RepositoryErrors.KeyWrong, () => PointRepository.OpenAsync(Host, "correct house", None));
        var good = await store.BytesAsync(new ObjectName("keys/" + name));
        await AlterAsync("keys/" + name);
        await RefusedAsync(RepositoryErrors.KeyInvalid, () => PointRepository.OpenAsync(Host, "correct horse", None));
        using (var opened = await OpenAsync(made.File))
        {
            Assert.Equal(KeySlotState.Damaged, opened.Keys.Slots.Single(s => s.Name == name).State);
            Assert.Equal("keys/" + name, Assert.Single(opened.Keys.Problems).Where);
        }

        await store.PutAsync(new ObjectName("keys/" + name), good, PutMode.Replace, None);
        using var again = await OpenAsync(made.File);
        await again.Keys.RotateAsync(name, None);
        await RefusedAsync(RepositoryErrors.KeyRevoked, () => PointRepository.OpenAsync(Host, "correct horse", None));
    }

    [Fact]
    public void The_stretching_is_argon2id_as_others_compute_it()
    {
        // Computed with OpenSSL's Argon2id: 64 KiB, 3 passes, 1 lane, 32 bytes.
        var secret = new Stretching(64, 3, [.. "somesaltsomesalt"u8]).Secret("password");
        Assert.Equal("6164c739a04e17de34a80bee65c6a58f4b8a240cbf5652f4a79e35ae02b7c616", Convert.ToHexStringLower(secret));
    }

    [Fact]
    public async Task An_epoch_of_somebody_who_can_only_write_is_named_and_never_used()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);

        // All public keys are there to be read; what the writer lacks is a master key.
        var known = new byte[32];
        var ring = new KeyRing(Convert.FromHexString(made.Repository.Id), new Dictionary<uint, byte[]> { [1] = known });
        var slots = new[] { made.File, made.Sheet }.Select(k => Slot.Decode(k.KeyObjects[k.Slot])).Select(s => (s.Name, s.PublicKey));
        var forged = Epoch.Create(2, known, ring, slots, Entropy.System);
        await store.PutAsync(new ObjectName("keys/epoch-2"), forged.Bytes, PutMode.CreateNew, None);
        var planted = Slot.Create(made.File.Slot, new byte[32], null, ring, Entropy.System);
        await store.PutAsync(new ObjectName("keys/" + made.File.Slot), planted.Bytes, PutMode.Replace, None);
        var own = Slot.Create("file-00000000", new byte[32], null, ring, Entropy.System);
        await store.PutAsync(new ObjectName("keys/file-00000000"), own.Bytes, PutMode.CreateNew, None);

        using var opened = await OpenAsync(made.File);
        Assert.Equal(1, opened.Keys.Epoch);
        Assert.Equal(
            ["keys/epoch-2", "keys/file-00000000", "keys/" + made.File.Slot],
            opened.Keys.Problems.Where(p => p.Code == RepositoryErrors.KeyForged).Select(p => p.Where).Order(StringComparer.Ordinal));
        Assert.Equal(1u, await EpochOfAsync($"points/{await CommitAsync(opened)}"));
        Assert.DoesNotContain("file-00000000", (await opened.Keys.RotateAsync(null, None)).Slots);
        using var sheet = await OpenAsync(made.Sheet);
        Assert.Equal(2, sheet.Keys.Epoch);
        await AssertWholeAsync(sheet, first);
    }

    [Fact]
    public async Task A_passphrase_slot_believes_in_no_other_master_key()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var name = await made.Repository.Keys.AddPassphraseAsync("correct horse", None);
        var slot = Slot.Decode(await store.BytesAsync(new ObjectName("keys/" + name)));
        await DeleteKeysAsync();
        var ring = new KeyRing(Convert.FromHexString(made.Repository.Id), new Dictionary<uint, byte[]> { [1] = new byte[32] });
        var forged = Epoch.Create(2, new byte[32], ring, [(slot.Name, slot.PublicKey)], Entropy.System);
        await store.PutAsync(new ObjectName("keys/" + name), slot.Bytes, PutMode.CreateNew, None);
        await store.PutAsync(new ObjectName("keys/epoch-2"), forged.Bytes, PutMode.CreateNew, None);
        using var opened = await PointRepository.OpenAsync(Host, "correct horse", None);
        Assert.Equal(1, opened.Keys.Epoch);
        Assert.Contains(opened.Keys.Problems, p => p.Code == RepositoryErrors.KeyForged);
    }

    [Fact]
    public async Task What_a_revoked_key_seals_afterwards_is_detected()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var lost = await made.Repository.Keys.AddAsync(asSheet: false, None);
        var genuine = await CommitAsync(made.Repository);
        var shadow = new MemoryStore();
        foreach (var name in store.Names()) await shadow.PutAsync(name, await store.BytesAsync(name), PutMode.CreateNew, None);
        await made.Repository.Keys.RotateAsync(lost.Slot, None);

        // The holder of the revoked key goes on in a copy from before, and carries what comes of it into the store.
        using (var former = await PointRepository.OpenAsync(Host with { Store = shadow }, lost, None)) await CommitAsync(former);
        var carried = new List<string>();
        foreach (var name in shadow.Names().Except(store.Names()).ToList())
        {
            carried.Add(name.Value);
            await store.PutAsync(name, await shadow.BytesAsync(name), PutMode.CreateNew, None);
        }

        Assert.Equal(["index", "packs", "points"], carried.Select(c => c.Split('/')[0]).Order(StringComparer.Ordinal));
        using var opened = await OpenAsync(made.File);
        var catalog = await opened.ListPointsAsync(SigningKeys.None, None);
        Assert.Equal([genuine], catalog.Points.Select(p => p.Id));
        var problem = Assert.Single(catalog.Problems);
        Assert.Equal((RepositoryErrors.PointForged, carried.Single(c => c.StartsWith("points/", StringComparison.Ordinal))), (problem.Code, problem.Where));
        await using var writer = await opened.BeginPointAsync(SigningKeys.None, None);
        Assert.Contains(writer.Problems, p => p.Code == RepositoryErrors.KeyForged && carried.Contains(p.Where!));
    }

    [Fact]
    public async Task A_list_of_former_objects_that_is_gone_is_named_and_a_rotation_makes_it_again()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        await made.Repository.Keys.RotateAsync(null, None);
        await store.DeleteAsync(new ObjectName("closings/2"), None);
        using var opened = await OpenAsync(made.File);
        var catalog = await opened.ListPointsAsync(SigningKeys.None, None);
        Assert.Equal([first], catalog.Points.Select(p => p.Id));
        Assert.Equal(RepositoryErrors.KeyUnproven, Assert.Single(catalog.Problems).Code);
        await opened.Keys.RotateAsync(null, None);
        await AssertWholeAsync(opened, first);
    }

    [Fact]
    public async Task Nothing_is_written_while_a_damaged_object_may_be_the_newest_epoch()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        await made.Repository.Keys.RotateAsync(null, None);
        var fresh = made.Repository.Keys.File!;
        await AlterAsync("keys/epoch-2");
        using var old = await OpenAsync(made.File);
        Assert.Equal(1, old.Keys.Epoch);
        await RefusedAsync(RepositoryErrors.ObjectDamaged, () => CommitAsync(old));
        using var opened = await OpenAsync(fresh);
        await CommitAsync(opened);
        Assert.Equal("keys/epoch-2", Assert.Single(opened.Keys.Problems).Where);
    }

    [Fact]
    public async Task Drops_before_a_rotation_stay_explained_after_it()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var first = await CommitAsync(made.Repository);
        var second = await CommitAsync(made.Repository);
        await made.Repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first)], SigningKeys.None, None);
        await made.Repository.Keys.RotateAsync(null, None);
        using var opened = await OpenAsync(made.File);
        await AssertWholeAsync(opened, second);
    }

    private static KeyFile Again(KeyFile key) => KeyFile.Parse(key.Format(), "key");

    private static async Task RefusedAsync(ErrorCode code, Func<Task> act) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RepriseException>(act)).Code);

    private Task<PointRepository> OpenAsync(KeyFile key) => PointRepository.OpenAsync(Host, key, None);

    private async Task<uint> EpochOfAsync(string name) => BitConverter.ToUInt32(await store.BytesAsync(new ObjectName(name)), 8);

    private async Task AlterAsync(string name)
    {
        var bytes = await store.BytesAsync(new ObjectName(name));
        bytes[bytes.Length / 2] ^= 1;
        await store.PutAsync(new ObjectName(name), bytes, PutMode.Replace, None);
    }

    private async Task DeleteKeysAsync()
    {
        foreach (var name in store.Names().Where(n => n.Value.StartsWith("keys/", StringComparison.Ordinal)).ToList())
            await store.DeleteAsync(name, None);
    }

    private async Task<PointId> CommitAsync(PointRepository repository)
    {
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(Enumerable.Repeat(++seed, 5000).ToArray(), None);
        var complete = await content.CompleteAsync(None);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        var manifest = Manifests.After(catalog, writer.Id, complete);
        return (await writer.CommitAsync(manifest, None)).Manifest.Id;
    }

    private static async Task AssertWholeAsync(PointRepository repository, params PointId[] points)
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        Assert.Empty(catalog.Problems);
        Assert.Empty(points.Except(catalog.Points.Select(p => p.Id)));
        Assert.Empty((await repository.CheckAsync(catalog.Points, ReadDepth.All, _ => { }, None)).Damage);
    }
}
