using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Windows;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>What can be brought back to any moment, and whether the WAL that it takes still comes.</summary>
/// <param name="Windows">what can be brought back.</param>
/// <param name="Flows">whether it still comes, an asset each.</param>
/// <param name="Problems">gaps, and what has stopped.</param>
internal sealed record WalReach(IReadOnlyList<WalWindow> Windows, IReadOnlyList<WalFlowState> Flows, IReadOnlyList<Problem> Problems)
{
    /// <summary>
    /// Up to which moment an asset of a point is safe: of a server that has written nothing since, up to now.
    /// </summary>
    public DateTimeOffset SafeUntil(AssetRecord record, DateTimeOffset now)
    {
        var last = Windows.Where(w => w.Base.Asset == record.Name && w.Lineage is not null).MaxBy(w => w.To);
        if (last is null) return record.Moment;
        var isAll = last.Resumes is null && Flows.Any(
            f => f.Asset == record.Name && f is { Flow: WalFlow.Flowing, BehindBytes: 0 } && f.Reached == last.End && f.Timeline == last.Timeline);
        return isAll ? now : last.To > record.Moment ? last.To : record.Moment;
    }
}

/// <summary>What a server and the repository say of an asset's WAL.</summary>
/// <param name="Asset">which one.</param>
/// <param name="State">how it comes; null: nothing brings it.</param>
/// <param name="Problems">what has stopped.</param>
/// <param name="Advice">what would be better; no fault.</param>
internal sealed record WalLook(string Asset, WalFlowState? State, IReadOnlyList<Problem> Problems, IReadOnlyList<Problem> Advice);

/// <summary>Finds it out, for <c>status</c>, <c>points</c>, <c>verify</c> and <c>doctor</c>.</summary>
internal static class WalFlows
{
    /// <summary>The windows alone, from the repository alone.</summary>
    public static Task<IReadOnlyList<WalWindow>> WindowsAsync(
        PointRepository repository, PointCatalog catalog, CancellationToken cancellationToken) =>
        new WalWindows(repository.Wal).ReadAsync(Bases(catalog), cancellationToken);

    /// <summary>The windows, and what the servers say.</summary>
    public static async Task<WalReach> ReadAsync(
        Machine machine, ApplicationConfiguration configuration, PointRepository repository, PointCatalog catalog, CancellationToken cancellationToken)
    {
        var windows = await WindowsAsync(repository, catalog, cancellationToken);
        var looks = await LookAsync(machine, configuration, repository, catalog, cancellationToken);
        return new WalReach(windows, [.. looks.Select(l => l.State).OfType<WalFlowState>()], [.. looks.SelectMany(l => l.Problems)]);
    }

    /// <summary>What the servers say, an asset each.</summary>
    public static async Task<IReadOnlyList<WalLook>> LookAsync(
        Machine machine, ApplicationConfiguration configuration, PointRepository repository, PointCatalog catalog, CancellationToken cancellationToken)
    {
        var compose = AssetFactory.NeedsCompose(configuration) ? await AssetFactory.FindComposeAsync(machine.Children, cancellationToken) : ["docker", "compose"];
        var factory = new AssetFactory(machine, compose);
        var bases = Bases(catalog).ToList();
        var looks = new List<WalLook>();
        foreach (var asset in configuration.Assets.OfType<AssetConfiguration.Postgres>())
        {
            var watch = new WalWatch(repository.Wal, factory.Settings(asset, configuration), AssetFactory.PostgresHost(machine), asset.Name);
            var (state, problems) = await watch.LookAsync([.. bases.Where(b => b.Asset == asset.Name)], cancellationToken);
            looks.Add(new WalLook(asset.Name, state, problems, watch.Advice));
        }

        return looks;
    }

    /// <summary>For <c>doctor</c>: a sentence for each asset whose WAL comes, or should.</summary>
    public static IEnumerable<(string Asset, string Detail, IReadOnlyList<Problem> Problems)> Sentences(IReadOnlyList<WalLook> looks)
    {
        foreach (var (asset, state, problems, advice) in looks)
        {
            if (state is null && advice.Count == 0) continue;
            var detail = state is null ? "nothing brings it" : $"{Json(state).State}, {state.By ?? "by nothing"}, up to {state.Reached?.ToString() ?? "nothing yet"}";
            yield return (asset, detail, [.. problems, .. advice]);
        }
    }

    /// <summary>A window as the contract has it.</summary>
    public static WindowJson Json(WalWindow window) => new()
    {
        From = window.From,
        To = window.To,
        Asset = window.Base.Asset,
        Point = window.Base.Point.Value,
        Timeline = window.Timeline,
        ToLsn = window.End.ToString(),
    };

    /// <summary>Moments between two windows of one asset, and behind the last one, that cannot be brought back although there is WAL.</summary>
    public static IEnumerable<GapJson> Gaps(IReadOnlyList<WalWindow> windows)
    {
        foreach (var asset in windows.GroupBy(w => w.Base.Asset))
        {
            var all = asset.OrderBy(w => w.From).ToList();
            foreach (var (window, next) in all.Zip(all.Skip(1).Select(w => (WalWindow?)w).Append(null)))
            {
                if (window.Resumes is not { } resumes) continue;
                yield return new GapJson
                {
                    From = window.To,
                    To = next?.From ?? (window.LaterCommit is { } later && later > window.To ? later : window.To),
                    Cause = $"WAL from {window.End} to {resumes} is missing"
                        + (next is null ? "; take a point: reprise backup" : "; point " + next.Base.Point.Value + " begins anew"),
                    Asset = asset.Key,
                };
            }
        }
    }

    /// <summary>How the WAL of an asset comes, as the contract has it.</summary>
    public static WalFlowJson Json(WalFlowState state) => new()
    {
        Asset = state.Asset,
        State = state.Flow switch
        {
            WalFlow.Flowing => "flowing",
            WalFlow.Stopped => "stopped",
            WalFlow.ServerAway => "server-away",
            _ => throw new InvariantException($"flow {state.Flow}"),
        },
        By = state.By,
        Timeline = state.Timeline,
        To = state.Reached?.ToString(),
        BehindBytes = state.BehindBytes,
        WaitingSegments = state.Waiting,
    };

    private static IEnumerable<WalBase> Bases(PointCatalog catalog) => PointNames.Regular(catalog).SelectMany(p => WalBase.Of(p.Manifest));
}
