using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Planning;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>Looks at everything a plan needs to know, read-only, and has the plan made.</summary>
internal sealed class PlanMaking(RestoreApplication application, RestoreHost host)
{
    public async Task<PlanWithItems> PlanAsync(RestoreRequest request, PointId id, CancellationToken cancellationToken)
    {
        var manifest = request.Point.Manifest;
        var leftOut = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var survey = await new Surveying(application, host).RunAsync(request, cancellationToken);
        var chosen = Choose(request, manifest, survey, leftOut);
        RequireKnownChecks(request.Choices, chosen.Select(c => c.Record.Name));
        var facts = new List<AssetFacts>();
        foreach (var (asset, record) in chosen)
        {
            var item = new RestoreItem(id, record) { Moment = request.Moments.GetValueOrDefault(record.Name) };
            var target = await asset.InspectAsync(item, cancellationToken);
            facts.Add(new AssetFacts
            {
                Record = record,
                Target = target,
                Preflight = await asset.PreflightAsync(item, cancellationToken),
                Known = [.. application.KnownIdentities.GetValueOrDefault(record.Name, []), .. OurOwn(record.Name)],
            });
        }

        var secrets = await application.CompareSecrets(manifest, cancellationToken);
        var plan = RestorePlanner.Plan(
            Facts(id, request.Choices) with { Assets = facts, LeftOut = leftOut, Survey = survey, Secrets = secrets }, manifest);
        return new PlanWithItems(
            plan,
            [.. facts.Select(f => new JournalAsset
            {
                Name = f.Record.Name,
                Record = f.Record,
                Incoming = JournalSlot.Of(Slot.New(id)),
                Outgoing = JournalSlot.Of(Slot.Before(id)),
                Moment = request.Moments.GetValueOrDefault(f.Record.Name),
            })],
            facts.ToDictionary(f => f.Record.Name, f => f.Target.Identity));
    }

    public async Task<PlanWithItems> PlanUndoAsync(
        OperationJournal undone, PointId id, RestoreChoices choices, CancellationToken cancellationToken)
    {
        RequireKnownChecks(choices, undone.Assets.Select(a => a.Name));
        var facts = new List<UndoAssetFacts>();
        var items = new List<JournalAsset>();
        foreach (var asset in undone.Assets)
        {
            var restorable = Operation.Restorable(application, asset.Name) ?? throw Unknown(
                asset.Name, $"{asset.Name} was part of {undone.Id}, but the configuration has no such asset any more");
            var target = await restorable.InspectAsync(new RestoreItem(undone.Id, asset.Record), cancellationToken);
            var slot = asset.HadLive
                ? await restorable.InspectSlotAsync(
                    new RestoreItem(undone.Id, asset.Record), asset.Outgoing.ToSlot(), cancellationToken)
                : null;
            facts.Add(new UndoAssetFacts(asset.Record, target, slot, asset.Former));
            items.Add(new JournalAsset
            {
                Name = asset.Name,
                Record = asset.Record,
                Incoming = asset.HadLive ? asset.Outgoing : null,
                Outgoing = JournalSlot.Of(Slot.Before(id)),
            });
        }

        var setAside = undone.Events.FirstOrDefault(e => e.State == OperationState.Publishing)?.Time ?? undone.Started;
        var plan = RestorePlanner.PlanUndo(Facts(id, choices), undone.Id, setAside, facts);
        return new PlanWithItems(plan, items, facts.ToDictionary(f => f.Record.Name, f => f.Target.Identity));
    }

    // What we put there ourselves is no stranger, though it is another one than any point was taken of.
    private IEnumerable<IReadOnlyDictionary<string, string>> OurOwn(string asset) =>
        host.State.Operations().SelectMany(o => o.Assets).Where(a => a.Name == asset).Select(a => a.Became).OfType<IReadOnlyDictionary<string, string>>();

    private PlanFacts Facts(PointId id, RestoreChoices choices) => new()
    {
        RestoreId = id,
        Application = application.Name,
        Assets = [],
        StopText = application.Control?.StopText,
        StartText = application.Control?.StartText,
        DataChecks = Names(CheckTime.Data, choices),
        ApplicationChecks = Names(CheckTime.Application, choices),
        IsInteractive = host.Dialogue.IsInteractive,
        AcceptTargets = choices.AcceptTargets,
        WithoutSafety = choices.WithoutSafety,
        KeepFormer = application.KeepFormer,
        Now = host.Clock.GetUtcNow(),
        Zone = host.Zone,
    };

    private List<string> Names(CheckTime when, RestoreChoices choices) =>
        [.. application.Checks
            .Where(c => c.When == when && !choices.SkipChecks.ContainsKey(c.Name))
            .Select(c => c.Name)];

    private List<(IRestorable Asset, AssetRecord Record)> Choose(
        RestoreRequest request, PointManifest manifest, Survey survey, SortedDictionary<string, string> leftOut)
    {
        foreach (var name in request.OnlyAssets.Concat(request.Choices.WithoutSafety))
        {
            if (manifest.Assets.All(a => a.Name != name)) throw Unknown(
                name, $"point {manifest.Id} has no asset {name}");
        }

        var chosen = new List<(IRestorable, AssetRecord)>();
        foreach (var record in manifest.Assets)
        {
            var asked = request.OnlyAssets.Contains(record.Name);
            if (request.OnlyAssets.Count > 0 && !asked) leftOut[record.Name] = "it was not asked for";
            else if (WhyNot(request, record) is { } why) leftOut[record.Name] = why;
            else if (survey.LossOf(record.Name) is not null) continue;
            else chosen.Add((Operation.Restorable(application, record.Name)!, record)); // WhyNot has looked.
            if (asked && leftOut.TryGetValue(record.Name, out var refused)) throw Unknown(
                record.Name, $"{record.Name} cannot be restored: {refused}");
        }

        if (request.OnlyAssets.Count == 0)
        {
            foreach (var asset in application.Assets.Where(a => manifest.Assets.All(r => r.Name != a.Name)))
                leftOut[asset.Name] = "the point does not have it";
        }

        return chosen.Count > 0
            ? chosen
            : throw Unknown("", $"point {manifest.Id} holds nothing that this configuration can restore");
    }

    private string? WhyNot(RestoreRequest request, AssetRecord record)
    {
        if (application.Assets.FirstOrDefault(a => a.Name == record.Name) is not { } asset)
            return "the configuration does not have it";
        if (asset.Kind != record.Kind) return $"it is a {asset.Kind} now, and was a {record.Kind} then";
        if (record.Kind == AssetKinds.Secrets && !request.RestoreSecrets)
            return "secrets are compared; --restore-secrets writes sealed values back";
        return asset is IRestorable ? null : $"a {asset.Kind} cannot be restored";
    }

    private void RequireKnownChecks(RestoreChoices choices, IEnumerable<string> assets)
    {
        var names = assets.ToList();
        foreach (var name in choices.SkipChecks.Keys)
        {
            // The questions that an asset asks of what is staged are named after it, and known only when it asks them.
            if (application.Checks.Any(c => c.Name == name)) continue;
            if (names.Exists(a => name.StartsWith(a + "-", StringComparison.Ordinal))) continue;
            throw new RepriseException(
                RecoveryErrors.CheckUnknown,
                $"--skip-check names {name}, but there is no such check",
                "name one of: " + string.Join(", ", application.Checks.Select(c => c.Name)));
        }
    }

    private static RepriseException Unknown(string asset, string message) => new(
        new Problem(
            RecoveryErrors.AssetUnknown,
            Severity.Error,
            message,
            "compare 'reprise points show' with the configuration")
        {
            Asset = asset.Length == 0 ? null : asset,
        });
}

/// <summary>A plan, and what the journal will hold of it.</summary>
/// <param name="Plan">the plan.</param>
/// <param name="Items">the assets.</param>
/// <param name="Identities">the targets as they are now.</param>
internal sealed record PlanWithItems(
    RestorePlan Plan,
    IReadOnlyList<JournalAsset> Items,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Identities);
