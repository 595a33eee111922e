using Reprise.Repository.Points;

namespace Reprise.Recovery.Secrets;

/// <summary>What a point keeps of secrets, read without the application they belong to.</summary>
public static class SecretsRecord
{
    /// <summary>The names of the references of a record.</summary>
    public static IReadOnlyCollection<string> Names(AssetRecord record) => SecretsAsset.Fingerprints(record).Keys;

    /// <summary>The values of a sealed record; empty when it keeps none.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ValuesAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken) =>
        record.Method == SecretsAsset.Sealed
            ? await SecretsAsset.UnsealAsync(record, point, cancellationToken)
            : new SortedDictionary<string, string>(StringComparer.Ordinal);
}
