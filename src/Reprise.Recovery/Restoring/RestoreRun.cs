using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Planning;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Brings a point back, or brings back what was there before. What ends badly is a <see cref="RestoreException"/> with
/// the report so far, or <see cref="OperationCanceledException"/>; production is then as it was, unless the code is
/// <c>put-back-failed</c>. What is refused before a plan exists (<c>operation-running</c>,
/// <c>operation-interrupted</c>, <c>nothing-to-undo</c>) is a plain <see cref="RepriseException"/>.
/// </summary>
public sealed class RestoreRun(RestoreApplication application, RestoreHost host)
{
    private readonly PlanMaking planning = new(application, host);

    /// <summary>What a restore would do. Changes nothing; refusals are in the plan's problems.</summary>
    public async Task<RestorePlan> PlanAsync(RestoreRequest request, CancellationToken cancellationToken) =>
        (await planning.PlanAsync(request, NewId(), cancellationToken)).Plan;

    /// <summary>Restores: plan, confirm, stage, verify, stop, safety, publish, check, keep or roll back.</summary>
    public async Task<RestoreReport> RunAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        using var one = host.State.Lock();
        RefuseWhileInterrupted();
        return await RestoreAsync(request, cancellationToken);
    }

    /// <summary>
    /// Finishes an interrupted operation in its own direction. <paramref name="openPoint"/> is asked only when it was
    /// interrupted while production was untouched: what it left is then thrown away, and everything is planned,
    /// confirmed and staged anew. <paramref name="choices"/> are added to those of the operation.
    /// <c>restore-unknown</c> when nothing was interrupted.
    /// </summary>
    public async Task<RestoreReport> ContinueAsync(
        Func<PointId, CancellationToken, Task<PointReader>> openPoint,
        RestoreChoices choices,
        CancellationToken cancellationToken)
    {
        using var one = host.State.Lock();
        var journal = host.State.Interrupted() is [var first, ..] ? first : throw new RepriseException(
            RecoveryErrors.RestoreUnknown, "no restore and no undo was interrupted", "look at 'reprise status'");
        if (journal.MayHaveSwapped)
        {
            var operation = Reopen(journal);
            operation.Save(j => With(j, choices));
            Questioner.RecordSkipped(operation);
            return await GuardAsync(operation, async () =>
                await DoneAsync(operation, await CutOver.ResumeAsync(operation, cancellationToken)));
        }

        await PutBackAsync(Reopen(journal));
        journal = With(journal, choices);
        if (journal.Kind == OperationKind.Undo) return await UndoFinishedAsync(
            journal.Undoes?.Value, Choices(journal), cancellationToken);
        var point = await openPoint(
            journal.Point ?? throw new InvariantException("a restore has a point"), cancellationToken);
        using (point)
        {
            return await RestoreAsync(RequestOf(journal, point), cancellationToken);
        }
    }

    /// <summary>What an undo would do. Changes nothing.</summary>
    public async Task<RestorePlan> PlanUndoAsync(
        string? restore, RestoreChoices choices, CancellationToken cancellationToken) =>
        (await planning.PlanUndoAsync(Undoable(restore), NewId(), choices, cancellationToken)).Plan;

    /// <summary>
    /// Takes an operation back: an interrupted one is put back at once, a finished one has its former data swapped in
    /// again under the same safeguards. <paramref name="restore"/> null means the interrupted one, else the newest.
    /// </summary>
    public async Task<RestoreReport> UndoAsync(
        string? restore, RestoreChoices choices, CancellationToken cancellationToken)
    {
        using var one = host.State.Lock();
        if (host.State.Interrupted() is not [var open, ..]) return await UndoFinishedAsync(
            restore, choices, cancellationToken);
        if (restore is not null && host.State.Find(restore).Id != open.Id) RefuseWhileInterrupted();
        return await PutBackAsync(Reopen(open));
    }

    /// <summary>Deletes the data that a finished operation keeps. Returns what was deleted.</summary>
    public async Task<IReadOnlyList<FormerData>> ForgetAsync(string restore, CancellationToken cancellationToken)
    {
        using var one = host.State.Lock();
        RefuseWhileInterrupted();
        var journal = host.State.Find(restore);
        var former = await FormerSlots.ListAsync(application, journal, cancellationToken);
        await FormerSlots.DiscardAsync(application, journal, cancellationToken);
        host.State.Save(journal with { Forgotten = true });
        host.State.Trim();
        return former;
    }

    /// <summary>The data that is kept beside the live data (for <c>status</c>), oldest first.</summary>
    public async Task<IReadOnlyList<FormerData>> FormerAsync(CancellationToken cancellationToken)
    {
        var former = new List<FormerData>();
        foreach (var journal in host.State.Operations())
            former.AddRange(await FormerSlots.ListAsync(application, journal, cancellationToken));
        return former;
    }

    /// <summary>
    /// Operations that were interrupted (for <c>status</c>, and before every command that changes something).
    /// </summary>
    public IReadOnlyList<OperationJournal> Interrupted() => host.State.Interrupted();

    /// <summary>
    /// Writes assets into sub-folders of <paramref name="folder"/>, which must be absent or empty (<c>--to</c>).
    /// </summary>
    public Task<Materialised> MaterialiseAsync(
        RestoreRequest request, string folder, CancellationToken cancellationToken) =>
        new Materialising(application, host).RunAsync(request, folder, cancellationToken);

    /// <summary>What <see cref="MaterialiseAsync"/> would write, or the error that it would end with; nothing is made.</summary>
    public Task<MaterialisationPlan> PlanMaterialisingAsync(
        RestoreRequest request, string folder, CancellationToken cancellationToken) =>
        new Materialising(application, host).PlanAsync(request, folder, cancellationToken);

    /// <summary>What a point does not have, or a survey found damaged: a sentence each.</summary>
    public static IReadOnlyList<string> MissingOf(PointManifest manifest, Survey survey)
    {
        var incomplete = manifest.State == PointState.Incomplete ? $"point {manifest.Id} is incomplete" : null;
        var damaged = survey.Sentences().Select(s => s.Sentence);
        return [.. incomplete is null ? damaged : damaged.Prepend(incomplete)];
    }

    /// <summary>The same as problems: what was brought back is not everything.</summary>
    public static IEnumerable<Problem> Missing(IEnumerable<string> sentences) => sentences.Select(sentence => new Problem(
        RecoveryErrors.PointIncomplete,
        Severity.Error,
        sentence,
        "restore what is missing from another point with --asset"));

    private PointId NewId() => host.State.NewId(host.Clock.GetUtcNow());

    private Operation Reopen(OperationJournal journal)
    {
        var operation = new Operation(application, host, journal.Id, journal.Kind) { Subject = SubjectOf(journal) };
        operation.Take(journal);
        return operation;
    }

    private async Task<RestoreReport> RestoreAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        var id = NewId();
        var manifest = request.Point.Manifest;
        var operation = new Operation(application, host, id, OperationKind.Restore)
        {
            Subject = CheckSubject.None with { Name = manifest.Id },
        };
        return await GuardAsync(operation, async () =>
        {
            var made = await operation.PhaseAsync(
                "plan", InterruptEffect.Harmless, () => planning.PlanAsync(request, id, cancellationToken));
            operation.Survey = made.Plan.Survey;
            operation.Subject = new CheckSubject(made.Items.ToDictionary(i => i.Name, i => i.Record), manifest.Id);
            await ConfirmAsync(operation, made, cancellationToken);
            operation.Begin(NewJournal(operation, made, request.Choices, OperationState.Staging) with
            {
                Point = manifest.Id,
                Salvage = request.Salvage,
                Missing = MissingOf(manifest, made.Plan.Survey),
            });
            Questioner.RecordSkipped(operation);
            await operation.PhaseAsync(
                "stage", InterruptEffect.Harmless, () =>
                    Stager.StageAsync(operation, request.Point, cancellationToken));
            await operation.PhaseAsync(
                "verify", InterruptEffect.Harmless, () => Stager.VerifyAsync(operation, cancellationToken));
            return await DoneAsync(operation, await CutOver.RunAsync(operation, cancellationToken));
        });
    }

    private async Task<RestoreReport> UndoFinishedAsync(
        string? restore, RestoreChoices choices, CancellationToken cancellationToken)
    {
        var undone = Undoable(restore);
        var id = NewId();
        var operation = new Operation(application, host, id, OperationKind.Undo)
        {
            Subject = FormerSubject(undone),
        };
        return await GuardAsync(operation, async () =>
        {
            var made = await operation.PhaseAsync(
                "plan", InterruptEffect.Harmless, () => planning.PlanUndoAsync(undone, id, choices, cancellationToken));
            await ConfirmAsync(operation, made, cancellationToken);
            operation.Begin(NewJournal(operation, made, choices, OperationState.Staging) with { Undoes = undone.Id });
            Questioner.RecordSkipped(operation);
            return await DoneAsync(operation, await CutOver.RunAsync(operation, cancellationToken));
        });
    }

    private async Task ConfirmAsync(Operation operation, PlanWithItems made, CancellationToken cancellationToken)
    {
        operation.Plan = made.Plan;
        operation.Secrets = made.Plan.Secrets;
        operation.ConfirmedIdentities = made.Identities;
        operation.Problems.AddRange(made.Plan.Problems);
        if (made.Plan.Problems.FirstOrDefault(p => p.Severity == Severity.Error) is { } refusal)
        {
            // It is the exception itself; the report holds it only once.
            operation.Problems.Remove(refusal);
            throw new RepriseException(refusal);
        }

        var (why, hint) = await host.Dialogue.ConfirmAsync(made.Plan, cancellationToken) switch
        {
            Confirmation.Given => ("", ""),
            Confirmation.Refused => ("the restore was not confirmed", $"run it again and type {application.Name}"),
            _ => ("nobody can confirm: there is no terminal", "look at it with --plan, then add --yes"),
        };
        if (why.Length > 0) throw new RepriseException(RecoveryErrors.NotConfirmed, why, hint);
    }

    private OperationJournal NewJournal(
        Operation operation, PlanWithItems made, RestoreChoices choices, OperationState state) => new()
    {
        Id = operation.Id,
        Kind = made.Plan.Kind,
        Application = application.Name,
        Started = host.Clock.GetUtcNow(),
        State = state,
        Assets = made.Items,
        SkippedChecks = choices.SkipChecks,
        AcceptedTargets = choices.AcceptTargets,
        WithoutSafety = choices.WithoutSafety,
    };

    // Whatever ended it, production is put back before anybody hears of it.
    private static async Task<RestoreReport> GuardAsync(Operation operation, Func<Task<RestoreReport>> body)
    {
        try
        {
            return await body();
        }
        catch (Exception e)
        {
            if (await PuttingBack.TryRunAsync(operation) is { } left)
            {
                if (e is RepriseException cause) operation.Problems.Add(CauseOfHalf(cause.Problem));
                throw new RestoreException(operation.Report(RestoreOutcome.Interrupted), left, e);
            }

            var ended = OutcomeOf(operation);
            if (e is RepriseException known) throw new RestoreException(operation.Report(ended), known.Problem, e);
            if (e is OperationCanceledException && operation.Problems.Find(IsStartFailure) is { } down)
                throw new RestoreException(operation.Report(ended), down, e);
            throw;
        }
    }

    // "Refused" and "unavailable" promise that nothing was changed: beside something half-done they may not decide the
    // exit.
    private static Problem CauseOfHalf(Problem cause) =>
        cause.Code.Exit is ExitCodes.Usage or ExitCodes.Refused or ExitCodes.Unavailable
            ? cause with { Severity = Severity.Warning }
            : cause;

    // An interruption that leaves the application down is not "the state is as before".
    private static bool IsStartFailure(Problem problem) =>
        problem.Severity == Severity.Error && problem.Code == RecoveryErrors.ChildFailed;

    private static async Task<RestoreReport> PutBackAsync(Operation operation)
    {
        if (await PuttingBack.TryRunAsync(operation) is { } left)
            throw new RestoreException(operation.Report(RestoreOutcome.Interrupted), left);
        return operation.Report(OutcomeOf(operation), await FormerSlots.OfAsync(operation));
    }

    private static RestoreOutcome OutcomeOf(Operation operation) => operation switch
    {
        { HasJournal: true, Journal.State: OperationState.RolledBack } => RestoreOutcome.RolledBack,
        { HasJournal: true, Journal.State: OperationState.Kept } => RestoreOutcome.Kept,
        _ => RestoreOutcome.Unchanged,
    };

    private static async Task<RestoreReport> DoneAsync(Operation operation, RestoreOutcome outcome)
    {
        var former = await FormerSlots.OfAsync(operation);
        operation.Problems.AddRange(Missing(operation.Journal.Missing));
        if (outcome == RestoreOutcome.RolledBack)
        {
            operation.Problems.Insert(0, new Problem(
                RecoveryErrors.RolledBack,
                Severity.Error,
                "the checks did not pass, so the former data is live again",
                former.Count == 0
                    ? "look at the checks, then run the command again"
                    : $"look at what was restored, it is kept at {former[0].Where}"));
        }

        return operation.Report(outcome, former);
    }

    private void RefuseWhileInterrupted()
    {
        if (host.State.Interrupted() is not [var open, ..]) return;
        throw new RepriseException(
            RecoveryErrors.OperationInterrupted,
            $"{(open.Kind == OperationKind.Undo ? "undo" : "restore")} {open.Id} was interrupted "
            + $"while {Doing(open.State)}",
            "'reprise restore --continue' finishes it, 'reprise undo' takes it back");
    }

    private static string Doing(OperationState state) => state switch
    {
        OperationState.Staging => "it staged data; production is untouched",
        OperationState.Stopping or OperationState.Securing => "the application was stopped; the data is untouched",
        OperationState.Publishing => "data was swapped",
        OperationState.RollingBack => "data was swapped back",
        _ => "it was checked; the restored data is live",
    };

    private OperationJournal Undoable(string? restore)
    {
        var kept = host.State.Operations().Where(o => o.State == OperationState.Kept && !o.Forgotten).ToList();
        var found = restore is null ? kept.LastOrDefault() : host.State.Find(restore);

        // Undoing what was undone means undoing the undo: 'undo' may be repeated for ever.
        while (found is not null && kept.Find(o => o.Undoes == found.Id) is { } later) found = later;
        if (found is { State: OperationState.Kept, Forgotten: false }) return found;
        throw new RepriseException(
            RecoveryErrors.NothingToUndo,
            found is null ? "no restore has former data" : $"{found.Id} has no former data: it {Ended(found)}",
            "look at 'reprise status', or restore a point");
    }

    private static string Ended(OperationJournal journal) => journal switch
    {
        { Forgotten: true } => "was forgotten",
        { State: OperationState.RolledBack } => "was rolled back",
        _ => "changed nothing",
    };

    private static CheckSubject SubjectOf(OperationJournal journal) => journal.Kind == OperationKind.Restore
        ? new CheckSubject(journal.Assets.ToDictionary(a => a.Name, a => a.Record), journal.Point)
        : CheckSubject.None;

    // The safety point describes the former data better than anything: it was taken of it.
    private static CheckSubject FormerSubject(OperationJournal undone) => new(
        undone.Assets.Where(a => a.Former is not null).ToDictionary(a => a.Name, a => a.Former!), // Filtered just now.
        undone.SafetyPoint);

    private static OperationJournal With(OperationJournal journal, RestoreChoices choices) => journal with
    {
        SkippedChecks = new SortedDictionary<string, string>(
            journal.SkippedChecks.Concat(
                choices.SkipChecks).GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Last().Value),
            StringComparer.Ordinal),
        AcceptedTargets = [.. journal.AcceptedTargets.Union(choices.AcceptTargets)],
        WithoutSafety = [.. journal.WithoutSafety.Union(choices.WithoutSafety)],
    };

    private static RestoreChoices Choices(OperationJournal journal) => new()
    {
        SkipChecks = journal.SkippedChecks,
        AcceptTargets = journal.AcceptedTargets,
        WithoutSafety = journal.WithoutSafety,
    };

    private static RestoreRequest RequestOf(OperationJournal journal, PointReader point) => new()
    {
        Point = point,
        OnlyAssets = [.. journal.Assets.Select(a => a.Name)],
        RestoreSecrets = journal.Assets.Any(a => a.Record.Kind == AssetKinds.Secrets),
        Salvage = journal.Salvage,
        Moments = new SortedDictionary<string, AssetMoment>(
            journal.Assets.Where(a => a.Moment is not null).ToDictionary(a => a.Name, a => a.Moment!), StringComparer.Ordinal), // Filtered just now.
        Choices = Choices(journal),
    };
}
