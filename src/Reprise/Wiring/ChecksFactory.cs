using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Secrets;

namespace Reprise.Wiring;

/// <summary>Makes what asks the checks.</summary>
internal static class ChecksFactory
{
    /// <summary>For the assets of one configuration.</summary>
    public static CheckRunner Make(Machine machine, ApplicationConfiguration configuration, IReadOnlyList<IAsset> assets)
    {
        var files = configuration.Assets.OfType<AssetConfiguration.Sqlite>().ToDictionary(a => a.Name, a => a.Path, StringComparer.Ordinal);
        var sqlite = new SqliteQuestions(files, machine.Cpu);
        var questions = new Dictionary<string, ISqlQuestions>(StringComparer.Ordinal);
        foreach (var name in files.Keys) questions[name] = sqlite;
        foreach (var postgres in assets.OfType<PostgresAsset>()) questions[postgres.Name] = new PostgresQuestions(postgres);
        return new CheckRunner(new CheckTools
        {
            Clock = machine.Clock,
            Disk = machine.Disk,
            Cpu = machine.Cpu,
            Children = machine.Children,
            Assets = assets,
            Sql = questions,
            Redact = new Redaction(SecretValues(configuration)).Apply,
        });
    }

    // Whatever a configuration could have put into an answer: the values of its secrets and its connections.
    private static IEnumerable<string> SecretValues(ApplicationConfiguration configuration)
    {
        foreach (var asset in configuration.Assets)
        {
            if (asset is AssetConfiguration.Postgres postgres) yield return postgres.Connection.Reveal();
            if (asset is not AssetConfiguration.Secrets secrets) continue;
            foreach (var name in secrets.References)
            {
                if (configuration.Variables.Find(name) is { Length: > 0 } value) yield return value;
            }
        }
    }

    private sealed class PostgresQuestions(PostgresAsset asset) : ISqlQuestions
    {
        public Task<string?> AskAsync(string name, string query, CancellationToken cancellationToken) =>
            asset.AskAsync(query, cancellationToken);
    }
}
