using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Restoring;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Restores as the JSON document of the contract has them.</summary>
internal static class RestoreMapping
{
    /// <summary>What would be done.</summary>
    public static RestoreJson Of(RestorePlan plan, DateTimeOffset? pointCreated) => new()
    {
        RestoreId = plan.RestoreId.Value,
        Point = (plan.Point ?? plan.Undoes)?.Value,
        PointCreated = pointCreated,
        Verdict = "planned",
        Plan = Steps(plan),
        Changes = Changes(plan),
        Secrets = Secrets(plan.Secrets),
        Safety = new SafetyJson { State = Weakest(plan) is SafetyKind.Captured ? "planned" : Word(Weakest(plan)), Id = null },
        Checks = [],
        Former = [],
        Phases = [],
        Sentences = Sentences(plan),
        Missing = Missing(plan.Survey),
        MissingCount = plan.Survey.Parts.Count,
    };

    /// <summary>Nothing but what came of it.</summary>
    public static RestoreJson Empty(string verdict) => new()
    {
        RestoreId = null,
        Point = null,
        PointCreated = null,
        Verdict = verdict,
        Plan = [],
        Changes = [],
        Secrets = [],
        Safety = new SafetyJson { State = "not-applicable", Id = null },
        Checks = [],
        Former = [],
        Phases = [],
    };

    /// <summary>What was done, or had been done when it ended.</summary>
    public static RestoreJson Of(RestoreReport report, DateTimeOffset? pointCreated) => new()
    {
        RestoreId = report.RestoreId.Value,
        Point = (report.Point ?? report.Plan?.Undoes)?.Value,
        PointCreated = pointCreated,
        Verdict = Word(report.Outcome),
        Plan = report.Plan is { } plan ? Steps(plan) : [],
        Changes = report.Plan is { } planned ? Changes(planned) : [],
        Secrets = Secrets(report.Secrets),
        Safety = new SafetyJson { State = Word(report.Safety.State), Id = report.Safety.Point?.Value },
        Checks = [.. report.Checks.Select(CheckJson.From)],
        Former = [.. report.Former.Select(Former)],
        Phases = [.. report.Phases.Where(p => p.Elapsed is not null).Select(p => new PhaseJson
        {
            Name = p.Name,
            Seconds = Math.Round((p.Elapsed ?? TimeSpan.Zero).TotalSeconds, 3),
        })],
        Sentences = report.Plan is { } said ? Sentences(said) : [],
        Missing = Missing(report.Plan?.Survey ?? Survey.Intact),
        MissingCount = report.Plan?.Survey.Parts.Count ?? 0,
    };

    /// <summary>What a salvage left out, as far as it is named.</summary>
    public static IReadOnlyList<MissingJson> Missing(Survey survey) =>
        [.. survey.Parts.Take(WrittenPaths.MostNamed).Select(part => new MissingJson
        {
            Asset = part.Asset,
            Path = part.Path?.ToString(),
            Object = part.Why.Where,
        })];

    /// <summary>Data that is kept beside the live data.</summary>
    public static FormerJson Former(FormerData former) => new()
    {
        Asset = former.Asset,
        Where = former.Where,
        Until = former.Until,
        SizeBytes = former.SizeBytes,
        RestoreId = former.RestoreId.Value,
    };

    /// <summary>The secrets, compared.</summary>
    public static IReadOnlyList<SecretJson> Secrets(IEnumerable<SecretOutcome> secrets) => [.. secrets.Select(s => new SecretJson
    {
        Name = s.Name,
        Outcome = Words.Of(s.State switch
        {
            SecretState.Same => Outcome.Pass,
            SecretState.Differs => Outcome.Fail,
            SecretState.Missing => Outcome.CouldNotVerify,
            SecretState.New => Outcome.NotApplicable,
            _ => throw new InvariantException($"secret state {s.State}"),
        }),
    })];

    /// <summary>How it ended, as it is written into JSON.</summary>
    public static string Word(RestoreOutcome outcome) => outcome switch
    {
        RestoreOutcome.Kept => "restored",
        RestoreOutcome.RolledBack => "rolled-back",
        RestoreOutcome.Unchanged => "unchanged",
        RestoreOutcome.Interrupted => "interrupted",
        _ => throw new InvariantException($"outcome {outcome}"),
    };

    /// <summary>The word of the contract for what protects the replaced data.</summary>
    public static string Word(SafetyKind kind) => kind switch
    {
        SafetyKind.NotApplicable => "not-applicable",
        SafetyKind.Captured => "taken",
        SafetyKind.SetAside => "set-aside",
        SafetyKind.MovedAside => "moved-aside",
        SafetyKind.Skipped => "waived",
        SafetyKind.Impossible => "impossible",
        _ => throw new InvariantException($"safety {kind}"),
    };

    private static List<string> Sentences(RestorePlan plan) =>
        [plan.Sentences.GetBack, plan.Sentences.Lose, plan.Sentences.GoBack];

    private static List<StepJson> Steps(RestorePlan plan) => [.. plan.Steps.Select(s => new StepJson
    {
        Id = s.Id,
        Effect = s.Effect switch
        {
            Effect.Read => "read",
            Effect.Reversible => "reversible",
            Effect.Costly => "costly",
            _ => throw new InvariantException($"effect {s.Effect}"),
        },
        Target = s.Target,
        Bytes = s.Bytes,
        EstimateSeconds = s.Estimate is { } estimate ? Math.Round(estimate.TotalSeconds, 1) : null,
    })];

    private static List<ChangeJson> Changes(RestorePlan plan) => [.. plan.Assets.SelectMany(a => a.Rows.Select(r => new ChangeJson
    {
        Asset = a.Name,
        Table = r.Table,
        Now = r.Live,
        Then = r.Restored,
    }))];

    private static SafetyKind Weakest(RestorePlan plan) =>
        plan.Assets.Select(a => a.Safety).DefaultIfEmpty(SafetyKind.NotApplicable).Max();
}
