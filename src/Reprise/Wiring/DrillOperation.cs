using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.State;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>drill</c></summary>
internal static class DrillOperation
{
    private const int ApplicationLevel = 5;
    private const int BlockBytes = 1024 * 1024;

    /// <summary>Rehearses a recovery.</summary>
    public static async Task<CommandReport<DrillJson>> RunAsync(DrillOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var started = machine.Clock.GetUtcNow();
        using var courtesy = context.Host.ListensToSignals ? Courtesy.GiveWay(machine.Disk) : Courtesy.None(machine.Disk);
        using var protection = await Protection.OpenAsync(machine, context, context.Cancellation);
        var catalog = await protection.CatalogAsync(context.Cancellation);
        var entry = Choose(catalog, options, PointOperations.Proven(context));
        var passed = PointNames.IsRelative(options.Point) ? PointNames.PassedOver(catalog, entry).ToList() : [];
        using var point = protection.Repository.OpenPoint(entry);
        var targets = new DrillTargets(machine, protection);
        var application = targets.Application();
        if (options.Runbook is not null) application = new Rehearsals(machine, context, protection).With(application, options);
        var request = new DrillRequest
        {
            Point = point,
            Input = Input(protection, entry),
            Level = options.Level ?? (application.Start is null ? ApplicationLevel - 1 : ApplicationLevel),
            Started = started,
            FaultAt = options.FaultAt,
            Keep = options.Keep,
            ProveBytes = token => ProveAsync(protection, entry, context.Progress, token),
        };
        var report = await new DrillRun(application, Host(machine, context, targets, courtesy.Sentence)).RunAsync(request, context.Cancellation);
        var problems = new List<Problem>([.. passed, .. report.Problems]);
        // What a runbook did to an application says nothing more of the point: its proof is in the evidence alone.
        if (application.Rehearsal is null && Remember(protection.State, report.Record) is { } forgotten) problems.Add(forgotten);
        var (evidence, written) = await KeepAsync(options, machine, context, protection, report.Record, problems);
        var result = DrillJson.From(report.Record, evidence, report.KeptAt);
        return new CommandReport<DrillJson>(result with { Report = written }, problems);
    }

    /// <summary>What was proven of an application, and is compared by <c>status</c>.</summary>
    public static SortedDictionary<string, string> Fingerprint(Protection protection, Machine machine, PointManifest manifest)
    {
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["configuration"] = Hash(protection.Configuration.Text),
            ["images"] = Hash(string.Join('\n', (manifest.Release?.Images ?? []).Append(manifest.Release?.ComposeSha256 ?? ""))),
            ["tool"] = machine.Writer,
            ["key"] = protection.Repository.Fingerprint("proof", protection.Repository.Id),
        };
        foreach (var record in manifest.Assets)
        {
            if (record.Migration is { } head) entries["schema/" + record.Name] = head;
            if (record.Versions.GetValueOrDefault("server") is { } server)
                entries["server/" + record.Name] = server.Split('.', ' ')[0];
        }

        return entries;
    }

    // The drill is over by now, and what it found is told also when it cannot be kept. Nobody interrupts this.
    private static async Task<(string? Evidence, string? Report)> KeepAsync(
        DrillOptions options,
        Machine machine,
        CommandContext context,
        Protection protection,
        DrillRecord record,
        List<Problem> problems)
    {
        string? id = null;
        try
        {
            var log = EvidenceOperations.Log(machine, context, protection.Repository);
            var kept = await log.KeepAsync(record, CancellationToken.None);
            id = kept.Id;
            problems.AddRange(kept.Problems);
            if (options.Report is { } file)
            {
                var history = await log.ReadAsync(CancellationToken.None);
                EvidenceOperations.WriteReport(machine, file, history, kept.Entry, options.Language);
            }

            return (id, options.Report);
        }
        catch (RepriseException e)
        {
            problems.Add(e.Problem);
            return (id, null);
        }
    }

    // The newest point that was complete before the disaster; what came later did not exist then.
    private static PointEntry Choose(PointCatalog catalog, DrillOptions options, string? proven)
    {
        if (options.Point is { } named) return PointNames.Find(catalog, named, proven);
        if (options.FaultAt is not { } fault) return PointNames.Find(catalog, PointNames.Latest);
        return PointNames.Regular(catalog).FirstOrDefault(p => p.Manifest.Created <= fault) is { } found
            ? PointNames.Find(catalog, found.Id.Value)
            : throw new RepriseException(
                DrillErrors.FaultBeforePoint,
                $"no complete point is older than {Calendar.Utc(fault)}",
                "name a later moment with --fault-at, or a point with --point");
    }

    private static DrillInput Input(Protection protection, PointEntry entry) => new(
        protection.Repository.Id,
        protection.Configuration.Repository.Location.ToString() ?? "",
        entry.Id.Value,
        entry.Sha256.ToString(),
        entry.Manifest.Created,
        1);

    private static async Task<BytesProof> ProveAsync(
        Protection protection, PointEntry entry, IProgressSink progress, CancellationToken cancellationToken)
    {
        var report = await protection.VerifyAsync(entry.Id, ReadDepth.All, progress.Advance, cancellationToken);
        return new BytesProof(
            report.Packs.ObjectsRead, report.Packs.BytesRead, [.. report.Packs.Damage.Values.Where(p => p.Severity == Severity.Error)]);
    }

    private static DrillHost Host(Machine machine, CommandContext context, DrillTargets targets, string courtesy) => new()
    {
        Disk = machine.Disk,
        Children = machine.Children,
        Clock = machine.Clock,
        Postgres = targets.PostgresHost,
        Progress = context.Progress,
        TemporaryFolder = new DiskPath(machine.TemporaryFolder),
        ProgramPath = context.Host.ProgramPath,
        Executor = AssetFactory.PostgresHost(machine).UserName + (context.Host.Terminal.CanAsk ? " at a terminal" : ", unattended"),
        IsRoot = Environment.IsPrivilegedProcess,
        Tool = (context.Host.Version, HashOf(machine.Disk, context.Host.ProgramPath)),
        Environment = Surroundings(machine, courtesy),
    };

    private static SortedDictionary<string, string> Surroundings(Machine machine, string courtesy) => new(StringComparer.Ordinal)
    {
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
        ["processors"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
        ["memoryBytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes.ToString(CultureInfo.InvariantCulture),
        ["priority"] = courtesy,
        ["machine"] = Recovery.Assets.Machine.Fingerprint(machine.Disk) ?? "unknown",
    };

    private static string? HashOf(IDisk disk, string path)
    {
        if (!Path.IsPathRooted(path) || disk.Stat(new DiskPath(path)) is null) return null;
        using var file = disk.OpenRead(new DiskPath(path));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BlockBytes];
        for (long at = 0, got; (got = file.Read(at, buffer)) > 0; at += got) hash.AppendData(buffer, 0, (int)got);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    // The drill is over by now: that it cannot be remembered is no reason to call it anything else.
    private static Problem? Remember(StateFolder state, DrillRecord record)
    {
        try
        {
            state.RememberDrill(new RememberedDrill
            {
                Id = record.Id,
                Point = record.Input?.Point ?? "",
                At = record.Moments.GetValueOrDefault("T7", record.Moments["T0"]),
                Level = record.Level,
                WantedLevel = record.WantedLevel,
                Passed = record.Verdict == Outcome.Pass,
                TechnicalSeconds = record.TechnicalRecovery?.TotalSeconds,
                Fingerprint = new SortedDictionary<string, string>(record.Fingerprint.ToDictionary(), StringComparer.Ordinal),
            });
            return null;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            return e.Problem with
            {
                Severity = Severity.Warning,
                Message = $"drill {record.Id} is done, but this host cannot remember it: {e.Problem.Message}",
            };
        }
    }
}
