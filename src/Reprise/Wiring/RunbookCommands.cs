using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What a person would type for a step: a line that can be copied as it is.</summary>
/// <param name="program">this program.</param>
/// <param name="configuration">the configuration, or null: a repository was named.</param>
/// <param name="repository">options that name the repository, when it was named.</param>
internal sealed class RunbookCommands(
    string program, ApplicationConfiguration? configuration, IReadOnlyList<string> repository)
{
    /// <summary>Whether the configuration was named: what is typed later has to name it again.</summary>
    public bool IsNamed { get; init; }

    // The cause is in the last lines; an excerpt of a journal holds about as many.
    private const string LogLines = "25";

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
            "log" => In(configuration?.Folder, configuration?.Control?.Log),
            "database-log" => In(configuration?.Folder, Database(action) is { } d ? DatabaseLog(d) : null),
            "http" or "silent" or "clock" => Placeholders.Line(["curl", "--include", "--max-time", "10", action.One("url") ?? ""]),
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

    /// <summary>What prints the end of a server's log, or null: nothing says it.</summary>
    public static IReadOnlyList<string>? DatabaseLog(AssetConfiguration.Postgres database) => database.Control switch
    {
        PostgresControl.Programs programs => programs.Log,
        PostgresControl.Systemd unit => ["journalctl", "--no-pager", "--lines", LogLines, "--unit", unit.Unit],
        PostgresControl.Compose service => ComposeLog(service.Service),
        PostgresControl.PgCtl when LogFile(database) is { } file => ["tail", "--lines", LogLines, file],
        null when database.Via is PostgresVia.Compose via => ComposeLog(via.Service),
        _ => null,
    };

    private static IReadOnlyList<string> ComposeLog(string service) =>
        ["docker", "compose", "logs", "--no-color", "--tail", LogLines, service];

    // Its messages go into a file: a server that keeps our pipe open would never let us go on.
    private static string? LogFile(AssetConfiguration.Postgres database) =>
        database.DataFolder is { } data ? data.TrimEnd('/') + ".log" : null;

    private static IReadOnlyList<string>? Control(
        AssetConfiguration.Postgres database, string verb, IReadOnlyList<string> composeVerb) => database.Control switch
    {
        PostgresControl.Programs programs => verb == "start" ? programs.Start : programs.Stop,
        PostgresControl.Systemd unit => ["systemctl", verb, unit.Unit],
        PostgresControl.Compose service => ["docker", "compose", .. composeVerb, service.Service],
        PostgresControl.PgCtl when database.DataFolder is { } data && LogFile(database) is { } log =>
            ["pg_ctl", "-D", data, "-w", "-l", log, verb],
        null when database.Via is PostgresVia.Compose via => ["docker", "compose", .. composeVerb, via.Service],
        _ => null,
    };

    /// <summary>The database that a step names, or null: it is none with a server.</summary>
    public AssetConfiguration.Postgres? Database(StepAction action) =>
        configuration?.Assets.OfType<AssetConfiguration.Postgres>().FirstOrDefault(a => a.Name == action.One("asset"));

    /// <summary>How a run is found again: what was named when it was begun, or nothing.</summary>
    public string Again
    {
        get
        {
            string[] named = configuration is { } read && IsNamed ? ["--config", read.File, .. repository] : [.. repository];
            return named.Length > 0 ? " " + Placeholders.Line(named) : "";
        }
    }

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
