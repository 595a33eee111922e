using System.Text;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Evidence;
using Reprise.Reports;
using Reprise.Repository;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>evidence list|show|verify</c>, <c>drill note</c>, and the page of a drill.</summary>
internal static class EvidenceOperations
{
    private const int MaxKeyBytes = 64 * 1024;

    /// <summary>The log of the application of a configuration.</summary>
    /// <param name="machine">this machine.</param>
    /// <param name="context">the command, whose configuration says which application.</param>
    /// <param name="repository">open, or null when it cannot be opened: evidence is kept on this host then.</param>
    public static EvidenceLog Log(Machine machine, CommandContext context, PointRepository? repository)
    {
        var configuration = context.Configuration;
        var state = machine.State(configuration.Application, configuration.File).Path;
        return new EvidenceLog(new EvidenceHost
        {
            Disk = machine.Disk,
            Folder = state / "evidence",
            KeyFile = KeyFile(context.Access.Repository, configuration.Application, state),
            Repository = repository?.Evidence,
            Clock = machine.Clock,
            Application = configuration.Application,
            Author = machine.Variable("SUDO_USER") ?? machine.Variable("USER") ?? machine.Variable("LOGNAME") ?? Environment.UserName,
        });
    }

    /// <summary>
    /// Where the key lies that signs evidence: beside the key of the repository, never inside the repository itself;
    /// else in the state folder.
    /// </summary>
    public static DiskPath KeyFile(RepositoryConfiguration repository, string application, DiskPath state)
    {
        var name = application + ".evidence.key";
        if (repository.KeyFile is not { } key) return state / name;
        var folder = new DiskPath(key).Parent;
        return repository.Location is RepositoryLocation.Folder at && (folder.IsWithin(new DiskPath(at.Path)) || folder == new DiskPath(at.Path))
            ? state / name
            : folder / name;
    }

    /// <summary><c>evidence list</c></summary>
    public static async Task<CommandReport<EvidenceListJson>> ListAsync(EvidenceOptions options, CommandContext context)
    {
        var history = await HistoryAsync(options, context);
        return new CommandReport<EvidenceListJson>(
            new EvidenceListJson { Evidence = [.. history.Verdict.Entries.Select(EvidenceJson.From)] }, history.Verdict.Problems);
    }

    /// <summary><c>evidence show EVIDENCE</c></summary>
    public static async Task<CommandReport<EvidenceShowJson>> ShowAsync(EvidenceShowOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var history = await HistoryAsync(options.Where, context);
        var entry = history.Find(options.Name);
        if (options.Report is { } file)
        {
            if (entry is not { Defect: null, Statement.Drill: not null })
            {
                throw new RepriseException(
                    EvidenceErrors.Unknown,
                    entry.Defect is null ? $"{options.Name} is a note; a report is of a drill" : $"{options.Name} is defective: {entry.Defect}",
                    entry.Defect is null ? $"reprise evidence show {entry.Statement?.DrillId} --report FILE" : "reprise evidence verify");
            }

            WriteReport(machine, file, history, entry, options.Language);
        }

        return new CommandReport<EvidenceShowJson>(
            new EvidenceShowJson { Evidence = EvidenceJson.From(entry), Report = options.Report }, history.Verdict.Problems);
    }

    /// <summary><c>evidence verify</c></summary>
    public static async Task<CommandReport<EvidenceVerifyJson>> VerifyAsync(EvidenceOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var verdicts = new List<EvidenceVerdict>();
        if (options.From is not null || options.Key is not null)
        {
            verdicts.Add(EvidenceChain.Verify(await SetAsync(machine, options, context), Trust(machine, options)));
        }
        else
        {
            using var repository = options.Offline ? null : await OpenAsync(machine, context);
            var log = Log(machine, context, repository);
            if (options.AcceptKey is { } key) await log.AcceptKeyAsync(key, context.Cancellation);
            verdicts.Add(log.VerifyClient());
            if (repository is not null) verdicts.Add(await log.VerifyRepositoryAsync(context.Cancellation));
        }

        var problems = verdicts.SelectMany(v => v.Problems).ToList();
        if (verdicts.All(v => v.Entries.Count == 0) && problems.Count == 0)
        {
            problems.Add(new Problem(
                EvidenceErrors.None, Severity.Error, "there is no evidence to verify", "reprise drill makes the first"));
        }

        return new CommandReport<EvidenceVerifyJson>(
            new EvidenceVerifyJson { Places = [.. verdicts.Select(EvidencePlaceJson.From)] }, problems);
    }

    /// <summary><c>drill note DRILL</c></summary>
    public static async Task<CommandReport<DrillNoteJson>> NoteAsync(DrillNoteOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await OpenAsync(machine, context);
        var log = Log(machine, context, repository);
        var kept = await log.NoteAsync(
            new NoteRequest
            {
                Drill = options.Drill,
                Gap = options.Gap,
                Action = options.Action,
                Owner = options.Owner,
                Due = options.Due,
                Close = options.Close,
                Result = options.Result,
            },
            context.Cancellation);
        var note = kept.Entry.Statement?.Note ?? throw new InvariantException("a note without a note");
        return new CommandReport<DrillNoteJson>(
            new DrillNoteJson
            {
                Note = note.Id,
                Drill = note.Drill,
                Closed = note.Closes,
                Evidence = EvidenceJson.From(kept.Entry),
                Open = (await log.OpenActionsAsync(context.Cancellation)).Count,
            },
            kept.Problems);
    }

    /// <summary>Writes the page of a drill; what is there under this name is replaced.</summary>
    public static void WriteReport(Machine machine, string file, EvidenceHistory history, EvidenceEntry entry, Language language)
    {
        var drill = entry.Statement?.Drill ?? throw new InvariantException("a report of something else than a drill");
        var html = DrillReport.Html(
            new DrillReportFacts
            {
                Drill = drill,
                Previous = history.Before(drill),
                Actions = history.OpenActions(machine.Clock.GetUtcNow()),
                Evidence = entry,
                Zone = machine.Clock.LocalTimeZone,
            },
            language);
        var target = new DiskPath(file);
        var next = target.WithSuffix(".next");
        machine.Disk.DeleteFile(next);
        using (var open = machine.Disk.CreateNew(next))
        {
            open.Write(0, Encoding.UTF8.GetBytes(html));
            open.Sync();
        }

        machine.Disk.Rename(next, target);
        machine.Disk.SyncFolder(target.Parent);
    }

    private static async Task<EvidenceHistory> HistoryAsync(EvidenceOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        if (options.From is not null)
            return new EvidenceHistory(EvidenceChain.Verify(await SetAsync(machine, options, context), new EvidenceTrust()));
        using var repository = options.Offline ? null : await OpenAsync(machine, context);
        return await Log(machine, context, repository).ReadAsync(context.Cancellation);
    }

    private static Task<PointRepository> OpenAsync(Machine machine, CommandContext context)
    {
        _ = context.Configuration;
        return Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
    }

    // A folder that somebody brought, or, with a key to compare, what this host and the repository have.
    private static async Task<EvidenceSet> SetAsync(Machine machine, EvidenceOptions options, CommandContext context)
    {
        if (options.From is { } folder)
        {
            var path = new DiskPath(folder);
            return machine.Disk.Stat(path) is null
                ? throw new RepriseException(StorageErrors.FileMissing, $"{folder} does not exist", "name the folder that holds 00000001.json")
                : new EvidenceFolder(machine.Disk, path).Read();
        }

        using var repository = options.Offline ? null : await OpenAsync(machine, context);
        return await Log(machine, context, repository).GatherAsync(context.Cancellation);
    }

    private static EvidenceTrust Trust(Machine machine, EvidenceOptions options)
    {
        if (options.Key is not { } file) return new EvidenceTrust();
        using var open = machine.Disk.OpenRead(new DiskPath(file));
        var bytes = new byte[Math.Min(open.Stat().SizeBytes, MaxKeyBytes)];
        var key = EvidencePublicKey.Parse(bytes.AsSpan(0, open.Read(0, bytes))) ?? throw new RepriseException(
            EvidenceErrors.KeyInvalid, $"{file} is no public P-256 key in PEM", "name a file as it lies in evidence/keys");
        return new EvidenceTrust { Keys = [key.Id], AtHand = [key] };
    }
}
