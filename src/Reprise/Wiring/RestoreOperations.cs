using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>restore</c>, <c>restore forget</c> and <c>undo</c>.</summary>
internal static class RestoreOperations
{
    /// <summary><c>restore</c> in all its forms.</summary>
    public static async Task<CommandReport<RestoreJson>> RestoreAsync(
        RestoreOptions options, RestoreConversation conversation, CommandContext context)
    {
        var machine = Machine.Of(context.Host) with { Stage = options.Stage, ServerIsStopped = options.ServerIsStopped };
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        var isCleared = !options.Plan && await TableOperations.ClearAsync(protection, machine, context.Cancellation);
        var catalog = await protection.CatalogAsync(context.Cancellation);
        if (options.Continue && isCleared && protection.State.Interrupted().Count == 0) return Cleared(context);
        if (options.Continue) return await ContinueAsync(protection, catalog, options, conversation, context);
        if (options.Tables.Count > 0) options = TableOperations.WithAsset(protection, options);
        var chosen = options.Moment is null ? null : await MomentChoices.ChooseAsync(protection, catalog, options, machine.Cpu, context);
        var entry = chosen?.Entry ?? PointNames.Find(catalog, options.Point ?? PointNames.Latest, PointOperations.Proven(context));
        var passed = PointNames.IsRelative(options.Point) ? PointNames.PassedOver(catalog, entry).ToList() : [];
        using var point = protection.Repository.OpenPoint(entry);
        if (options.Tables.Count > 0)
        {
            var moments = chosen?.Moments ?? new SortedDictionary<string, AssetMoment>();
            var tables = await TableOperations.RunAsync(protection, point, moments, options, conversation, context);
            return tables with { Problems = [.. passed, .. chosen?.Notes ?? [], .. tables.Problems] };
        }

        var created = entry.Manifest.Created;
        var run = protection.Restore(new Dialogue(conversation, context, created), context.Progress, catalog, options.HealthUrl);
        var request = new RestoreRequest
        {
            Point = point,
            OnlyAssets = options.Assets,
            RestoreSecrets = options.RestoreSecrets,
            Salvage = options.Salvage,
            Moments = chosen?.Moments ?? new SortedDictionary<string, AssetMoment>(),
            Choices = Choices(options),
        };
        var report = await AnswerAsync(run, request, entry, options, context);
        return report with { Problems = [.. passed, .. chosen?.Notes ?? [], .. report.Problems] };
    }

    // A restore of tables that was killed has nothing to go on from: its transaction is undone, or its file was never published.
    private static CommandReport<RestoreJson> Cleared(CommandContext context)
    {
        context.Progress.Note("a restore of tables was killed; what it left is thrown away, and nothing of it was published: run it again");
        return new CommandReport<RestoreJson>(RestoreMapping.Empty("unchanged"));
    }

    private static async Task<CommandReport<RestoreJson>> AnswerAsync(
        RestoreRun run, RestoreRequest request, PointEntry entry, RestoreOptions options, CommandContext context)
    {
        if (options is { To: { } beside, Plan: true }) return await PlanWritingAsync(run, request, beside, entry, context);
        if (options.To is { } folder) return await WriteAsync(run, request, folder, entry, context);
        var created = entry.Manifest.Created;
        var moments = request.Moments.Select(m => MomentChoices.Planned(m.Key, m.Value)).ToList();
        if (!options.Plan)
        {
            var report = await ReportAsync(() => run.RunAsync(request, context.Cancellation), created);
            return report.Result is not { } result ? report : report with
            {
                Result = result with
                {
                    Moments = [.. moments.Select(m => m with { Replayed = result.Verdict == RestoreMapping.Word(RestoreOutcome.Kept) })],
                },
            };
        }

        var plan = await run.PlanAsync(request, context.Cancellation);
        return new CommandReport<RestoreJson>(RestoreMapping.Of(plan, created) with { Moments = moments }, plan.Problems);
    }

    /// <summary><c>undo</c></summary>
    public static async Task<CommandReport<RestoreJson>> UndoAsync(
        UndoOptions options, RestoreConversation conversation, CommandContext context)
    {
        var machine = Machine.Of(context.Host) with { ServerIsStopped = options.ServerIsStopped };
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        var run = protection.Restore(new Dialogue(conversation, context, null), context.Progress, null, null);
        var choices = new RestoreChoices { AcceptTargets = options.AcceptTargets };
        if (options.Plan)
        {
            var plan = await run.PlanUndoAsync(options.RestoreId, choices, context.Cancellation);
            return new CommandReport<RestoreJson>(RestoreMapping.Of(plan, null), plan.Problems);
        }

        return await ReportAsync(() => run.UndoAsync(options.RestoreId, choices, context.Cancellation), null);
    }

    /// <summary><c>restore forget ID</c></summary>
    public static async Task<CommandReport<RestoreJson>> ForgetAsync(ForgetOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        if (!options.Yes && !context.Host.Terminal.CanAsk)
        {
            throw new RepriseException(
                CliErrors.ConfirmationNeeded, "there is no terminal to confirm on; nothing was deleted", "give --yes");
        }

        if (!options.Yes)
        {
            var typed = await context.Host.Terminal.AskAsync(
                $"Type {protection.Configuration.Application} to delete it for ever: ", context.Cancellation);
            if (typed?.Trim() != protection.Configuration.Application)
                throw new RepriseException(CliErrors.ConfirmationWrong, "another name was typed; nothing was deleted", "run the command again");
        }

        var conversation = new RestoreConversation(context, options.Yes);
        var run = protection.Restore(new Dialogue(conversation, context, null), context.Progress, null, null);
        var gone = await run.ForgetAsync(options.RestoreId, context.Cancellation);
        return new CommandReport<RestoreJson>(RestoreMapping.Empty("forgotten") with
        {
            RestoreId = options.RestoreId,
            Former = [.. gone.Select(RestoreMapping.Former)],
        });
    }

    private static Task<CommandReport<RestoreJson>> ContinueAsync(
        Protection protection,
        PointCatalog catalog,
        RestoreOptions options,
        RestoreConversation conversation,
        CommandContext context)
    {
        OperationJournal? interrupted = protection.State.Interrupted().FirstOrDefault();
        var created = catalog.Points.FirstOrDefault(p => p.Id == interrupted?.Point)?.Manifest.Created;
        var run = protection.Restore(new Dialogue(conversation, context, created), context.Progress, catalog, options.HealthUrl);
        return ReportAsync(
            () => run.ContinueAsync(
                (id, _) => Task.FromResult(protection.Repository.OpenPoint(PointNames.Find(catalog, id.Value))),
                Choices(options),
                context.Cancellation),
            created);
    }

    private static async Task<CommandReport<RestoreJson>> WriteAsync(
        RestoreRun run, RestoreRequest request, string folder, PointEntry entry, CommandContext context)
    {
        var written = await run.MaterialiseAsync(request, folder, context.Cancellation);
        return Beside("written", entry, written.Survey, answer => answer with
        {
            Written = [.. written.Assets.SelectMany(a => a.Paths.Named.Select(p => Path.Combine(a.Folder, p)))],
            WrittenCount = written.Assets.Sum(a => a.Paths.Count),
            Moments = [.. written.Assets.Where(a => a.Reached is not null).Select(a => MomentChoices.Reached(a.Reached!, request.Moments[a.Name]))],
        });
    }

    private static async Task<CommandReport<RestoreJson>> PlanWritingAsync(
        RestoreRun run, RestoreRequest request, string folder, PointEntry entry, CommandContext context)
    {
        var plan = await run.PlanMaterialisingAsync(request, folder, context.Cancellation);
        return Beside("planned", entry, plan.Survey, answer => answer with
        {
            Plan = [.. plan.Assets.Select(a => new StepJson
            {
                Id = "write-" + a.Name, Effect = "reversible", Target = a.Folder, Bytes = a.DataBytes, EstimateSeconds = null,
            })],
            Moments = [.. request.Moments.Select(m => MomentChoices.Planned(m.Key, m.Value))],
        });
    }

    private static CommandReport<RestoreJson> Beside(string outcome, PointEntry entry, Survey survey, Func<RestoreJson, RestoreJson> more) => new(
        more(RestoreMapping.Empty(outcome) with
        {
            Point = entry.Id.Value,
            PointCreated = entry.Manifest.Created,
            Missing = RestoreMapping.Missing(survey),
            MissingCount = survey.Parts.Count,
        }),
        [.. RestoreRun.Missing(RestoreRun.MissingOf(entry.Manifest, survey))]);

    private static RestoreChoices Choices(RestoreOptions options) => new()
    {
        SkipChecks = new SortedDictionary<string, string>(options.SkipChecks.ToDictionary(), StringComparer.Ordinal),
        AcceptTargets = options.AcceptTargets,
        WithoutSafety = options.WithoutSafety,
    };

    // What ended badly still tells what was done: the report travels with the exception.
    private static async Task<CommandReport<RestoreJson>> ReportAsync(Func<Task<RestoreReport>> run, DateTimeOffset? created)
    {
        try
        {
            var report = await run();
            // Who held the target before the application was stopped is of no interest once the restore is kept.
            var problems = report.Problems.Where(p => p.Severity == Severity.Error || p.Code != RecoveryErrors.TargetInUse);
            return new CommandReport<RestoreJson>(RestoreMapping.Of(report, created), [.. problems]);
        }
        catch (RestoreException e)
        {
            return new CommandReport<RestoreJson>(
                RestoreMapping.Of(e.Report, created), [.. e.Report.Problems.Where(p => p != e.Problem), e.Problem]);
        }
    }
}
