using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Restoring;

/// <summary>The order of a restore, and every safeguard in both directions.</summary>
public class RestoreRunTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private World world = new();

    [Fact]
    public async Task A_restore_stages_stops_secures_swaps_asks_and_starts_in_this_order()
    {
        var report = await world.Begin().RestoreAsync();
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal("restored", world.Live());
        Assert.Equal(
            [
                "stop", "ask health stopped on former", "safety of orders, uploads on former",
                "ask rows stopped on restored", "start on restored", "ask health running on restored",
            ],
            world.Story);
        Assert.Equal(
            [
                "plan", "stage", "verify", "stop", "check-stopped", "safety", "publish", "check-data", "start",
                "check-application",
            ],
            report.Phases.Select(p => p.Name));
        Assert.Equal(SafetyKind.Captured, report.Safety.State);
        Assert.NotNull(report.Safety.Point);
        Assert.Equal(
            ["orders-files", "uploads-files", "rows", "application-start", "health"],
            report.Checks.Select(c => c.Name));
        Assert.All(report.Checks, c => Assert.Equal(Outcome.Pass, c.Outcome));
        Assert.Equal(World.Names, report.Former.Select(f => f.Asset));
        Assert.All(World.Names, name => Assert.Equal(["former"], world.Aside(name)));
        Assert.DoesNotContain(report.Problems, p => p.Severity == Severity.Error);
    }

    [Fact]
    public async Task Undo_brings_the_former_data_back_and_may_be_repeated()
    {
        var restored = await world.Begin().RestoreAsync();
        var undone = await world.Begin().UndoAsync();
        Assert.Equal("former", world.Live());
        Assert.Equal(OperationKind.Undo, undone.Kind);
        await world.Begin().UndoAsync();
        Assert.Equal("restored", world.Live());
        await world.Begin().UndoAsync(restored.RestoreId.Value);
        Assert.Equal("former", world.Live());
        Assert.All(World.Names, name => Assert.Equal(["restored"], world.Aside(name)));
    }

    [Fact]
    public async Task What_was_absent_is_absent_again_after_undo()
    {
        var empty = new World(wasThere: false);
        var report = await empty.Begin().RestoreAsync();
        Assert.Equal(SafetyKind.NotApplicable, report.Safety.State);
        Assert.Empty(report.Former);
        await empty.Begin().UndoAsync();
        Assert.Equal("nothing", empty.Live());
        await empty.Begin().UndoAsync();
        Assert.Equal("restored", empty.Live());
    }

    [Fact]
    public async Task A_plan_changes_nothing_and_says_what_would_be_done()
    {
        var life = world.Begin();
        using var reader = Life.Reader();
        var plan = await life.Run().PlanAsync(new RestoreRequest { Point = reader }, None);
        Assert.Equal("former", world.Live());
        Assert.Empty(world.Story);
        Assert.Empty(life.State.Operations());
        Assert.Equal(
            [
                "stage-orders", "stage-uploads", "verify-orders", "verify-uploads", "stop", "safety", "publish-orders",
                "publish-uploads", "check-data", "start", "check-application",
            ],
            plan.Steps.Select(s => s.Id));
        Assert.False(plan.IsRefused);
    }

    [Theory]
    [InlineData(Recovery.Restoring.Confirmation.Refused)]
    [InlineData(Recovery.Restoring.Confirmation.Impossible)]
    public async Task Nothing_happens_without_a_confirmation(Confirmation answer)
    {
        var life = world.Begin();
        life.Dialogue.Confirmation = answer;
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal("not-confirmed", refused.Code.Name);
        Assert.Equal(ExitCodes.Refused, refused.Code.Exit);
        Assert.NotNull(refused.Report.Plan);
        Assert.Empty(world.Story);
        Assert.Empty(life.State.Operations());
    }

    [Fact]
    public async Task A_required_check_that_fails_rolls_back_and_keeps_what_was_restored()
    {
        var life = world.Begin();
        life.Answer = (check, running) => check.Name == "health" ? Outcome.Fail : Outcome.Pass;
        var report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.RolledBack, report.Outcome);
        Assert.Equal("former", world.Live());
        Assert.True(world.IsRunning);
        Assert.All(World.Names, name => Assert.Equal(["restored"], world.Aside(name)));
        Assert.Equal(World.Names, report.Former.Select(f => f.Asset));
        Assert.Equal(["rolled-back", "check-failed"], Errors(report));
        var nothing = await Assert.ThrowsAsync<RepriseException>(() => world.Begin().UndoAsync());
        Assert.Equal("nothing-to-undo", nothing.Code.Name);
    }

    [Fact]
    public async Task A_data_check_that_fails_rolls_back_before_the_application_starts()
    {
        var life = world.Begin();
        life.Answer = (check, running) =>
            check.Name == "rows" ? Outcome.CouldNotVerify : running ? Outcome.Pass : Outcome.Fail;
        var report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.RolledBack, report.Outcome);
        Assert.Equal("start on former", world.Story[^1]);
        Assert.DoesNotContain("start on restored", world.Story);
    }

    [Fact]
    public async Task A_check_that_is_not_required_does_not_roll_back()
    {
        var life = world.Begin();
        life.Checks = [new CheckDefinition.Tcp { Name = "health", Host = "localhost", Port = 1, Required = false }];
        life.Answer = (_, _) => Outcome.Fail;
        var report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal(Outcome.Fail, report.Checks.Single(c => c.Name == "health").Outcome);
    }

    [Fact]
    public async Task A_check_that_is_green_while_the_application_is_stopped_proves_nothing()
    {
        var life = world.Begin();
        life.Answer = (_, _) => Outcome.Pass;
        var report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.RolledBack, report.Outcome);
        var health = report.Checks.Single(c => c.Name == "health");
        Assert.Equal((Outcome.CouldNotVerify, "green-while-stopped"), (health.Outcome, health.Reason));
    }

    [Fact]
    public async Task A_skipped_check_is_recorded_and_not_asked()
    {
        var life = world.Begin();
        life.Answer = (check, _) => check.Name == "health" ? Outcome.Fail : Outcome.Pass;
        var report = await life.RestoreAsync(Skip("health", "the proxy is down"));
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        var health = report.Checks.Single(c => c.Name == "health");
        Assert.Equal((Outcome.NotRun, "the proxy is down"), (health.Outcome, health.Actual));
        Assert.DoesNotContain(world.Story, s => s.StartsWith("ask health", StringComparison.Ordinal));
        var unknown =
            await Assert.ThrowsAsync<RestoreException>(() => world.Begin().RestoreAsync(Skip("helth", "typo")));
        Assert.Equal("check-unknown", unknown.Code.Name);
    }

    [Fact]
    public async Task A_person_may_ask_again_or_keep_with_a_reason()
    {
        var life = world.Begin();
        var asked = 0;
        life.Dialogue.IsInteractive = true;
        life.Dialogue.Verdicts.Enqueue(new Verdict.Retry());
        life.Answer = (check, running) =>
            check.When == CheckTime.Data || (running && asked++ > 0) ? Outcome.Pass : Outcome.Fail;
        Assert.Equal(RestoreOutcome.Kept, (await life.RestoreAsync()).Outcome);
        Assert.Equal(["verdict on health"], life.Dialogue.Asked);

        life = world.Begin();
        life.Dialogue.IsInteractive = true;
        life.Dialogue.Verdicts.Enqueue(new Verdict.Keep("the health page itself is wrong"));
        life.Answer = (check, _) => check.When == CheckTime.Data ? Outcome.Pass : Outcome.Fail;
        var kept = await life.RestoreAsync();
        Assert.Equal((RestoreOutcome.Kept, "the health page itself is wrong"), (kept.Outcome, kept.KeptBecause));
        Assert.Equal(["check-failed"], Errors(kept));
    }

    [Fact]
    public async Task A_start_that_fails_is_a_check_that_fails_and_is_tried_again_on_request()
    {
        world.StartFails = true;
        var report = await world.Begin().RestoreAsync();
        Assert.Equal(RestoreOutcome.RolledBack, report.Outcome);
        Assert.Equal(Outcome.Fail, report.Checks.Single(c => c.Name == "application-start").Outcome);
        Assert.Contains("child-failed", Errors(report));
        Assert.DoesNotContain(world.Story, s => s.StartsWith("ask health running", StringComparison.Ordinal));

        var life = world.Begin();
        life.Dialogue.IsInteractive = true;
        life.Dialogue.Verdicts.Enqueue(new Verdict.Retry());
        var starts = 0;
        world.WhenStarting = () => world.StartFails = ++starts < 2;
        Assert.Equal(RestoreOutcome.Kept, (await life.RestoreAsync()).Outcome);
        Assert.Equal(2, starts);
    }

    [Fact]
    public async Task A_stop_that_fails_ends_the_restore_unless_a_person_says_that_it_is_stopped()
    {
        world.StopFails = true;
        var failed = await Assert.ThrowsAsync<RestoreException>(() => world.Begin().RestoreAsync());
        Assert.Equal("child-failed", failed.Code.Name);
        Assert.Equal("former", world.Live());
        Assert.Equal("start on former", world.Story[^1]);

        var life = world.Begin();
        life.Dialogue.IsInteractive = true;
        world.WhenStarting = () => world.IsRunning = true;
        life.Answer = (check, _) =>
            check.When == CheckTime.Data || world.Live() == "restored" ? Outcome.Pass : Outcome.Fail;
        Assert.Equal(RestoreOutcome.Kept, (await life.RestoreAsync()).Outcome);
        Assert.Equal(["stopped? 'stop it' ended with 1: cannot stop"], life.Dialogue.Asked);
    }

    [Fact]
    public async Task Without_control_a_used_target_is_refused_and_an_unused_one_proves_by_turning_green()
    {
        var life = world.Begin();
        life.HasControl = false;
        life.Assets[0].State = await Used(life.Assets[0]);
        var used = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("target-in-use", ExitCodes.Refused), (used.Code.Name, used.Code.Exit));

        life = world.Begin();
        life.HasControl = false;
        life.Answer = (check, _) =>
            check.When == CheckTime.Data || world.Live() == "restored" ? Outcome.Pass : Outcome.Fail;
        var report = await life.RestoreAsync();
        Assert.Equal(Outcome.Pass, report.Checks.Single(c => c.Name == "health").Outcome);

        life = world.Begin();
        life.HasControl = false;
        life.Answer = (_, _) => Outcome.Pass;
        report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal(Outcome.NotRun, report.Checks.Single(c => c.Name == "health").Outcome);
        Assert.Contains(report.Problems, p => p.Code.Name == "control-missing");
        Assert.DoesNotContain("stop", world.Story);
    }

    [Fact]
    public async Task Without_control_a_person_is_asked_to_stop_and_to_start()
    {
        var life = world.Begin();
        life.HasControl = false;
        life.Dialogue.IsInteractive = true;
        life.Dialogue.SaysStopped = false;
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal("target-in-use", refused.Code.Name);
        Assert.Equal("former", world.Live());

        life = world.Begin();
        life.HasControl = false;
        life.Dialogue.IsInteractive = true;
        world.IsRunning = false;
        life.Dialogue.WhenToStart = () => world.IsRunning = true;
        Assert.Equal(RestoreOutcome.Kept, (await life.RestoreAsync()).Outcome);
        Assert.Equal(["stopped? no control is configured", "start"], life.Dialogue.Asked);
    }

    [Fact]
    public async Task A_target_of_another_identity_is_refused_until_its_code_is_given()
    {
        var life = world.Begin();
        life.Assets[1].State = await Another(life.Assets[1]);
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("target-identity", ExitCodes.Refused), (refused.Code.Name, refused.Code.Exit));
        Assert.Contains("volume two", refused.Message, StringComparison.Ordinal);
        Assert.Contains("volume one", refused.Message, StringComparison.Ordinal);
        var code = refused.Report.Plan!.Assets[1].AcceptCode!;
        Assert.Contains(code, refused.Problem.Hint, StringComparison.Ordinal);

        life = world.Begin();
        life.Assets[1].State = await Another(life.Assets[1]);
        Assert.Equal(
            RestoreOutcome.Kept, (await life.RestoreAsync(new RestoreChoices { AcceptTargets = [code] })).Outcome);
    }

    [Fact]
    public async Task A_target_that_becomes_another_one_after_the_plan_is_refused()
    {
        var life = world.Begin();
        life.Answer = (_, running) => running ? Outcome.Pass : Outcome.Fail;
        world.WhenStopping = () => life.Assets[0].State = Another(life.Assets[0]).Result;
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal("target-identity", refused.Code.Name);
        Assert.Equal(("former", true), (world.Live(), world.IsRunning));
        Assert.All(World.Names, name => Assert.Empty(world.Aside(name)));
    }

    [Fact]
    public async Task Without_a_safety_point_nothing_is_changed_unless_it_is_given_up_by_name()
    {
        var life = world.Begin();
        life.CaptureSafety = (_, _) => throw new RepriseException(StorageErrors.DiskFull, "no room is left", "none");
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("safety-impossible", ExitCodes.Refused), (refused.Code.Name, refused.Code.Exit));
        Assert.Contains(
            "--without-safety orders --without-safety uploads", refused.Problem.Hint, StringComparison.Ordinal);
        Assert.Equal(("former", true), (world.Live(), world.IsRunning));

        life = world.Begin();
        life.CaptureSafety = (_, _) => throw new InvalidOperationException("must not be asked");
        var report = await life.RestoreAsync(new RestoreChoices { WithoutSafety = [.. World.Names] });
        Assert.Equal((RestoreOutcome.Kept, SafetyKind.Skipped), (report.Outcome, report.Safety.State));
        Assert.Equal(2, report.Problems.Count(p => p.Code.Name == "safety-skipped"));
    }

    [Fact]
    public async Task What_cannot_be_read_is_moved_aside_and_what_cannot_be_moved_either_is_refused()
    {
        var life = world.Begin();
        life.Assets[0].State = Unreadable(canMoveAside: true);
        var report =
            await life.RestoreAsync(new RestoreChoices { AcceptTargets = [await CodeOf(world, Unreadable(true))] });
        Assert.Equal(SafetyKind.MovedAside, report.Safety.State);
        Assert.Equal(SafetyKind.Captured, report.Safety.Assets["uploads"]);
        Assert.Equal(
            "safety of uploads on former", world.Story.Single(s => s.StartsWith("safety", StringComparison.Ordinal)));

        life = world.Begin();
        life.Assets[0].State = Unreadable(canMoveAside: false);
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync(
            new RestoreChoices { AcceptTargets = [CodeOf(world, Unreadable(false)).Result] }));
        Assert.Contains(
            "safety-impossible", refused.Report.Problems.Select(p => p.Code.Name).Append(refused.Code.Name));
    }

    [Fact]
    public async Task An_asset_that_the_safety_point_could_not_capture_is_moved_aside_and_said()
    {
        var life = world.Begin();
        var problem = new Problem(StorageErrors.MediumFailed, Severity.Error, "a page is unreadable", "none");
        life.CaptureSafety = (assets, _) => Task.FromResult(new SafetyResult(
            PointId.At(world.Clock.GetUtcNow()),
            [FolderAsset.Record("uploads", new Dictionary<string, string>())],
            new SortedDictionary<string, Problem> { ["orders"] = problem }));
        var report = await life.RestoreAsync();
        Assert.Equal((RestoreOutcome.Kept, SafetyKind.MovedAside), (report.Outcome, report.Safety.Assets["orders"]));
        Assert.Contains(report.Problems, p => p.Code.Name == "safety-moved-aside" && p.Asset == "orders");
    }

    [Fact]
    public async Task Staged_data_that_is_wrong_never_reaches_production()
    {
        var life = world.Begin();
        life.Assets[0].StagedOutcome = new CheckOutcome
        {
            Name = "orders-integrity", Level = CheckLevel.Structure, Outcome = Outcome.CouldNotVerify,
        };
        var wrong = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("staged-wrong", ExitCodes.Damaged), (wrong.Code.Name, wrong.Code.Exit));
        Assert.Empty(world.Story);
        Assert.All(World.Names, name => Assert.Empty(world.Aside(name)));

        var skipped = await life.RestoreAsync(Skip("orders-integrity", "own collation"));
        Assert.Equal(RestoreOutcome.Kept, skipped.Outcome);
        using var reader = Life.Reader();
        var salvaged = await life.Run().RunAsync(new RestoreRequest { Point = reader, Salvage = true }, None);
        Assert.Equal(RestoreOutcome.Kept, salvaged.Outcome);
        Assert.Equal(ExitCodes.Incomplete, salvaged.Problems.Single(p => p.Severity == Severity.Error).Code.Exit);
    }

    [Fact]
    public async Task An_incomplete_point_comes_back_and_the_result_says_so()
    {
        using var reader = Life.Reader(World.Manifest(PointState.Incomplete));
        var report = await world.Begin().Run().RunAsync(new RestoreRequest { Point = reader }, None);
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal(["point-incomplete"], Errors(report));
    }

    [Fact]
    public async Task A_preflight_that_finds_an_error_refuses_and_a_warning_does_not()
    {
        var life = world.Begin();
        life.Assets[0].Preflight.Add(new Problem(StorageErrors.DiskFull, Severity.Error, "too little room", "none"));
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("disk-full", "orders"), (refused.Code.Name, refused.Problem.Asset));
        life.Assets[0].Preflight[0] = life.Assets[0].Preflight[0] with { Severity = Severity.Warning };
        Assert.Equal(RestoreOutcome.Kept, (await life.RestoreAsync()).Outcome);
    }

    [Fact]
    public async Task A_secret_that_differs_is_a_warning_and_refuses_only_when_it_must_match()
    {
        var life = world.Begin();
        life.Secrets =
            [new SecretOutcome("JWT_SECRET", SecretState.Differs, "secret JWT_SECRET differs", MustMatch: false)];
        var report = await life.RestoreAsync();
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.Equal(Severity.Warning, report.Problems.Single(p => p.Code.Name == "secret-differs").Severity);
        Assert.Equal(SecretState.Differs, report.Secrets.Single().State);
        life.Secrets = [life.Secrets[0] with { MustMatch = true }];
        var refused = await Assert.ThrowsAsync<RestoreException>(() => life.RestoreAsync());
        Assert.Equal(("secret-must-match", ExitCodes.Refused), (refused.Code.Name, refused.Code.Exit));
    }

    [Fact]
    public async Task One_asset_alone_can_be_restored_and_an_unknown_one_is_refused()
    {
        var report = await world.Begin().RestoreAsync(null, "uploads");
        Assert.Equal(("former", "restored"), (world.Live("orders"), world.Live("uploads")));
        Assert.Equal(["uploads"], report.Former.Select(f => f.Asset));
        var refused = await Assert.ThrowsAsync<RestoreException>(() => world.Begin().RestoreAsync(null, "upload"));
        Assert.Equal(("asset-unknown", ExitCodes.Usage), (refused.Code.Name, refused.Code.Exit));
    }

    [Fact]
    public async Task While_one_runs_and_while_one_is_interrupted_no_other_begins()
    {
        using (world.Begin().State.Lock())
        {
            var life = new Life(world, Steps.Untouched);
            var running = await Assert.ThrowsAsync<RepriseException>(() => life.RestoreAsync());
            Assert.Equal("operation-running", running.Code.Name);
        }

        await Interrupt("rename /data/orders.before");
        var interrupted = await Assert.ThrowsAsync<RepriseException>(() => world.Begin().RestoreAsync());
        Assert.Equal(("operation-interrupted", ExitCodes.Refused), (interrupted.Code.Name, interrupted.Code.Exit));
        Assert.Contains("data was swapped", interrupted.Message, StringComparison.Ordinal);
        await world.Begin().ContinueAsync();
        Assert.Equal("restored", world.Live());
        Assert.Equal(RestoreOutcome.Kept, (await world.Begin().RestoreAsync()).Outcome);
    }

    [Fact]
    public async Task An_operation_that_was_killed_before_anything_was_swapped_is_planned_anew()
    {
        await Interrupt("safety");
        var old = world.Begin().State.Interrupted().Single();
        var report = await world.Begin().ContinueAsync();
        Assert.Equal(RestoreOutcome.Kept, report.Outcome);
        Assert.NotEqual(old.Id, report.RestoreId);
        Assert.NotNull(report.Plan);
        Assert.Equal(OperationState.Abandoned, world.Begin().State.Find(old.Id.Value).State);
        var nothing = await Assert.ThrowsAsync<RepriseException>(() => world.Begin().ContinueAsync());
        Assert.Equal("restore-unknown", nothing.Code.Name);
    }

    [Fact]
    public async Task Forget_deletes_the_former_data_and_then_there_is_nothing_to_undo()
    {
        var report = await world.Begin().RestoreAsync();
        var forgotten = await world.Begin().Run().ForgetAsync(report.RestoreId.Value, None);
        Assert.Equal(World.Names, forgotten.Select(f => f.Asset));
        Assert.All(World.Names, name => Assert.Empty(world.Aside(name)));
        Assert.Equal("restored", world.Live());
        Assert.Empty(await world.Begin().Run().FormerAsync(None));
        Assert.Equal(
            "nothing-to-undo", (await Assert.ThrowsAsync<RepriseException>(() => world.Begin().UndoAsync())).Code.Name);
    }

    [Fact]
    public async Task Former_data_that_somebody_deleted_refuses_the_undo()
    {
        await world.Begin().RestoreAsync();
        var former = world.Medium.Files.Keys
            .Where(p => p.ToString().Contains("orders.before", StringComparison.Ordinal))
            .ToList();
        foreach (var path in former) world.Medium.Files.Remove(path);
        var refused = await Assert.ThrowsAsync<RestoreException>(() => world.Begin().UndoAsync());
        Assert.Equal(("former-gone", "restored"), (refused.Code.Name, world.Live()));
    }

    [Fact]
    public async Task To_a_folder_writes_there_only_and_refuses_one_that_is_not_empty()
    {
        using var reader = Life.Reader();
        var request = new RestoreRequest { Point = reader };
        var written = await world.Begin().Run().MaterialiseAsync(request, "/out/there", None);
        Assert.Equal(["a", "b", "c"], written.Assets.Single(w => w.Name == "orders").Paths.Named);
        Assert.True(world.Medium.Files.ContainsKey(new DiskPath("/out/there/uploads/c")));
        Assert.Equal("former", world.Live());
        var refused = await Assert.ThrowsAsync<RepriseException>(
            () => world.Begin().Run().MaterialiseAsync(request, "/out/there", None));
        Assert.Equal(("target-not-empty", ExitCodes.Refused), (refused.Code.Name, refused.Code.Exit));

    }

    [Fact]
    public async Task To_a_folder_leaves_nothing_half_written_whatever_fails()
    {
        using var reader = Life.Reader();
        var request = new RestoreRequest { Point = reader };
        var other = new DiskPath("/out/other");
        for (var number = 1; ; number++)
        {
            var steps = new Steps(StepFault.FailBefore, number);
            var life = world.Begin(steps);
            var failure = await Record.ExceptionAsync(
                () => life.Run().MaterialiseAsync(request, other.ToString(), None));
            if (!steps.Reached)
            {
                Assert.Null(failure);
                Assert.InRange(number, 10, 200);
                return;
            }

            Assert.IsType<RepriseException>(failure);
            Assert.DoesNotContain(world.Medium.Files.Keys, p => p.IsWithin(other));
        }
    }

    private static RestoreChoices Skip(string check, string reason) =>
        new() { SkipChecks = new SortedDictionary<string, string> { [check] = reason } };

    private static IEnumerable<string> Errors(RestoreReport report) =>
        report.Problems.Where(p => p.Severity == Severity.Error).Select(p => p.Code.Name);

    private static async Task<TargetState> Used(FolderAsset asset) =>
        await asset.InspectAsync(None) with { Users = ["psql of alice"] };

    private static async Task<TargetState> Another(FolderAsset asset) => await asset.InspectAsync(None) with
    {
        Identity = new SortedDictionary<string, string> { ["volume"] = "two" },
    };

    private static TargetState Unreadable(bool canMoveAside) => new()
    {
        Presence = Presence.Unreadable,
        HasData = true,
        Where = "/data/orders",
        CanMoveAside = canMoveAside,
        Unreadable = new Problem(StorageErrors.MediumFailed, Severity.Error, "it is damaged", "none"),
    };

    private static Task<string> CodeOf(World world, TargetState state) =>
        Task.FromResult(Recovery.Planning.TargetIdentity.CodeOf(World.Names[0], state));

    // Kills the process when it is at its first step at which this is to be done.
    /// <summary>Kills a restore just before a step, in a world of which nothing else has happened.</summary>
    private async Task Interrupt(string where)
    {
        for (var number = 1; ; number++)
        {
            world = new World();
            var steps = new Steps(StepFault.CrashBefore, number);
            var life = world.Begin(steps);
            await Assert.ThrowsAnyAsync<Exception>(() => life.RestoreAsync());
            if (steps.Where.StartsWith(where, StringComparison.Ordinal)) return;
        }
    }
}
