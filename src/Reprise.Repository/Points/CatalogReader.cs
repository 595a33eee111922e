using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>
/// Reads all points and compares them with what each of them saw: a point that a later one names must be there with the
/// same hash. What is wrong is named and never hides what is intact.
/// </summary>
internal sealed class CatalogReader(IStore store, Sealer sealer, Zstd zstd, SigningKeys signing)
{
    private readonly List<PointEntry> points = [];
    private readonly List<Problem> problems = [];

    public async Task<PointCatalog> ReadAsync(CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var names = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(PointId.Folder), cancellationToken)) names.Add(info);
        foreach (var info in names)
        {
            seen.Add(info.Name.Value);
            await ReadAsync(info, cancellationToken);
        }

        points.Sort((a, b) => a.Id.CompareTo(b.Id));
        JudgeSigning();
        CompareWithWhatLaterOnesSaw(seen);
        return new PointCatalog { Points = points, Problems = problems };
    }

    private async Task ReadAsync(ObjectInfo info, CancellationToken cancellationToken)
    {
        try
        {
            if (info.SizeBytes > Limits.MaxObjectBytes) throw ByteReader.Broken($"it has {info.SizeBytes} bytes");
            using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
            var plain = sealer.OpenObject(ObjectKind.Point, info.Name.Value, bytes.Memory.Span, zstd);
            var codec = PointCodec.Decode(plain);
            var sha256 = new Sha256Digest(SHA256.HashData(bytes.Memory.Span));
            points.Add(new PointEntry(codec.Manifest(), sha256, info.SizeBytes, PointEntry.Judge(codec, signing))
            {
                Codec = codec,
                Table = PackTable.Decode(codec.TableBytes.Span),
            });
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed || e.Code == RepositoryErrors.FormatNewer)
        {
            problems.Add(e.Problem with
            {
                Code = e.Code == RepositoryErrors.Malformed ? RepositoryErrors.ObjectDamaged : e.Code,
                Message = $"{info.Name} cannot be used: {e.Message}",
                Where = info.Name.Value,
            });
        }
    }

    private void JudgeSigning()
    {
        // The first signed point tells since when signing is in force; only one whose signature holds may tell.
        var since = points.Where(p => p.Signature == SignatureState.Valid).Select(p => p.Manifest.SignedSince).Min();
        for (var i = 0; i < points.Count; i++)
        {
            if (points[i].Signature == SignatureState.NotInForce && since is { } first && points[i].Id > first)
                points[i] = points[i] with { Signature = SignatureState.Missing };
            if (points[i].SignatureProblem is { } problem) problems.Add(problem);
        }
    }

    private void CompareWithWhatLaterOnesSaw(HashSet<string> seen)
    {
        var hashes = points.ToDictionary(p => p.Id, p => p.Sha256);
        var named = new HashSet<PointId>();
        foreach (var (by, reference) in points.AsEnumerable().Reverse().SelectMany(p => p.Manifest.Live.Select(r => (p.Id, r))))
        {
            var where = $"{PointId.Folder}/{reference.Id}";
            if (hashes.TryGetValue(reference.Id, out var hash))
            {
                if (hash != reference.Sha256 && named.Add(reference.Id)) Add(RepositoryErrors.PointForged, $"point {reference.Id} is not the one that point {by} saw", where);
            }
            else if (!seen.Contains(where) && named.Add(reference.Id))
            {
                Add(RepositoryErrors.PointMissing, $"point {reference.Id} is gone; point {by} still names it", where);
            }
        }
    }

    private void Add(ErrorCode code, string message, string where) => problems.Add(new Problem(
        code, Severity.Error, message, "find out who deleted or replaced it; the other points are not affected") { Where = where });
}
