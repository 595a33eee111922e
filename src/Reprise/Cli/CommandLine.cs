using System.CommandLine;
using System.CommandLine.Parsing;
using Reprise.Configuration;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>
/// Understands a command line, or says why not, and runs it. System.CommandLine only parses: its own invocation would
/// end our cleaning up after two seconds, turn exceptions into exit 1 without our text, and answer a missing command
/// with 1.
/// </summary>
internal sealed class CommandLine(Host host, Operations operations)
{
    private readonly CommandTree tree = new(operations, host.Version);

    /// <summary>Runs <paramref name="arguments"/>; returns the exit code of the process.</summary>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (!WalCommand.IsGet(arguments)) return (await UnderstandAsync(arguments)).Exit;
        try
        {
            // Only its own action knows what a recovery may be told: what was not understood is 255 as well.
            var (exit, acted) = await UnderstandAsync(arguments);
            return acted ? exit : WalCommand.RecoveryMustNotGoOn;
        }
#pragma warning disable CA1031 // PostgreSQL takes the exit of a program that broke off for the end of the archive.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await host.Terminal.Error.WriteLineAsync($"error: this is a bug of reprise, not of yours: {e}");
            return WalCommand.RecoveryMustNotGoOn;
        }
    }

    private async Task<(int Exit, bool Acted)> UnderstandAsync(IReadOnlyList<string> arguments)
    {
        // No response files: an argument that begins with @ is that argument. No bundling: -qh is not -q -h.
        var parse = tree.Root.Parse(
            arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        var run = new CommandRun(host, Options(parse, arguments));
        var command = parse.CommandResult.Command;
        if (parse.GetValue(tree.HelpOption))
        {
            await host.Terminal.Out.WriteAsync(HelpText.Of(tree, command, host.Terminal.Width));

            // A recovery that asked for a file did not get it.
            return (ExitCodes.Done, parse.CommandResult.Tokens.Count == 0);
        }

        if (parse.GetValue(tree.VersionOption))
        {
            await host.Terminal.Out.WriteLineAsync($"reprise {host.Version}");
            return (ExitCodes.Done, false);
        }

        if (Misunderstood(parse, arguments) is { } problem) return (run.Refuse(problem), false);
        return tree.ActionOf(command) is { } action
            ? (await action(parse, run), true)
            : (run.Refuse(NeedsWord(command)), false);
    }

    private GlobalOptions Options(ParseResult parse, IReadOnlyList<string> arguments) => new()
    {
        ConfigurationFile = One(parse, tree.ConfigOption),
        Repository = One(parse, tree.RepositoryOption),
        KeyFile = One(parse, tree.KeyFileOption),
        // Also when the rest cannot be understood: who asked for a document gets one.
        Json = parse.GetValue(tree.JsonOption) || arguments.Contains("--json"),
        Quiet = parse.GetValue(tree.QuietOption),
        NoColour = parse.GetValue(tree.NoColourOption),
    };

    private static string? One(ParseResult parse, Option<string?> option) =>
        parse.GetResult(option) is { Tokens: [var token] } ? token.Value : null;

    // In the order in which a person would name the mistakes.
    private Problem? Misunderstood(ParseResult parse, IReadOnlyList<string> arguments)
    {
        var command = parse.CommandResult.Command;
        foreach (var token in parse.Tokens)
        {
            // A word that begins with a dash is never a value: the parser would give an unknown option to an argument
            // that may be left out, and restore --plna --yes would restore.
            if (token.Type != TokenType.Argument || token.Value is not ['-', _, ..]) continue;
            return UnknownOption(command, token.Value);
        }

        foreach (var word in parse.UnmatchedTokens)
        {
            return word is ['-', _, ..] ? UnknownOption(command, word) : UnknownWord(command, word);
        }

        return FlagWithValue(command, arguments)
            ?? MissingValue(parse)
            ?? (parse.Errors.Count == 0
                ? null
                : tree.ActionOf(command) is null && command.Subcommands.Count > 0
                ? NeedsWord(command)
                : Usage(CliErrors.OptionValue, Lower(parse.Errors[0].Message), $"see {HelpOf(command)}"));
    }

    // The parser makes the value of --plan=no the next word: a point that nobody named, a plan that nobody asked for.
    private Problem? FlagWithValue(Command command, IReadOnlyList<string> arguments)
    {
        var flags = tree.OptionsOf(command).Where(o => o.Arity.MaximumNumberOfValues == 0).Select(o => o.Name);
        var flag = flags.FirstOrDefault(f => arguments.Any(a => a.StartsWith(f + "=", StringComparison.Ordinal)));
        return flag is null
            ? null
            : Usage(CliErrors.OptionValue, $"{flag} takes no value", $"write {flag} alone, or leave it out");
    }

    private Problem UnknownOption(Command command, string typed)
    {
        var known = tree.OptionsOf(command).SelectMany(o => o.Aliases.Prepend(o.Name)).ToList();
        var equals = typed.IndexOf('=', StringComparison.Ordinal);
        var near = NearestWord.Find(equals < 0 ? typed : typed[..equals], known);
        return Usage(
            CliErrors.OptionUnknown,
            $"{NameOf(command)} has no option {typed}".TrimStart(),
            near is null ? $"see {HelpOf(command)}" : $"did you mean {near}? see {HelpOf(command)}");
    }

    private Problem UnknownWord(Command command, string word)
    {
        var names = command.Subcommands.Select(c => c.Name).ToList();
        var near = NearestWord.Find(word, names);
        if (names.Count > 0 && command.Arguments.Count == 0)
        {
            return Usage(
                CliErrors.CommandUnknown,
                command == tree.Root ? $"there is no command '{word}'" : $"{NameOf(command)} has no command '{word}'",
                near is null ? $"see {HelpOf(command)}" : $"did you mean {Typed(command)} {near}?");
        }

        return Usage(
            CliErrors.OptionValue,
            $"{NameOf(command)} takes no further word '{word}'",
            $"see {HelpOf(command)}");
    }

    private Problem NeedsWord(Command command) => Usage(
        CliErrors.CommandUnknown,
        $"{NameOf(command)} needs one more word",
        $"add one of: {string.Join(", ", command.Subcommands.Select(c => c.Name))}");

    private Problem? MissingValue(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        foreach (var option in tree.OptionsOf(command))
        {
            if (parse.GetResult(option) is not { } given || given.Implicit) continue;
            if (option.Arity.MinimumNumberOfValues > given.Tokens.Count)
            {
                return Usage(
                    CliErrors.OptionValue, $"{option.Name} needs a value", $"write {option.Name} {option.HelpName}");
            }

            if (option.Arity.MaximumNumberOfValues == 1 && given.IdentifierTokenCount > 1)
            {
                return Usage(CliErrors.OptionValue, $"{option.Name} is given twice", "give it once");
            }
        }

        foreach (var argument in command.Arguments)
        {
            if (argument.Arity.MinimumNumberOfValues == 0) continue;
            if (parse.GetResult(argument) is { Tokens.Count: > 0 }) continue;
            return Usage(
                CliErrors.OptionValue, $"{NameOf(command)} needs {argument.Name}", $"write {tree.ExampleOf(command)}");
        }

        foreach (var option in command.Options)
        {
            if (option.Required && parse.GetResult(option) is not { Implicit: false })
            {
                return Usage(
                    CliErrors.OptionValue,
                    $"{NameOf(command)} needs {option.Name} {option.HelpName}",
                    $"write {tree.ExampleOf(command)}");
            }
        }

        return null;
    }

    private string HelpOf(Command command) =>
        $"{Typed(command)} --help";

    private string Typed(Command command) => command == tree.Root ? "reprise" : $"reprise {NameOf(command)}";

    private string NameOf(Command command) => NameOf(tree, command);

    /// <summary><c>points show</c>; nothing for the program itself.</summary>
    internal static string NameOf(CommandTree tree, Command command) => command == tree.Root
        ? ""
        : command.Parents.OfType<Command>().First() is var parent && parent == tree.Root
            ? command.Name
            : $"{NameOf(tree, parent)} {command.Name}";

    private static Problem Usage(ErrorCode code, string message, string hint) =>
        new(code, Severity.Error, message, hint);

    private static string Lower(string message) => char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.');
}
