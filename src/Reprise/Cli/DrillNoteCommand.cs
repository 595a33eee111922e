using System.CommandLine;
using System.Globalization;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What <c>drill note</c> was asked.</summary>
internal sealed record DrillNoteOptions
{
    /// <summary>The drill as it was typed.</summary>
    public required string Drill { get; init; }

    /// <summary>What is not as it should be, or null.</summary>
    public string? Gap { get; init; }

    /// <summary>What is done about it, or null.</summary>
    public string? Action { get; init; }

    /// <summary>Who does it, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>By which day, or null.</summary>
    public DateOnly? Due { get; init; }

    /// <summary>The note that is closed, or null.</summary>
    public string? Close { get; init; }

    /// <summary>What came of it, or null.</summary>
    public string? Result { get; init; }
}

/// <summary><c>reprise drill note DRILL</c></summary>
internal static class DrillNoteCommand
{
    /// <summary>Adds the command below <paramref name="drill"/> when it can do something.</summary>
    public static void AddTo(CommandTree tree, Command drill, Operations operations)
    {
        if (operations.DrillNote is not { } note) return;
        var name = CommandTree.Needed("DRILL", "its id, the beginning of it, or latest");
        var gap = CommandTree.Value("--gap", "TEXT", "what is not as it should be");
        var action = CommandTree.Value("--action", "TEXT", "what is done about it");
        var owner = CommandTree.Value("--owner", "WHO", "who does it");
        var due = CommandTree.Value("--due", "DATE", "by which day, e.g. 2026-12-31");
        var close = CommandTree.Value("--close", "NOTE", "closes the action of a note");
        var result = CommandTree.Value("--result", "TEXT", "what came of it");
        var command = new Command("note", "adds a gap and its action to a drill, or closes one; signed like the drill")
        {
            name, gap, action, owner, due, close, result,
        };
        tree.Add(drill, command, CommandTree.Call(
            Documents.DrillNote,
            note,
            (parse, _) => Checked(new DrillNoteOptions
            {
                Drill = parse.GetRequiredValue(name)!, // The parser demands it.
                Gap = parse.GetValue(gap),
                Action = parse.GetValue(action),
                Owner = parse.GetValue(owner),
                Due = Day(parse.GetValue(due)),
                Close = parse.GetValue(close),
                Result = parse.GetValue(result),
            }),
            Render), "reprise drill note latest --gap 'no second key' --action 'print the sheet' --owner Ada --due 2026-12-31");
    }

    private static DrillNoteOptions Checked(DrillNoteOptions options)
    {
        var opens = options is not { Gap: null, Action: null, Owner: null, Due: null };
        if (opens && options is not { Close: null, Result: null })
        {
            throw new RepriseException(
                CliErrors.OptionConflict,
                "a note opens an action (--gap, --action, --owner, --due) or closes one (--close, --result), not both",
                "write two notes");
        }

        return options;
    }

    private static DateOnly? Day(string? text)
    {
        if (text is null) return null;
        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new RepriseException(
                CliErrors.OptionValue, $"--due cannot be '{text}'", "write the day as 2026-12-31");
    }

    private static void Render(DrillNoteJson result, Output output, CommandContext context)
    {
        var note = result.Note;
        output.Paragraph(result.Closed is { } closed
            ? $"the action of note {closed} on drill {result.Drill} is closed, by note {note}"
            : $"note {note} is signed and added to drill {result.Drill}");
        output.Line(result.Open == 0
            ? "no action is open"
            : $"open: {Amounts.Count(result.Open, "action")}; reprise status lists them");
        if (result.Closed is null) output.Line($"next: when it is done, reprise drill note {result.Drill} --close {note} --result TEXT");
    }
}
