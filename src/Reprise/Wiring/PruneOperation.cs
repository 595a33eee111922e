using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Windows;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Storage.Conformance;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>prune</c></summary>
internal static class PruneOperation
{
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromDays(1);

    /// <summary>Applies the retention of the configuration.</summary>
    public static async Task<CommandReport<PruneJson>> RunAsync(PruneOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        if (!options.Plan && !options.Exclusive) await RefuseUnlessAtomicAsync(machine, context);
        var catalog = await protection.CatalogAsync(context.Cancellation);
        if (options.GiveUp is { } lost && !options.Plan)
        {
            await GiveUpAsync(lost, options, catalog, protection, context);
            catalog = await protection.CatalogAsync(context.Cancellation);
        }

        var evidence = await EvidenceOperations.Log(machine, context, protection.Repository).ReadAsync(context.Cancellation);
        var proven = evidence.Drills.Where(d => d.Verdict == Outcome.Pass)
            .Select(d => PointId.TryParse(d.Input?.Point ?? "", out var id) ? id : (PointId?)null)
            .OfType<PointId>()
            .ToHashSet();
        var verdicts = Judge(catalog, protection, proven);
        var holds = Holds(catalog, options, proven, machine.Clock.GetUtcNow()).ToList();
        if (options.Plan || holds.Count > 0)
        {
            var goes = verdicts.Where(v => !v.Stays).Select(v => v.Point).ToList();
            var freed = await protection.Repository.WouldFreeAsync(catalog, goes, context.Cancellation);
            var planned = await protection.Repository.PlanWalAsync(
                now => WalNeeds.Of(now.Points, goes.Select(p => p.Id).ToHashSet()), catalog, machine.Signing, context.Cancellation);
            if (options.Plan) holds = [.. holds.Select(h => h with { Severity = Severity.Warning })];
            return new CommandReport<PruneJson>(WithWal(Shape(verdicts, plan: true, Planned(goes, freed)), planned), [.. holds, .. planned.Problems]);
        }

        context.Progress.Begin("prune", null);
        var report = await protection.Repository.PruneAsync(
            now => [.. Judge(now, protection, proven).Where(v => !v.Stays).Select(v => v.Point)],
            machine.Signing,
            context.Cancellation);
        var wal = await protection.Repository.PruneWalAsync(
            now => WalNeeds.Of(now.Points, report.Dropped.ToHashSet()), catalog, machine.Signing, context.Cancellation);
        return new CommandReport<PruneJson>(WithWal(Shape(verdicts, plan: false, report), wal), [.. report.Problems, .. wal.Problems]);
    }

    private static PruneReport Planned(IReadOnlyList<PointEntry> goes, long freed) => new()
    {
        Dropped = [.. goes.Select(p => p.Id)],
        Expelled = [],
        Waiting = [],
        DeletedPacks = 0,
        FreedBytes = 0,
        FreedNextBytes = freed,
        Problems = [],
    };

    private static PruneJson WithWal(PruneJson result, WalPruneReport wal) => result with
    {
        WalBytes = wal.Stretches.Sum(s => s.StoredBytes) - wal.FreedBytes,
        Wal = [.. wal.Stretches.Select(s => new PrunedWalJson
        {
            Lineage = s.Lineage,
            Timeline = s.Timeline,
            Start = s.Range.Start.ToString(),
            End = s.Range.End.ToString(),
            StoredBytes = s.StoredBytes,
            Stays = s.Stays,
            Why = wal.Waits && !s.Stays ? $"{s.Why}; a backup is at work, so the next prune deletes it" : s.Why,
        })],
        DeletedWalObjects = wal.Deleted,
        FreedWalBytes = wal.FreedBytes,
    };

    // Prune and writers agree by who creates an object first. Where two can, only the operator knows that nobody writes.
    private static async Task RefuseUnlessAtomicAsync(Machine machine, CommandContext context)
    {
        var location = context.Access.Repository.Location;
        var store = machine.Store(location);
        if (store.Capabilities.AtomicCreate
            && (location is Configuration.RepositoryLocation.Folder
                || await CreationProbe.IsRefusedAsync(store, machine.Entropy, context.Cancellation))) return;
        throw StoreOperation.NotAtomic(
            "nothing was deleted",
            "make sure that no backup of any host writes to this repository, and run 'reprise prune --exclusive'");
    }

    private static IReadOnlyList<RetentionVerdict> Judge(PointCatalog catalog, Protection protection, IReadOnlySet<PointId> proven)
    {
        var retention = protection.Configuration.Retention;
        var needed = new Dictionary<PointId, string>();
        foreach (var operation in protection.State.Operations().Where(o => o.IsOpen))
        {
            foreach (var id in new[] { operation.Point, operation.SafetyPoint }.OfType<PointId>())
                needed[id] = $"needed by {operation.Kind.ToString().ToLowerInvariant()} {operation.Id}, which is not finished";
        }

        return Retention.Judge(
            catalog.Points,
            new RetentionRules(retention.Daily, retention.Weekly, retention.Monthly, retention.Safety),
            proven,
            needed);
    }

    private static IEnumerable<Problem> Holds(
        PointCatalog catalog, PruneOptions options, HashSet<PointId> proven, DateTimeOffset now)
    {
        foreach (var problem in catalog.Problems) yield return problem;
        if (catalog.Newest is not { } newest) yield break;

        // Which of the three is wrong (this clock, the clock that named the point, or nobody takes points any more) does
        // not matter: whoever is in doubt about the time deletes nothing.
        if ((now - newest.Id.Time).Duration() > ClockTolerance)
        {
            yield return new Problem(
                RepositoryErrors.PruneHeld,
                Severity.Error,
                $"the newest point is of {newest.Id.Time:yyyy-MM-dd HH:mm} UTC and this clock shows {now.UtcDateTime:yyyy-MM-dd HH:mm} UTC; nothing was deleted",
                "correct the clock, or run 'reprise backup' first");
        }

        if (options.AcceptShrunk || Shrunk(catalog, proven) is not { } shrunk) yield break;
        yield return new Problem(
            RepositoryErrors.PruneHeld,
            Severity.Error,
            $"{shrunk.Problem.Message} (point {shrunk.Point}); nothing was deleted, because the earlier points may be all that is left",
            "drill or look at the data; if it is as it should be: reprise prune --accept-shrunk") { Asset = shrunk.Problem.Asset };
    }

    // A drill that passed since then has proven what is there now.
    private static (PointId Point, RecordedProblem Problem)? Shrunk(PointCatalog catalog, HashSet<PointId> proven)
    {
        foreach (var point in catalog.Points.Reverse().TakeWhile(p => !proven.Contains(p.Id)))
        {
            if (point.Manifest.Problems.FirstOrDefault(p => p.Code == RecoveryErrors.SourceShrunk.Name) is { } problem)
                return (point.Id, problem);
        }

        return null;
    }

    private static async Task GiveUpAsync(
        string text, PruneOptions options, PointCatalog catalog, Protection protection, CommandContext context)
    {
        var where = $"points/{text}";
        if (!PointId.TryParse(text, out var id) || catalog.Problems.All(p => p.Where != where))
        {
            throw new RepriseException(
                RepositoryErrors.PointUnknown,
                $"nothing is wrong with a point called '{text}'",
                "give the whole id of a point that 'reprise verify' names as damaged, forged or gone");
        }

        if (!options.Yes)
        {
            context.Progress.Clear();
            context.Prose.Paragraph($"Point {id} will be given up: whatever stands at its name is deleted, and it cannot be restored any more.");
            var typed = context.CanAsk
                ? await context.Host.Terminal.AskAsync($"Type {id} to go on: ", context.Cancellation)
                : null;
            if (typed?.Trim() != id.Value)
            {
                throw new RepriseException(
                    CliErrors.ConfirmationNeeded, $"point {id} was not given up; nothing was changed", "type its id, or give --yes");
            }
        }

        await protection.Repository.GiveUpAsync(id, context.Cancellation);
    }

    private static PruneJson Shape(IReadOnlyList<RetentionVerdict> verdicts, bool plan, PruneReport report) => new()
    {
        Plan = plan,
        Points = [.. verdicts.Select(v => new PrunedPointJson
        {
            Id = v.Point.Id.Value,
            State = Words.Of(v.Point.Manifest.State),
            Kind = Words.Of(v.Point.Manifest.Kind),
            Created = v.Point.Manifest.Created,
            Stays = v.Stays,
            Why = v.Why,
        })],
        Dropped = [.. report.Dropped.Select(p => p.Value)],
        DeletedPacks = report.DeletedPacks,
        FreedBytes = report.FreedBytes,
        FreedNextBytes = report.FreedNextBytes,
        Waiting = [.. report.Waiting.Select(p => p.Value)],
        Expelled = [.. report.Expelled.Select(p => p.Value)],
    };
}
