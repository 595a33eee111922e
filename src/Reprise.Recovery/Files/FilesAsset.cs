using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>
/// A set of files of one folder: folders, regular files with their holes and hard links, symbolic links and pipes, with
/// modes, numeric owners, times to the nanosecond and the extended attributes that applications set (<c>user.*</c>,
/// capabilities, POSIX ACLs). Sockets and devices are named and left out.
/// <para>Identity: <c>machine</c> (a hash of /etc/machine-id), <c>device</c> (of the root), <c>root</c>. Facts:
/// <c>include</c>, <c>exclude</c>, <c>excludedByRule</c> (a line each), <c>bytes</c> (room that a restore needs), <c>unread</c> (files
/// whose bytes were taken from the last point, because nothing changed),
/// <c>users</c>, <c>groups</c> (number=name). Rows: <c>files</c> (every name), <c>folders</c>, <c>links</c>,
/// <c>pipes</c>. Stream: <c>files</c>, see <see cref="FileListCodec"/>.</para>
/// </summary>
public sealed class FilesAsset : IRestorable, ITreeSource
{
    internal const string StreamName = "files";
    internal const string BytesFact = "bytes";
    internal const string UnreadFact = "unread";
    internal const string UsersFact = "users";
    internal const string GroupsFact = "groups";

    private const string MachineIdFile = "/etc/machine-id";
    private const int MaxMachineIdBytes = 64;

    private readonly FilesSettings settings;
    private readonly IDisk disk;
    private readonly Cpu cpu;
    private readonly TimeProvider clock;
    private readonly DiskPath root;

    /// <summary>Checks the settings: <c>pattern-invalid</c> names a pattern that cannot be read.</summary>
    public FilesAsset(string name, FilesSettings settings, IDisk disk, Cpu cpu, TimeProvider clock)
    {
        Name = name;
        this.settings = settings;
        this.disk = disk;
        this.cpu = cpu;
        this.clock = clock;
        root = new DiskPath(settings.Root);
        Invariant.Check(root.IsAbsolute, $"the root of asset {name} must be absolute, not '{settings.Root}'");
        _ = new PathPatterns(settings.Include, folderItself: true);
        _ = new PathPatterns(settings.Exclude, folderItself: false);
        if (settings.Include.Count == 0) throw PathPatterns.Invalid($"asset {name} includes nothing");
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string Kind => "files";

    /// <inheritdoc />
    public async Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        await cpu.RunAsync(Diagnose, cancellationToken);

    /// <inheritdoc />
    public async Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        var moment = context.Clock.GetUtcNow();
        var storedBefore = context.Writer.StoredBytes;
        context.Progress.Begin($"reading {Name}", null);
        var scope = await cpu.RunAsync(() => RestoreScope.Of(disk, settings), cancellationToken);
        CaptureSummary summary;
        using (var unchanged = await UnchangedFiles.OpenAsync(
            disk, context, (point, record, spool) => SpoolAsync(record, point, spool, cancellationToken), Name))
        using (var scan = new CaptureScan(disk, scope.Walker(), scope.Rules, new SettledTimes(disk, clock), unchanged))
        using (var capture = new FilesCapture(cpu, context, Name))
            summary = await capture.RunAsync(scan, cancellationToken);
        if (summary.Rows.Values.Sum() == 0) throw Empty(summary.IsIncomplete);

        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [UnreadFact] = summary.Unread.ToString(CultureInfo.InvariantCulture),
            [BytesFact] = summary.DataBytes.ToString(CultureInfo.InvariantCulture),
            [UsersFact] = OwnerNames.Describe(disk, "/etc/passwd", summary.Users),
            [GroupsFact] = OwnerNames.Describe(disk, "/etc/group", summary.Groups),
        };
        RestoreScope.WriteFacts(settings, facts);
        return new AssetRecord
        {
            Name = Name,
            Kind = Kind,
            Method = "files",
            Moment = moment,
            State = summary.IsIncomplete ? "incomplete" : "complete",
            SourceBytes = summary.SourceBytes,
            StoredBytes = context.Writer.StoredBytes - storedBefore,
            Sha256 = summary.Sha256,
            Rows = summary.Rows,
            Identity = Identity(),
            Facts = facts,
            Streams = new SortedDictionary<string, Content>(StringComparer.Ordinal) { [StreamName] = summary.List },
        };
    }

    /// <inheritdoc />
    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) =>
        cpu.RunAsync(() => Inspect(cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken) =>
        cpu.RunAsync(() => new FilesPreflight(disk, ScopeOf(item.Record), Name).Ask(item), cancellationToken);

    /// <inheritdoc />
    public async Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var scope = await cpu.RunAsync(() => ScopeOf(item.Record), cancellationToken);
        var slots = new FilesSlots(disk, root);
        var slot = slots[Slot.New(item.RestoreId)];
        progress.Begin($"staging {Name}", BytesOf(item.Record));
        await cpu.RunAsync(
            () =>
            {
                slots.Discard(slot.Slot);
                if (disk.Stat(root / ".") is null) disk.MakeFolderDurably(root, 0x1ED);
                slots.KeepingTime(root, () => disk.MakeFolder(slot.Tree));
            },
            cancellationToken);
        await SpoolAsync(item.Record, point, slot.List, cancellationToken);

        var tally = new MetadataTally();
        using (var folders = new FileListWriter(disk, slot.Folders))
        {
            var writing = new TreeWriting
            {
                Tree = slot.Tree,
                WithFolders = false,
                LeftOut = scope.LeavesOut,
                Damaged = path => item.Survey.Lacks(Name, path),
                Written = entry => { if (entry.Type == FileEntryType.Folder) folders.Add(entry); },
            };
            using var list = new FileListReader(disk, slot.List, expected: ListOf(item.Record).Sha256);
            await new TreeWriter(disk, cpu, writing, tally).WriteAsync(list, point, progress, cancellationToken);
            await cpu.RunAsync(folders.Complete, cancellationToken);
        }

        await cpu.RunAsync(
            () =>
            {
                using (var staged = disk.CreateNew(slot.Staged)) staged.Sync();
                disk.SyncFolder(slot.Folder);
                disk.SyncFolder(root);
            },
            cancellationToken);
        foreach (var line in tally.Lines()) progress.Note($"{Name}: {line}");
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken)
    {
        progress.Begin($"verifying {Name}", BytesOf(item.Record));
        var slot = new FilesSlot(root, Slot.New(item.RestoreId));
        var scope = await cpu.RunAsync(() => ScopeOf(item.Record), cancellationToken);
        await cpu.RunAsync(() => DemandList(item.Record, slot), cancellationToken);
        var outcomes = await new StagedTree(
                disk, cpu, slot, item.Record, path => scope.LeavesOut(path) || item.Survey.Lacks(Name, path))
            .VerifyAsync(Name, clock, progress, cancellationToken);
        return [.. outcomes.Select(outcome => outcome with { Asset = Name })];
    }

    /// <inheritdoc />
    /// <remarks>Cancelling is heard before the first name moves; after that the swap goes to its end.</remarks>
    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken) =>
        cpu.RunAsync(
            () => new TreeSwap(disk, ScopeOf(item.Record), new MetadataTally()).Run(swap), cancellationToken);

    /// <inheritdoc />
    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        cpu.RunAsync(() => new FilesSlots(disk, root).Inspect(slot), cancellationToken);

    /// <inheritdoc />
    /// <remarks>A slot whose swap is not finished is refused: it holds what has to come back.</remarks>
    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) => cpu.RunAsync(
        () =>
        {
            var slots = new FilesSlots(disk, root);
            var swap = new TreeSwap(disk, ScopeOf(item.Record), new MetadataTally());
            if (swap.Unfinished(slots[slot]) is not null)
            {
                throw new RepriseException(
                    RecoveryErrors.OperationInterrupted,
                    $"{slots[slot].Folder} is part of a swap that is not finished",
                    "finish it with 'reprise restore --continue' or take it back with 'reprise undo'");
            }

            slots.Discard(slot);
        },
        cancellationToken);

    /// <inheritdoc />
    /// <remarks>Returns every file, link and pipe. Names that are not text are given as people read them.</remarks>
    public async Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        progress.Begin($"writing {Name}", BytesOf(record));
        var target = new DiskPath(folder);
        var spool = target / ".reprise-list";
        var paths = new WrittenPaths();
        var tally = new MetadataTally();
        await SpoolAsync(record, point, spool, cancellationToken);
        try
        {
            var writing = new TreeWriting
            {
                Tree = target,
                WithFolders = true,
                LeftOut = _ => false,
                Damaged = path => survey.Lacks(record.Name, path),
                Written = entry => { if (entry.Type != FileEntryType.Folder) paths.Add(entry.Path.ToString()); },
            };
            using var list = new FileListReader(disk, spool, expected: ListOf(record).Sha256);
            await new TreeWriter(disk, cpu, writing, tally).WriteAsync(list, point, progress, cancellationToken);
        }
        finally
        {
            disk.DeleteFile(spool);
        }

        foreach (var line in tally.Lines()) progress.Note($"{Name}: {line}");
        return paths;
    }

    /// <inheritdoc />
    /// <remarks>Without its list nothing of the asset can be brought back; with it, every file that is whole.</remarks>
    public async IAsyncEnumerable<DamagedPart> SurveyAsync(
        AssetRecord record,
        PointReader point,
        string scratchFolder,
        IProgressSink progress,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var spool = new DiskPath(scratchFolder) / $"survey-{record.Name}";
        Problem? loss = null;
        try
        {
            await SpoolAsync(record, point, spool, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            loss = e.Problem;
        }

        if (loss is not null)
        {
            yield return new DamagedPart(record.Name, null, loss);
            yield break;
        }

        var damaged = new Dictionary<DiskPath, Problem>();
        using (var list = new FileListReader(disk, spool, expected: ListOf(record).Sha256))
        {
            while (list.Next() is { } entry)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var why = entry switch
                {
                    { Content: { } content } => await Survey.TryReadAsync(point, content, progress, cancellationToken),
                    { Type: FileEntryType.HardLink } => damaged.GetValueOrDefault(entry.Target),
                    _ => null,
                };
                if (why is null) continue;
                damaged[entry.Path] = why;
                yield return new DamagedPart(record.Name, entry.Path, why);
            }
        }

        disk.DeleteFile(spool);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<TreeEntry> WalkAsync(
        AssetRecord record,
        PointReader point,
        string scratchFolder,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var spool = new DiskPath(scratchFolder) / ".reprise-list";
        await SpoolAsync(record, point, spool, cancellationToken);
        using (var list = new FileListReader(disk, spool, expected: ListOf(record).Sha256))
        {
            while (list.Next() is { } entry)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry.ToTree() is { } known) yield return known;
            }
        }

        disk.DeleteFile(spool);
    }

    private List<Problem> Diagnose()
    {
        var problems = new List<Problem>();
        if (disk.Stat(root / ".") is not { Type: FileType.Folder })
        {
            problems.Add(Found(StorageErrors.FileMissing, Severity.Error, $"the folder {root} does not exist", root));
            return problems;
        }

        var patterns = new PathPatterns(settings.Include, folderItself: true);
        foreach (var (pattern, start) in patterns.PlainStarts(settings.Include))
        {
            if (!start.IsEmpty && disk.Stat(root / start) is null)
                problems.Add(Found(
                    RecoveryErrors.AssetEmpty,
                    Severity.Warning,
                    $"'{pattern}' matches nothing: no {root / start}",
                    root / start));
        }

        var inside = settings.ExcludedByRule.Where(rule => new DiskPath(rule.TrimEnd('*')).IsWithin(root)).ToList();
        if (inside.Count > 0)
        {
            problems.Add(Found(
                RecoveryErrors.FileSkipped,
                Severity.Note,
                $"left out because another asset or Reprise owns them: {string.Join(", ", inside)}",
                root));
        }

        problems.AddRange(new FilesSlots(disk, root).All()
            .Where(slot => SwapPlan.Read(disk, slot) is { Phase: not SwapPhase.Done })
            .Select(slot => Found(
                RecoveryErrors.OperationInterrupted,
                Severity.Error,
                $"a swap into {slot.Folder} is not finished",
                slot.Folder)));
        return problems;
    }

    private Problem Found(ErrorCode code, Severity severity, string message, DiskPath where)
    {
        var hint = code == RecoveryErrors.OperationInterrupted ? "run 'reprise restore --continue' or 'reprise undo'"
            : severity == Severity.Note ? "nothing has to be done"
            : "correct the include patterns of the asset, or mount what belongs there";
        return new Problem(code, severity, message, hint) { Asset = Name, Where = where.ToString() };
    }

    private TargetState Inspect(CancellationToken cancellationToken)
    {
        var rows = new SortedDictionary<string, long>(StringComparer.Ordinal)
        {
            ["files"] = 0, ["folders"] = 0, ["links"] = 0,
        };
        var bytes = 0L;
        Problem? unreadable = null;
        foreach (var walked in RestoreScope.Of(disk, settings).Walker().Walk())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (walked.Path.IsEmpty) continue;
            unreadable ??= walked.Fault?.Problem;
            var status = walked.Status ?? disk.Stat(walked.FullPath);
            if (status is null) continue;
            if (status.Type == FileType.Regular) bytes += status.SizeBytes;
            var row = status.Type switch
            {
                FileType.Regular => "files",
                FileType.Folder => "folders",
                FileType.SymbolicLink => "links",
                FileType.Fifo => "pipes",
                _ => null,
            };
            if (row is not null && walked.Fault is null) rows[row] = rows.GetValueOrDefault(row) + 1;
        }

        var any = rows.Values.Sum() > 0;
        return new TargetState
        {
            Presence = unreadable is not null ? Presence.Unreadable : any ? Presence.Readable : Presence.Absent,
            HasData = rows["files"] > 0 || rows["links"] > 0,
            Identity = Identity(),
            Rows = rows,
            SizeBytes = bytes,
            Where = root.ToString(),
            Unreadable = unreadable,
        };
    }

    private SortedDictionary<string, string> Identity()
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["root"] = root.ToString() };
        if (disk.Stat(root / ".") is { } status)
            identity["device"] = status.Device.ToString(CultureInfo.InvariantCulture);
        var id = SystemFile.Read(disk, new DiskPath(MachineIdFile), MaxMachineIdBytes);

        // The number itself is confidential to its machine (machine-id(5)): a hash of it tells machines apart as well.
        var hash = SHA256.HashData([.. "reprise:"u8, .. id]);
        if (id.Length > 0) identity["machine"] = Convert.ToHexStringLower(hash.AsSpan(0, 16));
        return identity;
    }

    /// <summary>
    /// Writes the list into a file, so that it can be read while the contents are; its hash is proven by that.
    /// </summary>
    private async Task SpoolAsync(
        AssetRecord record, PointReader point, DiskPath spool, CancellationToken cancellationToken)
    {
        using var file = await cpu.RunAsync(() => disk.CreateNew(spool), cancellationToken);
        await foreach (var block in point.ReadAsync(ListOf(record), cancellationToken))
            await cpu.RunAsync(() => file.Write(block.OffsetBytes, block.Bytes.Span), cancellationToken);
        await cpu.RunAsync(() => file.SetLength(ListOf(record).LengthBytes), cancellationToken);
    }

    /// <summary>
    /// What is staged is compared with the list in the slot, so that list must be the one of the point.
    /// </summary>
    private void DemandList(AssetRecord record, FilesSlot slot)
    {
        if (disk.Stat(slot.Staged) is null) throw Wrong($"nothing is staged in {slot.Folder}");
        using var file = disk.OpenRead(slot.List);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1024 * 1024];
        var offset = 0L;
        for (int read; (read = file.Read(offset, buffer)) > 0; offset += read) hash.AppendData(buffer.AsSpan(0, read));
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(ListOf(record).Sha256.Bytes))
            throw Wrong($"{slot.List} is not the list of the point");
    }

    private RestoreScope ScopeOf(AssetRecord record) => RestoreScope.Of(disk, settings, record);

    private static Content ListOf(AssetRecord record) => record.Streams.TryGetValue(StreamName, out var list)
        ? list
        : throw Repository.Format.ByteReader.Broken($"asset {record.Name} of the point has no list of files");

    private static long? BytesOf(AssetRecord record) =>
        record.Facts.TryGetValue(BytesFact, out var text) && long.TryParse(text, out var bytes) ? bytes : null;

    private static RepriseException Wrong(string message) =>
        new(RecoveryErrors.StagedWrong, message, "restore again: what is staged is thrown away first");

    private RepriseException Empty(bool unreadable) => new(
        new Problem(
            RecoveryErrors.AssetEmpty,
            Severity.Error,
            unreadable
                ? $"asset {Name}: nothing in {root} can be read"
                : $"asset {Name}: no pattern matches anything in {root}",
            "correct the include patterns, or mount what belongs there")
        {
            Asset = Name, Where = root.ToString(),
        });
}
