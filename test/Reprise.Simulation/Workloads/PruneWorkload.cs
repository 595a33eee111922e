using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>How often each way was gone.</summary>
public sealed class PruneCounters
{
    /// <summary>Packs that prunes deleted.</summary>
    public long Deleted { get; set; }

    /// <summary>Points that prunes dropped.</summary>
    public long Dropped { get; set; }

    /// <summary>Writers that prunes took for dead.</summary>
    public long Expelled { get; set; }

    /// <summary>Writers that were at work during a prune.</summary>
    public long Waited { get; set; }

    /// <summary>Backups that ended because a prune had taken their writer for dead.</summary>
    public long GaveUp { get; set; }

    /// <summary>Writers that were left without an end.</summary>
    public long Abandoned { get; set; }

    /// <summary>Prunes that refused, because of what an earlier fault left.</summary>
    public long Held { get; set; }

    /// <summary>Adds what another run counted.</summary>
    public void Add(PruneCounters other)
    {
        Deleted += other.Deleted;
        Dropped += other.Dropped;
        Expelled += other.Expelled;
        Waited += other.Waited;
        GaveUp += other.GaveUp;
        Abandoned += other.Abandoned;
        Held += other.Held;
    }

    /// <inheritdoc />
    public override string ToString() =>
        $"deleted={Deleted} dropped={Dropped} expelled={Expelled} waited={Waited} gave-up={GaveUp} abandoned={Abandoned} held={Held}";
}

/// <summary>
/// Backups and prunes beside each other, with the real repository; clocks that are a year apart; writers that never
/// come back; writers that several prunes overtake.
/// <para>Legal afterwards: what <see cref="BackupWorkload"/> demands of every point that nobody decided to drop; and
/// after two more prunes nothing is left but what points need: no pack, no session, no list.</para>
/// </summary>
public sealed class PruneWorkload(ulong seed, int steps, PruneCounters counters) : IWorkload
{
    private const int Ways = 6;
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly BackupWorkload backups = new(seed, 1);
    private readonly Chance chance = Chance.For(seed, "prune");

    /// <inheritdoc />
    public string Name => $"backups and prunes x{steps}";

    /// <inheritdoc />
    public bool GoesOn => backups.HasRepository;

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        life.WrongBy = client => TimeSpan.FromDays(365 * ((client % 3) - 1));
        try
        {
            await backups.CreateAsync(life);
            for (var i = 0; i < steps; i++) await StepAsync(life, i == 0 ? 0 : chance.Below(Ways));
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        await backups.JudgeAsync(life);
        if (!backups.HasRepository) return;
        using var repository = await backups.OpenAsync(life, 1);
        for (var i = 0; i < 2; i++) Count(life, await repository.PruneAsync(_ => [], SigningKeys.None, None), []);
        await backups.JudgePointsAsync(life, repository);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        if (await repository.WouldFreeAsync(catalog, [], None) is var left and > 0)
            throw new SimulationFailureException($"{left} bytes that no point needs are left after two prunes");
        var store = (await life.ConnectAsync(9)).Store;
        foreach (var folder in new[] { "sessions", "condemned" })
        {
            await foreach (var info in store.ListAsync(new ObjectPrefix(folder), None))
                throw new SimulationFailureException($"{info.Name} is left after two prunes");
        }
    }

    private async Task StepAsync(Life life, int way)
    {
        switch (way)
        {
            case 0:
                await backups.BackUpQuietlyAsync(life, 1);
                break;
            case 1:
                await PruneQuietlyAsync(life, 2);
                break;
            case 2:
                await Task.WhenAll(backups.BackUpQuietlyAsync(life, 1), PruneQuietlyAsync(life, 2));
                break;
            case 3:
                await Task.WhenAll(
                    backups.BackUpQuietlyAsync(life, 1), backups.BackUpQuietlyAsync(life, 3), PruneQuietlyAsync(life, 2), PruneQuietlyAsync(life, 4));
                break;
            case 4:
                await OvertakenAsync(life, chance.Between(1, 3));
                break;
            default:
                await AbandonAsync(life);
                break;
        }
    }

    // A writer that is slow, or was stopped: whole prunes and other backups pass while it captures.
    private async Task OvertakenAsync(Life life, int prunes)
    {
        try
        {
            await backups.BackUpAsync(life, 1, async () =>
            {
                for (var i = 0; i < prunes; i++)
                {
                    await PruneQuietlyAsync(life, 2);
                    if (chance.OneIn(2)) await backups.BackUpQuietlyAsync(life, 3);
                }
            });
        }
        catch (RepriseException e)
        {
            if (e.Code == RepositoryErrors.SessionExpelled) counters.GaveUp++;
            life.Loop.Log.Notable($"overtaken: {e.Code}");
        }
    }

    // As a process that was killed leaves it: packs that nobody speaks of, and a session without an end.
    private async Task AbandonAsync(Life life)
    {
        try
        {
            var repository = await backups.OpenAsync(life, 3);
            var writer = await repository.BeginPointAsync(SigningKeys.None, None);
            var content = writer.Begin(Cutting.ContentDefined);
            await content.WriteAsync(chance.Bytes(chance.Between(1, 30_000)), None);
            await content.CompleteAsync(None);
            await writer.FlushAsync(None);
            counters.Abandoned++;
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"abandoned early: {e.Code}");
        }
    }

    private async Task PruneQuietlyAsync(Life life, int client)
    {
        try
        {
            using var repository = await backups.OpenAsync(life, client);
            List<PointEntry> chosen = [];
            var report = await repository.PruneAsync(catalog => chosen = Choose(catalog), SigningKeys.None, None);
            Count(life, report, chosen);
            life.Loop.Log.Notable($"pruned: {report.Dropped.Count} points, {report.DeletedPacks} packs");
        }
        catch (RepriseException e)
        {
            if (e.Code == RepositoryErrors.PruneHeld)
            {
                counters.Held++;
                life.Count(RecoveryBranch.PruneHeld);
            }

            life.Loop.Log.Notable($"prune gave up: {e.Code} {e.Message}");
        }
    }

    private void Count(Life life, PruneReport report, List<PointEntry> chosen)
    {
        var ids = chosen.Select(p => p.Id).ToHashSet();
        if (report.Expelled.Count > 0) life.Count(RecoveryBranch.PruneExpelled);
        if (report.Waiting.Count > 0) life.Count(RecoveryBranch.PruneWaited);
        if (report.Dropped.Any(id => !ids.Contains(id))) life.Count(RecoveryBranch.DropCompleted);
        if (ids.Any(id => !report.Dropped.Contains(id))) life.Count(RecoveryBranch.DropPutOff);
        if (report.Problems.Any(p => p.Code == RepositoryErrors.ObjectDamaged)) life.Count(RecoveryBranch.ListMadeAgain);
        counters.Deleted += report.DeletedPacks;
        counters.Dropped += report.Dropped.Count;
        counters.Expelled += report.Expelled.Count;
        counters.Waited += report.Waiting.Count;
    }

    private List<PointEntry> Choose(PointCatalog catalog)
    {
        var chosen = catalog.Points.SkipLast(1).Where(_ => chance.OneIn(2)).ToList();
        chosen.ForEach(backups.MayDrop);
        return chosen;
    }
}
