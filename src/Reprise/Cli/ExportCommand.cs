using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>export</c> was asked.</summary>
/// <param name="Point">as it was typed.</param>
/// <param name="Folder">absolute.</param>
internal sealed record ExportOptions(string Point, string Folder);

/// <summary><c>reprise export POINT --to FOLDER</c></summary>
internal static class ExportCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Export is not { } export) return;
        var point = CommandTree.Needed("POINT", "an id, its beginning, latest, latest~N or proven");
        var to = CommandTree.Value("--to", "FOLDER", "an empty folder, or one that does not exist yet");
        to.Required = true;
        var command = new Command("export", "a plain folder that needs no reprise to use") { point, to };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Export,
            export,
            (parse, context) => new ExportOptions(
                parse.GetRequiredValue(point)!, // The parser demands both.
                context.FullPath(parse.GetRequiredValue(to)!)),
            Render), "reprise export latest --to /mnt/usb/shop");
    }

    private static void Render(ExportJson result, Output output, CommandContext context)
    {
        output.Paragraph($"point {result.Point} is in {result.Folder}:");
        output.Table([.. result.Files.Select(f => (string[])[f.Path, Amounts.Bytes(f.SizeBytes)])]);
        output.Paragraph(result.Signed
            ? "metadata.json.hmac signs it; SHA256SUMS covers every file"
            : "it is not signed (BACKUP_METADATA_HMAC_KEY is not set); SHA256SUMS covers every file");
        output.Line($"next: reprise verify --export {result.Folder}");
    }
}
