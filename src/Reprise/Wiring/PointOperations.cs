using System.Text.Json;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Recovery.Hooks;
using Reprise.Recovery.Verifying;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>backup</c>, <c>points</c>, <c>verify</c>, <c>check</c>, <c>export</c>, <c>recover</c>.</summary>
internal static class PointOperations
{
    /// <summary><c>backup</c></summary>
    public static async Task<CommandReport<BackupJson>> BackupAsync(BackupOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var configuration = context.Configuration;
        try
        {
            using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
            var report = await BackupAsync(protection, machine, options, context);
            var failed = await RunHookAsync(machine, configuration.Hooks.AfterBackup, "after-backup", configuration.Folder, report, context);
            return failed is null ? report : report with { Problems = [.. report.Problems, failed] };
        }
        catch (RepriseException e)
        {
            var report = new CommandReport<BackupJson>(null, [e.Problem]);
            var failed = await RunHookAsync(machine, configuration.Hooks.OnFailure, "on-failure", configuration.Folder, report, context);
            return failed is null ? report : report with { Problems = [.. report.Problems, failed] };
        }
    }

    /// <summary><c>points</c></summary>
    public static async Task<CommandReport<PointsJson>> PointsAsync(NoOptions options, CommandContext context)
    {
        _ = options;
        using var repository = await Protection.OpenRepositoryAsync(Machine.Of(context.Host), context, context.Cancellation);
        var catalog = await repository.ListPointsAsync(Machine.Of(context.Host).Signing, context.Cancellation);
        var (wal, gaps) = await WalMapping.ReadAsync(repository, context.Cancellation);
        var windows = await WalFlows.WindowsAsync(repository, catalog, context.Cancellation);
        return new CommandReport<PointsJson>(
            new PointsJson
            {
                Wal = wal,
                Points = [.. catalog.Points.Select(p => PointJson.From(p.Manifest, p.Signature))],

                Window = [.. Windows(catalog, windows).OrderBy(w => w.From)],
                Gaps = [.. WalFlows.Gaps(windows)],
            },
            [.. catalog.Problems, .. gaps]);
    }

    // WAL goes on from the files of a server; every other point is a window of its own.
    private static IEnumerable<WindowJson> Windows(PointCatalog catalog, IReadOnlyList<Recovery.Windows.WalWindow> windows)
    {
        var going = windows.Where(w => w.Lineage is not null).ToList();
        foreach (var window in going) yield return WalFlows.Json(window);
        foreach (var point in PointNames.Regular(catalog))
        {
            var isInside = Recovery.Windows.WalBase.Of(point.Manifest).Any(b => going.Any(w => w.Base.Asset == b.Asset && w.From <= b.Moment && w.To >= b.Moment));
            if (!isInside) yield return new WindowJson { From = point.Manifest.Created, To = point.Manifest.Created };
        }
    }

    /// <summary><c>points show POINT</c></summary>
    public static async Task<CommandReport<PointsShowJson>> ShowAsync(PointOptions options, CommandContext context)
    {
        using var repository = await Protection.OpenRepositoryAsync(Machine.Of(context.Host), context, context.Cancellation);
        var catalog = await repository.ListPointsAsync(Machine.Of(context.Host).Signing, context.Cancellation);
        var point = PointNames.Find(catalog, options.Point, Proven(context));
        return new CommandReport<PointsShowJson>(new PointsShowJson
        {
            Point = PointJson.From(point.Manifest, point.Signature),
            Recorded = [.. point.Manifest.Problems.Select(p => new RecordedProblemJson
            {
                Code = p.Code,
                Message = p.Message,
                Asset = p.Asset,
                Where = p.Where,
            })],
        });
    }

    /// <summary><c>verify</c></summary>
    public static async Task<CommandReport<VerifyJson>> VerifyAsync(VerifyOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        if (options.Export is { } folder) return await VerifyExportAsync(folder, machine, context);
        var depth = options.Read switch { "all" => ReadDepth.All, "sample" => ReadDepth.Sample, _ => ReadDepth.None };
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var catalog = await repository.ListPointsAsync(machine.Signing, context.Cancellation);
        PointId? only = options.Point is { } name ? PointNames.Find(catalog, name, Proven(context)).Id : null;
        var access = context.Access;
        var state = access.Configuration is { } configuration ? machine.State(configuration.Application, configuration.File) : null;
        var turns = new VerifyTurns(
            only is null ? state : null, access.Repository.Location.ToString() ?? "", machine.Clock.GetUtcNow());
        context.Progress.Begin("verify", null);
        var scratch = new DiskPath(machine.TemporaryFolder);
        var walks = ContentWalks.On(machine.Disk, scratch, machine.Entropy);
        var result = await new VerifyRun(repository, walks) { Part = turns.Part }.RunAsync(
            only, state?.ReadHead()?.Newest, depth, machine.Signing, context.Progress.Advance, context.Cancellation);
        var forgetful = turns.Remember(depth);

        // It proves bytes, and they may all be there: that no more come is said, and what fails for it is status.
        var stopped = only is null && access.Configuration is { } application
            ? (await WalFlows.LookAsync(machine, application, repository, catalog, context.Cancellation)).SelectMany(l => l.Problems)
            : [];
        var json = Verified(result, options.Read) with { Turn = depth == ReadDepth.Sample ? turns.ToJson() : null };
        return new CommandReport<VerifyJson>(json, [.. result.Problems, .. stopped.Select(p => p with { Severity = Severity.Warning }), .. forgetful is null ? (IEnumerable<Problem>)[] : [forgetful]]);
    }

    /// <summary><c>check</c></summary>
    public static async Task<CommandReport<ChecksJson>> CheckAsync(CheckOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        var outcomes = (await protection.CheckAsync(options.Names, context.Cancellation)).ToList();
        var catalog = await protection.CatalogAsync(context.Cancellation);
        if (options.Names.Count == 0 && PointNames.Regular(catalog).FirstOrDefault() is { } newest)
            outcomes.AddRange(protection.CompareSecrets(newest.Manifest).Select(AsCheck));
        var problems = outcomes
            .Where(o => o is { Required: true, Outcome: Outcome.Fail or Outcome.CouldNotVerify })
            .Select(o => new Problem(
                o.Reason == SecretReason ? Recovery.RecoveryErrors.SecretDiffers : Recovery.RecoveryErrors.CheckFailed,
                Severity.Error,
                o.Reason == SecretReason ? o.Actual ?? o.Name : $"{o.Name} did not pass: {o.Actual ?? "no answer"}",
                "look at what it asks in reprise.yaml, and at the application's log") { Asset = o.Asset });
        return new CommandReport<ChecksJson>(new ChecksJson { Checks = [.. outcomes.Select(CheckJson.From)] }, [.. problems]);
    }

    /// <summary>The point of the last drill that passed here, or null: also when nobody can know of which application.</summary>
    public static string? Proven(CommandContext context) => context.Access.Configuration is { } configuration
        ? Machine.Of(context.Host).State(configuration.Application, configuration.File).ReadDrills().LastPassed?.Point
        : null;

    /// <summary><c>export</c></summary>
    public static async Task<CommandReport<ExportJson>> ExportAsync(ExportOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var catalog = await repository.ListPointsAsync(machine.Signing, context.Cancellation);
        var point = PointNames.Find(catalog, options.Point, Proven(context));
        var passed = PointNames.IsRelative(options.Point) ? PointNames.PassedOver(catalog, point) : [];
        var result = await new ExportRun(repository, machine.Disk, machine.Clock, machine.Cpu).RunAsync(
            new ExportRequest
            {
                Point = point,
                Folder = new DiskPath(options.Folder),
                Materialiser = new BareAssets(machine).For,
                Secrets = SecretsFactory.ReadAsync,
                Signing = machine.Signing,
                Writer = machine.Writer,
            },
            context.Progress,
            context.Cancellation);
        return new CommandReport<ExportJson>(
            new ExportJson
            {
                Point = point.Id.Value,
                Folder = result.Folder.ToString(),
                Files = [.. result.Files.Select(f => Exported(result.Folder, f, machine))],
                Signed = machine.Signing.Current is not null,
            },
            [.. passed, .. result.Problems]);
    }

    /// <summary><c>recover</c></summary>
    public static async Task<CommandReport<RecoverJson>> RecoverAsync(RecoverOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var access = context.Access;
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var catalog = await repository.ListPointsAsync(machine.Signing, context.Cancellation);
        var result = await new RecoverRun(repository, machine.Disk, machine.Clock).RunAsync(
            new RecoverRequest
            {
                Point = options.Point is { } name ? PointNames.Find(catalog, name, Proven(context)).Id : null,
                Folder = new DiskPath(options.Folder),
                Repository = access.Repository.Location.ToString() ?? "",
                KeyFile = access.Repository.KeyFile,
                RestoreSecrets = options.RestoreSecrets,
                Materialiser = new BareAssets(machine).For,
                Secrets = SecretsFactory.ReadAsync,
                IsSet = name => machine.Variable(name) is not null,
                Places = new ConfigurationPlaces(context.Host).Of,
                Signing = machine.Signing,
            },
            context.Progress,
            context.Cancellation);
        return new CommandReport<RecoverJson>(
            new RecoverJson
            {
                Point = result.Point.Id.Value,
                Folder = result.Folder.ToString(),
                Written = result.Written,
                WrittenCount = result.WrittenCount,
                Secrets =
                [
                    .. result.RestoredSecrets.Select(s => new SecretJson { Name = s, Outcome = "pass" }),
                    .. result.MissingSecrets.Select(s => new SecretJson { Name = s, Outcome = "could-not-verify" }),
                ],
                Adapt = result.Adapt,
                Next = [.. result.Adapt, .. result.NextCommands],
            },
            result.Problems);
    }

    private const string SecretReason = "secret-differs";

    private static async Task<CommandReport<BackupJson>> BackupAsync(
        Protection protection, Machine machine, BackupOptions options, CommandContext context)
    {
        RefuseMixture(protection);
        if (options.IfOlderThan is { } age)
        {
            var catalog = await protection.CatalogAsync(context.Cancellation);
            var newest = PointNames.Regular(catalog).FirstOrDefault();
            if (newest is not null && machine.Clock.GetUtcNow() - newest.Manifest.Created < age)
            {
                return new CommandReport<BackupJson>(new BackupJson
                {
                    Point = PointJson.From(newest.Manifest, newest.Signature),
                    Taken = false,
                });
            }
        }

        var kind = options.ByPerson ? PointKind.Manual : PointKind.Scheduled;
        var result = await protection.BackupAsync(
            kind, protection.Assets, context.Progress, context.Cancellation, options.Force);
        return new CommandReport<BackupJson>(
            new BackupJson { Point = PointJson.From(result.Point.Manifest, null), Taken = true }, result.Problems);
    }

    // Between the first swap and the last, part of the data is of one time and part of another: a point of that would
    // be called complete, and be the latest.
    private static void RefuseMixture(Protection protection)
    {
        if (protection.State.Interrupted().FirstOrDefault(o => o.MayHaveSwapped) is not { } open) return;
        throw new RepriseException(
            Recovery.RecoveryErrors.OperationInterrupted,
            $"{open.Id} was swapping data and has not ended: what is live may be of two times, no point is taken of that",
            "wait for it when it is running; else 'reprise restore --continue' finishes it, 'reprise undo' takes it back");
    }

    private static async Task<Problem?> RunHookAsync(
        Machine machine,
        IReadOnlyList<string>? arguments,
        string name,
        string folder,
        CommandReport<BackupJson> report,
        CommandContext context)
    {
        if (arguments is null) return null;
        var exit = ExitDecision.Of(report.Problems);
        var started = context.Host.Clock.GetUtcNow();
        return await new HookRun(machine.Children).RunAsync(
            new HookRequest
            {
                Name = name,
                Arguments = arguments,
                Folder = folder,
                Command = "backup",
                Exit = exit,
                Result = JsonSerializer.SerializeToUtf8Bytes(
                    CommandRun.Wrap(Documents.Backup, report, context, started), Documents.Backup.Type),
            },
            context.Cancellation);
    }

    private static async Task<CommandReport<VerifyJson>> VerifyExportAsync(string folder, Machine machine, CommandContext context)
    {
        var result = await new ExportVerification(machine.Disk, machine.Cpu).RunAsync(
            new DiskPath(folder), machine.Signing, context.Progress, context.Cancellation);
        var damaged = result.Problems.Any(p => p.Severity == Severity.Error);
        return new CommandReport<VerifyJson>(
            new VerifyJson
            {
                Read = "all",
                Points = 0,
                Objects = result.FilesRead,
                ObjectsRead = result.FilesRead,
                BytesRead = result.BytesRead,
                Coverage = 1,
                Verdict = damaged ? "fail" : "pass",
                Damage = [.. result.Damage.Select(d => new DamageJson { Object = d.File, Asset = d.Asset, Path = null, Points = [] })],
            },
            result.Problems);
    }

    private static VerifyJson Verified(VerifyResult result, string read)
    {
        var damaged = result.Problems.Any(p => p.Severity == Severity.Error);
        var (objects, objectsRead) = (result.Packs.Objects + (result.Wal?.Objects ?? 0), result.Packs.ObjectsRead + (result.Wal?.ObjectsRead ?? 0));
        return new VerifyJson
        {
            Read = read,
            Points = result.Points,
            Objects = objects,
            ObjectsRead = objectsRead,
            BytesRead = result.Packs.BytesRead + (result.Wal?.BytesRead ?? 0),
            Coverage = objects == 0 ? null : Math.Round((double)objectsRead / objects, 4),
            Verdict = damaged ? "fail" : result.Depth switch
            {
                ReadDepth.All => objects == 0 ? "not-applicable" : "pass",
                ReadDepth.Sample => "could-not-verify",
                _ => "not-run",
            },
            Damage = [.. result.Damage.Select(d => new DamageJson
            {
                Object = d.Object,
                Asset = d.Asset,
                Path = d.Path,
                Points = [.. d.Points.Select(p => p.Value)],
            })],
        };
    }

    private static CheckOutcome AsCheck(SecretOutcome secret) => new()
    {
        Name = secret.Message,
        Level = CheckLevel.Application,
        Outcome = secret.State switch
        {
            SecretState.Same => Outcome.Pass,
            SecretState.New => Outcome.NotApplicable,
            SecretState.Missing => Outcome.CouldNotVerify,
            _ => Outcome.Fail,
        },
        Actual = secret.IsHarmless ? null : secret.Message,
        Reason = secret.IsHarmless ? null : SecretReason,
    };

    private static ExportedFileJson Exported(DiskPath folder, string name, Machine machine)
    {
        using var file = machine.Disk.OpenRead(folder / name);
        var (hash, buffer, at) = (System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256), new byte[256 * 1024], 0L);
        using (hash)
        {
            for (int got; (got = file.Read(at, buffer)) > 0; at += got) hash.AppendData(buffer.AsSpan(0, got));
            return new ExportedFileJson { Path = name, SizeBytes = at, Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()) };
        }
    }
}
