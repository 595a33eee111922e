using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Looks at the targets a last time, now that the application is stopped, and sees to it that everything there can come
/// back: from a safety point, or at least from under another name.
/// </summary>
internal static class Securing
{
    public static async Task RunAsync(Operation operation, CancellationToken cancellationToken)
    {
        var targets = new Dictionary<string, TargetState>(StringComparer.Ordinal);
        foreach (var asset in operation.Journal.Assets)
        {
            var target = await operation.Asset(asset.Name).InspectAsync(operation.Item(asset), cancellationToken);
            RefuseAnother(operation, asset.Name, target);
            RefuseInUse(operation, asset.Name, target);
            targets[asset.Name] = target;
        }

        var kinds = new SortedDictionary<string, SafetyKind>(StringComparer.Ordinal);
        foreach (var (name, target) in targets)
        {
            kinds[name] = RestorePlanner.SafetyOf(name, target, operation.Journal.WithoutSafety);
            if (kinds[name] == SafetyKind.Impossible) throw Impossible(
                [name], target.Unreadable?.Message ?? "it cannot be read");
        }

        operation.Save(journal => journal with
        {
            Assets = [.. journal.Assets.Select(a => a with { HadLive = targets[a.Name].Presence != Presence.Absent })],
        });
        var result = await CaptureAsync(
            operation, [.. kinds.Where(k => k.Value == SafetyKind.Captured).Select(k => k.Key)], cancellationToken);
        foreach (var (name, problem) in result.Failed)
        {
            if (!targets[name].CanMoveAside) throw Impossible([name], problem.Message);
            kinds[name] = SafetyKind.MovedAside;
            operation.Problems.Add(NotCaptured(name, targets[name], problem));
        }

        operation.Save(journal => journal with
        {
            SafetyPoint = result.Point,
            Safety = kinds,
            Assets =
            [
                .. journal.Assets.Select(
                    a => a with { Former = result.Records.FirstOrDefault(r => r.Name == a.Name) }),
            ],
        });
    }

    private static async Task<SafetyResult> CaptureAsync(
        Operation operation, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 0) return new SafetyResult(null, [], new SortedDictionary<string, Problem>());
        try
        {
            var result =
                await operation.Application.CaptureSafety([.. names.Select(operation.Asset)], cancellationToken);
            foreach (var name in names)
            {
                Invariant.Check(
                    result.Failed.ContainsKey(name)
                        || (result.Point is not null && result.Records.Any(r => r.Name == name)),
                    $"the safety point says nothing of {name}");
            }

            return result;
        }
        catch (RepriseException e)
        {
            throw Impossible(names, e.Message, e);
        }
    }

    // Somebody confirmed an overwriting of the target that the plan showed, and of no other.
    private static void RefuseAnother(Operation operation, string name, TargetState target)
    {
        if (!operation.ConfirmedIdentities.TryGetValue(name, out var confirmed)) return;
        if (!target.HasData || target.Presence != Presence.Readable || confirmed.Count == 0) return;
        var same = confirmed.Count == target.Identity.Count
            && confirmed.All(c => target.Identity.TryGetValue(c.Key, out var now) && now == c.Value);
        if (same) return;
        throw new RepriseException(new Problem(
            RecoveryErrors.TargetIdentity,
            Severity.Error,
            $"{name}: {target.Where} became another one since the plan was confirmed",
            "run the command again, and look at the new plan")
        {
            Asset = name,
            Where = target.Where,
        });
    }

    private static void RefuseInUse(Operation operation, string name, TargetState target)
    {
        if (operation.IsControlled || target.Users.Count == 0) return;
        throw new RepriseException(new Problem(
            RecoveryErrors.TargetInUse,
            Severity.Error,
            $"{name}: {target.Where} is in use by {string.Join(", ", target.Users.Take(5))}",
            "stop the application, or add control: to the configuration")
        {
            Asset = name,
            Where = target.Where,
        });
    }

    private static Problem NotCaptured(string name, TargetState target, Problem cause) => new(
        RecoveryErrors.SafetyMovedAside,
        Severity.Warning,
        $"{name}: what is at {target.Where} could not be captured ({cause.Message}); it is moved aside as it is",
        "keep it for a closer look: 'reprise status' says where it is")
    {
        Asset = name,
        Where = target.Where,
    };

    private static RepriseException Impossible(IReadOnlyList<string> names, string why, Exception? inner = null) => new(
        new Problem(
            RecoveryErrors.SafetyImpossible,
            Severity.Error,
            $"no safety point of {Wording.List([.. names])}: {why}",
            "repair that, or go on without one: " + string.Join(' ', names.Select(n => $"--without-safety {n}")))
        {
            Asset = names.Count == 1 ? names[0] : null,
        },
        inner);
}
