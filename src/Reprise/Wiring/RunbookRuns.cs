using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>runbook run</c>, <c>resume</c> and <c>report</c>.</summary>
internal static partial class RunbookRuns
{
    private const string AfterIncident = "after-incident";
    private const string BootId = "/proc/sys/kernel/random/boot_id";

    /// <summary><c>runbook run NAME</c></summary>
    public static async Task<CommandReport<RunbookRunJson>> RunAsync(RunbookRunOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var runbook = desk.Library.Find(options.Name ?? "", options.Language);
        Refuse(desk, runbook);
        if (HasNothing(desk))
        {
            throw new RepriseException(
                ConfigurationErrors.Missing,
                $"there is no configuration {context.ConfigurationName} here, and no repository was named",
                $"on a machine that replaces a lost one: reprise runbook run {runbook.Id} --repository LOCATION --key-file FILE; "
                    + "else name the configuration with --config FILE");
        }

        var inputs = await InputsAsync(desk, runbook, options);
        using var journal = RunJournal.Create(
            desk.Machine.Disk, desk.Journals, desk.Machine.Clock.GetUtcNow(), runbook.Text);
        context.GoOnWith = Resume(desk, journal.Id);
        var run = new RunbookRun(desk.Plan(runbook), journal, HostOf(desk, options, runbook));
        await run.StartAsync(inputs, context.Cancellation);
        return Report(desk, runbook, journal);
    }

    /// <summary><c>runbook resume [RUN]</c></summary>
    public static async Task<CommandReport<RunbookRunJson>> ResumeAsync(RunbookRunOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var disk = desk.Machine.Disk;
        var id = Find(desk, options.Name);
        var runbook = Kept(desk, id);
        using var journal = RunJournal.Open(disk, desk.Journals, id);
        if (journal.Events.Count == 0) throw NothingHappened(id, runbook);
        context.GoOnWith = Resume(desk, id);
        var host = HostOf(desk, options, runbook);
        var changed = Changes(desk, runbook, journal, host);
        if (context.CanAsk)
        {
            foreach (var change in changed) context.Prose.Paragraph($"{change.Message}; {change.Hint}");
        }

        await new RunbookRun(desk.Plan(runbook), journal, host).ResumeAsync(options.Undo, context.Cancellation);
        var report = Report(desk, runbook, journal);
        return report with { Problems = [.. changed, .. report.Problems] };
    }

    // Whoever goes on hours later is told what is not as it was, and goes on: he may have changed it himself.
    private static List<Problem> Changes(RunbookDesk desk, Runbook kept, RunJournal journal, RunbookHost host)
    {
        var changes = RunSurroundings.Changes(journal.Events, host.Surroundings).ToList();
        var now = desk.Library.All.FirstOrDefault(r => r.Id == kept.Id && r.Language == kept.Language);
        if (now is null) changes.Add($"the runbook {kept.Id} is gone: the run keeps to the text with which it began");
        else if (now.Sha256 != kept.Sha256)
            changes.Add($"the runbook {kept.Id} has another text now: the run keeps to the one with which it began");
        return [.. changes.Select(c => new Problem(
            RunbookErrors.Changed, Severity.Warning, c, "look whether the steps that follow still fit; else begin a new run")
        {
            Where = (desk.Journals / (journal.Id + ".runbook.md")).ToString(),
        })];
    }

    private static SortedDictionary<string, string> Surroundings(RunbookDesk desk)
    {
        var disk = desk.Machine.Disk;
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (desk.Configuration is { } configuration
            && ConfigurationFile.ReadText(disk, configuration.File, configuration.File) is { } text)
        {
            found[RunSurroundings.Configuration] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }

        if (Recovery.Assets.Machine.Fingerprint(disk) is { } machine) found[RunSurroundings.Machine] = machine;
        if (ConfigurationFile.ReadText(disk, BootId, BootId) is { Length: > 0 } boot) found[RunSurroundings.Boot] = boot.Trim();
        return found;
    }

    /// <summary><c>runbook report [RUN]</c></summary>
    public static Task<CommandReport<RunbookRunJson>> ReportAsync(RunbookReportOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var id = Find(desk, options.Run);
        var (events, head) = RunJournal.Read(desk.Machine.Disk, desk.Journals, id);
        if (events.Count == 0) throw NothingHappened(id, Kept(desk, id));
        var report = RunReport.Of(Kept(desk, id), events, head);
        var result = Json(desk, report);
        if (options.To is not { } path) return Task.FromResult(new CommandReport<RunbookRunJson>(result));
        var markdown = desk.Secrets.Redact(ReportPage.Markdown(report, desk.Configuration?.Application ?? "recovery"));
        var text = path.EndsWith(".html", StringComparison.Ordinal)
            ? HtmlPage.Of(markdown, report.Runbook.Title, "en", forPaper: false)
            : markdown;
        desk.Machine.Disk.MakeFolder(new DiskPath(path).Parent);
        RunbookOperations.WriteFile(desk.Machine.Disk, new DiskPath(path), text);
        return Task.FromResult(new CommandReport<RunbookRunJson>(result with { Written = path }));
    }

    private static string Resume(RunbookDesk desk, string run) => $"reprise runbook resume {run}{desk.Commands.Again}";

    // Neither a configuration nor a repository: whatever a step asks has no answer then.
    private static bool HasNothing(RunbookDesk desk) => desk.Configuration is null && desk.Context.Options.Repository is null;

    private static string Find(RunbookDesk desk, string? name)
    {
        try
        {
            return RunJournal.Find(desk.Machine.Disk, desk.Journals, name);
        }
        catch (RepriseException e) when (e.Code == RunbookErrors.RunUnknown && HasNothing(desk))
        {
            throw new RepriseException(
                e.Code,
                $"{e.Message}, as far as this folder without a configuration knows",
                "name what the run was begun with: --repository LOCATION --key-file FILE, or --config FILE");
        }
    }

    private static RunbookHost HostOf(RunbookDesk desk, RunbookRunOptions options, Runbook runbook)
    {
        var user = desk.Machine.Variable("SUDO_USER") ?? AssetFactory.UserName(desk.Machine);
        return new RunbookHost(
            new ProductionBinding(
                desk.Context, desk.Commands, options.Yes, [.. options.Confirmations.Select(c => c.Option)]),
            new RunbookConversation(desk.Context, options, runbook.Language, desk.Secrets.Redact),
            desk.Machine.Clock,
            desk.Secrets.Redact,
            user)
        {
            AskVerificationsFirst = options.RedFirst,
            Surroundings = Surroundings(desk),
        };
    }

    // The run keeps to the text with which it began, also when the file, or this program, has changed since.
    private static Runbook Kept(RunbookDesk desk, string id) => RunbookParser.Parse(
        RunJournal.ReadRunbook(desk.Machine.Disk, desk.Journals, id), (desk.Journals / (id + RunbookLibrary.Ending)).ToString());

    /// <summary>A runbook that does not hold together is not followed.</summary>
    public static void Refuse(RunbookDesk desk, Runbook runbook)
    {
        if (RunbookOperations.Findings(desk, runbook) is not [var first, ..]) return;
        throw new RepriseException(new Problem(RunbookErrors.Invalid, Severity.Error, first.Message, first.Hint)
        {
            Where = first.Where,
        });
    }

    private static async Task<IReadOnlyDictionary<string, string>> InputsAsync(
        RunbookDesk desk, Runbook runbook, RunbookRunOptions options)
    {
        var inputs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in options.Inputs)
        {
            if (name != "since" && runbook.Inputs.All(i => i.Name != name))
            {
                throw new RepriseException(
                    RunbookErrors.InputMissing,
                    $"{runbook.Id} asks for no input '{name}'",
                    runbook.Inputs.Count == 0 ? "leave it out" : $"it asks for {string.Join(", ", runbook.Inputs.Select(i => i.Name))}");
            }

            inputs[name] = runbook.Inputs.Any(i => i.Name == name && i.IsPoint) ? await PointAsync(desk, value) : value;
        }

        foreach (var input in runbook.Inputs.Where(i => !inputs.ContainsKey(i.Name)))
            inputs[input.Name] = await InputAsync(desk, runbook, input);
        return inputs;
    }

    private static async Task<string> InputAsync(RunbookDesk desk, Runbook runbook, RunbookInput input)
    {
        var context = desk.Context;
        var phrases = RunbookPhrases.Of(runbook.Language);
        while (true)
        {
            var usual = input.Default is { } text ? desk.Facts.Show(text) : null;
            if (context.CanAsk) context.Prose.Paragraph(desk.Facts.Show(input.Ask));
            var typed = context.CanAsk
                ? await context.Host.Terminal.AskAsync(
                    $"{phrases.Answer}{(usual is null ? "" : $" [{usual}]")}{phrases.Colon}", context.Cancellation)
                : null;
            var value = (string.IsNullOrWhiteSpace(typed) ? usual : typed.Trim()) ?? throw new RepriseException(
                RunbookErrors.InputMissing,
                $"{runbook.Id} must know '{input.Name}': {desk.Facts.Show(input.Ask)}",
                $"give it with --input {input.Name}=VALUE");
            try
            {
                return input.IsPoint ? await PointAsync(desk, value) : value;
            }
            catch (RepriseException e) when (typed is not null && e.Code.Exit == ExitCodes.Usage)
            {
                context.Prose.Paragraph($"{e.Message}; {e.Problem.Hint}");
            }
        }
    }

    // What is called latest now must not be another point after the next backup. A repository that cannot be reached now
    // is no reason to keep anybody from the steps that need none: whatever needs the point will say so.
    private static async Task<string> PointAsync(RunbookDesk desk, string name)
    {
        try
        {
            using var repository = await Protection.OpenRepositoryAsync(desk.Machine, desk.Context, desk.Context.Cancellation);
            var catalog = await repository.ListPointsAsync(desk.Machine.Signing, desk.Context.Cancellation);
            return PointNames.Find(catalog, name, PointOperations.Proven(desk.Context)).Id.Value;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            return name;
        }
    }

    private static CommandReport<RunbookRunJson> Report(RunbookDesk desk, Runbook runbook, RunJournal journal)
    {
        var report = RunReport.Of(runbook, journal.Events, journal.Head);
        var json = Json(desk, report);
        var why = journal.Events.LastOrDefault(e => e.Event == RunEventKind.Paused);
        Problem? problem = report.State switch
        {
            RunState.Waiting => Error(desk, RunbookErrors.Waiting, why, json),
            RunState.Stopped => Error(desk, RunbookErrors.Stopped, why, json),
            RunState.NeedsDecision => Error(desk, RunbookErrors.UndoFailed, why, json),
            _ => null,
        };
        return new CommandReport<RunbookRunJson>(json, problem is null ? [] : [problem]);
    }

    // Whoever sits at a terminal is asked again by resume, and need not put the answer into the command. The option of the
    // command restore is none of this one.
    private static Problem Error(RunbookDesk desk, ErrorCode code, RunEvent? why, RunbookRunJson json)
    {
        var reason = Code().Replace(why?.Reason ?? "the run stands still", "go on as the next line says");
        return new(code, Severity.Error, reason, desk.Context.CanAsk ? Resume(desk, json.Run) : json.Next) { Where = json.At };
    }

    private static RunbookRunJson Json(RunbookDesk desk, RunReport report)
    {
        var events = RunJournal.Read(desk.Machine.Disk, desk.Journals, report.Run).Events;
        var progress = RunProgress.Of(report.Runbook, events);
        return new RunbookRunJson
        {
            Run = report.Run,
            Runbook = report.Runbook.Id,
            Title = report.Runbook.Title,
            Version = report.Runbook.Version,
            Sha256 = report.Runbook.Sha256,
            Binding = report.Binding,
            State = RunProgress.WordOf(report.State),
            Since = report.Since,
            Began = report.Began,
            Last = report.Last,
            RtoSeconds = Seconds(report.Rto),
            RpoSeconds = Seconds(report.Rpo),
            Point = report.Point,
            Phases = [.. report.Phases.Select(p => new RunbookPhaseJson(p.Name, p.Kind, Seconds(p.Elapsed)))],
            Steps = [.. report.Steps.Select(s => new RunbookRanJson(
                s.Id, RunbookOperations.Word(s.Type), s.Outcome, Seconds(s.Elapsed), s.Command, s.Excerpt))],
            Decisions = [.. report.Decisions.Select(d => new RunbookDecisionJson(
                d.At, d.Step, d.Option, d.Reason, d.Actor, d.Target))],
            Deviations = report.Deviations,
            NotDiscriminating = report.NotDiscriminating,
            RedBefore = [.. progress.RedBefore.Order(StringComparer.Ordinal)],
            Timeline = [.. report.Timeline.Select(m => new RunbookMomentJson(m.At, m.Text))],
            At = report.State is RunState.Done or RunState.Undone ? null : progress.UndoBegun ?? progress.Cursor,
            Journal = (desk.Journals / (report.Run + ".jsonl")).ToString(),
            Head = report.Head,
            Next = Next(
                report, progress, events.LastOrDefault(e => e.Event == RunEventKind.Paused)?.Reason, Whereabouts(desk, report, progress)),
        };
    }

    // A run that brought a configuration back is followed by one that works with it.
    private static (string Again, string Then) Whereabouts(RunbookDesk desk, RunReport report, RunProgress progress)
    {
        var known = desk.Facts.With(progress.Facts);
        var brought = report.Runbook.Steps.Select(s => s.Action?.One("config")).FirstOrDefault(c => c is not null);
        return (desk.Commands.Again, brought is null ? desk.Commands.Again : " " + Placeholders.Line(["--config", known.Show(brought)]));
    }

    private static string Next(RunReport report, RunProgress progress, string? why, (string Again, string Then) where)
    {
        var again = where.Again;
        var resume = $"reprise runbook resume {report.Run}{again}";
        var look = $"reprise runbook report {report.Run}{again} --to report.html";
        if (progress.IsUndoing && report.State == RunState.NeedsDecision) return NextUndo(report.Runbook, progress, resume);
        var at = progress.Cursor is { } id ? report.Runbook.Find(id) : null;
        if (report.State == RunState.Waiting && Code().Match(why ?? "") is { Success: true } code)
            return $"{resume} --yes --confirm {at?.Id}={code.Groups["code"].Value}";
        return report.State switch
        {
            RunState.Done when report.Runbook.Id != AfterIncident => $"reprise runbook run {AfterIncident}{where.Then}",
            RunState.Done => look,
            RunState.Undone => look,
            RunState.Waiting when at is { Type: StepType.Decide } decide =>
                $"{resume} --decide {decide.Id}={string.Join('|', decide.Options.Select(o => o.Key))}:REASON",
            RunState.Waiting when at is { Effect: EffectClass.Irreversible } && progress.Begun is not null =>
                $"{resume} --decide {at.Id}=done|again:REASON --confirm {at.Id}=TARGET",
            RunState.Waiting when at is { Effect: EffectClass.Irreversible } => $"{resume} --confirm {at.Id}=TARGET",
            RunState.Waiting when at is { Type: StepType.Manual } => $"{resume} --decide {at.Id}=done:WHAT-CAME-OF-IT",
            RunState.Waiting when at is { Type: StepType.Act } && progress.Begun is null => $"{resume} --yes",
            RunState.Waiting when at is not null => $"{resume} --decide {at.Id}=done|again:REASON",
            _ => resume,
        };
    }

    // What is asked while acts are taken back is asked about the step that takes back, except whether an act happened at all.
    private static string NextUndo(Runbook runbook, RunProgress progress, string resume)
    {
        if (progress.Begun is { } begun && runbook.Find(begun) is { Type: StepType.Act })
            return $"{resume} --decide {begun}=yes|no:REASON";
        var act = progress.UndoBegun ?? progress.Completed.LastOrDefault();
        if (act is null || runbook.Find(act)?.Undo is not { } name || runbook.Find(name) is not { } undo) return resume;
        if (progress.UndoBegun is null) return $"{resume} --decide {undo.Id}=done|skip:REASON";
        return undo.Idempotent ? resume : $"{resume} --decide {undo.Id}=done|again|skip:REASON";
    }

    // How a restore says that its target must be named; here that is done for the step.
    [GeneratedRegex("--accept-target (?<code>[0-9a-f]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();

    private static double? Seconds(TimeSpan? time) => time is { } value ? Math.Round(value.TotalSeconds, 3) : null;

    private static RepriseException NothingHappened(string id, Runbook runbook) => new(
        RunbookErrors.RunUnknown,
        $"nothing was recorded of run {id}: it was interrupted before its first step, and nothing was done",
        $"begin it anew with reprise runbook run {runbook.Id}");
}
