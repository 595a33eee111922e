using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>key sheet</c> was asked.</summary>
/// <param name="Confirm">the sheet lies elsewhere now.</param>
/// <param name="To">absolute path for the sheet, or null: its usual place.</param>
internal sealed record KeySheetOptions(bool Confirm, string? To);

/// <summary><c>reprise key list|sheet</c></summary>
internal static class KeyCommand
{
    /// <summary>Adds the commands that can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.KeyList is null && operations.KeySheet is null) return;
        var command = new Command("key", "the keys of the repository");
        tree.Add(tree.Root, command, null, "reprise key list");
        if (operations.KeyList is { } list)
        {
            tree.Add(command, new Command("list", "the slots that open the repository"), CommandTree.Call(
                Documents.KeyList, list, (_, _) => new NoOptions(), RenderList), "reprise key list");
        }

        if (operations.KeySheet is { } sheet)
        {
            var confirm = CommandTree.Flag("--confirm", "say that the printed sheet lies elsewhere now");
            var to = CommandTree.Value("--to", "FILE", "where the sheet is written");
            tree.Add(
                command,
                new Command("sheet", "the recovery sheet, to be printed and kept elsewhere") { confirm, to },
                CommandTree.Call(
                    Documents.KeySheet,
                    sheet,
                    (parse, context) => new KeySheetOptions(
                        parse.GetValue(confirm), parse.GetValue(to) is { } path ? context.FullPath(path) : null),
                    RenderSheet),
                "reprise key sheet --confirm");
        }
    }

    private static void RenderList(KeyListJson result, Output output, CommandContext context)
    {
        output.Table([.. result.Keys.Select(k => (string[])[k.Id, k.Kind, k.State + (k.InUse ? ", used now" : "")])]);
        output.Paragraph(result.SheetConfirmed
            ? "the recovery sheet lies elsewhere"
            : "the only key is on this host");
        if (!result.SheetConfirmed) output.Line("next: print the recovery sheet, then: reprise key sheet --confirm");
    }

    private static void RenderSheet(KeySheetJson result, Output output, CommandContext context)
    {
        if (result.Path is { } path) output.Paragraph($"the recovery sheet is in {path}");
        if (result.Confirmed)
        {
            output.Paragraph("noted: the sheet lies elsewhere, so that losing this host does not lose the key");
            return;
        }

        output.Paragraph("print it, take it to another place, and delete the file");
        output.Line("next: reprise key sheet --confirm");
    }
}
