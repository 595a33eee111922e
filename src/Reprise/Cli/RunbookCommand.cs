using System.CommandLine;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary><c>reprise runbook list|find|show|check|run|resume|report|export</c></summary>
internal static class RunbookCommand
{
    /// <summary>Adds the commands when they can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Runbook is not { } runbook) return;
        var command = new Command("runbook", "what to do when something is broken, step by step");
        tree.Add(tree.Root, command, null, "reprise runbook find database down");
        AddReading(tree, command, runbook);
        AddRun(tree, command, runbook.Run);
        AddResume(tree, command, runbook.Resume);
        AddReport(tree, command, runbook.Report);
        AddExport(tree, command, runbook.Export);
    }

    private static Option<string?> Language() => CommandTree.Value("--language", "LANGUAGE", "en or fr; as LANG says without it");

    private static Argument<string[]> Some(string name, string description, bool needed) => new(name)
    {
        Description = description,
        Arity = needed ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
    };

    private static void AddReading(CommandTree tree, Command parent, RunbookOperationSet runbook)
    {
        var (list, listLanguage) = (new Command("list", "the runbooks that there are"), Language());
        list.Add(listLanguage);
        tree.Add(parent, list, CommandTree.Call(
            Documents.RunbookList,
            runbook.List,
            (parse, context) => new RunbookListOptions([], LanguageOf(parse, listLanguage, context)),
            RunbookText.List), "reprise runbook list");

        var (words, findLanguage) = (Some("WORDS", "what you see, in your own words", needed: true), Language());
        var find = new Command("find", "the runbooks that fit what you see, the best first") { words, findLanguage };
        tree.Add(parent, find, CommandTree.Call(
            Documents.RunbookFind,
            runbook.Find,
            (parse, context) => new RunbookListOptions(parse.GetValue(words) ?? [], LanguageOf(parse, findLanguage, context)),
            RunbookText.List), "reprise runbook find connection refused");

        var (name, showLanguage) = (CommandTree.Needed("NAME", "the runbook"), Language());
        var show = new Command("show", "the whole text, each command as it can be copied here") { name, showLanguage };
        tree.Add(parent, show, CommandTree.Call(
            Documents.RunbookShow,
            runbook.Show,
            (parse, context) => new RunbookListOptions(
                [parse.GetRequiredValue(name)!], LanguageOf(parse, showLanguage, context)), // The parser demands it.
            RunbookText.Show), "reprise runbook show database-unavailable");

        var (names, checkLanguage) = (Some("NAME", "only these: names, or files", needed: false), Language());
        var check = new Command("check", "whether runbooks hold together and fit this configuration") { names, checkLanguage };
        tree.Add(parent, check, CommandTree.Call(
            Documents.RunbookCheck,
            runbook.Check,
            (parse, context) => new RunbookListOptions(parse.GetValue(names) ?? [], LanguageOf(parse, checkLanguage, context)),
            RunbookText.Check), "reprise runbook check");
    }

    private static void AddRun(
        CommandTree tree, Command parent, Operation<RunbookRunOptions, RunbookRunJson> operation)
    {
        var name = CommandTree.Needed("NAME", "the runbook");
        var language = Language();
        var since = CommandTree.Value("--since", "TIME", "when it broke (RFC 3339), for the time until it is back");
        var input = CommandTree.Values("--input", "NAME=VALUE", "what the runbook asks to know (may be repeated)");
        var red = CommandTree.Flag("--red-first", "ask each verification before its act too, and name those green already");
        var answers = new AnswerWords();
        var command = new Command("run", "follows a runbook: shows, asks, does, verifies, records")
        {
            name, since, input, red, language,
        };
        answers.AddTo(command);
        tree.Add(parent, command, CommandTree.Call(
            Documents.RunbookRun,
            operation,
            (parse, context) => answers.Read(parse) with
            {
                Name = parse.GetValue(name),
                Language = LanguageOf(parse, language, context),
                Inputs = [.. (parse.GetValue(input) ?? []).Select(Input), .. Since(parse, since)],
                RedFirst = parse.GetValue(red),
            },
            RunbookText.Run), "reprise runbook run database-unavailable");
    }

    private static void AddResume(
        CommandTree tree, Command parent, Operation<RunbookRunOptions, RunbookRunJson> operation)
    {
        var run = CommandTree.Optional("RUN", "the run, or its beginning; the newest without it");
        var undo = CommandTree.Flag("--undo", "take back what was done, the last first");
        var answers = new AnswerWords();
        var command = new Command("resume", "goes on with a run that waits, stopped or was interrupted") { run, undo };
        answers.AddTo(command);
        tree.Add(parent, command, CommandTree.Call(
            Documents.RunbookResume,
            operation,
            (parse, _) => answers.Read(parse) with { Name = parse.GetValue(run), Undo = parse.GetValue(undo) },
            RunbookText.Run), "reprise runbook resume");
    }

    private static void AddReport(
        CommandTree tree, Command parent, Operation<RunbookReportOptions, RunbookRunJson> operation)
    {
        var run = CommandTree.Optional("RUN", "the run, or its beginning; the newest without it");
        var to = CommandTree.Value("--to", "FILE", "write it there as Markdown, or as HTML for FILE.html");
        tree.Add(
            parent,
            new Command("report", "what a run did: timeline, times, decisions, and a template for the review") { run, to },
            CommandTree.Call(
                Documents.RunbookReport,
                operation,
                (parse, context) => new RunbookReportOptions(
                    parse.GetValue(run), parse.GetValue(to) is { } path ? context.FullPath(path) : null),
                RunbookText.Report),
            "reprise runbook report --to incident.html");
    }

    private static void AddExport(
        CommandTree tree, Command parent, Operation<RunbookExportOptions, RunbookExportJson> operation)
    {
        var names = Some("NAME", "only these", needed: false);
        var to = CommandTree.Value("--to", "FOLDER", "where they are written");
        to.Required = true;
        var format = CommandTree.Value("--format", "FORMAT", "markdown, html or print (HTML with boxes to tick)");
        var language = Language();
        tree.Add(
            parent,
            new Command("export", "writes runbooks for the folder on the shelf, with the values of this configuration")
            {
                names, to, format, language,
            },
            CommandTree.Call(
                Documents.RunbookExport,
                operation,
                (parse, context) => new RunbookExportOptions(
                    parse.GetValue(names) ?? [],
                    context.FullPath(parse.GetRequiredValue(to)!), // Required.
                    CommandTree.Word(parse, format, "markdown", "markdown", "html", "print"),
                    LanguageOf(parse, language, context)),
                RunbookText.Export),
            "reprise runbook export --to /mnt/shelf --format print");
    }

    private static string LanguageOf(ParseResult parse, Option<string?> option, CommandContext context) =>
        CommandTree.Word(
            parse, option, Calendar.LanguageOf(context.Host.Environment) == Reprise.Language.French ? "fr" : "en", "en", "fr");

    private static KeyValuePair<string, string> Input(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? KeyValuePair.Create(text[..equals], text[(equals + 1)..])
            : throw new RepriseException(
                CliErrors.OptionValue, $"--input '{text}' has no value", "write --input NAME=VALUE");
    }

    private static IEnumerable<KeyValuePair<string, string>> Since(ParseResult parse, Option<string?> option)
    {
        if (parse.GetValue(option) is not { } text) yield break;
        yield return DateTimeOffset.TryParse(
            text,
            System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeLocal | System.Globalization.DateTimeStyles.AdjustToUniversal,
            out var time)
            ? KeyValuePair.Create("since", time.ToString("O", System.Globalization.CultureInfo.InvariantCulture))
            : throw new RepriseException(
                CliErrors.OptionValue, $"--since '{text}' is no time", "write it like 2026-11-22T03:57:00Z");
    }

    // Options with which answers are given before they are asked for.
    private sealed class AnswerWords
    {
        private readonly Option<string[]> decide = CommandTree.Values(
            "--decide", "STEP=OPTION:REASON", "an answer given beforehand; the reason is recorded (may be repeated)");

        private readonly Option<string[]> confirm = CommandTree.Values(
            "--confirm", "STEP=TARGET", "the identity of the target of a final step (may be repeated)");

        private readonly Option<bool> yes = CommandTree.Flag(
            "--yes", "do not ask before steps that can be taken back; decisions and final steps are still asked");

        public void AddTo(Command command)
        {
            command.Add(decide);
            command.Add(confirm);
            command.Add(yes);
        }

        public RunbookRunOptions Read(ParseResult parse) => new()
        {
            Language = "en",
            Inputs = [],
            Decisions = [.. (parse.GetValue(decide) ?? []).Select(t => Answer(t, "--decide", "OPTION:REASON"))],
            Confirmations = [.. (parse.GetValue(confirm) ?? []).Select(t => Answer(t, "--confirm", "TARGET"))],
            Yes = parse.GetValue(yes),
        };

        private static GivenAnswer Answer(string text, string option, string form)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || equals == text.Length - 1)
                throw new RepriseException(CliErrors.OptionValue, $"{option} '{text}' is no answer", $"write {option} STEP={form}");
            var answer = text[(equals + 1)..];
            var colon = answer.IndexOf(':', StringComparison.Ordinal);
            var reason = colon < 0 ? "" : answer[(colon + 1)..].Trim();
            return new GivenAnswer(text[..equals], colon < 0 ? answer : answer[..colon], reason.Length > 0 ? reason : null);
        }
    }
}
