using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>check</c> was asked.</summary>
/// <param name="Names">only these checks; empty: all.</param>
internal sealed record CheckOptions(IReadOnlyList<string> Names);

/// <summary><c>reprise check [NAME…]</c></summary>
internal static class CheckCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Check is not { } check) return;
        var names = new Argument<string[]>("NAME")
        {
            Description = "only these checks",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("check", "asks checks, secrets and migration of the running application, read-only")
        {
            names,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Check,
            check,
            (parse, _) => new CheckOptions(parse.GetValue(names) ?? []),
            Render), "reprise check backend-healthy");
    }

    private static void Render(ChecksJson result, Output output, CommandContext context)
    {
        var secrets = result.Checks.Where(c => c.Name.StartsWith("secret ", StringComparison.Ordinal)).ToList();
        output.Checks([.. result.Checks.Except(secrets)]);
        foreach (var secret in secrets)
        {
            var word = Output.WordOf(secret.Outcome);
            output.Paragraph($"  {output.Paint(word, Output.ToneOf(secret.Outcome))}  {secret.Name}", 4);
        }

        var passed = result.Checks.Count(c => c.Outcome == "pass");
        output.Line(result.Checks.Count == 0
            ? "nothing was asked: the configuration has no checks"
            : $"{passed} of {Amounts.Count(result.Checks.Count, "check")} passed");
    }
}
