using Reprise.Recovery.Assets;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>Builds the restored data beside the live data and proves it. Production is untouched.</summary>
internal static class Stager
{
    public static async Task StageAsync(Operation operation, PointReader point, CancellationToken cancellationToken)
    {
        foreach (var asset in operation.Journal.Assets)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var restorable = operation.Asset(asset.Name);
            var item = operation.Item(asset);
            await restorable.StageAsync(item, point, operation.Host.Progress, cancellationToken);
            var staged = await restorable.InspectSlotAsync(item, Slot.New(operation.Id), cancellationToken);
            if (!staged.Exists)
            {
                throw new RepriseException(
                    RecoveryErrors.StagedWrong,
                    $"nothing was staged of {asset.Name} at {staged.Where}",
                    $"verify the point with 'reprise verify {point.Manifest.Id}', then run the command again");
            }
        }
    }

    public static async Task VerifyAsync(Operation operation, CancellationToken cancellationToken)
    {
        var wrong = new List<CheckOutcome>();
        foreach (var asset in operation.Journal.Assets)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var outcomes = await operation.Asset(asset.Name).VerifyStagedAsync(
                operation.Item(asset), operation.Host.Progress, cancellationToken);
            foreach (var found in outcomes)
            {
                var outcome = operation.Journal.SkippedChecks.TryGetValue(found.Name, out var reason)
                    ? Questioner.NotRun(found.Name, found.Level, found.Required, asset.Name, reason)
                    : found with { Asset = found.Asset ?? asset.Name };
                operation.Add(outcome);
                if (Questioner.IsAgainst(outcome)) wrong.Add(outcome);
            }
        }

        if (wrong.Count == 0) return;
        var messages =
            wrong.Select(o => $"{o.Name}: expected {o.Expected ?? "a pass"}, but {o.Actual ?? "no answer"}").ToList();
        if (!operation.Journal.Salvage) throw Wrong(operation, wrong[0], messages);
        operation.Save(journal => journal with { Missing = [.. journal.Missing, .. messages] });
    }

    /// <summary>Throws away what was staged.</summary>
    public static async Task DiscardAsync(Operation operation)
    {
        foreach (var asset in operation.Journal.Assets)
        {
            await operation.Asset(asset.Name).DiscardAsync(
                operation.Item(asset), Slot.New(operation.Id), CancellationToken.None);
        }
    }

    /// <summary>Which staged questions an asset may ask: <c>--skip-check</c> takes them too.</summary>
    public static bool IsStagedQuestion(string check, IEnumerable<JournalAsset> assets) =>
        assets.Any(a => check.StartsWith(a.Name + "-", StringComparison.Ordinal));

    private static RepriseException Wrong(Operation operation, CheckOutcome first, List<string> messages) => new(
        new Problem(
            RecoveryErrors.StagedWrong,
            Severity.Error,
            $"the staged data is not what point {operation.Journal.Point} says: {string.Join("; ", messages)}",
            "production is untouched; restore another point, or take what there is with --salvage")
        {
            Asset = first.Asset,
        });
}
