using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Assets;

/// <summary>
/// One thing of an application that is protected. Each kind lives in a room of its own and knows no other kind.
/// <para>Nothing here asks the user anything or prints: problems are returned or thrown, progress is reported.</para>
/// </summary>
public interface IAsset
{
    /// <summary>Its name in the configuration.</summary>
    string Name { get; }

    /// <summary><c>postgres</c>, <c>sqlite</c>, <c>files</c> or <c>secrets</c>.</summary>
    string Kind { get; }

    /// <summary>What would stop or weaken a capture or a restore here, read-only and within seconds (for <c>doctor</c>).</summary>
    Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Captures the asset into <paramref name="context"/>. What could not be read is added to
    /// <see cref="CaptureContext.Problems"/> and makes the record <c>incomplete</c>; when nothing useful could be
    /// captured it throws, and nothing is committed.
    /// </summary>
    Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken);

    /// <summary>What is at the target of a restore now; read-only, and never opens what is damaged for writing.</summary>
    Task<TargetState> InspectAsync(CancellationToken cancellationToken);
}

/// <summary>
/// An asset whose data can be staged beside the live data and swapped with it. Everything here may be called again with
/// the same arguments after a <c>kill -9</c> at any moment: it finds out from the target itself how far it came, and
/// goes on. Names of what is set aside are made from a <see cref="Slot"/>, so that they can be found again.
/// </summary>
public interface IRestorable : IAsset
{
    /// <summary>
    /// Everything that can be known to stop the restore before anything is touched: room, versions, permissions,
    /// sessions that hold the target, paths. Read-only.
    /// </summary>
    Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken);

    /// <summary>What is at the target of this restore now: a kind that restores in several ways has several targets.</summary>
    Task<TargetState> InspectAsync(RestoreItem item, CancellationToken cancellationToken) => InspectAsync(cancellationToken);

    /// <summary>
    /// Builds the restored data in the slot <c>new-ID</c> beside the target. Production is untouched. What an
    /// interrupted attempt left in the slot is thrown away first.
    /// </summary>
    Task StageAsync(RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken);

    /// <summary>Proves what is staged against the record: rows, integrity, hashes. One outcome per question.</summary>
    Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken);

    /// <summary>
    /// Swaps: what is live goes to <see cref="Swap.Outgoing"/>, what is in <see cref="Swap.Incoming"/> becomes live.
    /// Idempotent, and durable on return. The application is stopped by then; sessions that are left are ended where
    /// the kind can do that, else it is <c>target-in-use</c>.
    /// <para>What is live is set aside completely before anything is brought in: as long as <see cref="Swap.Outgoing"/>
    /// is empty and <see cref="Swap.Incoming"/> is not, what was live still is. (So two names are exchanged in one step only
    /// by a kind whose <see cref="InspectSlotAsync"/> knows by something else how far it came.) A swap that failed or was killed half-way may be followed by the opposite one, which names the same two
    /// slots the other way round: it brings back exactly what was, from wherever the first one got to.</para>
    /// </summary>
    Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken);

    /// <summary>Who is live after a swap, where that is another than before; null where the kind stays who it is.</summary>
    Task<IReadOnlyDictionary<string, string>?> BecameAsync(RestoreItem item, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<string, string>?>(null);

    /// <summary>Whether the slot holds anything, how much, and where (for <c>status</c> and the plan).</summary>
    Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken);

    /// <summary>Deletes what is in the slot. Idempotent. Never touches what is live.</summary>
    Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the asset into a folder instead of over the live data (<c>restore --to</c>, <c>export</c>): a dump, a
    /// database file, a tree. The folder exists and is empty. Returns what was written.
    /// </summary>
    Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken);

    /// <summary>
    /// Reads everything that the asset has in a point, as a restore would, and names what is damaged. Read-only; what it
    /// needs meanwhile lies in <paramref name="scratchFolder"/>.
    /// </summary>
    IAsyncEnumerable<DamagedPart> SurveyAsync(
        AssetRecord record,
        PointReader point,
        string scratchFolder,
        IProgressSink progress,
        CancellationToken cancellationToken) =>
        Survey.AllOrNothingAsync(record.Name, point, Survey.StreamsOf(record), progress, cancellationToken);
}

/// <summary>An asset that can be proven where it is live, deeper than what is staged: in a sandbox, which is ours.</summary>
public interface IExaminable : IAsset
{
    /// <summary>
    /// Asks everything that the kind can ask of recovered data, up to a depth. May write to the data what asking needs.
    /// </summary>
    Task<IReadOnlyList<CheckOutcome>> ExamineAsync(
        RestoreItem item,
        PointReader point,
        CheckLevel upTo,
        IProgressSink progress,
        CancellationToken cancellationToken);
}

/// <summary>What a capture needs.</summary>
public sealed class CaptureContext
{
    /// <summary>Where the bytes go.</summary>
    public required PointWriter Writer { get; init; }

    /// <summary>Time; never read another clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>How far it is.</summary>
    public required IProgressSink Progress { get; init; }

    /// <summary>A folder of our own for private copies, emptied afterwards by the caller.</summary>
    public required string ScratchFolder { get; init; }

    /// <summary>The last complete point's record of this asset, or null: what may be skipped is decided against it.</summary>
    public AssetRecord? Previous { get; init; }

    /// <summary>The point of <see cref="Previous"/>, or null: then everything is read.</summary>
    public PointReader? PreviousPoint { get; init; }

    /// <summary>What is missing or odd, added to by the capture and kept in the point.</summary>
    public IList<Problem> Problems { get; } = [];
}

/// <summary>What is at the target of a restore.</summary>
public sealed record TargetState
{
    /// <summary>Whether something is there and can be read.</summary>
    public required Presence Presence { get; init; }

    /// <summary>Whether it holds data of a user (an empty database or folder does not).</summary>
    public required bool HasData { get; init; }

    /// <summary>Who the target is, with the keys of <see cref="AssetRecord.Identity"/>.</summary>
    public IReadOnlyDictionary<string, string> Identity { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Rows by table (files: number of files), to say "orders 41,202 → 40,950"; empty when not readable.</summary>
    public IReadOnlyDictionary<string, long> Rows { get; init; } = new SortedDictionary<string, long>();

    /// <summary>Whether <see cref="Rows"/> are estimates, because counting took longer than its bound.</summary>
    public bool RowsAreEstimates { get; init; }

    /// <summary>The migration that a database is at, as <see cref="AssetRecord.Migration"/> spells it, or null.</summary>
    public string? Migration { get; init; }

    /// <summary>Size of what is there.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Who is using it now, one line each: sessions, processes.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Where it is, as a person says it (a path; <c>database shop on 127.0.0.1:5432</c>), without secrets.</summary>
    public required string Where { get; init; }

    /// <summary>Why it cannot be read, or null.</summary>
    public Problem? Unreadable { get; init; }

    /// <summary>Whether a swap keeps what is there even when it cannot be read, by renaming it without opening it.</summary>
    public bool CanMoveAside { get; init; } = true;

    /// <summary>Whether what a swap sets aside is all that there was, exactly as it was: no copy of it has to be taken first.</summary>
    public bool IsKeptWhole { get; init; }
}

/// <summary>Whether a target is there.</summary>
public enum Presence
{
    /// <summary>Nothing is there: nothing has to be kept.</summary>
    Absent,

    /// <summary>It is there and can be read.</summary>
    Readable,

    /// <summary>It is there and cannot be read: damaged, locked away, or its server does not answer.</summary>
    Unreadable,
}

/// <summary>One asset of one restore; kept in the journal.</summary>
/// <param name="RestoreId">names every slot of this restore.</param>
/// <param name="Record">what the point says of the asset.</param>
public sealed record RestoreItem(PointId RestoreId, AssetRecord Record)
{
    /// <summary>The moment behind that of the point that comes back, or null: the point's own.</summary>
    public AssetMoment? Moment { get; init; }

    /// <summary>What is left out because it is damaged; only staging and its verification ask.</summary>
    public Survey Survey { get; init; } = Survey.Intact;
}

/// <summary>A place beside the live data, of which the asset makes names of its own (<c>shop.db.before-ID</c>, <c>shop__new_ID</c>).</summary>
/// <param name="Kind">what lies there.</param>
/// <param name="Id">the restore that made it.</param>
public sealed record Slot(SlotKind Kind, PointId Id)
{
    /// <summary>The staged data of a restore.</summary>
    public static Slot New(PointId id) => new(SlotKind.New, id);

    /// <summary>What was live before a restore or an undo.</summary>
    public static Slot Before(PointId id) => new(SlotKind.Before, id);

    /// <summary><c>new-ID</c> or <c>before-ID</c>.</summary>
    public override string ToString() => (Kind == SlotKind.New ? "new-" : "before-") + Id;
}

/// <summary>What lies in a slot.</summary>
public enum SlotKind
{
    /// <summary>Staged, not yet live.</summary>
    New,

    /// <summary>Was live, kept.</summary>
    Before,
}

/// <summary>
/// One exchange. It is done when nothing is left in <paramref name="Incoming"/> and what it held is live; with no
/// incoming (there was nothing before the restore) it is done when nothing is live.
/// </summary>
/// <param name="Incoming">what becomes live, or null: nothing does.</param>
/// <param name="Outgoing">where what is live goes; nothing goes there when nothing is live.</param>
public sealed record Swap(Slot? Incoming, Slot Outgoing);

/// <summary>What lies in a slot.</summary>
/// <param name="Exists">whether anything does.</param>
/// <param name="Where">the name or path, as a person would look for it.</param>
/// <param name="SizeBytes">how much, or null when unknown.</param>
public sealed record SlotState(bool Exists, string Where, long? SizeBytes)
{
    /// <summary>A swap of it began and did not end: the same swap has to be run again.</summary>
    public bool SwapIsOpen { get; init; }
}

/// <summary>Hears how far a long operation is. Called from one thread at a time.</summary>
public interface IProgressSink
{
    /// <summary>A step begins. <paramref name="totalBytes"/> is null when it cannot be known.</summary>
    void Begin(string step, long? totalBytes);

    /// <summary><paramref name="bytes"/> more of the step are done.</summary>
    void Advance(long bytes);

    /// <summary>Something worth a line of its own.</summary>
    void Note(string line);
}
