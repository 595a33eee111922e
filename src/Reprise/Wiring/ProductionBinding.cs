using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Exporting;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Runbooks;
using Reprise.Recovery.State;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Carries the steps of a runbook out on the application itself, with the operations of the commands.</summary>
/// <param name="context">the running command.</param>
/// <param name="commands">how programs are called here.</param>
/// <param name="yes">whether restores may go on without the application's name being typed.</param>
/// <param name="accepted">codes of targets that a person typed; each fits one target only.</param>
internal sealed class ProductionBinding(
    CommandContext context, RunbookCommands commands, bool yes, IReadOnlyList<string> accepted) : IRunbookBinding
{
    /// <summary>The variable that says for which run and step a program was started.</summary>
    private const string MarkVariable = "REPRISE_RUNBOOK_STEP";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // HTTP dates are whole seconds, and an answer may take a while; what expires tokens is off by minutes at least.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(30);

    private readonly Machine machine = Machine.Of(context.Host);

    /// <inheritdoc />
    public string Name => "production";

    /// <inheritdoc />
    public async Task<StepAnswer> DoAsync(StepAction action, StepPatience patience, CancellationToken cancellationToken)
    {
        try
        {
            if (action.Run.Count > 0) return await StartAsync(action.Run, patience, cancellationToken);
            var isQuestion = Builtins.Find(action.Builtin ?? "") is { ChangesSomething: false };
            var started = machine.Clock.GetTimestamp();
            var said = false;
            while (true)
            {
                var answer = await At(action).CallHereAsync(action, patience, cancellationToken);
                var isOver = patience.Once || patience.Within is not { } within
                    || machine.Clock.GetElapsedTime(started) + Pause >= within;
                if (!isQuestion || answer.Outcome == Outcome.Pass || isOver) return answer;
                if (!said) context.Progress.Begin($"not yet; it is asked again for up to {Amounts.Time(patience.Within!.Value)}", null); // Without a limit it would be over.
                said = true;
                await Task.Delay(Pause, machine.Clock, cancellationToken);
            }
        }
        catch (RepriseException e) when (e.Code.Exit != ExitCodes.Refused)
        {
            var outcome = Builtins.Find(action.Builtin ?? "") is { ChangesSomething: false }
                ? Outcome.CouldNotVerify
                : Outcome.Fail;
            return new StepAnswer(outcome, LineOf(e.Problem));
        }
    }

    /// <inheritdoc />
    public Task<StepAnswer?> RecallAsync(StepAction action, DateTimeOffset since, CancellationToken cancellationToken) =>
        At(action).RecallHereAsync(action, since, cancellationToken);

    /// <inheritdoc />
    public async Task<RunTarget> IdentifyAsync(string target, CancellationToken cancellationToken)
    {
        using var protection = await Protection.OpenAsync(machine, context, cancellationToken);
        if (target != "application") return await IdentifyAsync(Asset(protection, target), cancellationToken);

        // The whole of it is on this machine, and it is each of its parts: an address alone says nothing about who answers.
        var configuration = protection.Configuration;
        var parts = new List<RunTarget>();
        foreach (var asset in protection.Assets) parts.Add(await IdentifyAsync(asset, cancellationToken));
        var host = Recovery.Assets.Machine.Fingerprint(machine.Disk);
        var who = string.Join('\n', [configuration.Application, configuration.File, host ?? "", .. parts.Select(p => p.Code)]);
        return new RunTarget(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(who)))[..TargetIdentity.CodeLength],
            $"application {configuration.Application} of {configuration.File} on this machine "
                + $"({host ?? "without a machine-id, so that it cannot be told from another"}), with "
                + string.Join("; ", parts.Select(p => p.Description)));
    }

    /// <inheritdoc />
    public IReadOnlyList<string> StillRunning(string mark) => MarkedProcesses.Find(machine.Disk, MarkVariable, mark);

    /// <inheritdoc />
    public IReadOnlyList<string> StillAtWork(string mark) => MarkedProcesses.FindAtWork(machine.Disk, MarkVariable, mark);

    private static async Task<RunTarget> IdentifyAsync(IAsset asset, CancellationToken cancellationToken)
    {
        var state = await asset.InspectAsync(cancellationToken);
        if (state.Presence is not (Presence.Readable or Presence.Absent) && state.Identity.Count == 0)
        {
            throw new RepriseException(state.Unreadable ?? new Problem(
                RecoveryErrors.TargetIdentity,
                Severity.Error,
                $"{asset.Name}: {state.Where} cannot be read, so that nobody knows who it is",
                "make it readable first"));
        }

        var identity = string.Join(", ", state.Identity.Select(i => $"{i.Key} {i.Value}"));
        return new RunTarget(
            TargetIdentity.CodeOf(asset.Name, state), $"{asset.Name}: {state.Where}" + (identity.Length > 0 ? $", {identity}" : ""));
    }

    // A step may work on a configuration that an earlier one brought back.
    private ProductionBinding At(StepAction action) =>
        action.One("config") is { } other ? new ProductionBinding(context.For(other), commands, yes, accepted) : this;

    private async Task<StepAnswer?> RecallHereAsync(StepAction action, DateTimeOffset since, CancellationToken cancellationToken)
    {
        if (action.Builtin == "recover")
        {
            var to = context.FullPath(action.One("to") ?? "");
            return machine.Disk.Stat(new DiskPath(to) / ConfigurationFile.UsualName) is null
                ? new StepAnswer(Outcome.NotRun, $"{to} has no configuration yet, so that nothing was published: answer again")
                : new StepAnswer(Outcome.Pass, $"{to} is there, and is published as a whole or not at all: answer done");
        }

        if (action.Builtin is not ("restore" or "undo")) return null;
        var state = machine.State(context.Configuration.Application, context.Configuration.File);
        var kind = action.Builtin == "undo" ? OperationKind.Undo : OperationKind.Restore;
        var newest = state.Operations().LastOrDefault(o => o.Kind == kind && o.Started >= since);
        switch (newest)
        {
            case null:
                return new StepAnswer(Outcome.NotRun, $"no {action.Builtin} was begun, and nothing was changed: answer again");
            case { IsOpen: true }:
                return new StepAnswer(Outcome.NotRun, $"{action.Builtin} {newest.Id} is half-done: answer again, which finishes it");
            case { State: OperationState.Kept }:
                return new StepAnswer(Outcome.Pass, $"{action.Builtin} {newest.Id} went to its end and was kept: answer done")
                {
                    Facts = newest is { Kind: OperationKind.Restore, Point: { } point }
                        ? await FactsAsync(newest.Id.Value, point.Value, action, cancellationToken)
                        : [],
                };
            default:
                return new StepAnswer(Outcome.NotRun, $"{action.Builtin} {newest.Id} was put back: answer again");
        }
    }

    private Task<StepAnswer> CallHereAsync(StepAction action, StepPatience patience, CancellationToken cancellationToken) =>
        action.Builtin switch
        {
            "status" => TellAsync(StatusOperation.RunAsync(new NoOptions(), context), StatusOf),
            "doctor" => TellAsync(
                DoctorOperation.RunAsync(new NoOptions(), context), d => $"{d.Examined.Count} things were looked at"),
            "points" => TellAsync(PointOperations.PointsAsync(new NoOptions(), context), PointsOf),
            "check" => CheckAsync(action.With.GetValueOrDefault("names") ?? []),
            "readable" => ReadableAsync(action, cancellationToken),
            "unreadable" => OppositeAsync(ReadableAsync(action, cancellationToken)),
            "silent" => OppositeAsync(NetworkAsync(action, cancellationToken)),
            "http" or "tcp" or "clock" => NetworkAsync(action, cancellationToken),
            "log" => ControlAsync(context.Configuration.Control?.Log, patience, cancellationToken),
            "database-log" => ControlAsync(
                commands.Database(action) is { } d ? RunbookCommands.DatabaseLog(d) : null, patience, cancellationToken),
            "secrets" => SecretsAsync(action.One("point"), cancellationToken),
            "verify" => TellAsync(
                PointOperations.VerifyAsync(new VerifyOptions { Point = action.One("point"), Read = "all" }, context),
                v => $"{v.Verdict}: {v.ObjectsRead} of {v.Objects} objects read"),
            "backup" => BackupAsync(),
            "stop" => ControlAsync(context.Configuration.Control?.Stop, patience, cancellationToken),
            "start" => ControlAsync(context.Configuration.Control?.Start, patience, cancellationToken),
            "start-database" => ControlAsync(
                commands.Database(action) is { } d ? RunbookCommands.DatabaseStart(d) : null, patience, cancellationToken),
            "stop-database" => ControlAsync(
                commands.Database(action) is { } d ? RunbookCommands.DatabaseStop(d) : null, patience, cancellationToken),
            "restore" => RestoreAsync(action, cancellationToken),
            "undo" => UndoAsync(action.One("restore")),
            "forget" => ForgetAsync(action.One("restore") ?? ""),
            "recover" => RecoverAsync(action),
            _ => throw new InvariantException($"builtin {action.Builtin}"),
        };

    private static async Task<StepAnswer> TellAsync<T>(Task<CommandReport<T>> call, Func<T, string> text)
        where T : class
    {
        var report = await call;
        var lines = report.Problems.Where(p => p.Severity != Severity.Note).Select(LineOf).Prepend(report.Result is { } result ? text(result) : "");
        return new StepAnswer(
            report.Problems.Any(p => p.Severity == Severity.Error) ? Outcome.Fail : Outcome.Pass,
            string.Join('\n', lines.Where(l => l.Length > 0)));
    }

    private async Task<StepAnswer> CheckAsync(IReadOnlyList<string> names)
    {
        var report = await PointOperations.CheckAsync(new CheckOptions(names), context);
        var checks = report.Result?.Checks ?? [];
        var red = checks.Where(c => c.Required && c.Outcome is "fail" or "could-not-verify").ToList();
        var outcome = red.Count == 0
            ? checks.Any(c => c.Outcome == "pass") ? Outcome.Pass : Outcome.CouldNotVerify
            : red.Exists(c => c.Outcome == "fail") ? Outcome.Fail : Outcome.CouldNotVerify;
        return new StepAnswer(outcome, checks.Count == 0
            ? "the configuration has no checks"
            : string.Join('\n', checks.Select(c => $"{Output.WordOf(c.Outcome)}  {c.Name}{Seen(c)}")));
    }

    private static string Seen(CheckJson check) => check.Outcome == "pass" || check.Actual is null || check.Actual == check.Name
        ? ""
        : $": {check.Actual}";

    private async Task<StepAnswer> ReadableAsync(StepAction action, CancellationToken cancellationToken)
    {
        var name = action.One("asset") ?? "";
        using var protection = await Protection.OpenAsync(machine, context, cancellationToken);
        var state = await Asset(protection, name).InspectAsync(cancellationToken);
        return state.Presence switch
        {
            Presence.Readable => new StepAnswer(
                Outcome.Pass,
                $"{name}: {state.Where} can be read" + await MigrationsAsync(protection, state, action, cancellationToken)),
            Presence.Absent => new StepAnswer(Outcome.Fail, $"{name}: {state.Where} is not there"),
            _ => new StepAnswer(
                Outcome.Fail,
                $"{name}: {state.Where} cannot be read: {(state.Unreadable is { } why ? LineOf(why) : "it does not answer")}"),
        };
    }

    // A program goes with one migration of its database: whoever goes back to a point has to know whether it is another.
    private static async Task<string> MigrationsAsync(
        Protection protection, TargetState state, StepAction action, CancellationToken cancellationToken)
    {
        if (action.One("point") is not { } point) return "";
        var manifest = PointNames.Find(await protection.CatalogAsync(cancellationToken), point).Manifest;
        var then = manifest.Assets.FirstOrDefault(a => a.Name == action.One("asset"))?.Migration;
        return $", at {state.Migration ?? "no migration"}; at {then ?? "no migration"} in point {manifest.Id}";
    }

    // What proves that something was really stopped: an answer that fails is what is wanted.
    private static async Task<StepAnswer> OppositeAsync(Task<StepAnswer> question)
    {
        var answer = await question;
        return answer with
        {
            Outcome = answer.Outcome switch
            {
                Outcome.Pass => Outcome.Fail,
                Outcome.Fail => Outcome.Pass,
                var unsure => unsure,
            },
        };
    }

    private async Task<StepAnswer> NetworkAsync(StepAction action, CancellationToken cancellationToken)
    {
        using var protection = await Protection.OpenAsync(machine, context, cancellationToken);
        var url = action.One("url") is { } text ? new Uri(text) : null;
        CheckDefinition check = action.Builtin is "http" or "clock"
            ? new CheckDefinition.Http
            {
                Name = "http",
                Url = url ?? throw new InvariantException("http has a url"),
                Status = int.TryParse(action.One("status"), CultureInfo.InvariantCulture, out var status) ? status : null,
                ClockWithin = action.Builtin == "clock" ? ClockTolerance : null,
            }
            : new CheckDefinition.Tcp
            {
                Name = "tcp",
                Host = url?.Host ?? action.One("host") ?? "",
                Port = url?.Port ?? int.Parse(action.One("port") ?? "0", CultureInfo.InvariantCulture),
            };
        using var runner = ChecksFactory.Make(machine, protection.Configuration, protection.Assets);
        var answer = await runner.AskAsync(check, CheckSubject.None, Patience.Once, cancellationToken);
        return new StepAnswer(answer.Outcome, answer.Actual ?? $"{answer.Expected}");
    }

    private async Task<StepAnswer> SecretsAsync(string? name, CancellationToken cancellationToken)
    {
        using var protection = await Protection.OpenAsync(machine, context, cancellationToken);
        var catalog = await protection.CatalogAsync(cancellationToken);
        var point = PointNames.Find(catalog, name ?? PointNames.Latest);
        var secrets = protection.CompareSecrets(point.Manifest);
        if (secrets.Count == 0) return new StepAnswer(Outcome.CouldNotVerify, "no secrets are configured");
        var differing = secrets.Where(s => !s.IsHarmless).ToList();
        var text = string.Join('\n', secrets.Select(s => s.Message));
        return differing.Count == 0
            ? new StepAnswer(Outcome.Pass, text)
            : new StepAnswer(Outcome.Fail, text)
            {
                Facts = new SortedDictionary<string, string>
                {
                    ["point"] = point.Id.Value,
                    ["differing"] = string.Join(", ", differing.Select(s => s.Name)),
                },
            };
    }

    private async Task<StepAnswer> BackupAsync()
    {
        var report = await PointOperations.BackupAsync(new BackupOptions { ByPerson = true }, context);
        var answer = await TellAsync(Task.FromResult(report), b => $"point {b.Point?.Id} taken, {b.Point?.State}");
        return report.Result?.Point is { } point
            ? answer with { Facts = new SortedDictionary<string, string> { ["point"] = point.Id } }
            : answer;
    }

    private async Task<StepAnswer> RestoreAsync(StepAction action, CancellationToken cancellationToken)
    {
        var options = new RestoreOptions
        {
            Point = action.One("point"),
            Assets = action.With.GetValueOrDefault("assets") ?? [],
            Yes = yes,
            RestoreSecrets = action.One("restore-secrets") == "true",
            SkipChecks = [],
            AcceptTargets = accepted,
            WithoutSafety = [],
        };
        var state = machine.State(context.Configuration.Application, context.Configuration.File);

        // One of the other kind is somebody else's, and is refused with its name.
        if (state.Interrupted() is [{ Kind: OperationKind.Restore }, ..]) options = options with { Continue = true, Point = null, Assets = [] };
        var report = await AcceptingAsync(
            codes => RestoreOperations.RestoreAsync(options with { AcceptTargets = codes }, new RestoreConversation(context, yes), context));
        var answer = await EndAsync(report);
        if (answer.Outcome != Outcome.Pass || report.Result is not { Point: { } point } restored) return answer;
        return answer with { Facts = await FactsAsync(restored.RestoreId ?? "", point, action, cancellationToken) };
    }

    private async Task<SortedDictionary<string, string>> FactsAsync(
        string restore, string point, StepAction action, CancellationToken cancellationToken)
    {
        var facts = new SortedDictionary<string, string> { ["restore"] = restore, ["point"] = point };
        if (await MomentAsync(point, action.With.GetValueOrDefault("assets") ?? [], cancellationToken) is { } moment)
            facts["moment"] = moment.ToString("O", CultureInfo.InvariantCulture);
        return facts;
    }

    // What was lost starts at the oldest moment of the data that came back; secrets are no data.
    private async Task<DateTimeOffset?> MomentAsync(
        string point, IReadOnlyList<string> only, CancellationToken cancellationToken)
    {
        using var protection = await Protection.OpenAsync(machine, context, cancellationToken);
        var manifest = PointNames.Find(await protection.CatalogAsync(cancellationToken), point).Manifest;
        var restored = manifest.Assets
            .Where(a => a.Kind != AssetKinds.Secrets && (only.Count == 0 || only.Contains(a.Name)))
            .ToList();
        return restored.Count == 0 ? null : restored.Min(a => a.Moment).ToUniversalTime();
    }

    // An undo that was interrupted is finished; asked for the restore a second time, it would be refused.
    private async Task<StepAnswer> UndoAsync(string? restore)
    {
        var state = machine.State(context.Configuration.Application, context.Configuration.File);
        var isHalfDone = state.Interrupted() is [{ Kind: OperationKind.Undo } open, ..]
            && (restore is null || open.Undoes?.Value.StartsWith(restore, StringComparison.Ordinal) == true);
        return await EndAsync(await AcceptingAsync(codes => isHalfDone
            ? RestoreOperations.RestoreAsync(
                new RestoreOptions { Assets = [], SkipChecks = [], WithoutSafety = [], Continue = true, Yes = yes, AcceptTargets = codes },
                new RestoreConversation(context, yes),
                context)
            : RestoreOperations.UndoAsync(
                new UndoOptions { RestoreId = restore, Yes = yes, AcceptTargets = codes }, new RestoreConversation(context, yes), context)));
    }

    // A target that is not known is shown to whoever sits at the terminal: he types who it is, and need not begin anew.
    private async Task<CommandReport<RestoreJson>> AcceptingAsync(
        Func<IReadOnlyList<string>, Task<CommandReport<RestoreJson>>> call)
    {
        var codes = accepted.ToList();
        while (true)
        {
            var (report, unknown) = await UnknownAsync(() => call(codes));
            if (unknown is null) return report!; // Without a question there is an answer.
            context.Progress.End();
            context.Prose.Paragraph(unknown.Message);
            var code = unknown.Hint.Split(' ')[^1];
            var typed = await context.Host.Terminal.AskAsync(
                $"If it may be overwritten, type {code}; an empty line stops here: ", context.Cancellation);
            if (string.IsNullOrWhiteSpace(typed)) return report ?? throw new RepriseException(unknown);
            codes.Add(typed.Trim());
        }
    }

    // What was refused because nobody knows its target, when somebody can be asked about it.
    private async Task<(CommandReport<RestoreJson>? Report, Problem? Unknown)> UnknownAsync(Func<Task<CommandReport<RestoreJson>>> call)
    {
        try
        {
            var report = await call();
            return (report, context.CanAsk
                ? report.Problems.FirstOrDefault(p => p.Severity == Severity.Error && p.Code == RecoveryErrors.TargetIdentity)
                : null);
        }
        catch (RepriseException e) when (context.CanAsk && e.Code == RecoveryErrors.TargetIdentity)
        {
            return (null, e.Problem);
        }
    }

    // The identity of the target was typed for it, which says more than the name of the application.
    private async Task<StepAnswer> ForgetAsync(string restore) =>
        await EndAsync(await RestoreOperations.ForgetAsync(new ForgetOptions(restore, Yes: true), context));

    private async Task<StepAnswer> RecoverAsync(StepAction action)
    {
        var to = context.FullPath(action.One("to") ?? "");
        var options = new RecoverOptions(action.One("point"), to, action.One("restore-secrets") == "true");
        var report = await PointOperations.RecoverAsync(options, context);
        if (report.Result is not { } recovered) return await TellAsync(Task.FromResult(report), r => r.Folder);

        // What to type next, the runbook says itself. What is missing after a recovery (secrets that are not kept) is named
        // here and is dealt with later.
        var missing = recovered.Secrets.Where(s => s.Outcome != "pass").Select(s => s.Name).ToList();
        var problems = report.Problems.Where(p => p.Severity != Severity.Note && p.Code != ExportErrors.SecretNotKept);
        var text = string.Join(
            '\n',
            [
                $"recovered into {recovered.Folder}",
                .. recovered.Adapt,
                missing.Count == 0 ? "every secret is there" : $"secrets that are not there yet: {string.Join(", ", missing)}",
                .. problems.Select(LineOf),
            ]);
        return new StepAnswer(
            report.Problems.Any(p => p.Severity == Severity.Error && p.Code.Exit != ExitCodes.Incomplete) ? Outcome.Fail : Outcome.Pass,
            text)
        {
            Facts = new SortedDictionary<string, string> { ["folder"] = to, ["point"] = recovered.Point },
        };
    }

    private static async Task<StepAnswer> EndAsync(CommandReport<RestoreJson> report)
    {
        // Refused means that nothing was changed, and that a person can say more.
        if (report.Problems.FirstOrDefault(p => p.Severity == Severity.Error && p.Code.Exit == ExitCodes.Refused) is { } refused)
            throw new RepriseException(refused);
        return await TellAsync(
            Task.FromResult(report),
            r => string.Join('\n', [$"{r.RestoreId}: {r.Verdict}", .. r.Checks.Select(c => $"{Output.WordOf(c.Outcome)}  {c.Name}{Seen(c)}")]));
    }

    private Task<StepAnswer> ControlAsync(
        IReadOnlyList<string>? arguments, StepPatience patience, CancellationToken cancellationToken) =>
        StartAsync(
            arguments ?? throw new InvariantException("the step was asked of a person instead"), patience, cancellationToken);

    private async Task<StepAnswer> StartAsync(
        IReadOnlyList<string> arguments, StepPatience patience, CancellationToken cancellationToken)
    {
        var folder = context.Options.Repository is null ? context.Configuration.Folder : context.Host.WorkingFolder;
        var compose = arguments is ["docker", "compose", ..]
            ? await AssetFactory.FindComposeAsync(machine.Children, cancellationToken)
            : ["docker", "compose"];
        var command = new AssetFactory(machine, compose).Command(arguments, folder) with { Within = patience.Within };
        if (patience.Mark is { } mark) command = command with { Environment = new Dictionary<string, string?> { [MarkVariable] = mark } };
        var result = await machine.Children.RunAsync(command, cancellationToken);
        var text = string.Join('\n', new[] { result.Output.Trim(), result.Errors.Trim() }.Where(t => t.Length > 0));
        return result.Exit == 0
            ? new StepAnswer(Outcome.Pass, text)
            : new StepAnswer(Outcome.Fail, $"exit {result.Exit}\n{text}");
    }

    private static IAsset Asset(Protection protection, string name) =>
        protection.Assets.FirstOrDefault(a => a.Name == name) ?? throw new RepriseException(
            ConfigurationErrors.Value,
            $"no asset is called '{name}'",
            $"choose among {string.Join(", ", protection.Assets.Select(a => a.Name))}");

    // What somebody has to know before he lets anything go; the rest of it is for other days.
    private static string StatusOf(StatusJson status) => string.Join(
        '\n',
        [
            .. status.Interrupted.Select(o => $"interrupted: {o.Operation} {o.Id} at {o.Phase}; finish it with {o.Next}"),
            .. status.Former.Select(f => $"former data: {f.Asset} in {f.Where}"),
            .. status.Stale.Select(s => $"stale: {s}"),
            $"next: {status.Next}",
        ]);

    private static string PointsOf(PointsJson points) => points.Points.Count == 0
        ? "there is no point"
        : string.Join('\n', points.Points.Reverse().Take(10).Select(
            p => $"{p.Id}  {p.Created.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC  {p.Kind}, {p.State}"));

    private static string LineOf(Problem problem) => $"{problem.Message} [{problem.Code.Name}]; {problem.Hint}";
}
