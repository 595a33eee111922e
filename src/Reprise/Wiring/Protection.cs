using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Release;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Recovery.Verifying;
using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>One application with its configuration read and its repository open: what every command works on.</summary>
internal sealed class Protection : IDisposable
{
    private readonly Machine machine;
    private readonly AssetFactory factory;

    private Protection(
        Machine machine, ApplicationConfiguration configuration, PointRepository repository, AssetFactory factory)
    {
        this.machine = machine;
        this.factory = factory;
        Configuration = configuration;
        Repository = repository;
        State = machine.State(configuration.Application, configuration.File);
        Assets = factory.Make(configuration, repository);
    }

    /// <summary>The configuration in force.</summary>
    public ApplicationConfiguration Configuration { get; }

    /// <summary>The open repository.</summary>
    public PointRepository Repository { get; }

    /// <summary>Every asset, in the order of the configuration.</summary>
    public IReadOnlyList<IAsset> Assets { get; }

    /// <summary>What this host remembers of the application.</summary>
    public StateFolder State { get; }

    /// <summary>The repository alone, for commands that need no configuration.</summary>
    public static Task<PointRepository> OpenRepositoryAsync(
        Machine machine, CommandContext context, CancellationToken cancellationToken) =>
        OpenRepositoryAsync(machine, context, machine.Store(context.Access.Repository.Location), cancellationToken);

    /// <summary>The repository as <paramref name="store"/> shows it.</summary>
    public static async Task<PointRepository> OpenRepositoryAsync(
        Machine machine, CommandContext context, IStore store, CancellationToken cancellationToken)
    {
        var repository = context.Access.Repository;
        var host = machine.RepositoryOn(store);
        if (repository.KeyFile is { } key) return await PointRepository.OpenAsync(host, machine.ReadKey(key), cancellationToken);
        var passphrase = repository.Passphrase?.Reveal() ?? context.TypedPassphrase ?? await AskPassphraseAsync(context, cancellationToken);
        return await PointRepository.OpenAsync(host, passphrase, cancellationToken);
    }

    /// <summary>The application of the configuration, with its repository open.</summary>
    public static async Task<Protection> OpenAsync(
        Machine machine, CommandContext context, CancellationToken cancellationToken)
    {
        var configuration = context.Configuration with { Repository = context.Access.Repository };
        var compose = AssetFactory.NeedsCompose(configuration)
            ? await AssetFactory.FindComposeAsync(machine.Children, cancellationToken)
            : ["docker", "compose"];
        var repository = await OpenRepositoryAsync(machine, context, cancellationToken);
        return new Protection(machine, configuration, repository, new AssetFactory(machine, compose));
    }

    private static async Task<string> AskPassphraseAsync(CommandContext context, CancellationToken cancellationToken)
    {
        if (context.Host.Environment.GetValueOrDefault("REPRISE_PASSPHRASE") is { Length: > 0 } set) return set;
        var typed = context.CanAsk
            ? await context.Host.Terminal.AskSecretAsync("Passphrase of the repository: ", cancellationToken)
            : null;
        return typed is { Length: > 0 } ? context.TypedPassphrase = typed : throw new RepriseException(
            RepositoryErrors.KeyMissing,
            "neither a key file nor a passphrase is there to open the repository with",
            "use --key-file FILE, set REPRISE_PASSPHRASE, or type the passphrase in a terminal");
    }

    /// <summary>Reads all points.</summary>
    public async Task<PointCatalog> CatalogAsync(CancellationToken cancellationToken) =>
        await Repository.ListPointsAsync(machine.Signing, cancellationToken);

    /// <summary>Takes a point of <paramref name="assets"/>; <paramref name="readsAll"/>: also of files that did not change.</summary>
    public async Task<BackupResult> BackupAsync(
        PointKind kind,
        IReadOnlyList<IAsset> assets,
        IProgressSink progress,
        CancellationToken cancellationToken,
        bool readsAll = false)
    {
        var release = await new ReleaseFactsReader(machine.Disk, machine.Children, machine.Clock, ReleasePrograms.OnPath)
            .ReadAsync(Configuration.Folder, cancellationToken);
        var request = new BackupRequest
        {
            Application = Configuration.Application,
            Kind = kind,
            Assets = assets,
            Configuration = Configuration.Text,
            Release = release,
            Signing = machine.Signing,
            Scratch = new DiskPath(machine.TemporaryFolder),
            Writer = machine.Writer,
            ReadsAll = readsAll,
        };
        var result = await new BackupRun(Repository, machine.Disk, machine.Clock).RunAsync(request, progress, cancellationToken);
        var further = new[]
        {
            Remember(result.Point),
            kind == PointKind.Safety ? null : await Kit.WriteAsync(machine, Configuration, cancellationToken),
        };
        return result with { Problems = [.. result.Problems, .. further.OfType<Problem>()] };
    }

    /// <summary>Proves the bytes of one point, or of all.</summary>
    public Task<VerifyResult> VerifyAsync(
        PointId? only, ReadDepth depth, Action<long> progress, CancellationToken cancellationToken) =>
        new VerifyRun(Repository, ContentWalks.On(machine.Disk, new DiskPath(machine.TemporaryFolder), machine.Entropy)).RunAsync(
            only, State.ReadHead()?.Newest, depth, machine.Signing, progress, cancellationToken);

    /// <summary>Asks the configured checks of the running application, read-only.</summary>
    public async Task<IReadOnlyList<CheckOutcome>> CheckAsync(
        IReadOnlyList<string> only, CancellationToken cancellationToken)
    {
        var checks = CheckMapping.Map(Configuration, null);
        var unknown = only.FirstOrDefault(name => checks.All(c => c.Name != name));
        if (unknown is not null)
        {
            throw new RepriseException(
                CliErrors.OptionValue,
                $"no check is called '{unknown}'",
                $"choose among {string.Join(", ", checks.Select(c => c.Name))}");
        }

        // The running application has moved on since the point: what compares with a point has nothing to ask here.
        using var runner = CheckRunner();
        var outcomes = new List<CheckOutcome>();
        foreach (var check in checks.Where(c => only.Count == 0 || only.Contains(c.Name, StringComparer.Ordinal)))
            outcomes.Add(await runner.AskAsync(check, CheckSubject.None, Patience.Once, cancellationToken));
        return outcomes;
    }

    /// <summary>The secrets now, against those of a point.</summary>
    public IReadOnlyList<SecretOutcome> CompareSecrets(PointManifest manifest) => SecretsFactory.Compare(Assets, manifest);

    /// <summary>A program of the configuration, from its folder.</summary>
    public Recovery.Processes.ChildCommand Command(IReadOnlyList<string> arguments) =>
        factory.Command(arguments, Configuration.Folder);

    /// <summary>The restore engine for this application.</summary>
    public RestoreRun Restore(IRestoreDialogue dialogue, IProgressSink progress, PointCatalog? catalog, Uri? healthUrl)
    {
        var application = new RestoreApplication
        {
            Name = Configuration.Application,
            Assets = Assets,
            Control = Control(),
            Checks = CheckMapping.Map(Configuration, healthUrl),
            KeepFormer = Configuration.Retention.Former,
            CompareSecrets = (manifest, _) => Task.FromResult(CompareSecrets(manifest)),
            CaptureSafety = (assets, cancellationToken) => CaptureSafetyAsync(assets, progress, cancellationToken),
            KnownIdentities = catalog is null ? new() : KnownIdentities(catalog),
        };
        var host = new RestoreHost(
            machine.Disk, State, machine.Clock, machine.Clock.LocalTimeZone, CheckRunner(), dialogue, progress)
        {
            Scratch = new DiskPath(machine.TemporaryFolder),
        };
        return new RestoreRun(application, host);
    }

    /// <inheritdoc />
    public void Dispose() => Repository.Dispose();

    // Identities that recent points were taken from: a target that one of them knows is the same application's.
    private static SortedDictionary<string, IReadOnlyList<IReadOnlyDictionary<string, string>>> KnownIdentities(PointCatalog catalog)
    {
        const int recent = 20;
        var known = catalog.Points.TakeLast(recent)
            .SelectMany(p => p.Manifest.Assets)
            .Where(a => a.Identity.Count > 0)
            .GroupBy(a => a.Name, a => a.Identity, StringComparer.Ordinal);
        return new(known.ToDictionary(
            g => g.Key, IReadOnlyList<IReadOnlyDictionary<string, string>> (g) => [.. g], StringComparer.Ordinal), StringComparer.Ordinal);
    }

    private ApplicationControl? Control() => Configuration.Control is { } control
        ? ApplicationControl.Of(
            machine.Children,
            factory.Command(control.Stop, Configuration.Folder),
            factory.Command(control.Start, Configuration.Folder))
        : null;

    private CheckRunner CheckRunner() => ChecksFactory.Make(machine, Configuration, Assets);

    private async Task<SafetyResult> CaptureSafetyAsync(
        IReadOnlyList<IAsset> assets, IProgressSink progress, CancellationToken cancellationToken)
    {
        var captured = new List<IAsset>();
        var failed = new SortedDictionary<string, Problem>(StringComparer.Ordinal);
        foreach (var asset in assets)
        {
            // Each asset is looked at first, so that one that cannot be captured does not cost the others their safety.
            if ((await asset.InspectAsync(cancellationToken)).Unreadable is { } problem) failed[asset.Name] = problem;
            else captured.Add(asset);
        }

        if (captured.Count == 0) return new SafetyResult(null, [], failed);
        var (result, damage) = await CaptureProvenAsync(captured, progress, cancellationToken);
        if (damage is not null)
        {
            // It shares a pack with points that were damaged before, which nobody had noticed. Now that is known, the same
            // bytes are stored again; whoever has to restore is the last one who should have to ask for that.
            await Repository.GiveUpAsync(result.Point.Manifest.Id, cancellationToken);
            (result, damage) = await CaptureProvenAsync(captured, progress, cancellationToken);
        }

        if (damage is not null) throw new RepriseException(damage);
        foreach (var record in result.Point.Manifest.Assets.Where(r => r.State == AssetStates.Incomplete))
            failed[record.Name] = result.Problems.First(p => p.Asset == record.Name);
        var complete = result.Point.Manifest.Assets.Where(r => !failed.ContainsKey(r.Name));
        return new SafetyResult(result.Point.Manifest.Id, [.. complete], failed);
    }

    private async Task<(BackupResult Result, Problem? Damage)> CaptureProvenAsync(
        IReadOnlyList<IAsset> assets, IProgressSink progress, CancellationToken cancellationToken)
    {
        var result = await BackupAsync(PointKind.Safety, assets, progress, cancellationToken);
        var verified = await VerifyAsync(result.Point.Manifest.Id, ReadDepth.All, progress.Advance, cancellationToken);
        return (result, verified.Packs.Damage.Values.FirstOrDefault());
    }

    // The point is committed by now: an error would promise that it is not.
    private Problem? Remember(CommittedPoint newest)
    {
        try
        {
            State.RememberHead(new PointReference(newest.Manifest.Id, newest.Sha256), machine.Clock.GetUtcNow());
            return null;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            return e.Problem with
            {
                Severity = Severity.Warning,
                Message = $"point {newest.Manifest.Id} is complete, but this host cannot remember it: {e.Problem.Message}",
            };
        }
    }
}
