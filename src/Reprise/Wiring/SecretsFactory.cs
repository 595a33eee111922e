using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Recovery.Secrets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Wiring;

/// <summary>Everything about secret references that commands need.</summary>
internal static class SecretsFactory
{
    /// <summary>The asset object.</summary>
    /// <param name="secrets">as configured.</param>
    /// <param name="repository">whose fingerprints they are.</param>
    /// <param name="machine">this machine.</param>
    /// <param name="file">another file than the configured source, or null.</param>
    public static SecretsAsset Make(
        AssetConfiguration.Secrets secrets, PointRepository repository, Machine machine, DiskPath? file = null) => new(
        new SecretsSettings
        {
            Name = secrets.Name,
            References = secrets.References,
            Source = file is { } other ? new SecretSource.EnvironmentFile(other) : Source(secrets, machine),
            Sealed = secrets.KeepValues,
            MustMatch = secrets.MustMatch,
        },
        machine.Disk,
        machine.Variable,
        repository.Fingerprint);

    /// <summary>The secrets of all assets, now against those of a point.</summary>
    public static IReadOnlyList<SecretOutcome> Compare(IReadOnlyList<IAsset> assets, PointManifest manifest)
    {
        var outcomes = new List<SecretOutcome>();
        foreach (var asset in assets.OfType<SecretsAsset>())
        {
            var record = manifest.Assets.FirstOrDefault(r => r.Name == asset.Name && r.Kind == AssetKinds.Secrets);
            if (record is not null) outcomes.AddRange(asset.Compare(record, manifest.Id));
        }

        return outcomes;
    }

    /// <summary>What a point keeps of its secrets; values only when they are asked for.</summary>
    public static async Task<IReadOnlyList<KeptSecret>> ReadAsync(
        AssetRecord record, PointReader point, bool withValues, CancellationToken cancellationToken)
    {
        if (record.Kind != AssetKinds.Secrets) return [];
        var values = withValues
            ? await SecretsRecord.ValuesAsync(record, point, cancellationToken)
            : new SortedDictionary<string, string>(StringComparer.Ordinal);
        return [.. SecretsRecord.Names(record).Select(name => new KeptSecret(name, values.GetValueOrDefault(name)))];
    }

    /// <summary>Where the values are read from now.</summary>
    public static SecretSource Source(AssetConfiguration.Secrets secrets, Machine machine)
    {
        if (secrets.From is not { } from) return new SecretSource.Environment();
        var path = new DiskPath(from);
        return machine.Disk.Stat(path) is { Type: FileType.Folder }
            ? new SecretSource.Folder(path)
            : new SecretSource.EnvironmentFile(path);
    }
}
