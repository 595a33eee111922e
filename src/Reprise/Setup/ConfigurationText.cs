using System.Text;

namespace Reprise.Setup;

/// <summary>What a person chose for a new configuration.</summary>
internal sealed record SetupChoices
{
    /// <summary>The application's name.</summary>
    public required string Application { get; init; }

    /// <summary>Where points are kept, as it is written.</summary>
    public required string Location { get; init; }

    /// <summary>The key file, as it is written.</summary>
    public required string KeyFile { get; init; }

    /// <summary>Whether the values of secrets are kept too.</summary>
    public required bool SealSecrets { get; init; }
}

/// <summary>
/// Writes a <c>reprise.yaml</c> as a person would have written it, with the reasons beside the lines.
/// </summary>
internal sealed class ConfigurationText
{
    private const int CommentColumn = 42;

    private readonly StringBuilder text = new();
    private readonly SetupChoices choices;
    private readonly Surroundings around;

    private ConfigurationText(SetupChoices choices, Surroundings around)
    {
        this.choices = choices;
        this.around = around;
    }

    /// <summary>The text. It can be read back without an error once its variables are set.</summary>
    public static string Of(SetupChoices choices, Surroundings around)
    {
        var writer = new ConfigurationText(choices, around);
        writer.Head();
        writer.Assets();
        writer.Control();
        writer.Checks();
        writer.Foot();
        return writer.text.ToString();
    }

    private void Head()
    {
        Line($"# What Reprise protects of {choices.Application}. Written by reprise init; it is yours to change.");
        Line("# Relative paths start at this file's folder. ${NAME} comes from the environment, then from .env here.");
        Line();
        Line($"application: {YamlText.Literal(choices.Application)}");
        Line();
        Line("repository:");
        Line(
            $"  location: {YamlText.Literal(choices.Location)}",
            "better on another disk: beside the data it is lost with it");
        Line(
            $"  key: {{ file: {YamlText.Literal(choices.KeyFile)} }}",
            "without this key, or the recovery sheet, nothing comes back");
        Line();
        Line("objectives:");
        Line("  rpo: 1h", "lose at most an hour");
        Line("  rto: 15m", "be back within fifteen minutes");
        Line();
    }

    private void Assets()
    {
        Line("assets:", "databases first, files last: a row never lacks its file");
        foreach (var database in around.Databases) Database(database);
        if (around.Files.Count > 0)
        {
            Line("  runtime:");
            Line("    files:");
            Line($"      include: {YamlText.List(around.Files.Select(YamlText.Literal))}");
            Line("      exclude: [\"**/*.log\", \"**/*.tmp\"]");
        }

        foreach (var volume in around.VolumesNotProtected)
        {
            Line($"  # The volume {volume} is NOT protected: its files are not in a folder of this host.");
        }

        if (around.Secrets.Count > 0)
        {
            Line(
                "  secrets:",
                choices.SealSecrets
                    ? "names, fingerprints, and the values encrypted"
                    : "names and fingerprints, never the values");
            Line("    secrets:");
            Line($"      references: {YamlText.List(around.Secrets.Select(YamlText.Literal))}");
            if (around.HasEnvironmentFile) Line("      from: .env");
            Line(
                $"      values: {(choices.SealSecrets ? "sealed" : "none")}",
                choices.SealSecrets
                    ? "only restore --restore-secrets writes them back"
                    : "sealed would keep them too, encrypted");
        }

        if (around.Databases.Count == 0 && around.Files.Count == 0 && around.Secrets.Count == 0)
        {
            Line("  # Nothing was found. Name what the application cannot live without, for example:");
            Line("  # database: { postgres: { connection: \"${DATABASE_URL}\" } }");
            Line("  # sessions: { sqlite: { path: data/sessions.db } }");
            Line("  configuration: { files: { include: [reprise.yaml] } }");
        }

        Line();
    }

    private void Database(FoundDatabase database)
    {
        switch (database)
        {
            case FoundDatabase.Postgres postgres:
                Line($"  {postgres.Name}:");
                Line("    postgres:");
                Line($"      connection: {YamlText.Expression(postgres.Connection)}");
                Line("      method: auto", "logical, or physical where the data directory can be read");
                if (postgres.Service is { } service)
                {
                    Line(
                        $"      via: {{ compose: {YamlText.Literal(service)} }}",
                        "pg_dump and its kin run inside the service");
                }

                break;
            case FoundDatabase.Sqlite sqlite:
                Line($"  {sqlite.Name}: {{ sqlite: {{ path: {YamlText.Literal(sqlite.Path)} }} }}");
                break;
            default:
                throw new Storage.Errors.InvariantException("a kind of database");
        }
    }

    private void Control()
    {
        if (around.Services.Count > 0)
        {
            var services = string.Join(", ", around.Services.Select(YamlText.Literal));
            Line("control:", "what writes is stopped during a restore; argument lists, never a shell string");
            Line($"  stop:  [docker, compose, stop, {services}]");
            Line($"  start: [docker, compose, up, -d, {services}]");
        }
        else
        {
            Line("# How the application is stopped and started during a restore; without it, you are asked to do it.");
            Line("# control:");
            Line("#   stop:  [systemctl, stop, my-application]");
            Line("#   start: [systemctl, start, my-application]");
        }

        Line();
    }

    private void Checks()
    {
        var database = around.Databases.Count > 0 ? around.Databases[0].Name : null;
        var health = around.HealthUrl;
        var migration = database is not null && around.AlembicHeads is not null;
        if (health is null && !migration)
        {
            Line("# Questions that prove that the application is back. Without any, a restore proves the data only.");
            Line("# checks:");
            Line("#   healthy: { http: { url: \"http://127.0.0.1:8000/health\", within: 30s } }");
            if (database is not null) Line($"#   {Readable(database)}");
            Line();
            return;
        }

        Line("checks:", "questions that prove that the application is back");
        if (health is not null) Line($"  healthy: {{ http: {{ url: {YamlText.Expression(health)}, within: 30s }} }}");
        if (migration)
        {
            var head = around.AlembicHeads is { Count: > 0 } heads
                ? $", head: {YamlText.List(heads.Select(YamlText.Literal))}"
                : "";
            Line($"  migrations-at-head: {{ migration: {{ tool: alembic, asset: {database}{head} }} }}");
        }

        if (database is not null)
        {
            Line($"  # {Readable(database)}");
        }

        Line();
    }

    private static string Readable(string database) =>
        $"readable: {{ sql: {{ asset: {database}, query: \"select count(*) from orders\", expect: \"> 0\" }} }}";

    private void Foot()
    {
        Line("retention: { daily: 14, weekly: 8, monthly: 12, safety: 14d, former: 72h }");
        Line();
        Line("# hooks: { after-backup: [./notify], on-failure: [./page] }     # the JSON result on standard input");
    }

    private void Line(string line = "", string? comment = null)
    {
        if (comment is not null) line = line.PadRight(CommentColumn) + (
            line.Length >= CommentColumn ? "  # " : "# ") + comment;
        text.Append(line).Append('\n');
    }
}
