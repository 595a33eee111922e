using System.Globalization;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Runbooks;
using Reprise.Recovery.State;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What runbooks may know of an application: names, places and commands; never a secret.</summary>
internal static class RunbookFacts
{
    /// <summary>Every name that may stand in a runbook, with its meaning.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Known { get; } =
    [
        new("application", "the application's name"),
        new("folder", "the folder of the configuration"),
        new("config", "the configuration"),
        new("reprise", "this program"),
        new("repository", "where the points are kept"),
        new("key-file", "the key of the repository"),
        new("env-file", "the file of variables beside the configuration"),
        new("state", "where this host keeps its journals"),
        new("database", "the first database of the configuration"),
        new("database.where", "which database on which server, or the file"),
        new("database.host", "its server"),
        new("database.port", "the port of its server"),
        new("database.name", "its name on the server"),
        new("database.user", "the role of the application"),
        new("database.service", "its service in the compose file"),
        new("files", "the first set of files of the configuration"),
        new("secrets", "the first set of secrets of the configuration"),
        new("secret-names", "the names of the secrets"),
        new("secrets.from", "where the secrets are set"),
        new("health-url", "the address of the first http check"),
        new("stop", "the command that stops the application"),
        new("start", "the command that starts the application"),
        new("database.start", "the command that starts the server of the database"),
        new("former-restore", "the newest restore that keeps what it replaced, or none"),
        new("rto", "how soon the application must be back"),
        new("rpo", "how much may be lost"),
    ];

    /// <summary>What is known here; a configuration that cannot be read is an error only when one was named.</summary>
    public static Placeholders Of(CommandContext context, Machine machine, ApplicationConfiguration? configuration)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["reprise"] = context.Host.ProgramPath };
        Add(facts, "repository", context.Options.Repository is null ? null : context.Access.Repository.Location.ToString());
        Add(facts, "key-file", context.Options.KeyFile is { } key ? context.FullPath(key) : null);
        if (configuration is null) return new Placeholders(facts);
        var repository = context.Access.Repository;
        facts["application"] = configuration.Application;
        facts["folder"] = configuration.Folder;
        facts["config"] = configuration.File;
        facts["env-file"] = Path.Combine(configuration.Folder, ".env");
        var state = machine.State(configuration.Application, configuration.File);
        facts["state"] = state.Path.ToString();
        facts["former-restore"] = state.Operations().LastOrDefault(
            o => o is { Kind: OperationKind.Restore, State: OperationState.Kept, Forgotten: false })?.Id.Value ?? "none";
        facts["repository"] = repository.Location.ToString() ?? "";
        Add(facts, "key-file", repository.KeyFile);
        AddDatabase(facts, configuration, machine);
        Add(facts, "files", configuration.Assets.OfType<AssetConfiguration.Files>().FirstOrDefault()?.Name);
        if (configuration.Assets.OfType<AssetConfiguration.Secrets>().FirstOrDefault() is { } secrets)
        {
            facts["secrets"] = secrets.Name;
            facts["secret-names"] = string.Join(", ", secrets.References);
            facts["secrets.from"] = secrets.From ?? "the environment of the application";
        }

        Add(facts, "health-url", configuration.Checks.OfType<CheckConfiguration.Http>().FirstOrDefault()?.Url.ToString());
        Add(facts, "stop", RunbookCommands.In(configuration.Folder, configuration.Control?.Stop));
        Add(facts, "start", RunbookCommands.In(configuration.Folder, configuration.Control?.Start));
        Add(facts, "rto", configuration.Objectives.Rto is { } rto ? Amounts.Time(rto) : null);
        Add(facts, "rpo", configuration.Objectives.Rpo is { } rpo ? Amounts.Time(rpo) : null);
        return new Placeholders(facts);
    }

    private static void AddDatabase(
        SortedDictionary<string, string> facts, ApplicationConfiguration configuration, Machine machine)
    {
        if (configuration.Assets.FirstOrDefault(a => a.IsDatabase) is not { } database) return;
        facts["database"] = database.Name;
        if (database is AssetConfiguration.Sqlite sqlite) facts["database.where"] = sqlite.Path;
        if (database is not AssetConfiguration.Postgres postgres) return;
        if (postgres.Via is PostgresVia.Compose service) facts["database.service"] = service.Service;
        Add(facts, "database.start", RunbookCommands.In(configuration.Folder, RunbookCommands.DatabaseStart(postgres)));
        try
        {
            var host = AssetFactory.PostgresHost(machine);
            var connection = new PostgresAsset(
                postgres.Name, new PostgresSettings { ConnectionText = postgres.Connection.Reveal() }, host).Connection;
            facts["database.host"] = connection.Host;
            facts["database.port"] = connection.Port.ToString(CultureInfo.InvariantCulture);
            facts["database.name"] = connection.Database;
            facts["database.user"] = connection.User;
            facts["database.where"] = $"{connection.Database} on {connection.Server}";
        }
        catch (RepriseException)
        {
            // A connection that nobody can read is told by doctor; a runbook still helps with the rest.
            facts["database.where"] = "the database of the configuration";
        }
    }

    private static void Add(SortedDictionary<string, string> facts, string name, string? value)
    {
        if (value is { Length: > 0 }) facts[name] = value;
    }
}
