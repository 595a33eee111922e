using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Points;

/// <summary>What a writer that begins now has to treat as absent.</summary>
internal sealed class CondemnedPacks
{
    private readonly HashSet<PackId> packs = [];
    private readonly HashSet<PackId> damaged = [];
    private bool all;

    /// <summary>Those that a verification found damaged.</summary>
    public IReadOnlySet<PackId> Damaged => damaged;

    /// <summary>Lists that cannot be read.</summary>
    public List<Problem> Problems { get; } = [];

    /// <summary>Whether a writer may not rely on the pack.</summary>
    public bool Covers(PackId pack) => all || packs.Contains(pack);

    /// <summary>
    /// Reads every list. Where one cannot be read, any pack may be about to go: then nothing that is stored already is
    /// used, which costs room until the next prune, and stops nobody.
    /// </summary>
    public static async Task<CondemnedPacks> ReadAsync(
        IStore store, Sealer sealer, Zstd zstd, CancellationToken cancellationToken)
    {
        var condemned = new CondemnedPacks();
        foreach (var id in await PointListing.ReadAsync(store, CondemnedList.Folder, cancellationToken))
        {
            try
            {
                if (await CondemnedList.ReadAsync(store, sealer, zstd, id, cancellationToken) is not { } list) continue;
                condemned.packs.UnionWith(list.Packs);
                if (list.Reason == CondemnedFor.Damaged) condemned.damaged.UnionWith(list.Packs);
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.ObjectDamaged)
            {
                condemned.all = true;
                condemned.Problems.Add(e.Problem with
                {
                    Severity = Severity.Warning, Hint = "this point stores everything again; the next prune repairs the list",
                });
            }
        }

        return condemned;
    }
}
