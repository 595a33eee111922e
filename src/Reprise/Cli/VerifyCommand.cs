using System.CommandLine;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What <c>verify</c> was asked.</summary>
internal sealed record VerifyOptions
{
    /// <summary>One point as it was typed, or null: all.</summary>
    public string? Point { get; init; }

    /// <summary><c>all</c>, <c>sample</c> or <c>none</c>.</summary>
    public required string Read { get; init; }

    /// <summary>Absolute path of an export that is verified instead of the repository, or null.</summary>
    public string? Export { get; init; }
}

/// <summary><c>reprise verify [POINT]</c></summary>
internal static class VerifyCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Verify is not { } verify) return;
        var point = CommandTree.Optional(
            "POINT", "an id, its beginning, latest, latest~N or proven; all points without one");
        var read = CommandTree.Value("--read", "HOW", "all, sample (the next eighth: 8 runs read every byte) or none; all without it");
        var export = CommandTree.Value("--export", "FOLDER", "verify an export instead of the repository");
        var command = new Command("verify", "proves the bytes of points") { point, read, export };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Verify,
            verify,
            (parse, context) => Options(parse, context, point, read, export),
            Render), "reprise verify latest --read all");
    }

    private static VerifyOptions Options(
        ParseResult parse,
        CommandContext context,
        Argument<string?> point,
        Option<string?> read,
        Option<string?> export)
    {
        var options = new VerifyOptions
        {
            Point = parse.GetValue(point),
            Read = CommandTree.Word(parse, read, "all", "all", "sample", "none"),
            Export = parse.GetValue(export) is { } folder ? context.FullPath(folder) : null,
        };
        return options is { Point: not null, Export: not null }
            ? throw new RepriseException(
                CliErrors.OptionConflict, "verify takes a point or --export, not both", "leave one of them out")
            : options;
    }

    private static string Far(VerifyTurnJson turn, CommandContext context)
    {
        var pace = turn.By is { } by ? $", at this pace on {context.Calendar.Short(by)}" : "";
        var far = turn switch
        {
            { Unread: null } => "chosen by the day: what was read is remembered where a configuration is, for all points together",
            { Unread: 0, Since: { } since } => $"every part was read since {context.Calendar.Short(since)}",
            _ => $"every byte was read {Amounts.Count(turn.Unread ?? 0, "run")} later{pace}",
        };
        return $"part {turn.Part} of {turn.Parts}; {far}";
    }

    private static void Render(VerifyJson result, Output output, CommandContext context)
    {
        var what = result.Points == 0 ? "" : $" of {Amounts.Count(result.Points, "point")}";
        var read = $"{Amounts.Count(result.ObjectsRead)} of {Amounts.Count(result.Objects, "object")} read, "
            + Amounts.Bytes(result.BytesRead);
        var (verdict, tone) = result.Verdict switch
        {
            "pass" => ("every byte" + what + " is as it was written", Tone.Good),
            "fail" when result.Damage.Count == 0 => ("what was read is as it was written, but see below", Tone.Warning),
            "fail" => ($"damage was found in {Amounts.Count(result.Damage.Count, "place")}", Tone.Bad),
            "not-run" => (
                "no byte was read, so that none is proven; every object is there with its size", Tone.Warning),
            _ => ("what was read is as it was written; the rest is not proven", Tone.Warning),
        };
        output.Paragraph($"{output.Paint(verdict, tone)} ({read})");
        if (result.Turn is { } turn) output.Paragraph(Far(turn, context));
        foreach (var damage in result.Damage)
        {
            var where = string.Join(": ", new[] { damage.Asset, damage.Path }.Where(s => s is not null));
            output.Paragraph(
                damage.Points.Count == 0
                    ? $"  object {damage.Object}"
                    : $"  {(where.Length == 0 ? "the whole point" : where)} in {string.Join(", ", damage.Points)} (object {damage.Object})",
                4);
        }
    }
}
