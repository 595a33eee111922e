using Reprise.Configuration;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Turns the checks of a configuration into the questions that the checks' room asks.</summary>
internal static class CheckMapping
{
    /// <summary>Every check, in the order of the file; <paramref name="healthUrl"/> replaces the address of the http checks.</summary>
    public static IReadOnlyList<CheckDefinition> Map(ApplicationConfiguration configuration, Uri? healthUrl)
    {
        var mapped = configuration.Checks.Select(c => Map(c, configuration)).ToList();
        if (healthUrl is null) return mapped;
        if (!mapped.Exists(c => c is CheckDefinition.Http))
            return [.. mapped, new CheckDefinition.Http { Name = "health-url", Url = healthUrl }];
        return [.. mapped.Select(c => c is CheckDefinition.Http http ? http with { Url = healthUrl } : c)];
    }

    /// <summary>One check.</summary>
    public static CheckDefinition Map(CheckConfiguration check, ApplicationConfiguration configuration) =>
        Definition(check, configuration) with
        {
            Required = check.Required,
            Asked = check.When == Configuration.CheckTime.App ? Recovery.Checks.CheckTime.Application : Recovery.Checks.CheckTime.Data,
        };

    private static CheckDefinition Definition(CheckConfiguration check, ApplicationConfiguration configuration) => check switch
    {
        CheckConfiguration.Http http => Http(http),
        CheckConfiguration.Tcp tcp => new CheckDefinition.Tcp
        {
            Name = tcp.Name, Host = tcp.Host, Port = tcp.Port, Within = tcp.Within ?? CheckDefinition.DefaultWithin,
        },
        CheckConfiguration.Sql sql => new CheckDefinition.Sql
        {
            Name = sql.Name, Asset = sql.Asset, Query = sql.Query, Expect = Expect(sql.Expect, sql.Name),
        },
        CheckConfiguration.Sqlite sqlite => new CheckDefinition.Sqlite
        {
            Name = sqlite.Name, Asset = sqlite.Asset, Query = sqlite.Query, Expect = Expect(sqlite.Expect, sqlite.Name),
        },
        CheckConfiguration.Rows rows => new CheckDefinition.Rows { Name = rows.Name, Asset = rows.Asset, Tolerance = new(rows.Tolerance.Rows, rows.Tolerance.Percent) },
        CheckConfiguration.Migration migration => new CheckDefinition.Migration
        {
            Name = migration.Name,
            Tool = migration.Tool,
            Asset = migration.Asset,
            Head = migration.Head is { } head ? new ChildCommand(head) { Folder = configuration.Folder } : null,
        },
        CheckConfiguration.Set set => new CheckDefinition.Set
        {
            Name = set.Name, Asset = set.Asset, Query = set.Query, Files = set.Files, Root = set.Root,
        },
        CheckConfiguration.File file => new CheckDefinition.File { Name = file.Name, Path = file.Path, Sha256 = file.Sha256 },
        CheckConfiguration.Command command => new CheckDefinition.Command
        {
            Name = command.Name,
            Run = new ChildCommand(command.Run) { Folder = command.In },
            Within = command.Within ?? CheckDefinition.DefaultWithin,
        },
        _ => throw new InvariantException($"check {check.Name} has an unknown kind"),
    };

    private static CheckDefinition.Http Http(CheckConfiguration.Http http)
    {
        var json = new SortedDictionary<string, Expectation>(StringComparer.Ordinal);
        foreach (var (pointer, expected) in http.Json) json[pointer] = Parse(expected, http.Name);
        return new CheckDefinition.Http
        {
            Name = http.Name,
            Url = http.Url,
            Status = http.Status ?? 200,
            Contains = http.Contains,
            Json = json,
            Within = http.Within ?? CheckDefinition.DefaultWithin,
        };
    }

    private static Expectation? Expect(string? expect, string check) => expect is null ? null : Parse(expect, check);

    private static Expectation Parse(string text, string check) => Expectation.TryParse(text, out var why) ?? throw new RepriseException(
        ConfigurationErrors.Value,
        $"check {check} expects '{text}', which cannot be read: {why}",
        "write one value, or = != > >= < <= and a value, or empty, or not empty");
}
