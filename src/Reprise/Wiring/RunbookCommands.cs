using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What a person would type for a step: a line that can be copied as it is.</summary>
/// <param name="program">this program.</param>
/// <param name="configuration">the configuration, or null: a repository was named.</param>
/// <param name="repository">options that name the repository when there is no configuration.</param>
internal sealed class RunbookCommands(
    string program, ApplicationConfiguration? configuration, IReadOnlyList<string> repository)
{
    /// <summary>The line, or null: nothing says how this is done here.</summary>
    public string? LineOf(StepAction action)
    {
        if (action.Run.Count > 0) return In(configuration?.Folder, action.Run);
        return action.Builtin switch
        {
            "stop" => In(configuration?.Folder, configuration?.Control?.Stop),
            "start" => In(configuration?.Folder, configuration?.Control?.Start),
            "start-database" => In(configuration?.Folder, Database(action) is { } d ? DatabaseStart(d) : null),
            "stop-database" => In(configuration?.Folder, Database(action) is { } d ? DatabaseStop(d) : null),
            "http" or "silent" => Placeholders.Line(["curl", "--include", "--max-time", "10", action.One("url") ?? ""]),
            "tcp" => Placeholders.Line(["nc", "-zv", action.One("host") ?? "", action.One("port") ?? ""]),
            _ => Placeholders.Line([program, .. Words(action), .. Where(action)]),
        };
    }

    /// <summary>A program as it is started from a folder.</summary>
    public static string? In(string? folder, IReadOnlyList<string>? arguments) =>
        arguments is null ? null
        : folder is null ? Placeholders.Line(arguments)
        : $"cd {Placeholders.Line([folder])} && {Placeholders.Line(arguments)}";

    /// <summary>How the server of a database is started, or null: nothing says it.</summary>
    public static IReadOnlyList<string>? DatabaseStart(AssetConfiguration.Postgres database) =>
        Control(database, "start", ["up", "-d"]);

    /// <summary>How the server of a database is stopped, or null: nothing says it.</summary>
    public static IReadOnlyList<string>? DatabaseStop(AssetConfiguration.Postgres database) =>
        Control(database, "stop", ["stop"]);

    private static IReadOnlyList<string>? Control(
        AssetConfiguration.Postgres database, string verb, IReadOnlyList<string> composeVerb) => database.Control switch
    {
        PostgresControl.Programs programs => verb == "start" ? programs.Start : programs.Stop,
        PostgresControl.Systemd unit => ["systemctl", verb, unit.Unit],
        PostgresControl.Compose service => ["docker", "compose", .. composeVerb, service.Service],

        // Its messages go into a file: a server that keeps our pipe open would never let us go on.
        PostgresControl.PgCtl when database.DataFolder is { } data =>
            ["pg_ctl", "-D", data, "-w", "-l", data.TrimEnd('/') + ".log", verb],
        null when database.Via is PostgresVia.Compose via => ["docker", "compose", .. composeVerb, via.Service],
        _ => null,
    };

    /// <summary>The database that a step names, or null: it is none with a server.</summary>
    public AssetConfiguration.Postgres? Database(StepAction action) =>
        configuration?.Assets.OfType<AssetConfiguration.Postgres>().FirstOrDefault(a => a.Name == action.One("asset"));

    /// <summary>How a run is found again that was begun without a configuration; else nothing.</summary>
    public string Again => configuration is null && repository.Count > 0 ? " " + Placeholders.Line(repository) : "";

    private IReadOnlyList<string> Where(StepAction action) => action.One("config") is { } other
        ? ["--config", other, .. repository]
        : configuration is { } read ? ["--config", read.File] : repository;

    private static IReadOnlyList<string> Words(StepAction action) => action.Builtin switch
    {
        "status" or "doctor" or "points" or "backup" => [action.Builtin],
        "check" => ["check", .. action.With.GetValueOrDefault("names") ?? []],
        "readable" or "unreadable" or "secrets" => ["check"],
        "verify" => ["verify", .. Optional(action, "point")],
        "restore" =>
        [
            "restore",
            action.One("point") ?? "latest",
            .. (action.With.GetValueOrDefault("assets") ?? []).SelectMany(a => new[] { "--asset", a }),
            .. action.One("restore-secrets") == "true" ? ["--restore-secrets"] : Array.Empty<string>(),
        ],
        "undo" => ["undo", .. Optional(action, "restore")],
        "forget" => ["restore", "forget", .. Optional(action, "restore")],
        "recover" =>
        [
            "recover",
            .. Optional(action, "point"),
            "--to",
            action.One("to") ?? "",
            .. action.One("restore-secrets") == "true" ? ["--restore-secrets"] : Array.Empty<string>(),
        ],
        _ => throw new InvariantException($"builtin {action.Builtin}"),
    };

    private static IReadOnlyList<string> Optional(StepAction action, string key) =>
        action.One(key) is { } value ? [value] : [];
}
