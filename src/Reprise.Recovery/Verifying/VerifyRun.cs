using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Verifying;

/// <summary>Every content of one asset of one point, with a name that a person recognises (a path, a table).</summary>
/// <param name="record">what the point says of the asset.</param>
/// <param name="point">opens the lists that are needed to find the contents.</param>
/// <param name="cancellationToken">ends the walk.</param>
public delegate IAsyncEnumerable<(string Path, Content Content)> ContentWalk(
    AssetRecord record, PointReader point, CancellationToken cancellationToken);

/// <summary>One damaged place, as the user has to think of it.</summary>
/// <param name="Object">the damaged object.</param>
/// <param name="Asset">what is affected, or null when the whole point is.</param>
/// <param name="Path">which file or table of it, or null.</param>
/// <param name="Points">the points that are affected there.</param>
public sealed record Damage(string Object, string? Asset, string? Path, IReadOnlyList<PointId> Points);

/// <summary>What a verification found.</summary>
public sealed record VerifyResult
{
    /// <summary>What was read and which packs are bad.</summary>
    public required CheckReport Packs { get; init; }

    /// <summary>What was read of the WAL; null when only one point was verified, or nothing read.</summary>
    public WalReport? Wal { get; init; }

    /// <summary>How many points were looked at.</summary>
    public required int Points { get; init; }

    /// <summary>What was asked for.</summary>
    public required ReadDepth Depth { get; init; }

    /// <summary>The damage, by object and affected path.</summary>
    public required IReadOnlyList<Damage> Damage { get; init; }

    /// <summary>Everything that is wrong, with code and hint.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>Proves the bytes of points, and says in the user's words what a damaged object affects.</summary>
public sealed class VerifyRun(PointRepository repository, IReadOnlyDictionary<string, ContentWalk> walks)
{
    /// <summary>Which part is read when only one is.</summary>
    public SamplePart Part { get; init; }

    /// <summary>
    /// Verifies <paramref name="only"/>, or every point. <paramref name="remembered"/> is the newest point that this
    /// host remembers: one that is gone is a deletion or a rollback of the repository.
    /// </summary>
    public async Task<VerifyResult> RunAsync(
        PointId? only,
        PointReference? remembered,
        ReadDepth depth,
        SigningKeys signing,
        Action<long> progress,
        CancellationToken cancellationToken)
    {
        var catalog = await repository.ListPointsAsync(signing, cancellationToken);
        var points = catalog.Points.Where(p => only is null || p.Id == only).ToList();
        var packs = depth == ReadDepth.Sample
            ? await repository.CheckAsync(points, Part, progress, cancellationToken)
            : await repository.CheckAsync(points, depth, progress, cancellationToken);
        var problems = catalog.Problems.Concat(repository.Keys.Problems).Concat(packs.Damage.Values).ToList();
        if (remembered is not null
            && Forgotten(catalog, remembered) is { } gone
            && !await repository.WasDroppedAsync(catalog, remembered.Id, cancellationToken)) problems.Add(gone);
        if (only is null && depth != ReadDepth.None) problems.AddRange(await CheckRestAsync(catalog, problems, cancellationToken));
        problems.AddRange(await CondemnAsync(packs, cancellationToken));
        var wal = only is null && depth != ReadDepth.None
            ? await repository.CheckWalAsync(depth == ReadDepth.Sample ? Part : null, progress, cancellationToken)
            : null;
        problems.AddRange(wal?.Problems ?? []);
        return new VerifyResult
        {
            Packs = packs,
            Wal = wal,
            Points = points.Count,
            Depth = depth,
            Damage =
            [
                .. packs.Damage.Count == 0 ? [] : await AffectedAsync(points, packs, cancellationToken),
                .. (wal?.Problems ?? []).Where(p => p.Severity == Severity.Error).Select(p => new Damage(p.Where ?? "wal", null, null, [])),
            ],
            Problems = problems,
        };
    }

    private async Task<IEnumerable<Problem>> CheckRestAsync(
        PointCatalog catalog, List<Problem> known, CancellationToken cancellationToken)
    {
        var (rest, packs) = await repository.CheckRestAsync(catalog, cancellationToken);
        var unnamed = rest.Where(p => !known.Exists(k => k.Where == p.Where)).ToList();
        return [.. unnamed, .. packs.Damage.Values, .. await CondemnAsync(packs, cancellationToken)];
    }

    // A damaged pack is still there with its size, so that backups would rely on it for ever.
    private async Task<IReadOnlyList<Problem>> CondemnAsync(CheckReport report, CancellationToken cancellationToken)
    {
        var damaged = report.Damage.Where(d => d.Value.Code == RepositoryErrors.ObjectDamaged).Select(d => d.Key).ToList();
        if (damaged.Count == 0) return [];
        try
        {
            await repository.CondemnDamagedAsync(damaged, cancellationToken);
            return [];
        }
        catch (StoreException e) when (e.Fault is StoreFault.Denied or StoreFault.OutOfSpace)
        {
            return
            [
                e.Problem with
                {
                    Severity = Severity.Warning,
                    Message = $"what is damaged could not be noted in the repository, so backups go on relying on it: {e.Message}",
                    Hint = "run 'reprise verify' where the repository can be written",
                },
            ];
        }
    }

    private static Problem? Forgotten(PointCatalog catalog, PointReference remembered)
    {
        var found = catalog.Points.FirstOrDefault(p => p.Id == remembered.Id);
        if (found is not null && found.Sha256 == remembered.Sha256) return null;
        var code = found is null ? RepositoryErrors.PointMissing : RepositoryErrors.PointForged;
        if (catalog.Problems.Any(p => p.Where?.EndsWith(remembered.Id.Value, StringComparison.Ordinal) == true)) return null;
        return new Problem(
            code,
            Severity.Error,
            $"point {remembered.Id}, the newest that this host knows, is {(found is null ? "gone" : "another one now")}",
            "find out who deleted or rolled back the repository; the other points are not affected")
        {
            Where = $"points/{remembered.Id}",
        };
    }

    private async Task<List<Damage>> AffectedAsync(
        List<PointEntry> points, CheckReport report, CancellationToken cancellationToken)
    {
        var affected = new SortedDictionary<(string Object, string Asset, string Path), List<PointId>>();
        foreach (var point in points)
        {
            using var reader = repository.OpenPoint(point);
            foreach (var record in point.Manifest.Assets)
            {
                await foreach (var (pack, path) in BadAsync(record, reader, report, cancellationToken))
                {
                    var key = ("packs/" + pack, record.Name, path);
                    if (!affected.TryGetValue(key, out var list)) affected[key] = list = [];
                    if (!list.Contains(point.Id)) list.Add(point.Id);
                }
            }
        }

        var named = affected.Keys.Select(k => k.Object).ToHashSet(StringComparer.Ordinal);
        var damage = affected.Select(a => new Damage(a.Key.Object, a.Key.Asset, a.Key.Path, a.Value)).ToList();

        // A pack of which nothing could be named (it holds only the configuration, say) must not vanish from the list.
        damage.AddRange(report.Damage.Keys.Select(k => "packs/" + k).Where(k => !named.Contains(k)).Select(
            k => new Damage(k, null, null, [.. points.Where(p => p.UsesPack(k["packs/".Length..])).Select(p => p.Id)])));
        return damage;
    }

    private async IAsyncEnumerable<(string Pack, string Path)> BadAsync(
        AssetRecord record,
        PointReader reader,
        CheckReport report,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var broken = false;
        foreach (var (name, content) in record.Streams)
        {
            foreach (var pack in await PacksAsync(reader, content, cancellationToken))
            {
                if (!report.Damage.ContainsKey(pack)) continue;
                broken = true;
                yield return (pack, name);
            }
        }

        // A list that cannot be read cannot be walked; what it lists is named as a whole by its stream above.
        if (broken || !walks.TryGetValue(record.Kind, out var walk)) yield break;
        await foreach (var (path, content) in walk(record, reader, cancellationToken))
        {
            foreach (var pack in await PacksAsync(reader, content, cancellationToken))
            {
                if (report.Damage.ContainsKey(pack)) yield return (pack, path);
            }
        }
    }

    private static async Task<IReadOnlySet<string>> PacksAsync(
        PointReader reader, Content content, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.PacksOfAsync(content, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            // The list of its parts is itself in a bad pack: the packs that are named directly are what is known.
            return reader.PacksNamedDirectly(content);
        }
    }
}
