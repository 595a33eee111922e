using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Sqlite;

/// <summary>
/// A SQLite database. Captured as pages of one committed state, never checkpointed by us; restored beside the live file
/// and exchanged with it by renaming, together with its sidecars.
/// <para>Identity keys: <c>machine</c>, <c>device</c>, <c>path</c>, <c>applicationId</c>. Facts: <see
/// cref="SqliteFacts"/> and <c>pageSize pageCount journalMode userVersion applicationId encoding autoVacuum</c>.</para>
/// </summary>
public sealed class SqliteAsset : IRestorable, IExaminable
{
    /// <summary>The kind of these assets.</summary>
    public const string KindName = "sqlite";

    /// <summary>
    /// How long an inspection may look into the live database; what is not known by then stays unknown.
    /// </summary>
    public static readonly TimeSpan InspectBound = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly SqliteSettings settings;
    private readonly IDisk disk;
    private readonly Cpu cpu;
    private readonly TimeProvider clock;
    private readonly DiskPath path;

    /// <summary>Makes the asset; nothing is opened.</summary>
    public SqliteAsset(string name, SqliteSettings settings, IDisk disk, Cpu cpu, TimeProvider clock)
    {
        path = new DiskPath(settings.Path);
        Invariant.Check(path.IsAbsolute, $"the path of a SQLite asset is absolute, not '{settings.Path}'");
        Name = name;
        this.settings = settings;
        this.disk = disk;
        this.cpu = cpu;
        this.clock = clock;
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string Kind => KindName;

    private SqliteStaging Staging => new(disk, cpu, clock);

    /// <summary>
    /// Whether <paramref name="candidate"/> is a file of this database: the database, a sidecar, or what a restore
    /// keeps beside it. Nobody but SQLite may open those: closing them again would drop POSIX locks.
    /// </summary>
    public bool Owns(DiskPath candidate) => candidate == path || Locate().Owns(candidate);

    /// <inheritdoc />
    public async Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken)
    {
        try
        {
            var place = Locate();
            Capture().Require(place);
            var look = await LookAsync(place, countRows: false, cancellationToken);
            return look.Problem is { } problem ? [problem with { Asset = Name }] : [];
        }
        catch (RepriseException e)
        {
            return [e.Problem with { Asset = Name }];
        }
    }

    /// <inheritdoc />
    public async Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await Capture().RunAsync(Locate(), context, cancellationToken);
        }
        catch (RepriseException e) when (e.Problem.Asset is null && IsOurs(e))
        {
            throw new RepriseException(e.Problem with { Asset = Name }, e);
        }
    }

    /// <inheritdoc />
    public async Task<TargetState> InspectAsync(CancellationToken cancellationToken)
    {
        var place = Locate();
        var where = place.Live.Main.ToString();
        var size = place.Live.SizeBytes(disk);
        if (disk.Stat(place.Live.Main) is not { } status)
        {
            return Interrupted(place) is { } interrupted
                ? Unreadable(interrupted, null, [])
                : new TargetState { Presence = Presence.Absent, HasData = false, Where = where };
        }

        if (status.Type != FileType.Regular)
        {
            var message = $"{where} is no file ({status.Type})";
            const string hint = "correct the path of this asset";
            return Unreadable(new Problem(StorageErrors.FileDenied, Severity.Error, message, hint), null, []);
        }

        var users = await cpu.RunAsync(() => Users(status), cancellationToken);
        var look = await LookAsync(place, countRows: true, cancellationToken);
        var identity = SqliteCapture.IdentityOf(disk, place, status, look.ApplicationId);
        if (look.Problem is { } unreadable) return Unreadable(unreadable, identity, users);
        return new TargetState
        {
            Presence = Presence.Readable,
            HasData = look.HasData,
            Identity = identity,
            Rows = look.Rows,
            Migration = look.Migration,
            SizeBytes = size,
            Users = users,
            Where = where,
        };

        TargetState Unreadable(
            Problem problem, SortedDictionary<string, string>? known, IReadOnlyList<string> holders) =>
            new()
            {
                Presence = Presence.Unreadable,
                HasData = size > 0,
                Identity = known ?? new SortedDictionary<string, string>(StringComparer.Ordinal),
                SizeBytes = size,
                Users = holders,
                Where = where,
                Unreadable = problem with { Asset = Name },
            };
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken)
    {
        var place = Locate();
        var problems = new List<Problem>();
        var needed = Stream(item.Record).LengthBytes;
        var free = disk.Space(place.Folder).FreeBytes;
        if (free < needed)
        {
            Add(
                RecoveryErrors.TargetTooSmall,
                Severity.Error,
                $"{place.Folder} has {free} bytes free, the restored database needs {needed} beside the live one",
                "free some room there");
        }

        if (disk.Stat(place.Live.Main) is { } status)
        {
            if (status.Type != FileType.Regular)
            {
                var message = $"{place.Live.Main} is no file ({status.Type})";
                Add(StorageErrors.FileExists, Severity.Error, message, "move it away");
            }

            var holding = await cpu.RunAsync(() => new FileHolders(disk).Find(status), cancellationToken);
            if (holding.Holders.Count > 0)
            {
                Add(
                    RecoveryErrors.TargetInUse,
                    Severity.Note,
                    $"{place.Live.Main} is open in {holding}; nobody may have it open when it is exchanged",
                    "stop the application, or let control.stop do it");
            }

            if (holding.Hidden > 0)
            {
                Add(
                    RecoveryErrors.TargetInUse,
                    Severity.Note,
                    $"{holding.Hidden} {(holding.Hidden == 1 ? "process" : "processes")} could not be asked "
                        + $"whether {place.Live.Main} is open there",
                    "run as root, or make sure that the application is stopped");
            }
        }

        if (CannotWrite(place, Slot.New(item.RestoreId)) is { } denied) problems.Add(denied with { Asset = Name });
        return problems;

        void Add(ErrorCode code, Severity severity, string message, string hint) => problems.Add(
            new Problem(code, severity, message, hint) { Asset = Name, Where = place.Live.Main.ToString() });
    }

    /// <inheritdoc />
    public async Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var place = Locate();
        var slot = Slot.New(item.RestoreId);
        RefuseWhileSwapping(place, slot);
        var staged = place.In(slot);
        MakeFolder(place, item.Record, progress);
        staged.Delete(disk);
        await Staging.WriteAsync(staged.Main, Stream(item.Record), point, progress, cancellationToken);
        Staging.SetPermissions(staged.Main, item.Record, progress);
        disk.SyncFolder(place.Folder);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken) =>
        Staging.VerifyAsync(Locate().In(Slot.New(item.RestoreId)), item.Record, progress, cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyList<CheckOutcome>> ExamineAsync(
        RestoreItem item,
        PointReader point,
        CheckLevel upTo,
        IProgressSink progress,
        CancellationToken cancellationToken) =>
        [.. (await Staging.VerifyAsync(Locate().Live, item.Record, progress, cancellationToken))
            .Where(outcome => outcome.Level <= upTo)];

    /// <inheritdoc />
    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken) =>
        cpu.RunAsync(() => new SqliteSwap(disk, Locate()).Run(swap), cancellationToken);

    /// <inheritdoc />
    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        var place = Locate();
        var set = place.In(slot);
        var exists = set.Exists(disk);
        var open = new SqliteSwap(disk, place).Unfinished();
        return Task.FromResult(new SlotState(exists, set.Main.ToString(), exists ? set.SizeBytes(disk) : null)
        {
            SwapIsOpen = open is not null && (open.Incoming == slot || open.Outgoing == slot),
        });
    }

    /// <inheritdoc />
    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        var place = Locate();
        RefuseWhileSwapping(place, slot);
        if (!place.In(slot).Exists(disk)) return Task.CompletedTask;
        place.In(slot).Delete(disk);
        disk.SyncFolder(place.Folder);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Writes <c>NAME.db</c>; see <see cref="IRestorable.MaterialiseAsync"/>. Mode 0600: the folder is the reader's
    /// own, and is seldom as closed as the one that the database comes from.
    /// </summary>
    public async Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var file = record.Name + ".db";
        var target = new DiskPath(folder);
        await Staging.WriteAsync(target / file, Stream(record), point, progress, cancellationToken);
        disk.SyncFolder(target);
        return WrittenPaths.Of(file);
    }

    /// <summary>
    /// What others raise through us (a store, a child) keeps its own type, which tells more than the problem.
    /// </summary>
    private static bool IsOurs(RepriseException e) =>
        e is SqliteResultException || e.GetType() == typeof(RepriseException);

    private SqlitePlace Locate() => SqlitePlace.Resolve(disk, path);

    private SqliteCapture Capture() => new(Name, settings, disk, cpu);

    private static Content Stream(AssetRecord record) =>
        record.Streams.TryGetValue(SqliteFacts.Stream, out var content)
            ? content
            : throw new RepriseException(
                RecoveryErrors.StagedWrong,
                $"the point's record of {record.Name} has no database in it",
                "choose another point");

    private List<string> Users(FileStatus status)
    {
        // Processes of other users that may not be looked at are no proof of use: an ordinary user always has some, and
        // the swap itself looks again. The preflight names them.
        return [.. new FileHolders(disk).Find(status).Holders.Select(h => h.ToString())];
    }

    private void RefuseWhileSwapping(SqlitePlace place, Slot slot)
    {
        if (new SqliteSwap(disk, place).Unfinished() is not { } swap) return;
        if (swap.Incoming != slot && swap.Outgoing != slot) return;
        if (Interrupted(place) is { } problem) throw new RepriseException(problem);
    }

    private Problem? Interrupted(SqlitePlace place) => new SqliteSwap(disk, place).Unfinished() is { } swap
        ? SqliteSwap.Interrupted(place, swap) with { Asset = Name }
        : null;

    /// <summary>
    /// Makes the folder of a database whose host was lost, as it was at the source. Folders above it get mode 0700.
    /// </summary>
    private void MakeFolder(SqlitePlace place, AssetRecord record, IProgressSink progress)
    {
        if (disk.Stat(place.Folder) is not null) return;
        disk.MakeFolderDurably(place.Folder);
        Staging.SetFolderPermissions(place.Folder, record, progress);
        disk.SyncFolder(place.Folder);
    }

    /// <summary>
    /// The honest way to know whether a folder can be written is to do it: access lists, read-only mounts and mapped
    /// users all have a say. Where it needs a name it is the slot's own, empty and gone at once.
    /// </summary>
    private Problem? CannotWrite(SqlitePlace place, Slot slot)
    {
        var probe = place.In(slot).Main;
        if (disk.Stat(place.Folder) is null || disk.Stat(probe) is not null) return null;
        try
        {
            disk.CreateUnnamed(probe).Dispose();
            return null;
        }
        catch (RepriseException e)
        {
            return e.Problem;
        }
    }

    /// <summary>
    /// Reads the live database for at most <see cref="InspectBound"/>, waiting for locks no longer than that.
    /// </summary>
    private async Task<Look> LookAsync(SqlitePlace place, bool countRows, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(InspectBound, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        while (true)
        {
            try
            {
                return await cpu.RunAsync(
                    () => Look.Into(place.Live.Main, countRows, either.Token, cancellationToken), cancellationToken);
            }
            catch (SqliteResultException e)
            {
                if (!e.IsBusy || limit.IsCancellationRequested) return new Look { Problem = e.Problem };
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return new Look { Problem = TooSlow(place) };
            }

            await Task.Delay(PollInterval, clock, cancellationToken);
        }
    }

    private static Problem TooSlow(SqlitePlace place) => new(
        RecoveryErrors.SqliteBusy,
        Severity.Error,
        $"{place.Live.Main} could not be looked at within {InspectBound.TotalSeconds:0.#} s",
        "end the transaction that holds it, or the process that keeps the disk busy")
    {
        Where = place.Live.Main.ToString(),
    };
}
