using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Planning;

/// <summary>Makes plans out of facts. Pure.</summary>
public static class RestorePlanner
{
    /// <summary>The plan that brings <paramref name="point"/> back.</summary>
    public static RestorePlan Plan(PlanFacts facts, PointManifest point)
    {
        var assets = facts.Assets.Select(a => Planned(a, facts)).ToList();
        var problems = facts.Assets
            .SelectMany(a => a.Preflight.Select(p => p with { Asset = p.Asset ?? a.Record.Name }))
            .Concat(facts.Assets.Where(a => !IsUnavailable(a)).Select(a => Identity(a, facts)).OfType<Problem>())
            .Concat(PlanProblems.OfSafety(facts, assets))
            .Concat(PlanProblems.OfControl(facts, facts.Assets.Select(a => (a.Record.Name, a.Target))))
            .Concat(PlanProblems.OfPoint(facts, point))
            .Concat(PlanProblems.OfSecrets(facts.Secrets))
            .ToList();
        List<PlanStep?> steps =
        [
            .. facts.Assets.Select(
                a => PlanSteps.Stage(a.Record.Name, a.Record.Kind, a.Target.Where, a.Record.SourceBytes)),
            .. facts.Assets.Select(
                a => PlanSteps.Verify(a.Record.Name, a.Record.Kind, a.Target.Where, a.Record.SourceBytes)),
            .. CutOver(facts, assets, facts.Assets.Select(a => a.Target)),
        ];
        return new RestorePlan
        {
            RestoreId = facts.RestoreId,
            Kind = OperationKind.Restore,
            Application = facts.Application,
            Point = point.Id,
            Assets = assets,
            Steps = [.. steps.OfType<PlanStep>()],
            Secrets = facts.Secrets,
            Survey = facts.Survey,
            Problems = problems,
            Sentences = PlanSentencesOf.Restore(facts, point, assets),
        };
    }

    /// <summary>
    /// The plan that swaps the data back that <paramref name="undoes"/> set aside at <paramref name="setAside"/>.
    /// </summary>
    public static RestorePlan PlanUndo(
        PlanFacts facts, PointId undoes, DateTimeOffset setAside, IReadOnlyList<UndoAssetFacts> undo)
    {
        var assets = undo.Select(a => Planned(a, facts)).ToList();
        return new RestorePlan
        {
            RestoreId = facts.RestoreId,
            Kind = OperationKind.Undo,
            Application = facts.Application,
            Undoes = undoes,
            Assets = assets,
            Steps = [.. CutOver(facts, assets, undo.Select(a => a.Target)).OfType<PlanStep>()],
            Problems =
            [
                .. undo.Select(Gone).OfType<Problem>(),
                .. PlanProblems.OfSafety(facts, assets),
                .. PlanProblems.OfControl(facts, undo.Select(a => (a.Record.Name, a.Target))),
            ],
            Sentences = PlanSentencesOf.Undo(facts, setAside, assets),
        };
    }

    /// <summary>
    /// What protects that which is at a target; <see cref="SafetyKind.Captured"/> still has to succeed.
    /// </summary>
    public static SafetyKind SafetyOf(string asset, TargetState target, IReadOnlyCollection<string> without) =>
        target.Presence switch
    {
            Presence.Absent => SafetyKind.NotApplicable,
            Presence.Readable when !target.HasData => SafetyKind.NotApplicable,
            _ when target.IsKeptWhole => SafetyKind.SetAside,
            _ when without.Contains(asset) => SafetyKind.Skipped,
            Presence.Readable => SafetyKind.Captured,
            _ => target.CanMoveAside ? SafetyKind.MovedAside : SafetyKind.Impossible,
        };

    private static IEnumerable<PlanStep?> CutOver(
        PlanFacts facts, IReadOnlyList<PlannedAsset> assets, IEnumerable<TargetState> targets)
    {
        yield return PlanSteps.Stop(facts);
        yield return PlanSteps.Safety(
            assets,
            assets.Zip(targets).Where(p => p.First.Safety == SafetyKind.Captured).Sum(p => p.Second.SizeBytes ?? 0));
        foreach (var asset in assets) yield return PlanSteps.Publish(asset.Name, asset.Where);
        yield return PlanSteps.CheckData(facts);
        yield return PlanSteps.Start(facts);
        yield return PlanSteps.CheckApplication(facts);
    }

    private static PlannedAsset Planned(AssetFacts asset, PlanFacts facts)
    {
        var refused = Identity(asset, facts) is not null;
        return new PlannedAsset
        {
            Name = asset.Record.Name,
            Kind = asset.Record.Kind,
            Where = asset.Target.Where,
            Presence = asset.Target.Presence,
            Moment = asset.Record.Moment,
            Bytes = asset.Record.SourceBytes,
            Rows = RowChanges.Between(asset.Record.Name, asset.Record.Kind, asset.Target, asset.Record.Rows),
            IsCompared = asset.Target is { Presence: Presence.Readable, IsKeptWhole: false },
            Safety = SafetyOf(asset.Record.Name, asset.Target, facts.WithoutSafety),
            AcceptCode = refused ? TargetIdentity.CodeOf(asset.Record.Name, asset.Target) : null,
        };
    }

    private static PlannedAsset Planned(UndoAssetFacts asset, PlanFacts facts) => new()
    {
        Name = asset.Record.Name,
        Kind = asset.Record.Kind,
        Where = asset.Target.Where,
        Presence = asset.Target.Presence,
        Moment = asset.Former?.Moment,
        Bytes = asset.Slot?.SizeBytes,
        Rows = asset.Former is { } former
            ? RowChanges.Between(asset.Record.Name, asset.Record.Kind, asset.Target, former.Rows)
            : [],
        IsCompared = asset is { Former: not null, Target.Presence: Presence.Readable },
        Safety = SafetyOf(asset.Record.Name, asset.Target, facts.WithoutSafety),
    };

    // Who does not answer has no identity that could be accepted: that it does not answer is what has to be repaired.
    private static bool IsUnavailable(AssetFacts asset) =>
        asset.Preflight.Any(p => p.Severity == Severity.Error && p.Code.Exit == ExitCodes.Unavailable);

    private static Problem? Identity(AssetFacts asset, PlanFacts facts) => TargetIdentity.Refuse(
        asset.Record.Name,
        asset.Target,
        [asset.Record.Identity, .. asset.Known],
        facts.AcceptTargets);

    private static Problem? Gone(UndoAssetFacts asset) => asset.Slot is not { Exists: false } slot ? null : new Problem(
        RecoveryErrors.FormerGone,
        Severity.Error,
        $"the former data of {asset.Record.Name} is no longer at {slot.Where}",
        "restore a point instead; a safety point may hold it ('reprise points')")
    {
        Asset = asset.Record.Name,
        Where = slot.Where,
    };
}
