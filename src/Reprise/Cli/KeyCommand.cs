using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>key sheet</c> was asked.</summary>
/// <param name="Confirm">the sheet lies elsewhere now.</param>
/// <param name="To">absolute path for the sheet, or null: its usual place.</param>
internal sealed record KeySheetOptions(bool Confirm, string? To);

/// <summary>What <c>key add</c> was asked.</summary>
/// <param name="Kind"><c>file</c>, <c>passphrase</c> or <c>sheet</c>.</param>
/// <param name="To">absolute path for the file or the sheet, or null: its usual place.</param>
internal sealed record KeyAddOptions(string Kind, string? To);

/// <summary>What <c>key revoke</c> was asked.</summary>
/// <param name="Slot">the name of the slot.</param>
/// <param name="Yes">do not ask.</param>
internal sealed record KeyRevokeOptions(string Slot, bool Yes);

/// <summary><c>reprise key list|add|rotate|revoke|sheet</c></summary>
internal static class KeyCommand
{
    private static readonly string[] Kinds = ["file", "passphrase", "sheet"];

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

        AddChanges(tree, command, operations);
        if (operations.KeySheet is not { } sheet) return;
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

    private static void AddChanges(CommandTree tree, Command command, Operations operations)
    {
        if (operations.KeyAdd is { } add)
        {
            var kind = CommandTree.Needed("kind", "file, passphrase or sheet");
            kind.AcceptOnlyFromAmong(Kinds);
            var to = CommandTree.Value("--to", "FILE", "where the key file or the sheet is written");
            tree.Add(command, new Command("add", "one more key: a file, a passphrase or a sheet") { kind, to }, CommandTree.Call(
                Documents.KeyAdd,
                add,
                (parse, context) => new KeyAddOptions(
                    parse.GetValue(kind) ?? "", parse.GetValue(to) is { } path ? context.FullPath(path) : null),
                RenderChange), "reprise key add passphrase");
        }

        if (operations.KeyRotate is { } rotate)
        {
            tree.Add(command, new Command("rotate", "a new master key for what is written from now on"), CommandTree.Call(
                Documents.KeyRotate, rotate, (_, _) => new NoOptions(), RenderChange), "reprise key rotate");
        }

        if (operations.KeyRevoke is { } revoke)
        {
            var slot = CommandTree.Needed("slot", "the name of a slot, as 'reprise key list' shows it");
            var yes = CommandTree.Flag("--yes", "do not ask when it is the key that is used now");
            tree.Add(command, new Command("revoke", "a key opens nothing any more that is written from now on") { slot, yes }, CommandTree.Call(
                Documents.KeyRevoke,
                revoke,
                (parse, _) => new KeyRevokeOptions(parse.GetValue(slot) ?? "", parse.GetValue(yes)),
                RenderChange), "reprise key revoke file-1a2b3c4d");
        }
    }

    private static void RenderList(KeyListJson result, Output output, CommandContext context)
    {
        Table(result.Keys, output);
        output.Paragraph($"backups are sealed with the master key of epoch {result.Epoch}");
        if (result.KeyFileLacks.Count > 0)
        {
            output.Paragraph(
                $"the key file lacks {string.Join(", ", result.KeyFileLacks)}: it works, but with keys/ of the repository gone it would not open everything");
            output.Line("next: reprise key rotate writes it again with all of them");
        }

        output.Paragraph(result.SheetConfirmed
            ? "the recovery sheet lies elsewhere"
            : "the only key is on this host");
        if (!result.SheetConfirmed) output.Line("next: print the recovery sheet, then: reprise key sheet --confirm");
    }

    private static void Table(IReadOnlyList<KeyJson> keys, Output output) => output.Table(
        [.. keys.Select(k => (string[])
        [
            k.Id,
            k.Kind,
            (k.State == "active" ? "in force" : k.State) + (k.InUse ? ", used now" : ""),
            k.OpensUpTo switch { 0 => "opens nothing", 1 => "opens epoch 1", _ => $"opens epochs 1 to {k.OpensUpTo}" },
        ])]);

    private static void RenderChange(KeyChangeJson result, Output output, CommandContext context)
    {
        Table(result.Keys, output);
        if (result.Added is { } added)
            output.Paragraph(result.Path is { } path ? $"{added} is in {path}" : $"{added} was added");
        if (result.Revoked is { } revoked)
        {
            output.Paragraph(
                $"{revoked} opens nothing that is written from now on. What was written before it opens still, for whoever has it and a copy "
                + "of the repository: change the secrets that are in there. (Sealing the rest anew, --reseal, is not there yet.)");
        }

        if (result.Rotated) output.Paragraph($"backups are sealed with the master key of epoch {result.Epoch} from now on");
        if (result.Expelled.Count > 0)
            output.Paragraph($"{Amounts.Count(result.Expelled.Count, "backup")} at work will fail and has to be started again");
        if (result.KeyFile is { } file) output.Paragraph($"the key file {file} has copies of all keys again; other key files and sheets go on working");
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
