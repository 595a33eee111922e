using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Evidence;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>Asks what was recovered, and the same of places that hold nothing: what passes there proves nothing.</summary>
internal sealed class DrillQuestions(DrillApplication application, DrillHost host, DrillRecovery recovery, DrillNotes notes)
{
    /// <summary>The data: structure and content of each asset, configured checks, secrets.</summary>
    public async Task AskDataAsync(PointReader point, int level, CancellationToken cancellationToken)
    {
        foreach (var (asset, item) in recovery.Recovered)
        {
            if (asset is IExaminable examinable)
                await ExamineAsync(examinable, item, point, (CheckLevel)level, cancellationToken);
        }

        if (level < (int)CheckLevel.Data) return;
        Compare(point.Manifest);
        foreach (var check in application.Checks.Where(c => c.When == CheckTime.Data))
            await AskDataAsync(check, point.Manifest, cancellationToken);
    }

    /// <summary>The application; <paramref name="before"/> names what was green before it had started.</summary>
    public async Task AskApplicationAsync(
        PointManifest manifest, IReadOnlySet<string> before, CancellationToken cancellationToken)
    {
        foreach (var check in application.Checks.Where(c => c.When == CheckTime.Application))
        {
            host.Progress.Begin($"ask {check.Name}", null);
            if (Rebound(recovery.Target, check) is not { } rebound)
            {
                notes.Add([NotRun(check)]);
                continue;
            }

            var answer = await Target.Questions.AskAsync(
                rebound, CheckSubject.Of(manifest), Patience.UntilWithin, cancellationToken);
            Add(answer, !before.Contains(check.Name));
        }
    }

    /// <summary>Names of the application's checks that are green although nothing of it runs yet.</summary>
    public async Task<IReadOnlySet<string>> GreenBeforeAsync(PointManifest manifest, CancellationToken cancellationToken)
    {
        var green = new HashSet<string>(StringComparer.Ordinal);
        foreach (var check in application.Checks.Where(c => c.When == CheckTime.Application))
        {
            if (Rebound(recovery.Target, check) is not { } rebound) continue;
            var answer = await Target.Questions.AskAsync(
                rebound, CheckSubject.Of(manifest), Patience.Once, cancellationToken);
            if (answer.Outcome == Outcome.Pass) green.Add(check.Name);
        }

        return green;
    }

    private DrillTarget Target => recovery.Target ?? throw new InvariantException("nothing is asked before it is recovered");

    private static CheckDefinition? Rebound(DrillTarget? target, CheckDefinition check) =>
        target?.Rebind(check, target.Words);

    private static CheckOutcome NotRun(CheckDefinition check) => new()
    {
        Name = check.Name,
        Level = check.Level,
        Outcome = Outcome.NotRun,
        Asset = check.OfAsset,
        Required = check.Required,
        Actual = "it would have asked production: it runs with drill.start.env, in a sandbox that is kept apart",
        Reason = "not-rebound",
    };

    // A question that cannot be asked of an empty place, because a table is missing, say, would not have passed there.
    private async Task ExamineAsync(
        IExaminable asset, RestoreItem item, PointReader point, CheckLevel level, CancellationToken cancellationToken)
    {
        IReadOnlyList<CheckOutcome> outcomes;
        try
        {
            outcomes = await asset.ExamineAsync(item, point, level, host.Progress, cancellationToken);
        }
        catch (RepriseException e)
        {
            notes.Add(
                $"{asset.Name}-engine", CheckLevel.Engine, Outcome.Fail, asset.Name, "it answers", e.Problem.Message, e.Code.Name);
            return;
        }

        var hollow = await EmptyAsync(asset.Name, item, point, level, cancellationToken);
        foreach (var outcome in outcomes)
        {
            Add(outcome, hollow is null || outcome.Outcome == Outcome.NotApplicable ? null : !hollow.Contains(outcome.Name));
        }
    }

    // Names of the questions that nothing answers as well; null when nothing could be asked.
    private async Task<HashSet<string>?> EmptyAsync(
        string name, RestoreItem item, PointReader point, CheckLevel level, CancellationToken cancellationToken)
    {
        if (recovery.Empty?.Assets.FirstOrDefault(a => a.Name == name) is not IExaminable empty) return null;
        try
        {
            var outcomes = await empty.ExamineAsync(item, point, level, new Silence(), cancellationToken);
            return outcomes.Where(o => o.Outcome == Outcome.Pass).Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        }
        catch (RepriseException)
        {
            return [];
        }
    }

    private async Task AskDataAsync(CheckDefinition check, PointManifest manifest, CancellationToken cancellationToken)
    {
        host.Progress.Begin($"ask {check.Name}", null);
        if (Rebound(recovery.Target, check) is not { } rebound)
        {
            notes.Add([NotRun(check)]);
            return;
        }

        var subject = CheckSubject.Of(manifest);
        var answer = await Target.Questions.AskAsync(rebound, subject, Patience.UntilWithin, cancellationToken);
        bool? discriminates = null;
        if (answer.Outcome == Outcome.Pass && Rebound(recovery.Empty, check) is { } hollow)
        {
            var empty = recovery.Empty!; // Rebound gave nothing without it.
            var there = await empty.Questions.AskAsync(hollow, subject, Patience.Once, cancellationToken);
            discriminates = there.Outcome != Outcome.Pass;
        }

        Add(answer, discriminates);
    }

    private void Add(CheckOutcome outcome, bool? discriminates)
    {
        notes.Checks.Add(new DrillCheck(outcome, discriminates));
        if (discriminates != false || outcome.Outcome != Outcome.Pass || outcome.Level < CheckLevel.Data) return;
        notes.Find(
            "note",
            "check-not-discriminating",
            outcome.Asset,
            $"{outcome.Name} passes on an empty target as well, so that its pass proves little",
            "ask for something that only the real data can answer");
    }

    private void Compare(PointManifest manifest)
    {
        foreach (var secret in application.CompareSecrets(manifest))
        {
            var (outcome, reason) = secret.State switch
            {
                SecretState.Same => (Outcome.Pass, (string?)null),
                SecretState.Differs => (Outcome.Fail, RecoveryErrors.SecretDiffers.Name),
                SecretState.Missing => (Outcome.CouldNotVerify, RecoveryErrors.SecretMissing.Name),
                _ => (Outcome.NotApplicable, null),
            };
            notes.Add(
                $"secret-{secret.Name}", CheckLevel.Data, outcome, null, "the one that was in force at the point", secret.Message, reason);
        }
    }

    private sealed class Silence : IProgressSink
    {
        public void Begin(string step, long? totalBytes)
        {
        }

        public void Advance(long bytes)
        {
        }

        public void Note(string line)
        {
        }
    }
}
