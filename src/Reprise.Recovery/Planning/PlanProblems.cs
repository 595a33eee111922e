using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Planning;

/// <summary>What refuses a plan, or should be known before it is confirmed.</summary>
internal static class PlanProblems
{
    public static IEnumerable<Problem> OfSafety(PlanFacts facts, IEnumerable<PlannedAsset> assets) =>
        assets.Select(a => a.Safety switch
        {
            SafetyKind.Impossible => new Problem(
                RecoveryErrors.SafetyImpossible,
                Severity.Error,
                $"{a.Name}: what is at {a.Where} can neither be captured nor be moved aside",
                $"make it readable, or give it up with --without-safety {a.Name}")
            {
                Asset = a.Name,
                Where = a.Where,
            },
            SafetyKind.MovedAside => new Problem(
                RecoveryErrors.SafetyMovedAside,
                Severity.Warning,
                $"{a.Name}: what is at {a.Where} cannot be read; it is moved aside as it is, and kept for "
                + Wording.Duration(facts.KeepFormer),
                "keep it for a closer look: 'reprise status' says where it is")
            {
                Asset = a.Name,
                Where = a.Where,
            },
            SafetyKind.Skipped => new Problem(
                RecoveryErrors.SafetySkipped,
                Severity.Warning,
                $"{a.Name} is not in the safety point, because --without-safety was given",
                "leave --without-safety away if it can be read")
            {
                Asset = a.Name,
            },
            _ => null,
        }).OfType<Problem>();

    public static IEnumerable<Problem> OfControl(
        PlanFacts facts, IEnumerable<(string Asset, TargetState Target)> targets)
    {
        if (facts.StopText is not null) yield break;
        yield return new Problem(
            RecoveryErrors.ControlMissing,
            Severity.Warning,
            "the application is not stopped by Reprise: no control is configured",
            "stop it yourself before you confirm, or add control: to the configuration");
        if (facts.IsInteractive) yield break;
        foreach (var (asset, target) in targets)
        {
            if (target.Users.Count > 0) yield return InUse(asset, target);
        }
    }

    public static Problem InUse(string asset, TargetState target) => new(
        RecoveryErrors.TargetInUse,
        Severity.Error,
        $"{asset}: {target.Where} is in use by {Wording.List([.. target.Users.Take(5)])}",
        "stop the application, or add control: to the configuration")
    {
        Asset = asset,
        Where = target.Where,
    };

    public static IEnumerable<Problem> OfPoint(PlanFacts facts, PointManifest point)
    {
        if (point.State == PointState.Incomplete)
        {
            yield return new Problem(
                RecoveryErrors.PointIncomplete,
                Severity.Warning,
                $"point {point.Id} is incomplete: "
                + Wording.List(
                    [.. point.Problems.Select(p => p.Message).DefaultIfEmpty("it does not say what").Take(3)]),
                $"look at it with 'reprise points show {point.Id}', or restore a complete one");
        }

        foreach (var asset in facts.Assets.Where(a => a.Record.State == AssetStates.Damaged))
        {
            yield return new Problem(
                RecoveryErrors.PointIncomplete,
                Severity.Warning,
                $"{asset.Record.Name} was damaged at its source already when point {point.Id} was taken",
                "restore an earlier point of it with --asset")
            {
                Asset = asset.Record.Name,
            };
        }

        foreach (var (asset, sentence) in facts.Survey.Sentences())
        {
            yield return new Problem(
                RecoveryErrors.PointIncomplete, Severity.Warning, sentence, "restore what is missing from another point with --asset")
            {
                Asset = asset,
            };
        }

        // That secrets are only compared is the rule, and their outcomes are told one by one.
        var kinds = point.Assets.ToDictionary(a => a.Name, a => a.Kind, StringComparer.Ordinal);
        foreach (var (asset, why) in facts.LeftOut.Where(l => kinds.GetValueOrDefault(l.Key) != AssetKinds.Secrets))
        {
            yield return new Problem(
                RecoveryErrors.AssetUnknown, Severity.Note, $"{asset} is not restored: {why}", "nothing has to be done")
            {
                Asset = asset,
            };
        }
    }

    public static IEnumerable<Problem> OfSecrets(IEnumerable<SecretOutcome> secrets) =>
        from secret in secrets
        where !secret.IsHarmless
        select secret.MustMatch
            ? new Problem(
                RecoveryErrors.SecretMustMatch,
                Severity.Error,
                secret.Message,
                $"put the {secret.Name} of that time back, or take must-match away")
            : new Problem(
                secret.State == SecretState.Missing ? RecoveryErrors.SecretMissing : RecoveryErrors.SecretDiffers,
                Severity.Warning,
                secret.Message,
                $"put the {secret.Name} of that time back if that matters");
}
