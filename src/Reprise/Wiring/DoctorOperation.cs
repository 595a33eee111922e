using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Setup;

namespace Reprise.Wiring;

/// <summary><c>doctor</c></summary>
internal static class DoctorOperation
{
    private const int RecentPoints = 20;

    /// <summary>Looks at everything that a backup or a restore needs here; changes nothing.</summary>
    public static async Task<CommandReport<DoctorJson>> RunAsync(NoOptions options, CommandContext context)
    {
        _ = options;
        var machine = Machine.Of(context.Host);
        var configuration = context.Configuration with { Repository = context.Access.Repository };
        Protection? protection = null;
        try
        {
            var host = new DoctorHost
            {
                Disk = machine.Disk,
                Clock = machine.Clock,
                Children = machine.Children,
                Environment = context.Host.Environment,
                LookAsync = async cancellationToken =>
                {
                    protection = await Protection.OpenAsync(machine, context, cancellationToken);
                    return await LookAsync(protection, cancellationToken);
                },
                WalAsync = async cancellationToken => protection is null
                    ? []
                    : [.. WalFlows.Sentences(await WalFlows.LookAsync(
                        machine, configuration, protection.Repository, await protection.CatalogAsync(cancellationToken), cancellationToken))],
                AssetsAsync = async cancellationToken => protection?.Assets
                    ?? await BareAsync(machine, configuration, cancellationToken),
            };
            var (result, problems) = await new Doctor(host, configuration).ExamineAsync(context.Cancellation);
            return new CommandReport<DoctorJson>(result, problems) { IsDiagnosis = true };
        }
        finally
        {
            protection?.Dispose();
        }
    }

    private static async Task<RepositoryLook> LookAsync(Protection protection, CancellationToken cancellationToken)
    {
        var catalog = await protection.CatalogAsync(cancellationToken);
        var stored = catalog.Points.TakeLast(RecentPoints)
            .Select(p => p.Manifest.Assets.Sum(a => a.StoredBytes))
            .DefaultIfEmpty(0)
            .Max();
        return new RepositoryLook(
            catalog.Points.Count, catalog.Newest?.Manifest.Created, stored, catalog.Problems);
    }

    // Secrets are compared by fingerprints under a key of the repository: without it the other kinds are looked at.
    private static async Task<IReadOnlyList<IAsset>> BareAsync(
        Machine machine, Configuration.ApplicationConfiguration configuration, CancellationToken cancellationToken)
    {
        var compose = AssetFactory.NeedsCompose(configuration)
            ? await AssetFactory.FindComposeAsync(machine.Children, cancellationToken)
            : ["docker", "compose"];
        return new AssetFactory(machine, compose).Make(configuration, null);
    }
}
