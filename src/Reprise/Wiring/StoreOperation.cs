using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Repository;
using Reprise.Storage.Conformance;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>store check</c></summary>
internal static class StoreOperation
{
    // What a server that ignores conditions cannot keep. A creation after the other must be refused all the same: we look.
    private const string Race = "create-new-one-winner";
    private static readonly string[] AboutCreation = [Race, "create-new-refuses"];

    /// <summary>Asks a store for everything that a repository stands on.</summary>
    public static async Task<CommandReport<StoreCheckJson>> CheckAsync(StoreCheckOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var location = ConfigurationParser.Location(options.Location, context.Host.WorkingFolder) ?? throw new RepriseException(
            CliErrors.OptionValue, "the location is of no kind that is known", "name a folder, or an address that begins with s3://");
        var store = machine.Store(location);
        // Looked for first, so that a store that is not there is not reported as one that fails every check.
        await store.StatAsync(new Storage.ObjectName("repository"), context.Cancellation);
        context.Progress.Begin("store check", null);
        var results = await new StoreConformance(store, machine.Entropy).RunAsync(context.Cancellation);
        bool Waived(ConformanceResult result) => !store.Capabilities.AtomicCreate && result.Name == Race;
        return new CommandReport<StoreCheckJson>(
            new StoreCheckJson
            {
                Location = location.ToString() ?? "",
                Kind = store.Capabilities.Kind,
                AtomicCreate = store.Capabilities.AtomicCreate
                    && results.All(r => r.Passed || !AboutCreation.Contains(r.Name)),
                Checks =
                [
                    .. results.Select(r => new StoreSentenceJson
                    {
                        Name = r.Name,
                        Outcome = r.Passed ? "pass" : Waived(r) ? "waived" : "fail",
                        Detail = r.Passed ? null : r.Detail,
                    }),
                ],
            },
            [.. results.Where(r => !r.Passed).Select(r => Waived(r) ? Known(r) : Found(r))]);
    }

    /// <summary>Brings back what was deleted or replaced, from the versions that the store still has.</summary>
    public static async Task<CommandReport<StoreRecoverJson>> RecoverAsync(StoreRecoverOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var location = context.Access.Repository.Location;
        var store = machine.Store(location);
        if (!store.Capabilities.KeepsVersions)
        {
            throw new RepriseException(
                StorageErrors.StoreUnversioned, $"{location} keeps no former versions", "bring it back from a copy, or from a snapshot of its disk");
        }

        context.Progress.Begin("store recover", null);
        var report = await VersionRecovery.RunAsync(
            store, (view, token) => Protection.OpenRepositoryAsync(machine, context, view, token), machine.Signing, options.Plan, context.Cancellation);
        return new CommandReport<StoreRecoverJson>(
            new StoreRecoverJson
            {
                Plan = options.Plan,
                Needed = report.Needed,
                Uncovered = report.Uncovered,
                PutBack = report.PutBack,
                Lost = [.. report.Lost.Select(n => n.Value)],
            },
            [.. report.Problems, .. report.Lost.Select(Gone)]);
    }

    private static Problem Gone(Storage.ObjectName name) => new(
        StorageErrors.ObjectMissing,
        Severity.Error,
        $"no genuine version of {name} is left",
        "run 'reprise verify' to learn which points need it") { Where = name.Value };

    /// <summary>The refusal of what needs a store that creates atomically.</summary>
    public static RepriseException NotAtomic(string consequence, string hint) => new(
        StorageErrors.StoreNotAtomic, $"the store lets two clients create the same object; {consequence}", hint);

    private static Problem Found(ConformanceResult result) => new(
        StorageErrors.StoreUnfit,
        Severity.Error,
        $"{result.Name}: {result.Detail}",
        AboutCreation.Contains(result.Name)
            ? "use a server that knows If-None-Match; or add conditional-writes=no to the location, and prune with --exclusive"
            : "do not keep a repository there; show this to whoever runs the store") { Where = result.Name };

    private static Problem Known(ConformanceResult result) => new(
        StorageErrors.StoreNotAtomic,
        Severity.Warning,
        $"{result.Name}: {result.Detail}, as conditional-writes=no says",
        "prune with --exclusive, while nothing else writes") { Where = result.Name };
}
