using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>
/// Reads all points and compares them with what each of them saw: a point that a later one names must be there with the
/// same hash, or have been dropped by a prune. What is wrong is named and never hides what is intact.
/// </summary>
internal sealed class CatalogReader(IStore store, Sealer sealer, Zstd zstd, SigningKeys signing)
{
    private readonly List<PointEntry> points = [];
    private readonly List<Problem> problems = [];
    private readonly HashSet<string> present = new(StringComparer.Ordinal);

    public async Task<PointCatalog> ReadAsync(CancellationToken cancellationToken)
    {
        var names = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(PointId.Folder), cancellationToken)) names.Add(info);
        foreach (var info in names) await ReadAsync(info, cancellationToken);
        if (sealer.Former.Problem is { } unproven) problems.Add(unproven);
        points.Sort((a, b) => a.Id.CompareTo(b.Id));
        JudgeSigning();
        CompareHashes();
        return new PointCatalog
        {
            Points = points,
            Dropped = await ExplainAbsentAsync(cancellationToken),
            Problems = problems,
        };
    }

    private async Task ReadAsync(ObjectInfo info, CancellationToken cancellationToken)
    {
        try
        {
            if (PointId.FromName(PointId.Folder, info.Name) is null)
            {
                problems.Add(new Problem(
                    RepositoryErrors.ObjectForeign,
                    Severity.Warning,
                    $"{info.Name} is not the name of a point, and is ignored",
                    "find out who put it there, then delete it") { Where = info.Name.Value });
                return;
            }

            if (info.SizeBytes > Limits.MaxObjectBytes) throw ByteReader.Broken($"it has {info.SizeBytes} bytes");
            using var bytes = await store.ReadAsync(info.Name, new ByteRange(0, (int)info.SizeBytes), cancellationToken);
            if (ObjectHeader.Claims(bytes.Memory.Span, ObjectKind.Tombstone))
            {
                _ = sealer.OpenObject(ObjectKind.Tombstone, info.Name.Value, bytes.Memory.Span, zstd);
                return;
            }

            present.Add(info.Name.Value);
            var plain = sealer.OpenObject(ObjectKind.Point, info.Name.Value, bytes.Memory.Span, zstd);
            var codec = PointCodec.Decode(plain);
            var sha256 = new Sha256Digest(SHA256.HashData(bytes.Memory.Span));
            points.Add(new PointEntry(codec.Manifest(), sha256, info.SizeBytes, PointEntry.Judge(codec, signing))
            {
                Codec = codec,
                Table = PackTable.Decode(codec.TableBytes.Span),
            });
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            // A prune dropped it since the listing; if it was not a prune, the points that name it will tell.
        }
        catch (RepriseException e) when (
            e.Code == RepositoryErrors.Malformed || e.Code == RepositoryErrors.FormatNewer
            || e.Code == RepositoryErrors.KeyForged || e.Code == StorageErrors.ObjectTruncated)
        {
            present.Add(info.Name.Value);
            problems.Add(e.Problem with
            {
                Code = e.Code == RepositoryErrors.FormatNewer ? e.Code
                    : e.Code == RepositoryErrors.KeyForged ? RepositoryErrors.PointForged
                    : RepositoryErrors.ObjectDamaged,
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

    private void CompareHashes()
    {
        var hashes = points.ToDictionary(p => p.Id, p => p.Sha256);
        foreach (var (id, (by, hash)) in Named())
        {
            if (hashes.TryGetValue(id, out var found) && found != hash)
                Add(RepositoryErrors.PointForged, $"point {id} is not the one that point {by} saw", $"{PointId.Folder}/{id}");
        }
    }

    // What is named and absent was dropped when a drop record says so, or a point that saw the record; else it vanished.
    private async Task<IReadOnlyList<PointReference>> ExplainAbsentAsync(CancellationToken cancellationToken)
    {
        var vouched = points.SelectMany(p => p.Manifest.Dropped).DistinctBy(d => d.Id).ToDictionary(d => d.Id);
        var dropped = new List<PointReference>();
        foreach (var (id, (by, _)) in Named())
        {
            var where = $"{PointId.Folder}/{id}";
            if (present.Contains(where)) continue;
            if (vouched.TryGetValue(id, out var known)) dropped.Add(known);
            else if (await RecordAsync(id, cancellationToken) is { } record) dropped.Add(record);
            else Add(RepositoryErrors.PointMissing, $"point {id} is gone; point {by} still names it", where);
        }

        return dropped;
    }

    private async Task<PointReference?> RecordAsync(PointId id, CancellationToken cancellationToken)
    {
        try
        {
            return await DropRecord.ReadAsync(store, sealer, zstd, id, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged && e is not StoreException)
        {
            problems.Add(e.Problem);
            return null;
        }
    }

    // Every point that another one names, with the newest that does, and the hash that it saw.
    private SortedDictionary<PointId, (PointId By, Sha256Digest Sha256)> Named()
    {
        var named = new SortedDictionary<PointId, (PointId By, Sha256Digest Sha256)>();
        foreach (var point in points.AsEnumerable().Reverse())
        {
            foreach (var reference in point.Manifest.Live) named.TryAdd(reference.Id, (point.Id, reference.Sha256));
        }

        return named;
    }

    private void Add(ErrorCode code, string message, string where) => problems.Add(new Problem(
        code, Severity.Error, message, "find out who deleted or replaced it; the other points are not affected") { Where = where });
}
