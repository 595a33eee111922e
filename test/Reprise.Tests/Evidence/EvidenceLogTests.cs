using System.Buffers;
using Reprise.Recovery.Evidence;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Tests.Repository;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Evidence;

/// <summary>Evidence is kept on this host and in the repository, whatever else is broken; notes open and close actions.</summary>
public sealed class EvidenceLogTests : IDisposable
{
    private readonly SometimesStore store = new();
    private readonly EvidenceBench bench;

    public EvidenceLogTests() => bench = new EvidenceBench(store);

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task It_lies_on_both_sides_with_the_public_key_and_the_private_one_is_nobody_elses()
    {
        var kept = await bench.Log().KeepAsync(Drills.Failed(), default);
        Assert.Equal("00000001-20261129T031502Z-10c4", kept.Id);
        Assert.Empty(kept.Problems);
        var client = bench.Client.Read();
        var keyId = client.Keys.Single().Key;
        Assert.Equal(client.Envelopes[1].ToArray(), await store.BytesAsync(new ObjectName("evidence/00000001.json")));
        Assert.Equal(client.Keys[keyId].ToArray(), await store.BytesAsync(new ObjectName($"evidence/keys/{keyId}.pub")));
        Assert.Equal(0x180, Disks.OfThisMachine().Stat(bench.Scratch / "state" / "shop.evidence.key")?.Mode);
        Assert.DoesNotContain(store.Names(), n => n.Value.EndsWith(".key", StringComparison.Ordinal));
        Assert.True((await bench.Log().VerifyRepositoryAsync(default)).IsIntact);
    }

    [Fact]
    public async Task A_repository_that_is_away_costs_a_warning_and_gets_everything_later()
    {
        store.IsAway = true;
        var kept = await bench.Log().KeepAsync(Drills.Passed(), default);
        Assert.Equal(["evidence-not-in-repository"], kept.Problems.Select(p => p.Code.Name));
        Assert.All(kept.Problems, p => Assert.Equal(Severity.Warning, p.Severity));
        kept = await bench.Log(withRepository: false).KeepAsync(Drills.Failed(), default);
        Assert.Equal(["evidence-not-in-repository"], kept.Problems.Select(p => p.Code.Name));
        Assert.True(bench.Log().VerifyClient().IsIntact);
        store.IsAway = false;
        var verdict = await bench.Log().VerifyRepositoryAsync(default);
        Assert.True(verdict.IsIntact);
        Assert.Equal(2, verdict.Problems.Count);
        kept = await bench.Log().KeepAsync(Drills.Unsure(), default);
        Assert.Empty(kept.Problems);
        verdict = await bench.Log().VerifyRepositoryAsync(default);
        Assert.Empty(verdict.Problems);
        Assert.Equal(3, verdict.Entries.Count);
    }

    [Fact]
    public async Task A_host_that_never_drilled_remembers_what_it_verified()
    {
        await bench.ThreeAsync();
        var verdict = await bench.Log("auditor").VerifyRepositoryAsync(default);
        Assert.True(verdict.IsIntact);
        Assert.True(verdict.KeyTakenOnTrust);
        await store.DeleteAsync(new ObjectName("evidence/00000003.json"), default);
        verdict = await bench.Log("auditor").VerifyRepositoryAsync(default);
        Assert.Equal(["evidence-newest-missing"], verdict.Problems.Select(p => p.Code.Name));
        Assert.True(bench.Log("auditor").VerifyClient().IsIntact);
    }

    [Fact]
    public async Task What_was_removed_from_the_repository_is_not_put_back_silently()
    {
        await bench.ThreeAsync();
        await store.DeleteAsync(new ObjectName("evidence/00000002.json"), default);
        await bench.Log().KeepAsync(Drills.Unsure(), default);
        var verdict = await bench.Log().VerifyRepositoryAsync(default);
        Assert.Equal(["evidence-missing"], verdict.Problems.Select(p => p.Code.Name));
        Assert.True(bench.Log().VerifyClient().IsIntact);
    }

    [Fact]
    public async Task After_the_newest_was_removed_everywhere_the_gap_stays_to_be_seen()
    {
        await bench.ThreeAsync();
        await store.DeleteAsync(new ObjectName("evidence/00000003.json"), default);
        Disks.OfThisMachine().DeleteFile(bench.Folder / "00000003.json");
        var kept = await bench.Log().KeepAsync(Drills.Unsure(), default);
        Assert.Equal(4, kept.Entry.Sequence);
        Assert.Equal(["evidence-missing"], bench.Log().VerifyClient().Problems.Select(p => p.Code.Name));
    }

    [Fact]
    public async Task Another_host_goes_on_with_the_chain_and_its_key_is_named_until_it_is_accepted()
    {
        await bench.ThreeAsync();
        var kept = await bench.Log("second").KeepAsync(Drills.Unsure(), default);
        Assert.Equal(4, kept.Entry.Sequence);
        Assert.True((await bench.Log("second").VerifyRepositoryAsync(default)).IsIntact);
        var verdict = await bench.Log().VerifyRepositoryAsync(default);
        Assert.Equal(["evidence-other-key"], verdict.Problems.Select(p => p.Code.Name));
        Assert.Contains(kept.Entry.KeyId?[..16] ?? "", verdict.Problems[0].Message, StringComparison.Ordinal);
        await bench.Log().AcceptKeyAsync(kept.Entry.KeyId?[..16] ?? "", default);
        Assert.Empty((await bench.Log().VerifyRepositoryAsync(default)).Problems);
        Assert.Equal(5, (await bench.Log().KeepAsync(Drills.Passed(), default)).Entry.Sequence);
        Assert.Empty((await bench.Log().VerifyRepositoryAsync(default)).Problems);
        Assert.Empty((await bench.Log("second").VerifyRepositoryAsync(default)).Problems);
    }

    [Fact]
    public async Task A_key_that_was_lost_is_replaced_and_that_is_said()
    {
        await bench.ThreeAsync();
        Disks.OfThisMachine().DeleteFile(bench.Scratch / "state" / "shop.evidence.key");
        var kept = await bench.Log().KeepAsync(Drills.Unsure(), default);
        Assert.Equal(["evidence-other-key"], kept.Problems.Select(p => p.Code.Name));
        Assert.Equal(Severity.Warning, kept.Problems[0].Severity);
        var problem = Assert.Throws<RepriseException>(() =>
        {
            bench.Client.Write("../wrong.key", "no key"u8.ToArray());
            EvidenceKey.OpenOrMake(Disks.OfThisMachine(), bench.Folder / "../wrong.key", out _);
        });
        Assert.Equal(EvidenceErrors.KeyInvalid, problem.Code);
    }

    [Fact]
    public async Task A_memory_that_was_spoilt_is_named_and_costs_no_evidence()
    {
        await bench.ThreeAsync();
        bench.Client.Write("head.json", "{}"u8.ToArray());
        Assert.Equal(["evidence-altered"], bench.Log().VerifyClient().Problems.Select(p => p.Code.Name));
        Assert.Equal(["evidence-altered"], (await bench.Log().ReadAsync(default)).Verdict.Problems.Select(p => p.Code.Name));
        var kept = await bench.Log().KeepAsync(Drills.Unsure(), default);
        Assert.Equal(["evidence-altered"], kept.Problems.Select(p => p.Code.Name));
        Assert.Equal(4, kept.Entry.Sequence);
        Assert.Empty(bench.Log().VerifyClient().Problems);
    }

    [Fact]
    public async Task Bytes_that_somebody_planted_under_the_next_number_do_not_cost_the_evidence()
    {
        await bench.ThreeAsync();
        await store.PutAsync(new ObjectName("evidence/00000004.json"), "planted"u8.ToArray(), PutMode.CreateNew, default);
        var kept = await bench.Log().KeepAsync(Drills.Unsure(), default);
        Assert.Equal(["evidence-not-in-repository"], kept.Problems.Select(p => p.Code.Name));
        Assert.True(bench.Log().VerifyClient().IsIntact);
        Assert.Equal(["evidence-altered"], (await bench.Log().VerifyRepositoryAsync(default)).Problems.Select(p => p.Code.Name));
    }

    [Fact]
    public async Task Whatever_call_to_the_disk_fails_the_chain_goes_on_without_a_defect()
    {
        var failures = 0;
        for (var nth = 1; ; nth++)
        {
            using var fresh = new EvidenceBench();
            await fresh.Log().KeepAsync(Drills.Unsure(), default);
            var calls = 0;
            var disk = new FaultyDisk(Disks.OfThisMachine(), (call, path) =>
            {
                if (FaultyDisk.Changes.Contains(call) && ++calls == nth) throw FaultyDisk.Failure(StorageErrors.MediumFailed, path);
            });
            try
            {
                await fresh.Log(disk: disk).KeepAsync(Drills.Unsure(), default);
                if (calls < nth) break;
            }
            catch (RepriseException e) when (e.Code == StorageErrors.MediumFailed)
            {
                failures++;
            }

            // What is in the repository already is taken over by the next one.
            await fresh.Log().KeepAsync(Drills.Unsure(), default);
            Assert.Empty(fresh.Log().VerifyClient().Problems);
            Assert.Empty((await fresh.Log().VerifyRepositoryAsync(default)).Problems);
        }

        Assert.True(failures > 10, $"{failures} failures");
    }

    [Fact]
    public async Task An_action_is_open_until_it_is_closed_and_overdue_after_its_day()
    {
        await bench.ThreeAsync();
        var action = (await bench.Log().OpenActionsAsync(default)).Single();
        Assert.Equal(("rows are missing", "find out why", "Ada"), (action.Note.Gap, action.Note.Action, action.Note.Owner));
        Assert.Equal(Drills.Failed().Id, action.Note.Drill);
        Assert.False(action.IsOverdue);
        bench.Clock.SetUtcNow(new DateTimeOffset(2026, 12, 1, 23, 59, 0, TimeSpan.Zero));
        Assert.False((await bench.Log().OpenActionsAsync(default)).Single().IsOverdue);
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True((await bench.Log().OpenActionsAsync(default)).Single().IsOverdue);
        var closing = new NoteRequest { Drill = Drills.Failed().Id, Close = action.Note.Id, Result = "an index was corrupt; rebuilt" };
        var kept = await bench.Log().NoteAsync(closing, default);
        Assert.Equal(action.Note.Id, kept.Entry.Statement?.Note?.Closes);
        Assert.Empty(await bench.Log().OpenActionsAsync(default));
        var again = await Assert.ThrowsAsync<RepriseException>(() => bench.Log().NoteAsync(closing, default));
        Assert.Equal(EvidenceErrors.NoteInvalid, again.Code);
        Assert.True(bench.Log().VerifyClient().IsIntact);
    }

    [Theory]
    [InlineData("20261129", null)]
    [InlineData("latest", null)]
    [InlineData("1", null)]
    [InlineData("2026", "evidence-unknown")]
    [InlineData("202", "evidence-unknown")]
    [InlineData("20300101", "evidence-unknown")]
    public async Task A_drill_is_found_by_what_people_type(string drill, string? code)
    {
        await bench.ThreeAsync();
        var note = bench.Log().NoteAsync(EvidenceBench.Note(drill), default);
        if (code is null) Assert.Equal(4, (await note).Entry.Sequence);
        else Assert.Equal(code, (await Assert.ThrowsAsync<RepriseException>(() => note)).Code.Name);
    }

    [Fact]
    public async Task A_note_without_one_of_its_parts_is_refused_and_leaves_nothing()
    {
        await bench.ThreeAsync();
        NoteRequest[] bad =
        [
            EvidenceBench.Note() with { Gap = null },
            EvidenceBench.Note() with { Action = " " },
            EvidenceBench.Note() with { Owner = null },
            EvidenceBench.Note() with { Due = null },
            EvidenceBench.Note() with { Gap = new string('x', 2001) },
            new NoteRequest { Drill = "latest", Close = "00000003", Result = null },
            new NoteRequest { Drill = "latest", Close = "1", Result = "done" },
        ];
        foreach (var request in bad)
        {
            var refused = await Assert.ThrowsAsync<RepriseException>(() => bench.Log().NoteAsync(request, default));
            Assert.Equal(EvidenceErrors.NoteInvalid, refused.Code);
        }

        Assert.Equal(3, bench.Client.Read().Envelopes.Count);
    }

    [Fact]
    public async Task Before_any_drill_there_is_nothing_to_add_to()
    {
        var none = await Assert.ThrowsAsync<RepriseException>(() => bench.Log().NoteAsync(EvidenceBench.Note(), default));
        Assert.Equal(EvidenceErrors.None, none.Code);
        Assert.Empty(await bench.Log().OpenActionsAsync(default));
    }

    /// <summary>A store that is away at times.</summary>
    private sealed class SometimesStore : IStore
    {
        private readonly MemoryStore inner = new();

        public bool IsAway { get; set; }

        public StoreCapabilities Capabilities => inner.Capabilities;

        private IStore Reached => IsAway
            ? throw new StoreException(new StoreFault.Unreachable(), null, "the disk is not mounted", "mount it")
            : inner;

        public ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken) =>
            Reached.PutAsync(name, content, mode, cancellationToken);

        public ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken cancellationToken) =>
            Reached.ReadAsync(name, range, cancellationToken);

        public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
            Reached.StatAsync(name, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken cancellationToken) =>
            Reached.ListAsync(prefix, cancellationToken);

        public ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
            Reached.DeleteAsync(name, cancellationToken);
    }
}
