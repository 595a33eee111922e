using System.Text.RegularExpressions;
using Reprise.Configuration;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>
/// Takes the secrets of an application out of everything that a runbook shows, records or reports, in every form in
/// which they may appear. Values are read anew each time a step may have changed them; the former ones stay known.
/// </summary>
internal sealed partial class RunSecrets(Machine machine, ApplicationConfiguration? configuration)
{
    // The environment keys that hold secrets of Reprise itself.
    private static readonly string[] Own =
        ["BACKUP_METADATA_HMAC_KEY", "BACKUP_METADATA_HMAC_KEY_PREVIOUS", "PGPASSWORD", "REPRISE_PASSPHRASE", "REPRISE_NEW_PASSPHRASE"];

    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private Redaction redaction = new([]);

    /// <summary>The text without them.</summary>
    public string Redact(string text)
    {
        var before = known.Count;
        known.UnionWith(Now());
        if (known.Count != before) redaction = Redaction.InEveryForm(known);
        return redaction.Apply(text);
    }

    private IEnumerable<string> Now()
    {
        foreach (var name in Own)
        {
            if (machine.Variable(name) is { Length: > 0 } value) yield return value;
        }

        if (configuration is null) yield break;
        if (configuration.Repository.Passphrase is { } passphrase) yield return passphrase.Reveal();
        foreach (var asset in configuration.Assets)
        {
            if (asset is AssetConfiguration.Postgres postgres)
            {
                foreach (var value in OfConnection(postgres.Connection.Reveal())) yield return value;
            }

            if (asset is not AssetConfiguration.Secrets secrets) continue;
            foreach (var name in secrets.References)
            {
                if (configuration.Variables.Find(name) is { Length: > 0 } value) yield return value;
            }

            foreach (var value in Read(secrets))
            {
                yield return value;
                foreach (var part in OfConnection(value).Skip(1)) yield return part;
            }
        }
    }

    private IReadOnlyList<string> Read(AssetConfiguration.Secrets secrets)
    {
        try
        {
            return CurrentSecrets.Values(
                machine.Disk, machine.Variable, SecretsFactory.Source(secrets, machine), secrets.References);
        }
        catch (RepriseException)
        {
            // A file that cannot be read now gave its values before, or gives none to anybody.
            return [];
        }
    }

    // The whole address, and the password in it as it is written and as it is meant.
    private static IEnumerable<string> OfConnection(string connection)
    {
        yield return connection;
        foreach (var match in Password().Matches(connection).Cast<Match>())
        {
            var value = match.Groups["value"].Value;
            yield return value;
            yield return Uri.UnescapeDataString(value);
        }
    }

    [GeneratedRegex(
        @"://[^:/@\s]*:(?<value>[^@\s]+)@|\bpassword\s*=\s*'(?<value>[^']+)'|\b(password|pwd)\s*=\s*(?<value>[^'\s;&]+)",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        1000)]
    private static partial Regex Password();
}
