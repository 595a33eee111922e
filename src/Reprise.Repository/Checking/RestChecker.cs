using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Checking;

/// <summary>
/// Reads what a restore never reads: the index, sessions, drop records, the lists of prunes, the kit, and packs that no
/// point needs. Damage there loses nothing now; unseen, it would make later backups rely on what is not there.
/// </summary>
internal sealed class RestChecker(RepositoryHost host, Sealer sealer, Zstd zstd)
{
    private const string IndexHint = "it costs room and no data: the next 'reprise backup' stores again what only it knew; then delete it";
    private const string PruneHint = "it holds no data of a point, and prunes settle it; find out what changes objects in the repository";
    private const string Hint = "it holds no data of a point; find out what changes objects in the repository, then delete it";

    private readonly IStore store = host.Store;
    private readonly List<Problem> problems = [];
    private readonly HashSet<string> readers = new(StringComparer.Ordinal);

    public async Task<(IReadOnlyList<Problem> Problems, CheckReport Packs)> CheckAsync(
        PointCatalog catalog, CancellationToken cancellationToken)
    {
        var names = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(ObjectPrefix.All, cancellationToken)) names.Add(info);
        await CheckIndexAsync(catalog, names, cancellationToken);
        foreach (var info in names) await CheckAsync(info, cancellationToken);
        return (problems, await CheckPacksAsync(catalog, names, cancellationToken));
    }

    // Every pack that a point needs was in the index before the point was.
    private async Task CheckIndexAsync(PointCatalog catalog, List<ObjectInfo> names, CancellationToken cancellationToken)
    {
        var unreadable = new List<Problem>();
        var indexed = new HashSet<PackId>();
        await foreach (var (_, packs) in ChunkIndex.ObjectsAsync(store, sealer, zstd, unreadable, cancellationToken))
            indexed.UnionWith(packs.Select(p => p.Pack.Id));
        problems.AddRange(unreadable.Select(p => p with
        {
            Code = p.Code == RepositoryErrors.Malformed ? RepositoryErrors.ObjectDamaged : p.Code,
            Message = $"{p.Where} cannot be used: {p.Message}",
            Hint = IndexHint,
        }));
        var there = names.Select(n => PackId.FromName(n.Name)).OfType<PackId>().ToHashSet();
        var lacking = PointCatalog.PacksOf(catalog.Points).Count(p => there.Contains(p) && !indexed.Contains(p));
        if (lacking == 0 || unreadable.Count > 0 || sealer.Former.Problem is not null) return;
        problems.Add(new Problem(
            StorageErrors.ObjectMissing,
            Severity.Warning,
            $"the index lacks packs that points need ({lacking}): an object under {ChunkIndex.Folder}/ is gone",
            "it costs room and no data: the next 'reprise backup' stores again what only it knew; find out who deleted it")
        {
            Where = ChunkIndex.Folder,
        });
    }

    private async Task CheckAsync(ObjectInfo info, CancellationToken cancellationToken)
    {
        var folder = info.Name.Folder;
        try
        {
            switch (folder)
            {
                case PointId.SessionsFolder: await OpenAsync(ObjectKind.Session, info.Name, cancellationToken); break;
                case FormerEpochs.Folder: await OpenAsync(ObjectKind.Closing, info.Name, cancellationToken); break;
                case DropRecord.Folder when PointId.FromName(folder, info.Name) is { } id:
                    await DropRecord.ReadAsync(store, sealer, zstd, id, cancellationToken);
                    break;
                case CondemnedList.Folder when PointId.FromName(folder, info.Name) is { } id:
                    await CondemnedList.ReadAsync(store, sealer, zstd, id, cancellationToken);
                    break;
                case CondemnedList.Folder: await OpenAsync(ObjectKind.Sessions, info.Name, cancellationToken); break;
                case ClearFolders.Kit: await CheckKitAsync(info, cancellationToken); break;
                case ChunkIndex.Folder or PointId.Folder or PackId.Folder or KeyStock.Folder: break;
                case WalName.Folder: break; // The check of the WAL reads it: something does need it.
                case ClearFolders.Evidence: break; // It is clear and signed: 'reprise evidence verify' judges it.
                case var _ when info.Name == RepositoryObject.Name: break;
                default: Foreign(info.Name.Value); break;
            }
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            // A prune or a writer removed it since the listing.
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged || e.Code == RepositoryErrors.FormatNewer)
        {
            if (problems.Exists(p => p.Where == e.Problem.Where)) return;
            var hint = folder is PointId.SessionsFolder or CondemnedList.Folder ? PruneHint : Hint;
            problems.Add(e.Problem with { Severity = Severity.Warning, Hint = hint });
        }
    }

    private Task<byte[]?> OpenAsync(ObjectKind kind, ObjectName name, CancellationToken cancellationToken) =>
        SealedObjects.ReadAsync(store, sealer, zstd, kind, name, cancellationToken);

    // The name of each text holds a part of its hash; reader and format document share theirs.
    private async Task CheckKitAsync(ObjectInfo info, CancellationToken cancellationToken)
    {
        var segments = info.Name.Value.Split('/');
        var hash = segments is [_, "reader", ['v', '0', '-', .. var both], _] ? both
            : segments is [_, "runbooks", _, var file] && file.Split('.') is [.., var version, "runbook", "md"] ? version[(version.IndexOf('-', StringComparison.Ordinal) + 1)..]
            : null;
        if (hash is null)
        {
            Foreign(info.Name.Value);
            return;
        }

        var isReader = segments[1] == "reader";
        if (isReader && !readers.Add(hash)) return;
        var texts = new List<byte>();
        string[] names = isReader
            ? [.. ClearFolders.ReaderFiles.Select(f => string.Join('/', [.. segments[..^1], f]))]
            : [info.Name.Value];
        foreach (var name in names)
        {
            var size = Math.Min((await store.StatAsync(new ObjectName(name), cancellationToken))?.SizeBytes ?? 0, Limits.MaxObjectBytes);
            if (size == 0) continue;
            using var bytes = await store.ReadAsync(new ObjectName(name), new ByteRange(0, (int)size), cancellationToken);
            texts.AddRange(bytes.Memory.Span);
        }

        if (Convert.ToHexStringLower(SHA256.HashData([.. texts]))[..16] == hash) return;
        throw new RepriseException(new Problem(
            RepositoryErrors.ObjectDamaged, Severity.Warning, $"{string.Join(" or ", names)} is not the text of its name", Hint)
        {
            Where = names[0],
        });
    }

    private async Task<CheckReport> CheckPacksAsync(PointCatalog catalog, List<ObjectInfo> names, CancellationToken cancellationToken)
    {
        var needed = PointCatalog.PacksOf(catalog.Points);
        var checker = new PackChecker(host, sealer, zstd);
        var damage = new SortedDictionary<string, Problem>(StringComparer.Ordinal);
        var (read, bytes) = (0, 0L);
        foreach (var info in names.Where(n => new ObjectPrefix(PackId.Folder).Contains(n.Name)))
        {
            if (PackId.FromName(info.Name) is not { } id)
            {
                Foreign(info.Name.Value);
                continue;
            }

            if (needed.Contains(id)) continue;
            read++;
            bytes += info.SizeBytes;
            var facts = new PackFacts(id, (int)Math.Min(info.SizeBytes, Limits.MaxPackBytes), 0);
            if (await checker.ReadAsync(facts, cancellationToken) is { } bad && bad.Code != StorageErrors.ObjectMissing)
                damage[id.ToString()] = bad with { Severity = Severity.Warning, Hint = "no point needs it; backups no longer rely on it, and a prune deletes it" };
        }

        return new CheckReport { Objects = read, ObjectsRead = read, BytesRead = bytes, Damage = damage };
    }

    private void Foreign(string name) => problems.Add(new Problem(
        RepositoryErrors.ObjectForeign, Severity.Warning, $"{name} is no object of a repository, and is ignored", "find out who put it there, then delete it")
    {
        Where = name,
    });
}
