using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>status</c>, and <c>reprise</c> alone.</summary>
internal static class StatusOperation
{
    /// <summary>Looks at points, former data and interrupted operations; changes nothing.</summary>
    public static async Task<CommandReport<StatusJson>> RunAsync(NoOptions options, CommandContext context)
    {
        _ = options;
        var machine = Machine.Of(context.Host);
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        var catalog = await protection.CatalogAsync(context.Cancellation);
        var headWasDropped = protection.State.ReadHead() is { } head
            && await protection.Repository.WasDroppedAsync(catalog, head.Newest.Id, context.Cancellation);
        var regular = PointNames.Regular(catalog);
        var newest = regular.FirstOrDefault();
        var reach = await WalFlows.ReadAsync(machine, protection.Configuration, protection.Repository, catalog, context.Cancellation);
        var now = machine.Clock.GetUtcNow();
        var exposure = newest is null ? (TimeSpan?)null : now - Safe(newest.Manifest, reach, now);
        var interrupted = protection.State.Interrupted();
        var objective = protection.Configuration.Objectives.Rpo;
        var conversation = new RestoreConversation(context, yes: false);
        var former = await protection.Restore(new Dialogue(conversation, context, null), context.Progress, null, null)
            .FormerAsync(context.Cancellation);
        var evidence = await EvidenceOperations.Log(machine, context, protection.Repository).ReadAsync(context.Cancellation);
        var actions = evidence.OpenActions(machine.Clock.GetUtcNow());
        var confirmed = protection.State.ReadAnswers().KeySheetConfirmed is not null;
        var drills = protection.State.ReadDrills();
        var (wal, gaps) = await WalMapping.ReadAsync(protection.Repository, context.Cancellation);
        var status = new StatusJson
        {
            Wal = wal,
            Windows = [.. reach.Windows.Where(w => w.Lineage is not null).Select(WalFlows.Json)],
            Gaps = [.. WalFlows.Gaps(reach.Windows)],
            Archiving = [.. reach.Flows.Select(WalFlows.Json)],
            Rpo = new RpoJson { ObjectiveSeconds = objective?.TotalSeconds, ExposureSeconds = Rounded(exposure) },
            Rto = new RtoJson { ObjectiveSeconds = protection.Configuration.Objectives.Rto?.TotalSeconds, MeasuredSeconds = LastRestore(protection.State) ?? drills.LastPassed?.TechnicalSeconds },
            LastPoint = newest is null ? null : Last(newest),
            LastProof = drills.LastPassed is { } proof
                ? new LastProofJson { Point = proof.Point, At = proof.At, Level = proof.Level, By = "drill" }
                : null,
            Stale = [.. ProofState.WhyStale(protection, machine, drills, newest?.Manifest)],
            Former = [.. former.Select(RestoreMapping.Former)],
            Interrupted = [.. interrupted.Select(Interrupted)],
            Points = catalog.Points.Count,
            Window = regular.Count == 0 ? null : new WindowJson { From = regular[^1].Manifest.Created, To = Latest(regular[0].Manifest.Created, reach) },
            KeyElsewhere = confirmed,
            Scheduled = null,
            Actions = [.. actions.Select(ActionJson.From)],
            Runbooks = Runbooks(machine, context, protection, catalog, evidence),
            Next = Next(interrupted, newest, exposure > objective, confirmed, drills),
        };
        return new CommandReport<StatusJson>(
            status,
            [
                .. Problems(catalog, newest, exposure, objective, protection, machine, headWasDropped),
                .. gaps,
                .. reach.Problems,
                .. evidence.Verdict.Problems,
                .. actions.Where(a => a.IsOverdue).Select(Overdue),
            ]);
    }

    private static IReadOnlyList<RunbookProofJson> Runbooks(
        Machine machine, CommandContext context, Protection protection, PointCatalog catalog, EvidenceHistory evidence) =>
        RunbookProofs.Of(
            RunbookLibrary.Open(machine.Disk, protection.Configuration.Folder),
            Calendar.LanguageOf(context.Host.Environment) == Language.French ? "fr" : "en",
            evidence.Drills,
            new ProofSurroundings(
                machine.Clock.GetUtcNow(),
                protection.Configuration.Objectives.Drill,
                catalog.Points.Select(p => p.Id.Value).ToHashSet(StringComparer.Ordinal),
                PointNames.Regular(catalog).FirstOrDefault() is { } newest
                    ? DrillOperation.Fingerprint(protection, machine, newest.Manifest)
                    : null));

    private static LastPointJson Last(PointEntry newest) => new()
    {
        Id = newest.Id.Value,
        Created = newest.Manifest.Created,
        Assets = newest.Manifest.Assets.Count,
        SourceBytes = newest.Manifest.Assets.Sum(a => a.SourceBytes),
    };

    private static DateTimeOffset Latest(DateTimeOffset point, WalReach reach) =>
        reach.Windows.Select(w => w.To).Append(point).Max();

    // What would be lost starts at the oldest of the point's moments, not at the end of the backup; where WAL goes on, at its end.
    private static DateTimeOffset Safe(PointManifest manifest, WalReach reach, DateTimeOffset now) =>
        manifest.Assets.Select(a => reach.SafeUntil(a, now)).DefaultIfEmpty(manifest.Created).Min();

    private static double? Rounded(TimeSpan? span) => span is { } value ? Math.Round(Math.Max(0, value.TotalSeconds), 3) : null;

    private static double? LastRestore(StateFolder state) => state.Operations()
        .Where(o => o is { Kind: Recovery.Assets.OperationKind.Restore, State: OperationState.Kept, Finished: not null })
        .Select(o => (double?)Math.Round((o.Finished!.Value - o.Started).TotalSeconds, 3)) // The filter demands it.
        .LastOrDefault();

    private static InterruptedJson Interrupted(OperationJournal operation) => new()
    {
        Operation = operation.Kind == Recovery.Assets.OperationKind.Restore ? "restore" : "undo",
        Id = operation.Id.Value,
        Phase = operation.State.ToString().ToLowerInvariant(),
        Started = operation.Started,
        Next = "reprise restore --continue, or reprise undo",
    };

    private static string Next(
        IReadOnlyList<OperationJournal> interrupted, PointEntry? newest, bool late, bool confirmed, RememberedDrills drills)
    {
        if (interrupted.Count > 0) return "reprise restore --continue, or reprise undo";
        if (newest is null || late) return "reprise backup";
        return confirmed ? drills.LastPassed is null ? "reprise drill" : "reprise verify" : "print the recovery sheet, then: reprise key sheet --confirm";
    }

    private static Problem Overdue(OpenAction action) => new(
        EvidenceErrors.ActionOverdue,
        Severity.Warning,
        $"the action of {action.Note.Owner} was due on {action.Note.Due:yyyy-MM-dd}: {action.Note.Action}",
        $"when it is done: reprise drill note {action.Note.Drill} --close {action.Note.Id} --result TEXT");

    private static IEnumerable<Problem> Problems(
        PointCatalog catalog, PointEntry? newest, TimeSpan? exposure, TimeSpan? objective, Protection protection, Machine machine, bool headWasDropped)
    {
        foreach (var problem in catalog.Problems) yield return problem;
        if (protection.State.Interrupted() is [var open, ..] && !protection.State.IsRunning())
        {
            yield return new Problem(
                StatusErrors.OperationUnfinished,
                Severity.Error,
                $"{(open.Kind == Recovery.Assets.OperationKind.Undo ? "undo" : "restore")} {open.Id} was interrupted and "
                + "is neither finished nor taken back",
                "'reprise restore --continue' finishes it, 'reprise undo' takes it back");
        }

        if (newest is null)
        {
            yield return new Problem(StatusErrors.NoCompletePoint, Severity.Error, "there is no complete point yet", "reprise backup");
        }
        else if (exposure > objective)
        {
            yield return new Problem(
                StatusErrors.ObjectiveMissed,
                Severity.Error,
                $"{Amounts.Time(exposure.Value)} would be lost now; the objective is {Amounts.Time(objective.Value)}",
                "reprise backup");
        }

        if (ProofState.Late(protection, machine) is { } late) yield return late;
        if (protection.State.ReadHead()?.Newest is { } head
            && !catalog.Points.Any(p => p.Id == head.Id)
            && !headWasDropped
            && !catalog.Problems.Any(p => p.Where?.EndsWith(head.Id.Value, StringComparison.Ordinal) == true))
        {
            yield return new Problem(
                Repository.RepositoryErrors.PointMissing,
                Severity.Error,
                $"point {head.Id}, the newest that this host knows, is gone",
                "find out who deleted it or rolled the repository back; the other points are not affected");
        }
    }
}

/// <summary>The codes of <c>status</c>.</summary>
internal static class StatusErrors
{
    /// <summary>Nothing could be restored.</summary>
    public static readonly ErrorCode NoCompletePoint =
        new("no-complete-point", ExitCodes.CheckFailed, "the repository holds no complete point");

    /// <summary>Something was begun that nobody has ended.</summary>
    public static readonly ErrorCode OperationUnfinished =
        new("operation-unfinished", ExitCodes.CheckFailed, "a restore or undo was interrupted and is not finished yet");

    /// <summary>More would be lost than was promised.</summary>
    public static readonly ErrorCode ObjectiveMissed =
        new("objective-missed", ExitCodes.CheckFailed, "more would be lost now than objectives.rpo allows");
}
