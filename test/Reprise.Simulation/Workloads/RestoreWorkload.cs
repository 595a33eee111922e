using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Files;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// The real restore of two assets of files and its undo, with the real journal in a state folder on the disk that
/// fails.
/// <para>Legal afterwards: what the restore reported is what is there, in every asset; what was interrupted is named,
/// and going on makes everything new, taking back makes everything former; nothing is ever mixed once no operation is
/// open; the former data can always be had again; the application runs.</para>
/// </summary>
public sealed class RestoreWorkload(ulong seed, bool checksFail = false) : IWorkload
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DiskPath Srv = new("/srv/shop");
    private static readonly DiskPath StatePath = new("/var/lib/reprise/shop");
    private static readonly string[] Names = ["config", "uploads"];

    private readonly Chance chance = Chance.For(seed, "restore");
    private readonly SimulatedApplication application = new();
    private IReadOnlyList<string> captured = [];
    private IReadOnlyList<string> former = [];
    private KeyFile? key;
    private PointId point;
    private State told = State.Former;

    /// <summary>What is live, as far as the operator was told.</summary>
    private enum State
    {
        Former,
        Captured,
        Unknown,
    }

    /// <inheritdoc />
    public string Name => checksFail ? "restore that is rolled back" : "restore and undo";

    /// <inheritdoc />
    public async Task PrepareAsync(Life life)
    {
        life.Disk.MakeFolder(new DiskPath("/etc"), 0x1ED);
        Write(life.Disk, new DiskPath("/etc/machine-id"), 32);
        foreach (var name in Names)
        {
            life.Disk.MakeFolder(Srv / name / "sub", 0x1ED);
            foreach (var file in new[] { "a", "b", "sub/c" }) Write(life.Disk, Srv / name / file, chance.Between(0, 2000));
        }

        var made = await PointRepository.CreateAsync(await life.ConnectAsync(), None);
        key = made.File;
        using (made.Repository)
            point = (await BackUpAsync(life, made.Repository, Assets(life), PointKind.Manual)).Point.Manifest.Id;
        captured = Take(life.Disk);
        await Task.Delay(TimeSpan.FromMinutes(5), life.Loop.Clock);
        foreach (var name in Names)
        {
            life.Disk.DeleteFile(Srv / name / "b");
            Write(life.Disk, Srv / name / "a", chance.Between(0, 2000));
            Write(life.Disk, Srv / name / "d", chance.Between(0, 2000));
        }

        former = Take(life.Disk);
        life.Disk.SyncFileSystem(Srv);
        life.Disk.SyncFileSystem(new DiskPath("/etc"));
    }

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        var before = told;
        try
        {
            using var repository = await OpenAsync(life);
            var run = Run(life, repository, checksFail ? Outcome.Fail : Outcome.Pass);
            told = State.Unknown;
            Hear(await RestoreAsync(run, repository), before, life);
            if (checksFail) return;
            (before, told) = (told, State.Unknown);
            Hear(await run.UndoAsync(null, Choices, None), before, life);
        }
        catch (RestoreException e)
        {
            life.Loop.Log.Notable($"{e.Report.Kind} {e.Report.Outcome}: {e.Code}");
            if (e.Code == Recovery.RecoveryErrors.StagedWrong) life.Count(RecoveryBranch.StagedWrong);
            if (e.Report.Outcome == RestoreOutcome.Unchanged) life.Count(RecoveryBranch.RestoreUnchanged);
            if (e.Report.Outcome == RestoreOutcome.RolledBack) life.Count(RecoveryBranch.RestoreRolledBack);
            told = e.Report.Outcome == RestoreOutcome.Interrupted ? State.Unknown : After(e.Report, before);
        }
        catch (RepriseException e)
        {
            // Nothing had begun: there is no report.
            life.Loop.Log.Notable($"refused: {e.Code}");
            told = before;
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        using var repository = await OpenAsync(life);
        var run = Run(life, repository, Outcome.Pass);
        var open = run.Interrupted();
        if (open.Count > 1) throw new SimulationFailureException($"{open.Count} operations are open");
        if (open.Count == 1) await FinishAsync(life, run, repository, open[0]);
        else DemandUnmixed(life);
        DemandRunning();
        await AgainAsync(life, run, repository);
    }

    private void DemandUnmixed(Life life)
    {
        if (told != State.Unknown)
        {
            Demand(life, told, "after what was reported");
            return;
        }

        // The process died before it began or after it had ended, and could not say which.
        var now = Take(life.Disk);
        if (Differs(former, now).Length == 0) told = State.Former;
        else if (Differs(captured, now).Length == 0) told = State.Captured;
        else throw new SimulationFailureException($"nothing is interrupted, but the data is mixed: {Differs(former, now)}");
    }

    private async Task FinishAsync(Life life, RestoreRun run, PointRepository repository, OperationJournal open)
    {
        life.Loop.Log.Notable($"{open.Kind} interrupted in {open.State}");

        // Every life begins with the former data; what is undone is the restore of the same life.
        var before = open.Kind == OperationKind.Undo ? State.Captured : State.Former;
        if (!open.MayHaveSwapped) Demand(life, before, $"interrupted in {open.State}");
        var goesOn = life.Chance.OneIn(2);
        life.Count(Way(goesOn ? RecoveryBranch.ContinuedFromStaging : RecoveryBranch.TakenBackFromStaging, open.State));
        if (goesOn)
        {
            var report = await run.ContinueAsync((id, _) => OpenPointAsync(repository, id), Choices, None);
            var expected = open.State != OperationState.RollingBack ? RestoreOutcome.Kept
                : open.KeepsRestored ? RestoreOutcome.RolledBack : RestoreOutcome.Unchanged;
            if (report.Outcome != expected)
                throw new SimulationFailureException($"continuing from {open.State} ended {report.Outcome}, not {expected}");
            Hear(report, before, life);
        }
        else
        {
            Hear(await run.UndoAsync(null, Choices, None), before, life);
            if (told != before) throw new SimulationFailureException($"an undo from {open.State} did not put back");
        }

        Demand(life, told, $"after finishing what was interrupted in {open.State}");
        if (run.Interrupted().Count > 0) throw new SimulationFailureException("it is still interrupted");
    }

    // The branches have the order of the states that are not ends.
    private static RecoveryBranch Way(RecoveryBranch first, OperationState state) => first + (int)state;

    // Whatever is live now: the point can be had, and what was live before can be had again.
    private async Task AgainAsync(Life life, RestoreRun run, PointRepository repository)
    {
        var before = told;
        var kept = new StateFolder(life.Disk, StatePath).Operations().Where(o => o.State == OperationState.Kept).ToList();
        var first = kept.LastOrDefault(
            o => o.Kind == OperationKind.Restore && !kept.Exists(u => u.Undoes == o.Id));
        Hear(await RestoreAsync(run, repository), before, life);
        Demand(life, State.Captured, "after restoring again");
        await run.UndoAsync(null, Choices, None);
        Demand(life, before, "after an undo");
        if (before == State.Captured)
        {
            if (first is null) throw new SimulationFailureException("the point is live, but no restore says so");
            await run.UndoAsync(first.Id.Value, Choices, None);
            Demand(life, State.Former, "after an undo of the first restore");
        }

        told = State.Former;
        DemandRunning();
    }

    private static RestoreChoices Choices => new();

    private async Task<RestoreReport> RestoreAsync(RestoreRun run, PointRepository repository)
    {
        using var reader = await OpenPointAsync(repository, point);
        return await run.RunAsync(new RestoreRequest { Point = reader }, None);
    }

    private void Hear(RestoreReport report, State before, Life life)
    {
        life.Loop.Log.Notable($"{report.Kind} {report.Outcome}");
        if (report.Outcome == RestoreOutcome.RolledBack) life.Count(RecoveryBranch.RestoreRolledBack);
        told = After(report, before);
    }

    private static State After(RestoreReport report, State before) => report.Outcome switch
    {
        RestoreOutcome.Kept => report.Kind == OperationKind.Undo ? State.Former : State.Captured,
        RestoreOutcome.Unchanged or RestoreOutcome.RolledBack => before,
        _ => throw new SimulationFailureException($"outcome {report.Outcome} without an error"),
    };

    private RestoreRun Run(Life life, PointRepository repository, Outcome data) => new(
        new RestoreApplication
        {
            Name = "shop",
            Assets = Assets(life),
            Control = application.ControlBy(life),
            Checks =
            [
                new CheckDefinition.File { Name = "settings", Path = (Srv / "config/a").ToString() },
                new CheckDefinition.Tcp { Name = "port", Host = "127.0.0.1", Port = 8000 },
            ],
            KeepFormer = TimeSpan.FromHours(72),
            CompareSecrets = (_, _) => Task.FromResult<IReadOnlyList<SecretOutcome>>([]),
            CaptureSafety = async (assets, _) =>
            {
                var result = await BackUpAsync(life, repository, assets, PointKind.Safety);
                var manifest = result.Point.Manifest;
                return new SafetyResult(manifest.Id, manifest.Assets, new SortedDictionary<string, Problem>());
            },
        },
        new RestoreHost(
            life.Disk,
            new StateFolder(life.Disk, StatePath),
            life.Loop.Clock,
            TimeZoneInfo.Utc,
            new SimulatedChecks(application, data),
            new YesDialogue(),
            new SilentProgress())
        {
            Scratch = new DiskPath("/tmp"),
        });

    private static Task<BackupResult> BackUpAsync(
        Life life, PointRepository repository, IReadOnlyList<IAsset> assets, PointKind kind) =>
        new BackupRun(repository, life.Disk, life.Loop.Clock).RunAsync(
            new BackupRequest
            {
                Application = "shop",
                Kind = kind,
                Assets = assets,
                Configuration = "",
                Signing = SigningKeys.None,
                Scratch = World.Scratch,
                Writer = "simulation",
            },
            new SilentProgress(),
            None);

    private static IReadOnlyList<IAsset> Assets(Life life) => [.. Names.Select(name => new FilesAsset(
        name,
        new FilesSettings { Root = (Srv / name).ToString(), Include = ["**"] },
        life.Disk,
        life.Cpu,
        life.Loop.Clock))];

    private async Task<PointRepository> OpenAsync(Life life) => await PointRepository.OpenAsync(
        await life.ConnectAsync(), key ?? throw new SimulationFailureException("no key"), None);

    private static async Task<PointReader> OpenPointAsync(PointRepository repository, PointId id)
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        return repository.OpenPoint(catalog.Points.Single(p => p.Id == id));
    }

    private void Demand(Life life, State state, string when)
    {
        var difference = Differs(state == State.Captured ? captured : former, Take(life.Disk));
        if (difference.Length > 0) throw new SimulationFailureException($"{when} the data is not {state}: {difference}");
    }

    private void DemandRunning()
    {
        if (!application.Runs) throw new SimulationFailureException("no operation is open, but the application is stopped");
    }

    private static IReadOnlyList<string> Take(IDisk disk) =>
        [.. Names.SelectMany(name => TreeSnapshot.Take(disk, Srv / name).Select(line => $"{name}/{line}"))];

    private static string Differs(IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        TreeSnapshot.Difference(expected, actual);

    private void Write(IDisk disk, DiskPath path, int bytes)
    {
        using var file = disk.OpenWrite(path);
        file.SetLength(0);
        file.Write(0, chance.Bytes(bytes));
    }
}
