using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>undo</c> was asked.</summary>
internal sealed record UndoOptions
{
    /// <summary>Which restore, as it was typed, or null: the last one.</summary>
    public string? RestoreId { get; init; }

    /// <summary>Only say what would be done.</summary>
    public bool Plan { get; init; }

    /// <summary>Asked nothing.</summary>
    public bool Yes { get; init; }

    /// <summary>Vouches for servers that cannot be seen from here to be stopped.</summary>
    public bool ServerIsStopped { get; init; }

    /// <summary>The characters that the plan printed for targets of another identity.</summary>
    public required IReadOnlyList<string> AcceptTargets { get; init; }
}

/// <summary><c>reprise undo [RESTORE]</c></summary>
internal static class UndoCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Undo is not { } undo) return;
        var id = CommandTree.Optional("RESTORE", "the restore that is undone; the last one without it");
        var plan = CommandTree.Flag("--plan", "only say what would be done");
        var yes = CommandTree.Flag("--yes", "do not ask for the application's name");
        var accept = CommandTree.Values(
            "--accept-target", "ID", "write to a target of another identity, as the plan printed it");
        var stopped = CommandTree.Flag("--server-is-stopped", RestoreCommand.ServerIsStoppedText);
        var command = new Command("undo", "swaps back what a restore replaced, and keeps what it replaces")
        {
            id, plan, yes, accept, stopped,
        };
        tree.Add(tree.Root, command, (parse, run) => run.ExecuteAsync(
            Documents.Undo,
            parse,
            context =>
            {
                var options = new UndoOptions
                {
                    RestoreId = parse.GetValue(id),
                    Plan = parse.GetValue(plan),
                    Yes = parse.GetValue(yes),
                    ServerIsStopped = parse.GetValue(stopped),
                    AcceptTargets = parse.GetValue(accept) ?? [],
                };
                return undo(options, new RestoreConversation(context, options.Yes), context);
            },
            RestoreText.Render), "reprise undo");
    }
}
