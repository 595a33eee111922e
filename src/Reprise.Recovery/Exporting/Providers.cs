using Reprise.Recovery.Assets;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// Who writes an asset of a point into a folder: found by kind and method, since on a bare host nothing else is known.
/// Null when nobody can.
/// </summary>
/// <param name="record">what the point says of the asset.</param>
public delegate IRestorable? Materialiser(AssetRecord record);

/// <summary>What a point keeps of the secrets of an asset.</summary>
/// <param name="record">what the point says of the asset.</param>
/// <param name="point">opens the values.</param>
/// <param name="withValues">whether the values are wanted; without it none leaves the repository.</param>
/// <param name="cancellationToken">ends the reading.</param>
public delegate Task<IReadOnlyList<KeptSecret>> SecretOpener(
    AssetRecord record, PointReader point, bool withValues, CancellationToken cancellationToken);

/// <summary>One secret of a point.</summary>
/// <param name="Name">the name of the reference.</param>
/// <param name="Value">its value, or null: not kept, or not asked for.</param>
public sealed record KeptSecret(string Name, string? Value)
{
    /// <inheritdoc />
    public override string ToString() => $"{Name} (the value is not shown)";
}
