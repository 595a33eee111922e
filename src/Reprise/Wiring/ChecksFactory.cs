using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Secrets;

namespace Reprise.Wiring;

/// <summary>Makes what asks the checks.</summary>
internal static class ChecksFactory
{
    /// <summary>For the assets of one configuration.</summary>
    public static CheckRunner Make(Machine machine, ApplicationConfiguration configuration, IReadOnlyList<IAsset> assets) => Make(
        machine,
        configuration,
        assets,
        configuration.Assets.OfType<AssetConfiguration.Sqlite>().ToDictionary(a => a.Name, a => a.Path, StringComparer.Ordinal),
        configuration.Assets.OfType<AssetConfiguration.Files>().ToDictionary(a => a.Name, _ => configuration.Folder, StringComparer.Ordinal),
        null);

    /// <summary>For assets that lie elsewhere than the configuration says.</summary>
    /// <param name="machine">this machine.</param>
    /// <param name="configuration">whose secrets are kept out of answers.</param>
    /// <param name="assets">the assets.</param>
    /// <param name="files">the SQLite files, by asset.</param>
    /// <param name="folders">the roots of files, by asset.</param>
    /// <param name="places">the sandbox, or null: there is none.</param>
    public static CheckRunner Make(
        Machine machine,
        ApplicationConfiguration configuration,
        IReadOnlyList<IAsset> assets,
        IReadOnlyDictionary<string, string> files,
        IReadOnlyDictionary<string, string> folders,
        DrillPlaces? places)
    {
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
            Folders = folders,
            Dial = places?.Dial,
            Enter = places is null ? null : places.Enter,
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
