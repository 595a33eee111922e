using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Streaming;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>stream</c></summary>
internal static class StreamOperation
{
    // Half of it for what waits to be flushed, the rest for what takes time.
    private const int FlushesPerObjective = 4;
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(10);

    /// <summary>Streams until it is told to end, which is its usual end and exit 0.</summary>
    public static async Task<CommandReport<StreamJson>> RunAsync(StreamOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var configuration = context.Configuration;
        var asset = Choose(configuration, options.Asset);
        var compose = AssetFactory.NeedsCompose(configuration)
            ? await AssetFactory.FindComposeAsync(machine.Children, context.Cancellation)
            : ["docker", "compose"];
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var stream = new WalStream(
            repository.WriteWalAsync,
            new AssetFactory(machine, compose).Settings(asset, configuration),
            AssetFactory.PostgresHost(machine),
            Settings(asset, configuration),
            Recovery.Assets.Machine.Fingerprint(machine.Disk) ?? "unknown",
            problem => ProblemLines.Write(context.Prose, [problem]));
        var tally = await stream.RunAsync(context.Cancellation);
        return new CommandReport<StreamJson>(new StreamJson
        {
            Asset = asset.Name,
            Lineage = tally.Lineage,
            Timeline = tally.Timeline,
            From = tally.From?.ToString(),
            Confirmed = tally.Confirmed?.ToString(),
            Connections = tally.Connections,
            Heartbeats = tally.Heartbeats,
        });
    }

    private static AssetConfiguration.Postgres Choose(ApplicationConfiguration configuration, string? named)
    {
        var assets = configuration.Assets.OfType<AssetConfiguration.Postgres>().ToList();
        if (named is null && assets is [var only]) return only;
        return assets.Find(a => a.Name == named) ?? throw new RepriseException(
            CliErrors.OptionValue,
            named is null ? "the configuration has no single PostgreSQL whose WAL could be meant" : $"no PostgreSQL asset is called '{named}'",
            assets.Count == 0 ? "add a postgres asset to reprise.yaml" : $"name one of {string.Join(", ", assets.Select(a => a.Name))}");
    }

    private static WalStreamSettings Settings(AssetConfiguration.Postgres asset, ApplicationConfiguration configuration)
    {
        var objective = configuration.Objectives.Rpo;
        var flush = asset.Wal.FlushEvery ?? (objective is { } rpo && rpo / FlushesPerObjective < LongestFlush ? rpo / FlushesPerObjective : LongestFlush);
        return new WalStreamSettings
        {
            Slot = asset.Wal.Slot ?? SlotOf(configuration.Application),
            Name = asset.Wal.Name,
            FlushEvery = flush,
            HeartbeatEvery = objective / 2,
        };
    }

    // A slot may have small letters, digits and underscores.
    private static string SlotOf(string application) =>
        "reprise_" + string.Concat(application.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'))[..Math.Min(application.Length, 50)];
}
