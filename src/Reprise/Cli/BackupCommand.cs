using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>backup</c> was asked.</summary>
internal sealed record BackupOptions
{
    /// <summary>Only when the newest complete point is older than this; null: always.</summary>
    public TimeSpan? IfOlderThan { get; init; }

    /// <summary>Whether files are read that did not change since the last point.</summary>
    public bool Force { get; init; }

    /// <summary>Whether a person typed it; a timer otherwise.</summary>
    public required bool ByPerson { get; init; }
}

/// <summary><c>reprise backup</c></summary>
internal static class BackupCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Backup is not { } backup) return;
        var ifOlderThan = CommandTree.Value(
            "--if-older-than", "AGE", "only when the newest complete point is older, e.g. 1h");
        var force = CommandTree.Flag("--force", "read every file, also those that did not change since the last point");
        var command = new Command("backup", "takes a point") { ifOlderThan, force };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Backup,
            backup,
            (parse, context) => new BackupOptions
            {
                IfOlderThan = CommandTree.Duration(parse, ifOlderThan),
                Force = parse.GetValue(force),
                ByPerson = context.Host.Terminal.CanAsk,
            },
            Render), "reprise backup --if-older-than 1h");
    }

    private static void Render(BackupJson result, Output output, CommandContext context)
    {
        if (result.Point is not { } point) return;
        if (!result.Taken)
        {
            var age = context.Host.Clock.GetUtcNow() - point.Created;
            output.Paragraph($"point {point.Id} is only {Amounts.Time(age)} old: none was taken");
            return;
        }

        output.Paragraph(
            $"point {point.Id} is {output.Paint(point.State, Output.ToneOf(point.State))}: "
            + $"{Amounts.Count(point.Assets.Count, "asset")}, {Amounts.Bytes(point.SourceBytes)} read, "
            + $"{Amounts.Bytes(point.StoredBytes)} stored, {Amounts.Seconds(point.SkewSeconds)} from first to last");
        PointText.Assets(point, output);
        if (point.State == "complete") output.Line("next: reprise verify");
    }
}
