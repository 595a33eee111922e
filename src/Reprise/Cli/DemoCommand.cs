using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>demo</c> was asked.</summary>
/// <param name="Keep">leave the folder.</param>
/// <param name="Sabotage"><c>pack</c>, <c>dump</c>, <c>secret</c>, or null.</param>
internal sealed record DemoOptions(bool Keep, string? Sabotage);

/// <summary><c>reprise demo</c></summary>
internal static class DemoCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Demo is not { } demo) return;
        var keep = CommandTree.Flag("--keep", "leave the folder of the demonstration");
        var sabotage = CommandTree.Value(
            "--sabotage", "WHAT", "spoil a pack, a dump or a secret, to see what is said then");
        var command = new Command("demo", "the whole story on a small real application, in a temporary folder")
        {
            keep, sabotage,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Demo,
            demo,
            (parse, _) => new DemoOptions(
                parse.GetValue(keep),
                parse.GetValue(sabotage) is null
                    ? null
                    : CommandTree.Word(parse, sabotage, "", "pack", "dump", "secret")),
            Render), "reprise demo --keep");
    }

    private static void Render(DemoJson result, Output output, CommandContext context)
    {
        output.Line();
        output.Paragraph(result.Lost == 0
            ? output.Paint("lost: nothing", Tone.Good)
            : output.Paint($"lost: {Amounts.Count(result.Lost, "row or file", "rows and files")}", Tone.Bad));
        output.Table([.. result.Phases.Select(p => (string[])[p.Name, Amounts.Seconds(p.Seconds)])]);
        if (result.Hashes.Count > 0)
        {
            output.Line("hashes of all rows, before the disaster and after the restore:");
            output.Table([.. result.Hashes.Select(h => (string[])
            [
                h.Asset,
                h.After is null ? "not restored" : h.Before == h.After ? $"the same, {h.After[..12]}…" : "DIFFERENT",
            ])]);
        }

        if (result.Checks.Count > 0) output.Checks(result.Checks);
        if (result.Kept) output.Paragraph($"everything is left in {result.Folder}");
        output.Line(result.Kept
            ? $"next: cd {result.Folder} && reprise"
            : "next: reprise init, in the folder of your application");
    }
}
