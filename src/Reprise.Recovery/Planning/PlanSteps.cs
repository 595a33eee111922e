using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Planning;

/// <summary>The steps of restores and undos, with estimates.</summary>
internal static class PlanSteps
{
    /// <summary>What stop, start and a swap usually take; a guess that the phases of the report correct.</summary>
    private static readonly TimeSpan Moments = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Instant = TimeSpan.FromSeconds(1);

    public static PlanStep Stage(string asset, string kind, string target, long bytes) => new()
    {
        Id = "stage-" + asset,
        Effect = Effect.Reversible,
        Target = target,
        Text = $"build {asset} beside what is live, which stays untouched",
        Bytes = bytes,
        Estimate = At(bytes, StageRate(kind)),
    };

    public static PlanStep Verify(string asset, string kind, string target, long bytes) => new()
    {
        Id = "verify-" + asset,
        Effect = Effect.Read,
        Target = target,
        Text = $"prove the staged {asset} against the point",
        Bytes = bytes,
        Estimate = At(bytes, 2 * StageRate(kind)),
    };

    public static PlanStep Stop(PlanFacts facts) => facts.StopText is { } command
        ? new PlanStep
        {
            Id = "stop",
            Effect = Effect.Costly,
            Target = facts.Application,
            Text = $"stop the application: {command}",
            Estimate = Moments,
        }
        : new PlanStep
        {
            Id = "stop",
            Effect = Effect.Read,
            Target = facts.Application,
            Text = "the application is not stopped by Reprise: "
                + (facts.IsInteractive
                    ? "you are asked whether it is"
                    : "sessions that are connected refuse the restore"),
        };

    public static PlanStep Safety(IReadOnlyList<PlannedAsset> assets, long bytes)
    {
        var captured = assets.Where(a => a.Safety == SafetyKind.Captured).Select(a => a.Name).ToList();
        var moved = assets.Where(a => a.Safety == SafetyKind.MovedAside).Select(a => a.Name).ToList();
        var whole = assets.Where(a => a.Safety == SafetyKind.SetAside).Select(a => a.Name).ToList();
        var text = captured.Count > 0
            ? $"take a safety point of {Wording.List(captured)}"
            : "no safety point is needed";
        if (whole.Count > 0) text += $"; what is live of {Wording.List(whole)} is set aside whole";
        if (moved.Count > 0) text += $"; {Wording.List(moved)} cannot be read and is moved aside as it is";
        return new PlanStep
        {
            Id = "safety",
            Effect = captured.Count > 0 ? Effect.Reversible : Effect.Read,
            Target = "repository",
            Text = text,
            Bytes = bytes,
            Estimate = At(bytes, CaptureBytesPerSecond),
        };
    }

    public static PlanStep Publish(string asset, string target) => new()
    {
        Id = "publish-" + asset,
        Effect = Effect.Reversible,
        Target = target,
        Text = $"swap: what is live is kept under another name, {asset} becomes live",
        Estimate = Instant,
    };

    public static PlanStep? CheckData(PlanFacts facts) => facts.DataChecks.Count == 0 ? null : new PlanStep
    {
        Id = "check-data",
        Effect = Effect.Read,
        Target = facts.Application,
        Text = $"ask the data: {Wording.List(facts.DataChecks)}",
        Estimate = Instant * facts.DataChecks.Count,
    };

    public static PlanStep? Start(PlanFacts facts) => facts.StartText is not { } command ? null : new PlanStep
    {
        Id = "start",
        Effect = Effect.Reversible,
        Target = facts.Application,
        Text = $"start the application: {command}",
        Estimate = Moments,
    };

    public static PlanStep? CheckApplication(PlanFacts facts) =>
        facts.ApplicationChecks.Count == 0 ? null : new PlanStep
    {
        Id = "check-application",
        Effect = Effect.Read,
        Target = facts.Application,
        Text = $"ask the application: {Wording.List(facts.ApplicationChecks)}; if one fails, all is swapped back",
        Estimate = Moments,
    };

    // Measured on two cores with real text: pg_restore is bound by parsing and indexes, the others by the disk.
    private static long StageRate(string kind) => kind switch
    {
        AssetKinds.Postgres => 25_000_000,
        AssetKinds.Files => 150_000_000,
        _ => 300_000_000,
    };

    private const long CaptureBytesPerSecond = 150_000_000;

    private static TimeSpan At(long bytes, long bytesPerSecond) =>
        TimeSpan.FromSeconds(Math.Ceiling((double)bytes / bytesPerSecond));
}
