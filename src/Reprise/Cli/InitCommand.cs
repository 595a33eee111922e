using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary><c>reprise init</c></summary>
internal static class InitCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Init is not { } init) return;
        var name = CommandTree.Value("--application", "NAME", "its name; the folder's without it");
        var seal = CommandTree.Flag("--seal-secrets", "keep the values of secrets too, encrypted");
        var command = new Command("init", "looks around, writes reprise.yaml, makes repository, key and recovery sheet")
        {
            name, seal,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Init,
            init,
            (parse, _) => new InitOptions
            {
                Application = parse.GetValue(name),
                SealSecrets = parse.GetValue(seal) ? true : null,
            },
            Render), "reprise init --repository /mnt/backup/shop");
    }

    private static void Render(InitJson result, Output output, CommandContext context)
    {
        if (result.Found.Count > 0)
        {
            output.Line("found:");
            output.Table([.. result.Found.Select(f => (string[])[f.Kind, f.What, f.Where])]);
        }

        foreach (var path in result.Created) output.Paragraph($"made  {path}", 6);
        foreach (var path in result.Kept) output.Paragraph($"kept  {path} (was there already)", 6);
        if (result.RecoverySheet is { } sheet)
        {
            output.Line();
            output.Paragraph(
                $"Print {sheet}, take it to another place, and delete the file: "
                + "until then the only key is on this host.");
        }

        output.Line();
        output.Line("To have points taken by themselves, set up one of these:");
        output.Line();
        output.Line("systemd, as /etc/systemd/system/reprise.service:");
        Indented(result.Schedule.SystemdService, output);
        output.Paragraph("and /etc/systemd/system/reprise.timer, then: systemctl enable --now reprise.timer");
        Indented(result.Schedule.SystemdTimer, output);
        output.Line("cron, with crontab -e:");
        Indented(result.Schedule.Cron, output);
        output.Line("Windows:");
        Indented(result.Schedule.TaskScheduler, output);
        output.Line("next: reprise doctor, then reprise backup");
    }

    private static void Indented(string text, Output output)
    {
        foreach (var line in text.TrimEnd('\n').Split('\n')) output.Line("  " + line);
        output.Line();
    }
}
