using Reprise.Recovery.Assets;
using Reprise.Repository.Points;

namespace Reprise.Recovery.State;

/// <summary>
/// How far one restore or undo is. It is written before each step is taken, so that after a <c>kill -9</c> it never
/// says less than what was begun; how far the begun step came is asked of the asset.
/// </summary>
public sealed record OperationJournal
{
    /// <summary>The version that this program writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>A higher one was written by a newer Reprise.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Its identifier.</summary>
    public required PointId Id { get; init; }

    /// <summary>Which way data moves.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>Which application.</summary>
    public required string Application { get; init; }

    /// <summary>The point that comes back; null for an undo.</summary>
    public PointId? Point { get; init; }

    /// <summary>The operation that is undone; null for a restore.</summary>
    public PointId? Undoes { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it reached an end state; null until then.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>How far it is.</summary>
    public required OperationState State { get; init; }

    /// <summary>What is swapped, in the order of publishing.</summary>
    public required IReadOnlyList<JournalAsset> Assets { get; init; }

    /// <summary>The safety point, once it is committed.</summary>
    public PointId? SafetyPoint { get; init; }

    /// <summary>What protects which asset.</summary>
    public IReadOnlyDictionary<string, SafetyKind> Safety { get; init; } = new SortedDictionary<string, SafetyKind>();

    /// <summary>Checks that are not asked, with the reason.</summary>
    public IReadOnlyDictionary<string, string> SkippedChecks { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Accept codes that a person gave.</summary>
    public IReadOnlyList<string> AcceptedTargets { get; init; } = [];

    /// <summary>Assets for which no safety point was demanded.</summary>
    public IReadOnlyList<string> WithoutSafety { get; init; } = [];

    /// <summary>Whether damaged parts are restored as far as they go.</summary>
    public bool Salvage { get; init; }

    /// <summary>
    /// What is missing in the point or was salvaged: kept, so that an end after an interruption says it too.
    /// </summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>
    /// Application checks that were green while the application was stopped: their green proves nothing.
    /// </summary>
    public IReadOnlyList<string> GreenWhileStopped { get; init; } = [];

    /// <summary>Whether we stopped the application and have not started it since.</summary>
    public bool ApplicationStopped { get; init; }

    /// <summary>Whether the application has run on the data that came back.</summary>
    public bool ApplicationRan { get; init; }

    /// <summary>
    /// Whether what came back is kept when it is swapped out again; decided when the roll-back begins.
    /// </summary>
    public bool KeepsRestored { get; init; }

    /// <summary>The former data stays at least until then.</summary>
    public DateTimeOffset? FormerUntil { get; init; }

    /// <summary>Whether <c>restore forget</c> deleted the former data.</summary>
    public bool Forgotten { get; init; }

    /// <summary>Why it was kept although a required check did not pass.</summary>
    public string? KeptBecause { get; init; }

    /// <summary>When each state was reached.</summary>
    public IReadOnlyList<JournalEvent> Events { get; init; } = [];

    /// <summary>Whether it was interrupted or is running: neither kept, nor rolled back, nor given up.</summary>
    public bool IsOpen => State is not (OperationState.Kept or OperationState.RolledBack or OperationState.Abandoned);

    /// <summary>Whether production may differ from what it was: a swap may have begun, and was not put back.</summary>
    public bool MayHaveSwapped => State is OperationState.Publishing or OperationState.CheckingData
        or OperationState.Starting or OperationState.CheckingApplication or OperationState.RollingBack;
}

/// <summary>How far an operation is; in order, the last three being ends.</summary>
public enum OperationState
{
    /// <summary>The restored data is built and verified beside the live data; production is untouched.</summary>
    Staging,

    /// <summary>The application is being stopped, or is stopped.</summary>
    Stopping,

    /// <summary>The safety point is taken.</summary>
    Securing,

    /// <summary>Assets are swapped.</summary>
    Publishing,

    /// <summary>Everything is swapped; the data is asked.</summary>
    CheckingData,

    /// <summary>The application is being started.</summary>
    Starting,

    /// <summary>The running application is asked.</summary>
    CheckingApplication,

    /// <summary>The former data is being swapped back.</summary>
    RollingBack,

    /// <summary>What came back is live; the former data is kept.</summary>
    Kept,

    /// <summary>The former data is live; what came back is kept.</summary>
    RolledBack,

    /// <summary>Nothing was changed in the end, and nothing is kept.</summary>
    Abandoned,
}

/// <summary>One asset of an operation.</summary>
public sealed record JournalAsset
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What the point says of it.</summary>
    public required AssetRecord Record { get; init; }

    /// <summary>What the safety point says of the data that was replaced; null when there is none.</summary>
    public AssetRecord? Former { get; init; }

    /// <summary>Where that which comes back lies before the swap; null when nothing does (it was absent).</summary>
    public JournalSlot? Incoming { get; init; }

    /// <summary>Where that which is live goes.</summary>
    public required JournalSlot Outgoing { get; init; }

    /// <summary>
    /// Whether anything was live just before the swap; after it, whether it lies in <see cref="Outgoing"/>.
    /// </summary>
    public bool HadLive { get; init; }

    /// <summary>The moment behind that of the point that comes back, or null.</summary>
    public AssetMoment? Moment { get; init; }

    /// <summary>Who is live since the swap, as <see cref="TargetState.Identity"/> says it; null before, and of a kind that stays who it is.</summary>
    public IReadOnlyDictionary<string, string>? Became { get; init; }

    /// <summary>How far its swap is.</summary>
    public SwapPosition Position { get; init; }

    /// <summary>The swap that takes it back, once one has begun.</summary>
    public JournalSwap? Back { get; init; }
}

/// <summary>How far the swap of one asset is.</summary>
public enum SwapPosition
{
    /// <summary>Not begun: the former data is live.</summary>
    Before,

    /// <summary>Begun; how far it came, only the asset knows.</summary>
    Swapping,

    /// <summary>Done: what came back is live.</summary>
    Swapped,

    /// <summary>The swap back has begun.</summary>
    SwappingBack,

    /// <summary>Swapped back: the former data is live.</summary>
    Back,
}

/// <summary>A slot as the journal keeps it.</summary>
/// <param name="Kind">what lies there.</param>
/// <param name="Id">the operation that made it.</param>
public sealed record JournalSlot(SlotKind Kind, PointId Id)
{
    /// <summary>Keeps <paramref name="slot"/>.</summary>
    public static JournalSlot Of(Slot slot) => new(slot.Kind, slot.Id);

    /// <summary>The slot.</summary>
    public Slot ToSlot() => new(Kind, Id);
}

/// <summary>A swap as the journal keeps it.</summary>
/// <param name="Incoming">what becomes live, or null.</param>
/// <param name="Outgoing">where what is live goes.</param>
public sealed record JournalSwap(JournalSlot? Incoming, JournalSlot Outgoing)
{
    /// <summary>The swap.</summary>
    public Swap ToSwap() => new(Incoming?.ToSlot(), Outgoing.ToSlot());
}

/// <summary>When a state was reached.</summary>
/// <param name="Time">by the clock of this host.</param>
/// <param name="State">which.</param>
public sealed record JournalEvent(DateTimeOffset Time, OperationState State);
