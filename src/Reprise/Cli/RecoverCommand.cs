using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>recover</c> was asked.</summary>
/// <param name="Point">as it was typed, or null: the newest complete one.</param>
/// <param name="Folder">absolute.</param>
/// <param name="RestoreSecrets">write sealed secret values into <c>.env</c>.</param>
internal sealed record RecoverOptions(string? Point, string Folder, bool RestoreSecrets);

/// <summary><c>reprise recover --to FOLDER</c></summary>
internal static class RecoverCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Recover is not { } recover) return;
        var point = CommandTree.Optional("POINT", "an id, its beginning, or latest; latest without one");
        var to = CommandTree.Value("--to", "FOLDER", "an empty folder, or one that does not exist yet");
        to.Required = true;
        var secrets = CommandTree.Flag("--restore-secrets", "write sealed secret values back");
        var command = new Command("recover", "on a bare host: configuration and files from repository and key alone")
        {
            point, to, secrets,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Recover,
            recover,
            (parse, context) => new RecoverOptions(
                parse.GetValue(point),
                context.FullPath(parse.GetRequiredValue(to)!), // The parser demands it.
                parse.GetValue(secrets)),
            Render), "reprise recover --repository /usb/shop --key-file sheet.txt --to /srv");
    }

    private static void Render(RecoverJson result, Output output, CommandContext context)
    {
        output.Paragraph(
            $"point {result.Point}: {Amounts.Count(result.WrittenCount, "file")} written to {result.Folder}");
        var missing = result.Secrets.Where(s => s.Outcome != "pass").Select(s => s.Name).ToList();
        if (missing.Count > 0)
        {
            output.Paragraph($"set these secrets before anything starts: {string.Join(", ", missing)}", 2);
        }

        foreach (var next in result.Next) output.Line($"next: {next}");
    }
}
