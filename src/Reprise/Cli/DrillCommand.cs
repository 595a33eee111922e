using System.CommandLine;
using System.Globalization;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What <c>drill</c> was asked.</summary>
internal sealed record DrillOptions
{
    /// <summary>The point as it was typed, or null: the newest complete one before the fault.</summary>
    public string? Point { get; init; }

    /// <summary>The runbook to rehearse, or null: the point is only recovered.</summary>
    public string? Runbook { get; init; }

    /// <summary>Which incident of those that the runbook declares, or null: the first that can be made.</summary>
    public string? Scenario { get; init; }

    /// <summary>How deep, 1 to 5, or null: as deep as the configuration allows.</summary>
    public int? Level { get; init; }

    /// <summary>When the disaster is said to have happened, or null: now.</summary>
    public DateTimeOffset? FaultAt { get; init; }

    /// <summary>Leave the sandbox.</summary>
    public bool Keep { get; init; }

    /// <summary>Where the report is written, absolute, or null.</summary>
    public string? Report { get; init; }

    /// <summary>Of the report.</summary>
    public Language Language { get; init; }
}

/// <summary><c>reprise drill</c></summary>
internal static class DrillCommand
{
    private static readonly string[] Levels = ["1", "2", "3", "4", "5"];

    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Drill is not { } drill) return;
        var point = CommandTree.Value("--point", "POINT", "what to recover; the newest complete point without it");
        var level = CommandTree.Value(
            "--level", "1..5", "how deep: 1 bytes, 2 engine, 3 structure, 4 data, 5 application");
        var fault = CommandTree.Value(
            "--fault-at", "TIME", "when the disaster is said to have happened: RFC 3339, '2h ago', 'today 14:05'");
        var keep = CommandTree.Flag("--keep", "leave the recovered data in its folder, to look at it");
        var runbook = CommandTree.Value(
            "--runbook", "NAME", "breaks the recovered application and rehearses this runbook on it");
        var scenario = CommandTree.Value(
            "--scenario", "INCIDENT", "which incident, of those that the runbook declares; the first that fits without it");
        var report = CommandTree.Value("--report", "FILE", "writes the report as one HTML page");
        var language = CommandTree.Value("--language", "en|fr", "of the report; that of the environment without it");
        var command = new Command("drill", "rehearses: recovers all into a sandbox, checks, measures, cleans up")
        {
            point, runbook, scenario, level, fault, keep, report, language,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Drill,
            drill,
            (parse, context) => Checked(new DrillOptions
            {
                Point = parse.GetValue(point),
                Runbook = parse.GetValue(runbook),
                Scenario = parse.GetValue(scenario),
                Level = parse.GetValue(level) is null
                    ? null
                    : int.Parse(CommandTree.Word(parse, level, "5", Levels), CultureInfo.InvariantCulture),
                FaultAt = parse.GetValue(fault) is { } text ? Moment(text, context) : null,
                Keep = parse.GetValue(keep),
                Report = parse.GetValue(report) is { } file ? context.FullPath(file) : null,
                Language = EvidenceCommand.LanguageOf(parse, language, context),
            }),
            DrillText.Render), "reprise drill --report drill.html");
        DrillNoteCommand.AddTo(tree, command, operations);
    }

    private static DrillOptions Checked(DrillOptions options) => options switch
    {
        { Scenario: not null, Runbook: null } => throw new RepriseException(
            CliErrors.OptionConflict, "--scenario says how a runbook is rehearsed, and none is named", "add --runbook NAME"),
        { Level: not null, Runbook: not null } => throw new RepriseException(
            CliErrors.OptionConflict, "a runbook is rehearsed on the whole application; --level cannot be less", "leave --level out"),
        _ => options,
    };

    private static DateTimeOffset Moment(string text, CommandContext context)
    {
        var clock = context.Host.Clock;
        var moment = MomentText.Parse(text, clock.GetUtcNow(), clock.LocalTimeZone) ?? throw new RepriseException(
            CliErrors.OptionValue,
            $"--fault-at cannot be '{text}'",
            "write 2026-11-22T03:15:00Z, '2h ago', 'today 14:05' or 'yesterday 23:10' (an hour that exists twice is not taken)");
        return moment <= clock.GetUtcNow() ? moment : throw new RepriseException(
            CliErrors.OptionValue, $"--fault-at '{text}' is in the future", "name a moment that has passed");
    }
}
