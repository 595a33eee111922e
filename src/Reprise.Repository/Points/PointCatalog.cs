using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>Every point of a repository as it was found: intact ones, and what is wrong, named. One bad point hides no other.</summary>
public sealed record PointCatalog
{
    /// <summary>Intact points, oldest first.</summary>
    public required IReadOnlyList<PointEntry> Points { get; init; }

    /// <summary>Points that are gone because a prune dropped them, as long as another point names them.</summary>
    public IReadOnlyList<PointReference> Dropped { get; init; } = [];

    /// <summary>Points that are damaged, missing, forged or badly signed.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>The newest intact point, or null.</summary>
    public PointEntry? Newest => Points.Count > 0 ? Points[^1] : null;

    /// <summary>The packs that these points need.</summary>
    internal static HashSet<PackId> PacksOf(IEnumerable<PointEntry> points) =>
        points.SelectMany(p => p.Table.Packs).Select(p => p.Id).ToHashSet();
}

/// <summary>One point as it lies in the store.</summary>
/// <param name="Manifest">what it says.</param>
/// <param name="Sha256">of the sealed object.</param>
/// <param name="SizeBytes">of the sealed object.</param>
/// <param name="Signature">what its HMAC is worth.</param>
public sealed record PointEntry(PointManifest Manifest, Sha256Digest Sha256, long SizeBytes, SignatureState Signature)
{
    internal PackTable Table { get; init; } = new();

    internal PointCodec Codec { get; init; } = new(default, default, default);

    /// <summary>Shorthand.</summary>
    public PointId Id => Manifest.Id;

    /// <summary>The exact bytes of the manifest, as they were signed.</summary>
    public ReadOnlyMemory<byte> ManifestBytes => Codec.ManifestBytes;

    /// <summary>The 32 bytes of the HMAC, or none.</summary>
    public ReadOnlyMemory<byte> Hmac => Codec.Hmac;

    /// <summary>Whether the point needs the pack of this name (64 hexadecimal digits).</summary>
    public bool UsesPack(string name) => Table.Packs.Any(p => p.Id.ToString() == name);

    /// <summary>The error that forbids using the point, or null.</summary>
    public Problem? SignatureProblem => Signature switch
    {
        SignatureState.Valid or SignatureState.NotInForce => null,
        SignatureState.Missing => Bad(RepositoryErrors.SignatureMissing, "is not signed although signing was in force", "treat it as forged unless you know why; restore an earlier point"),
        SignatureState.Wrong => Bad(RepositoryErrors.SignatureWrong, "has a signature that does not belong to it", "check BACKUP_METADATA_HMAC_KEY and BACKUP_METADATA_HMAC_KEY_PREVIOUS; if they are right, treat the point as forged"),
        SignatureState.NotVerifiable => Bad(RepositoryErrors.SignatureNotVerifiable, "is signed, but BACKUP_METADATA_HMAC_KEY is not set", "set BACKUP_METADATA_HMAC_KEY (or _PREVIOUS after a rotation) and run the command again"),
        _ => throw new InvariantException($"signature state {Signature}"),
    };

    private Problem Bad(ErrorCode code, string what, string hint) =>
        new(code, Severity.Error, $"point {Id} {what}", hint) { Where = $"{PointId.Folder}/{Id}" };

    internal static SignatureState Judge(PointCodec codec, SigningKeys keys) => codec.Hmac.IsEmpty
        ? SignatureState.NotInForce
        : keys.Verify(codec.ManifestBytes.Span, codec.Hmac.Span) switch
        {
            true => SignatureState.Valid,
            false => SignatureState.Wrong,
            null => SignatureState.NotVerifiable,
        };
}

/// <summary>What the HMAC of a point is worth.</summary>
public enum SignatureState
{
    /// <summary>Signed with a key at hand.</summary>
    Valid,

    /// <summary>Not signed, and taken before signing was in force.</summary>
    NotInForce,

    /// <summary>Not signed, although an earlier point says that signing is in force.</summary>
    Missing,

    /// <summary>Signed, but with none of the keys at hand, or altered.</summary>
    Wrong,

    /// <summary>Signed, and no key is at hand.</summary>
    NotVerifiable,
}
