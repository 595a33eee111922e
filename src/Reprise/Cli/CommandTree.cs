using System.CommandLine;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What is done when a command was understood: returns the exit code.</summary>
internal delegate Task<int> CommandAction(ParseResult parse, CommandRun run);

/// <summary>
/// The commands with their options, and what each does. Commands add themselves; parsing, errors and help stand in
/// <see cref="CommandLine"/>.
/// </summary>
internal sealed class CommandTree
{
    private readonly Dictionary<Command, CommandAction> actions = [];
    private readonly Dictionary<Command, string> examples = [];

    /// <summary>The options that every command takes, and the commands of <paramref name="operations"/>.</summary>
    public CommandTree(Operations operations, string version)
    {
        Version = version;
        Option[] everywhere =
            [ConfigOption, RepositoryOption, KeyFileOption, JsonOption, QuietOption, NoColourOption, HelpOption];
        foreach (var option in everywhere) Root.Add(option);
        Root.Add(VersionOption);
        StatusCommand.AddTo(this, operations);
        InitCommand.AddTo(this, operations);
        DoctorCommand.AddTo(this, operations);
        CheckCommand.AddTo(this, operations);
        BackupCommand.AddTo(this, operations);
        PointsCommand.AddTo(this, operations);
        VerifyCommand.AddTo(this, operations);
        RestoreCommand.AddTo(this, operations);
        UndoCommand.AddTo(this, operations);
        DrillCommand.AddTo(this, operations);
        PruneCommand.AddTo(this, operations);
        ExportCommand.AddTo(this, operations);
        RecoverCommand.AddTo(this, operations);
        RunbookCommand.AddTo(this, operations);
        KeyCommand.AddTo(this, operations);
        StoreCommand.AddTo(this, operations);
        WalCommand.AddTo(this, operations);
        StreamCommand.AddTo(this, operations);
        EvidenceCommand.AddTo(this, operations);
        DemoCommand.AddTo(this, operations);
        CompletionCommand.AddTo(this);
    }

    /// <summary>
    /// The program itself. Not a <c>RootCommand</c>: that one brings directives and a version option of its own.
    /// </summary>
    public Command Root { get; } = new(
        "reprise", "Takes recovery points of an application, proves them, and brings it back.");

    /// <summary>The version of the program.</summary>
    public string Version { get; }

    public Option<string?> ConfigOption { get; } =
        Value("--config", "FILE", "the configuration (./reprise.yaml, or REPRISE_CONFIG)", true);

    public Option<string?> RepositoryOption { get; } =
        Value("--repository", "LOCATION", "a repository, instead of a configuration", true);

    public Option<string?> KeyFileOption { get; } =
        Value("--key-file", "FILE", "the key of the repository", true);

    public Option<bool> JsonOption { get; } = Flag("--json", "one JSON document on standard output", true);

    public Option<bool> QuietOption { get; } = Flag(
        "--quiet", "neither progress nor prose; errors are still said", true);

    public Option<bool> NoColourOption { get; } = Flag("--no-color", "no colour (NO_COLOR does the same)", true);

    public Option<bool> HelpOption { get; } = Flag("--help", "this text", true, "-h");

    public Option<bool> VersionOption { get; } = Flag("--version", "the version");

    /// <summary>Adds a command below another one.</summary>
    /// <param name="parent">the other one.</param>
    /// <param name="command">what is typed, with its options.</param>
    /// <param name="action">what it does, or null: it needs a further word.</param>
    /// <param name="example">a line that somebody would type.</param>
    public void Add(Command parent, Command command, CommandAction? action, string example)
    {
        parent.Add(command);
        if (action is not null) Does(command, action);
        examples.Add(command, example);
    }

    /// <summary>What the program does without a command.</summary>
    public void SetRoot(CommandAction action) => Does(Root, action);

    /// <summary>What a command does, or null.</summary>
    public CommandAction? ActionOf(Command command) => actions.GetValueOrDefault(command);

    // The parser takes a command that has sub-commands and no action of its own for one that lacks a word.
    private void Does(Command command, CommandAction action)
    {
        actions[command] = action;
        command.SetAction(static _ => 0);
    }

    /// <summary>A line that somebody would type, or null.</summary>
    public string? ExampleOf(Command command) => examples.GetValueOrDefault(command);

    /// <summary>The options that can follow a command: its own, then those of every command.</summary>
    public IEnumerable<Option> OptionsOf(Command command) =>
        command == Root ? Root.Options : command.Options.Concat(Root.Options.Where(o => o.Recursive));

    /// <summary>An option without a value. It takes none, so that a word behind it stays a word.</summary>
    public static Option<bool> Flag(
        string name, string description, bool everywhere = false, params string[] aliases) =>
        new(name, aliases) { Description = description, Recursive = everywhere, Arity = ArgumentArity.Zero };

    /// <summary>An option with a value.</summary>
    public static Option<string?> Value(string name, string value, string description, bool everywhere = false) =>
        new(name)
        {
            Description = description,
            HelpName = value,
            Recursive = everywhere,
            Arity = ArgumentArity.ExactlyOne,
        };

    /// <summary>An option with a value that may be given several times.</summary>
    public static Option<string[]> Values(string name, string value, string description) => new(name)
    {
        Description = description,
        HelpName = value,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>A word that may be left out.</summary>
    public static Argument<string?> Optional(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };

    /// <summary>A word that must be there.</summary>
    public static Argument<string?> Needed(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ExactlyOne };

    /// <summary>An action that calls an operation and renders what it came to.</summary>
    public static CommandAction Call<TOptions, TResult>(
        Document<TResult> document,
        Operation<TOptions, TResult> operation,
        Func<ParseResult, CommandContext, TOptions> options,
        Action<TResult, Output, CommandContext> render)
        where TResult : class =>
        (parse, run) => run.ExecuteAsync(
            document, parse, context => operation(options(parse, context), context), render);

    /// <summary>A value of an option that must be a duration.</summary>
    public static TimeSpan? Duration(ParseResult parse, Option<string?> option)
    {
        if (parse.GetValue(option) is not { } text) return null;
        return Reprise.Configuration.Duration.TryParse(text, out var duration)
            ? duration
            : throw new RepriseException(
                CliErrors.OptionValue,
                $"{option.Name} cannot be '{text}'",
                $"write {Reprise.Configuration.Duration.Form}");
    }

    /// <summary>A value of an option that must be one of some words.</summary>
    public static string Word(ParseResult parse, Option<string?> option, string standard, params string[] words)
    {
        var text = parse.GetValue(option) ?? standard;
        if (words.Contains(text)) return text;
        var near = NearestWord.Find(text, words);
        throw new RepriseException(
            CliErrors.OptionValue,
            $"{option.Name} cannot be '{text}'",
            (near is null ? "" : $"did you mean {near}? ") + $"it takes {string.Join(", ", words)}");
    }
}
