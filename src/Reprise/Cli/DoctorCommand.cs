using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary><c>reprise doctor</c></summary>
internal static class DoctorCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Doctor is not { } doctor) return;
        tree.Add(
            tree.Root,
            new Command("doctor", "what would stop a backup or a restore here, and what to do"),
            CommandTree.Call(Documents.Doctor, doctor, (_, _) => new NoOptions(), Render),
            "reprise doctor");
    }

    private static void Render(DoctorJson result, Output output, CommandContext context)
    {
        var rows = result.Examined.Select(e => (string[])[Output.WordOf(e.Outcome), e.Name, e.Seen ?? ""]).ToList();
        output.Table(rows, [.. result.Examined.Select(e => Output.ToneOf(e.Outcome))]);
        if (!result.Examined.All(e => e.Outcome is "pass" or "not-applicable")) return;
        output.Line("nothing would stop a backup or a restore");
    }
}
