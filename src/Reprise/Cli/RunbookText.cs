using Reprise.Json;
using Reprise.Storage.Disk;

namespace Reprise.Cli;

/// <summary>Runbooks and their runs as text.</summary>
internal static class RunbookText
{
    /// <summary><c>list</c> and <c>find</c>.</summary>
    public static void List(RunbookListJson result, Output output, CommandContext context)
    {
        if (result.Runbooks.Count == 0)
        {
            output.Paragraph("no runbook fits these words; reprise runbook list shows all");
            return;
        }

        output.Table([.. result.Runbooks.Select(
            r => (string[])[r.Id, r.LastProven is { } time ? $"proven {context.Calendar.Short(time)}" : "never proven", r.Title])]);
        var first = result.Runbooks[0].Id;
        output.Line($"look: reprise runbook show {first}{context.Named}");
        output.Line($"next: reprise runbook run {first}{context.Named ?? (HasNothing(context) ? " --repository LOCATION --key-file FILE" : "")}");
    }

    /// <summary><c>show</c>.</summary>
    public static void Show(RunbookShowJson result, Output output, CommandContext context)
    {
        // As it is: a command that was wrapped could not be copied.
        foreach (var line in result.Markdown.Split('\n')) output.Line(line);
    }

    /// <summary><c>check</c>.</summary>
    public static void Check(RunbookCheckJson result, Output output, CommandContext context)
    {
        foreach (var runbook in result.Runbooks)
        {
            var word = runbook.Findings.Count == 0 ? "ok" : "FAIL";
            output.Line($"{output.Paint(word, runbook.Findings.Count == 0 ? Tone.Good : Tone.Bad)}  {runbook.Id ?? runbook.Source} ({runbook.Language ?? "?"})");
            if (runbook.ByPerson.Count > 0) output.Paragraph($"    by hand here: {string.Join(", ", runbook.ByPerson)}", 4);
        }
    }

    /// <summary><c>run</c> and <c>resume</c>.</summary>
    public static void Run(RunbookRunJson result, Output output, CommandContext context)
    {
        output.Line();
        var tone = result.State is "done" or "undone" ? Tone.Good : Tone.Warning;
        output.Line($"run {result.Run} of {result.Runbook}: {output.Paint(result.State, tone)}");
        if (result.RtoSeconds is { } rto) output.Line($"back after {Amounts.Seconds(rto)}");
        if (result.RpoSeconds is { } rpo) output.Line($"lost: {Amounts.Seconds(rpo)} of changes (point {result.Point})");
        foreach (var name in result.NotDiscriminating)
            output.Paragraph($"{name} was green before its act already: it proves nothing");
        if (result.State == "stopped") output.Line($"to take back what was done: reprise runbook resume {result.Run}{context.Named} --undo");
        if (result.State is not ("done" or "undone")) return;
        if (result.State == "done") output.Line($"report: reprise runbook report {result.Run}{context.Named} --to report.html");

        // What is to be done with a run that stands still is said by its problem, and only there.
        output.Line($"next: {result.Next}");
    }

    /// <summary><c>report</c>.</summary>
    public static void Report(RunbookRunJson result, Output output, CommandContext context)
    {
        Run(result, output, context);
        output.Table([.. result.Phases.Where(p => p.Seconds is not null).Select(
            p => (string[])[p.Name, Amounts.Seconds(p.Seconds ?? 0)])]);
        foreach (var decision in result.Decisions)
            output.Paragraph($"  {decision.Step}: {decision.Option}. {decision.Reason}", 4);
        foreach (var deviation in result.Deviations) output.Paragraph($"  left the runbook: {deviation}", 4);
        if (result.Written is { } path) output.Line($"written to {path}");
    }

    /// <summary><c>export</c>.</summary>
    public static void Export(RunbookExportJson result, Output output, CommandContext context)
    {
        foreach (var file in result.Files) output.Line(file);
        output.Line("next: print them, or put them where they can be read when this host is gone");
    }

    // On a bare machine nothing can be followed without naming the repository.
    private static bool HasNothing(CommandContext context) =>
        context.Host.Disk.Stat(new DiskPath(context.ConfigurationPath)) is null;
}
