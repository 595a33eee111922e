using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>store check</c> was asked.</summary>
/// <param name="Location">a folder or an address, as it was typed.</param>
internal sealed record StoreCheckOptions(string Location);

/// <summary><c>reprise store check</c></summary>
internal static class StoreCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.StoreCheck is not { } check) return;
        var command = new Command("store", "the medium that holds a repository");
        tree.Add(tree.Root, command, null, "reprise store check s3://bucket/prefix");
        var location = CommandTree.Needed("LOCATION", "a folder that exists, or an address that begins with s3://");
        tree.Add(
            command,
            new Command("check", "whether a store keeps what a repository stands on; writes and deletes 25 MB there") { location },
            CommandTree.Call(
                Documents.StoreCheck,
                check,
                (parse, _) => new StoreCheckOptions(parse.GetValue(location) ?? ""),
                Render),
            "reprise store check s3://bucket/prefix");
    }

    private static void Render(StoreCheckJson result, Output output, CommandContext context)
    {
        output.Table(
            [.. result.Checks.Select(c => (string[])[Output.WordOf(c.Outcome), c.Name, c.Detail ?? ""])],
            [.. result.Checks.Select(c => Output.ToneOf(c.Outcome))]);
        var passed = result.Checks.Count(c => c.Outcome == "pass");
        output.Paragraph($"{passed} of {Amounts.Count(result.Checks.Count, "check")} passed at {result.Location}");
        output.Paragraph(result.AtomicCreate
            ? "one of several clients creates a name: backups and prunes may run at the same time"
            : "two clients can create the same name: prune only while nothing else writes, with --exclusive");
    }
}
