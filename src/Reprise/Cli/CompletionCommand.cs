using System.CommandLine;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary><c>reprise completion SHELL</c></summary>
internal static class CompletionCommand
{
    /// <summary>Adds the command.</summary>
    public static void AddTo(CommandTree tree)
    {
        var shell = CommandTree.Needed("SHELL", "bash, zsh, fish or pwsh");
        var command = new Command("completion", "what a shell needs to complete commands and options") { shell };
        tree.Add(tree.Root, command, (parse, run) =>
        {
            var name = parse.GetRequiredValue(shell)!; // The parser demands it.
            if (CompletionScript.Of(name, tree) is { } script)
            {
                run.Host.Terminal.Out.Write(script);
                return Task.FromResult(ExitCodes.Done);
            }

            var near = Configuration.NearestWord.Find(name, CompletionScript.Shells);
            return Task.FromResult(run.Refuse(new Problem(
                CliErrors.OptionValue,
                Severity.Error,
                $"there is no completion for '{name}'",
                (near is null ? "" : $"did you mean {near}? ")
                    + $"it takes {string.Join(", ", CompletionScript.Shells)}")));
        }, "reprise completion bash > /etc/bash_completion.d/reprise");
    }
}
