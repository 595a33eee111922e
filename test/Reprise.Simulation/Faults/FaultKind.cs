namespace Reprise.Simulation.Faults;

/// <summary>What can go wrong in one call of a store or a disk.</summary>
public enum FaultKind
{
    /// <summary>The call fails and nothing happened.</summary>
    ErrorBefore,

    /// <summary>The call takes effect and fails: its answer is lost.</summary>
    ErrorAfter,

    /// <summary>The store asks for patience; nothing happened.</summary>
    Throttled,

    /// <summary>No room: nothing is written by a store, a part may be written by a disk.</summary>
    OutOfSpace,

    /// <summary>The call takes very long, and others overtake it.</summary>
    Delay,

    /// <summary>A read gives back one flipped bit, once.</summary>
    FlippedRead,

    /// <summary>A read finds the object too short, once.</summary>
    TruncatedRead,

    /// <summary>The process or machine dies before the call takes effect.</summary>
    CrashBefore,

    /// <summary>The process or machine dies after it.</summary>
    CrashAfter,

    /// <summary>Damage at rest: the object is gone.</summary>
    LostObject,

    /// <summary>Damage at rest: only the first bytes of the object are left.</summary>
    CutObject,

    /// <summary>Damage at rest: a bit of the object is another one.</summary>
    FlippedObject,
}

/// <summary>Kinds that belong together.</summary>
public static class FaultKinds
{
    /// <summary>Those that break a call of a store.</summary>
    public static IReadOnlyList<FaultKind> OfStores { get; } =
    [
        FaultKind.ErrorBefore, FaultKind.ErrorAfter, FaultKind.Throttled, FaultKind.OutOfSpace, FaultKind.Delay,
        FaultKind.FlippedRead, FaultKind.TruncatedRead, FaultKind.CrashBefore, FaultKind.CrashAfter,
    ];

    /// <summary>Those that break a call of a disk.</summary>
    public static IReadOnlyList<FaultKind> OfDisks { get; } =
    [
        FaultKind.ErrorBefore, FaultKind.ErrorAfter, FaultKind.OutOfSpace, FaultKind.FlippedRead,
        FaultKind.CrashBefore, FaultKind.CrashAfter,
    ];
}

/// <summary>What a power failure did, for the counters.</summary>
public enum CrashEffect
{
    /// <summary>Only the process died: the kernel kept everything.</summary>
    ProcessKilled,

    /// <summary>The power failed.</summary>
    PowerLost,

    /// <summary>An unsynced write was lost.</summary>
    WriteDropped,

    /// <summary>An unsynced write had reached the medium.</summary>
    WriteKept,

    /// <summary>Some sectors of an unsynced write had reached the medium.</summary>
    WriteTorn,

    /// <summary>An unsynced change of a name was lost.</summary>
    NameDropped,

    /// <summary>An unsynced change of a name had reached the medium.</summary>
    NameKept,

    /// <summary>A call to a store was under way and was lost.</summary>
    CallDropped,

    /// <summary>A call to a store was under way and took effect.</summary>
    CallKept,
}

/// <summary>How often each fault fired, over as many runs as are added.</summary>
public sealed class FaultCounters
{
    private readonly long[] faults = new long[Enum.GetValues<FaultKind>().Length];
    private readonly long[] effects = new long[Enum.GetValues<CrashEffect>().Length];
    private readonly long[] branches = new long[Enum.GetValues<RecoveryBranch>().Length];

    /// <summary>How often <paramref name="kind"/> fired.</summary>
    public long this[FaultKind kind] => faults[(int)kind];

    /// <summary>How often <paramref name="effect"/> came of a crash.</summary>
    public long this[CrashEffect effect] => effects[(int)effect];

    /// <summary>How often <paramref name="branch"/> was gone.</summary>
    public long this[RecoveryBranch branch] => branches[(int)branch];

    /// <summary>Packs that a point needs and an earlier writer had stored.</summary>
    public long ReusedPacks { get; set; }

    /// <summary>Counts one.</summary>
    public void Add(RecoveryBranch branch) => branches[(int)branch]++;

    /// <summary>Counts one.</summary>
    public void Add(FaultKind kind) => faults[(int)kind]++;

    /// <summary>Counts one.</summary>
    public void Add(CrashEffect effect) => effects[(int)effect]++;

    /// <summary>Adds what another run counted.</summary>
    public void Add(FaultCounters other)
    {
        for (var i = 0; i < faults.Length; i++) faults[i] += other.faults[i];
        for (var i = 0; i < effects.Length; i++) effects[i] += other.effects[i];
        for (var i = 0; i < branches.Length; i++) branches[i] += other.branches[i];
        ReusedPacks += other.ReusedPacks;
    }

    /// <summary>All of them, the zeros too: a fault that never fires proves nothing.</summary>
    public override string ToString() => string.Join(
        ' ',
        Enum.GetValues<FaultKind>().Select(k => $"{k}={this[k]}")
            .Concat(Enum.GetValues<CrashEffect>().Select(e => $"{e}={this[e]}")));
}
