using System.Text;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>runbook list</c>, <c>find</c>, <c>show</c>, <c>check</c> and <c>export</c>: reading only.</summary>
internal static class RunbookOperations
{
    /// <summary><c>runbook list</c></summary>
    public static Task<CommandReport<RunbookListJson>> ListAsync(RunbookListOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        return Task.FromResult(Listed(desk, desk.Library.In(options.Language)));
    }

    /// <summary><c>runbook find WORDS</c></summary>
    public static Task<CommandReport<RunbookListJson>> FindAsync(RunbookListOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        return Task.FromResult(Listed(desk, desk.Library.Search(options.Language, options.Words)));
    }

    /// <summary><c>runbook show NAME</c></summary>
    public static Task<CommandReport<RunbookShowJson>> ShowAsync(RunbookListOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var runbook = desk.Library.Find(options.Words[0], options.Language);
        var plan = desk.PlanForPaper(runbook);
        return Task.FromResult(new CommandReport<RunbookShowJson>(new RunbookShowJson
        {
            Runbook = Item(desk, runbook),
            Markdown = desk.Secrets.Redact(RunbookPages.Markdown(plan)),
            Steps = [.. runbook.Steps.Select(plan.Resolve).Select(s => new RunbookStepJson
            {
                Id = s.Step.Id,
                Type = Word(s.Step.Type),
                Why = s.Why,
                Command = s.Command is { } command ? desk.Secrets.Redact(command) : null,
                Effect = s.Step.Effect.ToString().ToLowerInvariant(),
                On = s.On,
                Missing = s.Missing,
            })],
        }));
    }

    /// <summary><c>runbook check</c></summary>
    public static Task<CommandReport<RunbookCheckJson>> CheckAsync(RunbookListOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var problems = new List<Problem>();
        var runbooks = options.Words.Count == 0
            ? desk.Library.All
            : [.. options.Words.SelectMany(w => Named(desk, w, problems))];
        if (options.Words.Count == 0) problems.AddRange(desk.Library.Unreadable);
        var unreadable = problems.Select(p => new RunbookCheckedJson
        {
            Id = null,
            Language = null,
            Source = p.Where ?? "",
            Findings = [new RunbookFindingJson(p.Where ?? "", p.Message, p.Hint)],
            ByPerson = [],
        }).ToList();
        var read = runbooks.Select(r => (Runbook: r, Findings: Findings(desk, r))).ToList();
        problems.AddRange(read.SelectMany(r => r.Findings).Select(
            f => new Problem(RunbookErrors.Invalid, Severity.Error, f.Message, f.Hint) { Where = f.Where }));
        return Task.FromResult(new CommandReport<RunbookCheckJson>(
            new RunbookCheckJson
            {
                Runbooks =
                [
                    .. read.Select(r => new RunbookCheckedJson
                    {
                        Id = r.Runbook.Id,
                        Language = r.Runbook.Language,
                        Source = r.Runbook.Source,
                        Findings = [.. r.Findings.Select(f => new RunbookFindingJson(f.Where, f.Message, f.Hint))],
                        ByPerson = desk.Configuration is null ? [] : ByPerson(desk, r.Runbook),
                    }),
                    .. unreadable,
                ],
            },
            problems));
    }

    /// <summary><c>runbook export</c></summary>
    public static Task<CommandReport<RunbookExportJson>> ExportAsync(RunbookExportOptions options, CommandContext context)
    {
        var desk = RunbookDesk.Open(context);
        var runbooks = options.Names.Count == 0
            ? desk.Library.In(options.Language)
            : [.. options.Names.Select(n => desk.Library.Find(n, options.Language))];
        var folder = new DiskPath(options.Folder);
        desk.Machine.Disk.MakeFolderDurably(folder, 0b111_101_101);
        var files = new List<string>();
        foreach (var runbook in runbooks)
        {
            var markdown = desk.Secrets.Redact(RunbookPages.Markdown(desk.PlanForPaper(runbook)));
            var isPage = options.Format != "markdown";
            var text = isPage
                ? HtmlPage.Of(markdown, runbook.Title, runbook.Language, options.Format == "print")
                : markdown;
            files.Add(WriteFile(desk.Machine.Disk, folder / (runbook.Id + (isPage ? ".html" : ".md")), text));
        }

        return Task.FromResult(new CommandReport<RunbookExportJson>(new RunbookExportJson { Files = files }));
    }

    /// <summary>Writes a file as a whole: a reader sees the former one or the new one.</summary>
    public static string WriteFile(IDisk disk, DiskPath path, string text)
    {
        var next = path.Parent / (path.Name + ".next");
        disk.DeleteFile(next);
        using (var file = disk.CreateNew(next))
        {
            file.Write(0, Encoding.UTF8.GetBytes(text));
            file.Sync();
        }

        disk.SetMode(next, 0b110_100_100);
        disk.Rename(next, path);
        disk.SyncFolder(path.Parent);
        return path.ToString();
    }

    /// <summary>The rules, and names that nothing gives a value to.</summary>
    public static IReadOnlyList<LintFinding> Findings(RunbookDesk desk, Runbook runbook)
    {
        var known = RunbookFacts.Known.Select(k => k.Key).ToList();
        var unknown = desk.Plan(runbook).Unknown(known).Select(n => new LintFinding(
            $"{runbook.Source}:1:1",
            $"nothing is called {{{n}}}",
            NearestWord.Find(n, known) is { } near ? $"did you mean {{{near}}}?" : $"known: {string.Join(", ", known)}"));
        return [.. RunbookLint.Of(runbook), .. unknown];
    }

    /// <summary>The word of a type.</summary>
    public static string Word(StepType type) => type.ToString().ToLowerInvariant();

    private static IEnumerable<Runbook> Named(RunbookDesk desk, string name, List<Problem> problems)
    {
        if (!name.EndsWith(RunbookLibrary.Ending, StringComparison.Ordinal))
        {
            _ = desk.Library.Find(name, "en");
            return desk.Library.All.Where(r => r.Id == name);
        }

        var path = desk.Context.FullPath(name);
        try
        {
            var text = ConfigurationFile.ReadText(desk.Machine.Disk, path, name) ?? throw new RepriseException(
                RunbookErrors.Unknown, $"there is no file {name}", "name a file, or a runbook of reprise runbook list");
            return [RunbookParser.Parse(text, name)];
        }
        catch (RepriseException e) when (e.Code == RunbookErrors.Invalid)
        {
            problems.Add(e.Problem);
            return [];
        }
    }

    // What only a run finds out is no lack of the configuration.
    private static List<string> ByPerson(RunbookDesk desk, Runbook runbook) =>
    [
        .. runbook.Steps
            .Where(s => s.Type is not (StepType.Manual or StepType.Decide))
            .Select(desk.PlanForPaper(runbook).Resolve)
            .Where(s => s.Missing.Any(m => !m.StartsWith("step.", StringComparison.Ordinal)
                && !m.StartsWith("input.", StringComparison.Ordinal)))
            .Select(s => s.Step.Id),
    ];

    private static CommandReport<RunbookListJson> Listed(RunbookDesk desk, IReadOnlyList<Runbook> runbooks) => new(
        new RunbookListJson { Runbooks = [.. runbooks.Select(r => Item(desk, r))] },
        [.. desk.Library.Unreadable.Select(p => p with { Severity = Severity.Warning })]);

    private static RunbookItemJson Item(RunbookDesk desk, Runbook runbook) => new()
    {
        Id = runbook.Id,
        Title = runbook.Title,
        Incident = runbook.Incident[0],
        Incidents = runbook.Incident,
        LastProven = desk.LastProven(runbook),
        Symptoms = runbook.Symptoms,
        Language = runbook.Language,
        Version = runbook.Version,
        Sha256 = runbook.Sha256,
        Source = runbook.Source,
    };
}
