using Reprise.Repository;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// Rotations, additions and revocations beside backups and each other, with the real repository.
/// <para>Legal afterwards: every key that was not revoked opens the repository; one whose revocation was reported does
/// not; whatever <see cref="BackupWorkload"/> demands of every point holds, but for what a rotation that was cut off
/// leaves unproven, which is named; one more rotation and nothing is named any more.</para>
/// </summary>
public sealed class KeyWorkload(ulong seed, int steps) : IWorkload
{
    private const int Ways = 5;
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly BackupWorkload backups = new(seed, 1);
    private readonly Chance chance = Chance.For(seed, "keys");
    private readonly List<KeyFile> added = [];
    private readonly List<KeyFile> revoked = [];

    /// <inheritdoc />
    public string Name => $"backups and keys x{steps}";

    /// <inheritdoc />
    public bool GoesOn => backups.HasRepository;

    /// <summary>Rotations that were reported done.</summary>
    public int Rotated { get; private set; }

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        try
        {
            await backups.CreateAsync(life);
            for (var i = 0; i < steps; i++) await StepAsync(life, i < Ways ? i : chance.Below(Ways));
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        if (!backups.HasRepository) return;
        await backups.CreateOrRetryAsync(life);
        if (!backups.HasKey) return;
        using (var repository = await backups.OpenAsync(life, 0))
        {
            var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
            if (catalog.Problems.FirstOrDefault(p => p.Code != RepositoryErrors.KeyUnproven) is { } problem)
                throw new SimulationFailureException("the catalogue has another problem than a rotation that was cut off: " + problem.Message);
            await repository.Keys.RotateAsync(null, None);
            if (catalog.Problems.Count > 0) life.Count(RecoveryBranch.RotationProvedAgain);
            if (repository.Keys.Problems.Count > 0)
                throw new SimulationFailureException("after a rotation a key object is wrong: " + repository.Keys.Problems[0].Message);
        }

        await backups.JudgeAsync(life);
        foreach (var key in added)
        {
            using var opened = await PointRepository.OpenAsync(await life.ConnectAsync(1), key, None);
            await backups.JudgePointsAsync(life, opened);
        }

        foreach (var key in revoked)
        {
            try
            {
                (await PointRepository.OpenAsync(await life.ConnectAsync(1), key, None)).Dispose();
                throw new SimulationFailureException($"revoked key {key.Slot} opens the repository");
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.KeyRevoked)
            {
                life.Count(RecoveryBranch.RevokedKeyRefused);
                life.Loop.Log.Notable($"{key.Slot} is revoked");
            }
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
                await Quietly(life, () => AddAsync(life));
                break;
            case 2:
                await Task.WhenAll(backups.BackUpQuietlyAsync(life, 1), Quietly(life, () => RotateAsync(life, null, 2)));
                break;
            case 3:
                await Quietly(life, () => RevokeAsync(life));
                break;
            default:
                await Task.WhenAll(
                    Quietly(life, () => RotateAsync(life, null, 2)), Quietly(life, () => RotateAsync(life, null, 4)), backups.BackUpQuietlyAsync(life, 3));
                break;
        }
    }

    private async Task AddAsync(Life life)
    {
        using var repository = await backups.OpenAsync(life, 2);
        added.Add(await repository.Keys.AddAsync(chance.OneIn(2), None));
    }

    private async Task RevokeAsync(Life life)
    {
        if (added.Count == 0) return;
        var key = added[^1];

        // From here on it may be revoked, whatever is reported; only a report makes it certain.
        added.Remove(key);
        await RotateAsync(life, key.Slot, 2);
        revoked.Add(key);
    }

    private async Task RotateAsync(Life life, string? revoke, int client)
    {
        using var repository = await backups.OpenAsync(life, client);
        var done = await repository.Keys.RotateAsync(revoke, None);
        Rotated++;
        if (done.Expelled.Count > 0) life.Count(RecoveryBranch.RotationExpelled);
        life.Loop.Log.Notable($"epoch {done.Epoch}, {done.Expelled.Count} expelled");
    }

    private static async Task Quietly(Life life, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (RepriseException e)
        {
            if (e.Code == RepositoryErrors.KeyChanged) life.Count(RecoveryBranch.RotationGaveWay);
            life.Loop.Log.Notable($"keys gave up: {e.Code} {e.Message}");
        }
    }
}
