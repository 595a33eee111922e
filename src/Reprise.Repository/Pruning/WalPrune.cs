using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Repository.Wal;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Pruning;

/// <summary>What a prune did to WAL, or would do.</summary>
public sealed record WalPruneReport
{
    /// <summary>Every stretch with what becomes of it.</summary>
    public required IReadOnlyList<WalVerdict> Stretches { get; init; }

    /// <summary>Objects that were deleted.</summary>
    public required int Deleted { get; init; }

    /// <summary>What that freed.</summary>
    public required long FreedBytes { get; init; }

    /// <summary>Whether what goes was left for the next prune, because writers are at work.</summary>
    public required bool Waits { get; init; }

    /// <summary>What was odd.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>
/// Deletes WAL that no point needs, beside archivers, backups and restores, without a lock and without believing a clock.
/// <list type="number">
/// <item>The WAL is listed. Only what is listed now is deleted, whatever is archived meanwhile.</item>
/// <item>Writers are looked at. While one is at work nothing is deleted: nobody knows where its backup began. One that begins
/// later begins its backup later too, behind all that was listed, or in the newest segment of its timeline, which always stays.</item>
/// <item>Only then points are read. Those that the caller saw before he dropped some count as well: what only they need goes
/// with the next prune, so that restores that are running have until then.</item>
/// <item>What no point needs is deleted, the oldest first, so that whoever is killed on the way leaves no gap.</item>
/// </list>
/// History files, claims and lineages stay: they are small, and say which numbers are in use.
/// </summary>
internal sealed class WalPrune(RepositoryHost host, WalArchive archive, Sealer sealer, Zstd zstd, SigningKeys signing)
{
    private readonly IStore store = host.Store;
    private readonly List<Problem> problems = [];

    /// <summary>Says what would become of the WAL; changes nothing.</summary>
    public async Task<WalPruneReport> PlanAsync(
        Func<PointCatalog, IReadOnlyList<WalNeed>> needs, PointCatalog catalog, CancellationToken cancellationToken)
    {
        var stored = await ListAsync(cancellationToken);
        return Report(await JudgeAsync(stored, () => needs(catalog), cancellationToken), waits: false);
    }

    /// <summary>Does it. May be cut off at every step; the next one goes on from there.</summary>
    /// <param name="needs">what points need.</param>
    /// <param name="before">the points that there were before this prune dropped some.</param>
    /// <param name="cancellationToken">stops before the next deletion.</param>
    public async Task<WalPruneReport> RunAsync(
        Func<PointCatalog, IReadOnlyList<WalNeed>> needs, PointCatalog before, CancellationToken cancellationToken)
    {
        var stored = await ListAsync(cancellationToken);
        var waits = (await new Sessions(store, sealer, zstd).UnfinishedAsync(clean: false, cancellationToken)).Count > 0;
        var catalog = await new CatalogReader(store, sealer, zstd, signing).ReadAsync(cancellationToken);
        if (PruneHold.Of(catalog) is { } held) throw held;
        var judged = await JudgeAsync(stored, () => [.. needs(before).Concat(needs(catalog))], cancellationToken);
        var report = Report(judged, waits);
        if (waits) return report;
        var freed = 0L;
        var going = judged.Where(j => !j.Stays).OrderBy(j => j.Stored.Name.Range.Start).ToList();
        foreach (var (there, _, _) in going)
        {
            await store.DeleteAsync(there.Info.Name, cancellationToken);
            freed += there.Info.SizeBytes;
        }

        return report with { Deleted = going.Count, FreedBytes = freed };
    }

    private async Task<List<StoredWal>> ListAsync(CancellationToken cancellationToken)
    {
        var stored = new List<StoredWal>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(WalName.Folder), cancellationToken))
        {
            if (WalName.Parse(info.Name) is WalName.OfRange range) stored.Add(new StoredWal(range, info));
        }

        return stored;
    }

    private async Task<IReadOnlyList<(StoredWal Stored, bool Stays, string Why)>> JudgeAsync(
        List<StoredWal> stored, Func<IReadOnlyList<WalNeed>> needs, CancellationToken cancellationToken)
    {
        var lineages = new Dictionary<string, WalLineage>(StringComparer.Ordinal);
        foreach (var id in stored.Select(s => s.Name.Lineage).Distinct(StringComparer.Ordinal))
        {
            try
            {
                if (await archive.FindAsync(id, cancellationToken) is { } lineage) lineages[id] = lineage;
            }
            catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
            {
                problems.Add(e.Problem with { Severity = Severity.Warning });
            }
        }

        try
        {
            return WalRetention.Judge(stored, lineages, needs());
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
        {
            // A point that does not say what it needs may need anything.
            problems.Add(e.Problem with { Severity = Severity.Warning, Message = $"no WAL is deleted: {e.Message}" });
            return WalRetention.Judge(stored, new Dictionary<string, WalLineage>(), []);
        }
    }

    private WalPruneReport Report(IReadOnlyList<(StoredWal Stored, bool Stays, string Why)> judged, bool waits) => new()
    {
        Stretches = WalRetention.Join(judged),
        Deleted = 0,
        FreedBytes = 0,
        Waits = waits && judged.Any(j => !j.Stays),
        Problems = problems,
    };
}
