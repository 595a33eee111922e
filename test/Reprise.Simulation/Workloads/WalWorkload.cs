using Reprise.Repository.Wal;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// WAL into a repository: each range by one client and again by another, which now and then has other bytes for it; then one
/// range in the place of all.
/// <para>Legal afterwards: what was acknowledged is there bit by bit; two contents were never acknowledged for one range; and it
/// can be pushed again.</para>
/// </summary>
public sealed class WalWorkload(ulong seed) : IWorkload
{
    private const int Ranges = 4;
    private const int RangeBytes = 1500;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly WalOwner Owner = new("simulated", "device 1, inode 2");

    private readonly BackupWorkload repository = new(seed, 1);
    private readonly byte[] log = Chance.For(seed, "wal").Bytes(Ranges * RangeBytes);
    private readonly SortedDictionary<int, byte[]> acknowledged = [];

    /// <inheritdoc />
    public string Name => "wal";

    /// <inheritdoc />
    public Task PrepareAsync(Life life) => repository.CreateAsync(life);

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        try
        {
            using var first = await repository.OpenAsync(life, 1);
            using var second = await repository.OpenAsync(life, 2);
            await BeginAsync(first.Wal);
            for (var i = 0; i < Ranges; i++)
            {
                var (one, other) = (Part(i), i % 2 == 0 ? Part(i) : [.. Part(i).Reverse()]);
                await PushAsync(life, await first.WriteWalAsync(None), i, one);
                await PushAsync(life, await second.WriteWalAsync(None), i, other);
            }

            await JoinAsync(await first.WriteWalAsync(None));
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"wal gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        using var opened = await repository.OpenAsync(life, 0);
        var archive = await opened.WriteWalAsync(None);
        await BeginAsync(archive);
        await JudgeAsync(archive);
        for (var i = 0; i < Ranges; i++)
        {
            if (acknowledged.TryGetValue(i, out var bytes)) await archive.StoreAsync(Lineage(archive), 1, At(i), bytes, isPartial: false, None);
        }

        await JudgeAsync(archive);
        var report = await opened.CheckWalAsync(null, _ => { }, None);
        if (report.Problems.Count > 0) throw new SimulationFailureException("after all a check finds " + report.Problems[0].Message);
        life.Loop.Log.Notable($"{acknowledged.Count} ranges acknowledged");
    }

    private static string Lineage(WalArchive archive) => archive.NameOf(7, 0);

    private static Lsn At(int range) => new((ulong)(range * RangeBytes));

    private byte[] Part(int range) => log[(range * RangeBytes)..((range + 1) * RangeBytes)];

    private static async Task BeginAsync(WalArchive archive)
    {
        await archive.CreateAsync(
            new WalLineage { Id = Lineage(archive), Number = 0, Identifier = 7, SegmentBytes = 16 * 1024 * 1024, Major = 17, Owner = Owner }, None);
        await archive.ClaimAsync(Lineage(archive), 1, Owner, None);
        if (await archive.ClaimantAsync(Lineage(archive), 1, None) != Owner) throw new SimulationFailureException("a claim was lost");
    }

    private async Task PushAsync(Life life, WalArchive archive, int range, byte[] bytes)
    {
        try
        {
            await archive.StoreAsync(Lineage(archive), 1, At(range), bytes, isPartial: false, None);
            if (acknowledged.TryGetValue(range, out var before) && !before.SequenceEqual(bytes))
                throw new SimulationFailureException($"two contents were acknowledged for range {range}");
            acknowledged[range] = bytes;
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"range {range}: {e.Code}");
        }
    }

    private async Task JoinAsync(WalArchive archive)
    {
        if (acknowledged.Count < Ranges || acknowledged.Any(a => !a.Value.SequenceEqual(Part(a.Key)))) return;
        await archive.StoreAsync(Lineage(archive), 1, At(0), log, isPartial: false, None);
        var whole = new WalRange(At(0), At(Ranges));
        for (var i = 0; i < Ranges; i++)
            await archive.ReplacedAsync(Lineage(archive), 1, new WalRange(At(i), At(i + 1)), whole, None);
    }

    private async Task JudgeAsync(WalArchive archive)
    {
        var listing = await archive.ListAsync(Lineage(archive), 1, None);
        foreach (var (range, bytes) in acknowledged)
        {
            var holding = listing.Ranges.Where(r => r.Start <= At(range) && r.End >= At(range + 1)).ToList();
            if (holding.Count == 0) throw new SimulationFailureException($"range {range} was acknowledged and is gone");
            foreach (var one in holding)
            {
                var there = await archive.ReadAsync(Lineage(archive), 1, one, None);
                if (!there.AsSpan((int)At(range).Since(one.Start), RangeBytes).SequenceEqual(bytes))
                    throw new SimulationFailureException($"range {range} was acknowledged with other bytes than {one} holds");
            }
        }
    }
}
