using System.CommandLine;
using System.Text;

namespace Reprise.Cli;

/// <summary>What <c>--help</c> prints: what a command does, how it is typed, an example, its options.</summary>
internal static class HelpText
{
    private const string ExitCodeLines = """
        exit codes:
          0  done and proven        4  unavailable, nothing committed
          1  a bug of reprise       5  damaged or forged data
          2  usage, configuration   6  a check failed, or a restore was rolled back
          3  refused, no change     7  finished, but something is missing
        """;

    /// <summary>The help of <paramref name="command"/>, at most <paramref name="width"/> columns.</summary>
    public static string Of(CommandTree tree, Command command, int width)
    {
        var text = new StringWriter { NewLine = "\n" };
        var output = new Output(text, width, colour: false, quiet: false);
        var name = CommandLine.NameOf(tree, command);
        var isRoot = command == tree.Root;
        output.Paragraph($"reprise{(isRoot ? "" : " " + name)}: {command.Description}");
        output.Line();
        output.Line($"usage: {Usage(tree, command)}");
        if (tree.ExampleOf(command) is { } example) output.Line($"   e.g. {example}");
        if (command.Subcommands.Count > 0)
        {
            output.Line();
            output.Line(isRoot ? "commands:" : "further words:");
            output.Table([.. command.Subcommands.Select(c => (string[])[Typed(c), c.Description ?? ""])]);
        }

        if (command.Arguments.Count > 0)
        {
            output.Line();
            output.Table([.. command.Arguments.Select(a => (string[])[a.Name, a.Description ?? ""])]);
        }

        if (!isRoot && command.Options.Count > 0)
        {
            output.Line();
            output.Line("options:");
            output.Table(Rows(command.Options));
        }

        output.Line();
        output.Line("everywhere:");
        output.Table(Rows(tree.Root.Options.Where(o => isRoot || o.Recursive)));
        if (isRoot)
        {
            output.Line();
            foreach (var line in ExitCodeLines.Split('\n')) output.Line(line);
        }

        return text.ToString();
    }

    /// <summary>How a command is typed: <c>reprise restore [POINT] [options]</c>.</summary>
    public static string Usage(CommandTree tree, Command command)
    {
        var name = CommandLine.NameOf(tree, command);
        var usage = new StringBuilder("reprise");
        if (name.Length > 0) usage.Append(' ').Append(name);
        if (command == tree.Root) usage.Append(" [COMMAND]");
        else if (tree.ActionOf(command) is null) usage.Append(" WORD");
        foreach (var argument in command.Arguments) usage.Append(' ').Append(Typed(argument));
        foreach (var option in command.Options.Where(o => o.Required))
        {
            usage.Append($" {option.Name} {option.HelpName}");
        }

        return usage.Append(" [options]").ToString();
    }

    private static IReadOnlyList<string[]> Rows(IEnumerable<Option> options) =>
        [.. options.Where(o => !o.Hidden).Select(o => (string[])[Typed(o), o.Description ?? ""])];

    private static string Typed(Option option)
    {
        var names = string.Join(", ", option.Aliases.Order(StringComparer.Ordinal).Prepend(option.Name));
        return option.Arity.MaximumNumberOfValues == 0 ? names : $"{names} {option.HelpName}";
    }

    private static string Typed(Command command) =>
        string.Join(' ', command.Arguments.Select(Typed).Prepend(command.Name));

    private static string Typed(Argument argument) =>
        (argument.Arity.MinimumNumberOfValues, argument.Arity.MaximumNumberOfValues) switch
    {
        (0, 1) => $"[{argument.Name}]",
        (0, _) => $"[{argument.Name}…]",
        _ => argument.Name,
    };
}
