using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>store check</c> was asked.</summary>
/// <param name="Location">a folder or an address, as it was typed.</param>
internal sealed record StoreCheckOptions(string Location);

/// <summary>What <c>store recover</c> was asked.</summary>
/// <param name="Plan">show, and change nothing.</param>
internal sealed record StoreRecoverOptions(bool Plan);

/// <summary><c>reprise store check</c> and <c>reprise store recover</c></summary>
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
        if (operations.StoreRecover is not { } recover) return;
        var plan = CommandTree.Flag("--plan", "say what would be brought back; change nothing");
        tree.Add(
            command,
            new Command("recover", "brings back objects that were deleted or replaced in a bucket that keeps versions") { plan },
            CommandTree.Call(
                Documents.StoreRecover,
                recover,
                (parse, _) => new StoreRecoverOptions(parse.GetValue(plan)),
                RenderRecovery),
            "reprise store recover --plan");
    }

    private static void RenderRecovery(StoreRecoverJson result, Output output, CommandContext context)
    {
        var would = result.Plan ? "would be " : "";
        output.Line($"{Amounts.Count(result.Needed, "object")} looked at");
        output.Line($"{result.Uncovered} deleted, {would}seen again");
        output.Line($"{result.PutBack} replaced, {would}written again");
        if (result.Lost.Count > 0) output.Line($"{result.Lost.Count} lost for good");
        output.Paragraph(result.Plan
            ? "nothing was changed; next: reprise store recover"
            : "change the credentials that did it, then: reprise verify --read all");
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
