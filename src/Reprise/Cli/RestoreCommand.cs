using System.CommandLine;
using Reprise.Json;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What <c>restore</c> was asked.</summary>
internal sealed record RestoreOptions
{
    /// <summary>As it was typed, or null: the newest complete point.</summary>
    public string? Point { get; init; }

    /// <summary>Only these assets; empty: all.</summary>
    public required IReadOnlyList<string> Assets { get; init; }

    /// <summary>Only these tables, as they were typed; empty: whole assets.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>The database that they are of, or null: the only one that has them.</summary>
    public string? Database { get; init; }

    /// <summary>Absolute path of a folder to write to instead of over the live data, or null.</summary>
    public string? To { get; init; }

    /// <summary>Absolute path of a folder for staged data, or null: beside the target.</summary>
    public string? Stage { get; init; }

    /// <summary>Only say what would be done.</summary>
    public bool Plan { get; init; }

    /// <summary>Asked nothing.</summary>
    public bool Yes { get; init; }

    /// <summary>Another address for the http checks, or null.</summary>
    public Uri? HealthUrl { get; init; }

    /// <summary>Checks that are not asked, with the reason.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> SkipChecks { get; init; }

    /// <summary>The characters that the plan printed for targets of another identity.</summary>
    public required IReadOnlyList<string> AcceptTargets { get; init; }

    /// <summary>Assets for which no way back is demanded.</summary>
    public required IReadOnlyList<string> WithoutSafety { get; init; }

    /// <summary>Vouches for servers that cannot be seen from here to be stopped.</summary>
    public bool ServerIsStopped { get; init; }

    /// <summary>Bring back what is not damaged.</summary>
    public bool Salvage { get; init; }

    /// <summary>Finish the restore that was interrupted.</summary>
    public bool Continue { get; init; }

    /// <summary>Write sealed secret values back.</summary>
    public bool RestoreSecrets { get; init; }

    /// <summary>A moment behind that of the point, or null: the point's own.</summary>
    public MomentOptions? Moment { get; init; }
}

/// <summary>What <c>restore forget</c> was asked.</summary>
/// <param name="RestoreId">whose former data is deleted, as it was typed.</param>
/// <param name="Yes">asked nothing.</param>
internal sealed record ForgetOptions(string RestoreId, bool Yes);

/// <summary><c>reprise restore [POINT]</c>, <c>reprise restore forget ID</c></summary>
internal static class RestoreCommand
{
    /// <summary>What <c>--server-is-stopped</c> says, here and of <c>undo</c>.</summary>
    internal const string ServerIsStoppedText = "vouch that a database server is stopped which cannot be seen from here";

    /// <summary>Adds the commands that can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Restore is not { } restore) return;
        var words = new RestoreWords();
        var command = new Command(
            "restore", "brings the application back; says first what you get, lose, and how to go back");
        words.AddTo(command);
        tree.Add(tree.Root, command, (parse, run) => run.ExecuteAsync(
            Documents.Restore,
            parse,
            context =>
            {
                var options = words.Read(parse, context);
                return restore(options, new RestoreConversation(context, options.Yes), context);
            },
            RestoreText.Render), "reprise restore latest --plan");
        if (operations.RestoreForget is not { } forget) return;
        var id = CommandTree.Needed("ID", "the restore whose former data is deleted");
        var yes = CommandTree.Flag("--yes", "do not ask");
        tree.Add(
            command,
            new Command("forget", "deletes what a restore replaced; undo is not possible afterwards") { id, yes },
            CommandTree.Call(
                Documents.RestoreForget,
                forget,
                (parse, _) => new ForgetOptions(
                    parse.GetRequiredValue(id)!, parse.GetValue(yes)), // The parser demands it.
                RestoreText.RenderForgotten),
            "reprise restore forget 20261122T031502Z-7f3a");
    }

    private sealed class RestoreWords
    {
        private readonly Argument<string?> point =
            CommandTree.Optional("POINT", "an id, its beginning, latest, latest~N or proven; latest without one");

        private readonly Option<string[]> asset = CommandTree.Values(
            "--asset", "NAME", "only this asset (may be repeated)");
        private readonly Option<string[]> table = CommandTree.Values(
            "--table", "SCHEMA.TABLE", "only this table: a new one beside the live one, or a file with --to (may be repeated)");
        private readonly Option<string?> database = CommandTree.Value(
            "--database", "NAME", "of which database of the server the tables are");
        private readonly Option<string?> to = CommandTree.Value(
            "--to", "FOLDER", "into a folder instead of over the live data");
        private readonly Option<string?> stage = CommandTree.Value(
            "--stage", "FOLDER", "stage there when there is too little room");
        private readonly Option<bool> plan = CommandTree.Flag("--plan", "only say what would be done");
        private readonly Option<bool> yes = CommandTree.Flag("--yes", "do not ask for the application's name");
        private readonly Option<string?> health = CommandTree.Value(
            "--health-url", "URL", "ask this address in http checks");

        private readonly Option<string[]> skip =
            CommandTree.Values("--skip-check", "NAME=REASON", "do not ask this check; the reason is recorded");

        private readonly Option<string[]> accept =
            CommandTree.Values(
                "--accept-target", "ID", "write to a target of another identity, as the plan printed it");

        private readonly Option<string[]> unsafely =
            CommandTree.Values("--without-safety", "ASSET", "go on although there is no way back for this asset");

        private readonly Option<bool> stopped = CommandTree.Flag("--server-is-stopped", ServerIsStoppedText);

        private readonly Option<bool> salvage = CommandTree.Flag(
            "--salvage", "bring back what is not damaged, and name the rest");
        private readonly Option<bool> goOn = CommandTree.Flag("--continue", "finish the restore that was interrupted");
        private readonly Option<bool> secrets = CommandTree.Flag(
            "--restore-secrets", "write sealed secret values back");

        private readonly MomentWords moment = new();

        public void AddTo(Command command)
        {
            command.Add(point);
            foreach (var option in All) command.Add(option);
        }

        private Option[] All => [plan, yes, asset, table, database, to, .. moment.All, stage, health, skip, accept, unsafely, stopped, salvage, goOn, secrets];

        // Whoever copies the last line of a plan gets what the plan said, and nothing more.
        private string Again(ParseResult parse)
        {
            var words = new List<string>();
            foreach (var option in All.Where(o => o != plan))
            {
                if (parse.GetResult(option) is not { Implicit: false } given) continue;
                var values = given.Tokens.Select(t => t.Value).ToList();
                if (values.Count == 0) words.Add(option.Name);
                foreach (var value in values) words.AddRange([option.Name, value]);
            }

            return words.Count == 0 ? "" : " " + Placeholders.Line(words);
        }

        public RestoreOptions Read(ParseResult parse, CommandContext context)
        {
            context.Again = Again(parse);
            var options = new RestoreOptions
            {
                Point = parse.GetValue(point),
                Assets = parse.GetValue(asset) ?? [],
                Tables = parse.GetValue(table) ?? [],
                Database = parse.GetValue(database),
                To = parse.GetValue(to) is { } folder ? context.FullPath(folder) : null,
                Stage = parse.GetValue(stage) is { } beside ? context.FullPath(beside) : null,
                Plan = parse.GetValue(plan),
                Yes = parse.GetValue(yes),
                HealthUrl = parse.GetValue(health) is { } url ? Address(url) : null,
                SkipChecks = [.. (parse.GetValue(skip) ?? []).Select(Skipped)],
                AcceptTargets = parse.GetValue(accept) ?? [],
                WithoutSafety = parse.GetValue(unsafely) ?? [],
                ServerIsStopped = parse.GetValue(stopped),
                Salvage = parse.GetValue(salvage),
                Continue = parse.GetValue(goOn),
                RestoreSecrets = parse.GetValue(secrets),
                Moment = moment.Read(parse, context),
            };
            RefuseBesideTables(options);
            return options is { Continue: true, Point: not null } or { Continue: true, To: not null } or { Continue: true, Moment: not null }
                ? throw new RepriseException(
                    CliErrors.OptionConflict,
                    "--continue finishes the restore that was interrupted and takes neither a point, nor a moment, nor --to",
                    "reprise restore --continue")
                : options;
        }

        // A new table replaces nothing: what guards a replacement has no meaning for it.
        private static void RefuseBesideTables(RestoreOptions options)
        {
            if (options.Tables.Count == 0)
            {
                if (options.Database is null) return;
                throw new RepriseException(CliErrors.OptionConflict, "--database says of which database the tables are, and no table is named", "add --table SCHEMA.TABLE");
            }

            var other = options switch
            {
                { Continue: true } => "--continue",
                { Salvage: true } => "--salvage",
                { RestoreSecrets: true } => "--restore-secrets",
                { HealthUrl: not null } => "--health-url",
                { SkipChecks.Count: > 0 } => "--skip-check",
                { WithoutSafety.Count: > 0 } => "--without-safety",
                { ServerIsStopped: true } => "--server-is-stopped",
                _ => null,
            };
            if (other is not null)
                throw new RepriseException(CliErrors.OptionConflict, $"--table and {other} do not go together", $"leave {other} out: nothing live is replaced");
        }

        private static Uri Address(string text) =>
            Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                ? url
                : throw new RepriseException(
                    CliErrors.OptionValue, $"--health-url '{text}' is not an address", "write http://HOST:PORT/PATH");

        private static KeyValuePair<string, string> Skipped(string text)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            return equals > 0 && text[(equals + 1)..].Trim().Length > 0
                ? KeyValuePair.Create(text[..equals], text[(equals + 1)..].Trim())
                : throw new RepriseException(
                    CliErrors.OptionValue,
                    $"--skip-check '{text}' gives no reason",
                    "write --skip-check NAME=REASON; the reason is recorded with the restore");
        }
    }
}
