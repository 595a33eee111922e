using Reprise.Simulation.Runtime;

namespace Reprise.Simulation.Faults;

/// <summary>What a call does, which says what can go wrong with it.</summary>
[Flags]
public enum CallTraits
{
    /// <summary>Looks without reading content: stat, list.</summary>
    Look = 1,

    /// <summary>Hands out content.</summary>
    Read = 2,

    /// <summary>Changes something.</summary>
    Change = 4,

    /// <summary>Needs room.</summary>
    Room = 8,

    /// <summary>Is a call to a store: may be delayed and throttled.</summary>
    Remote = 16,
}

/// <summary>Decides at each call what goes wrong. It is asked once a call, in the order of the calls.</summary>
public abstract class FaultPlan
{
    /// <summary>What goes wrong with this call, or null.</summary>
    public abstract FaultKind? Decide(CallTraits traits, string call);

    /// <summary>Nothing goes wrong.</summary>
    public static FaultPlan None { get; } = new NoFaults();

    /// <summary>Whether a call of these traits can fail in this way.</summary>
    public static bool Applies(FaultKind kind, CallTraits traits) => kind switch
    {
        FaultKind.ErrorBefore => true,
        FaultKind.ErrorAfter or FaultKind.CrashBefore or FaultKind.CrashAfter => traits.HasFlag(CallTraits.Change),
        FaultKind.OutOfSpace => traits.HasFlag(CallTraits.Room),
        FaultKind.Throttled or FaultKind.Delay => traits.HasFlag(CallTraits.Remote),
        FaultKind.FlippedRead or FaultKind.TruncatedRead => traits.HasFlag(CallTraits.Read),
        FaultKind.LostObject or FaultKind.CutObject or FaultKind.FlippedObject => false,
        _ => throw new SimulationFailureException($"fault {kind}"),
    };

    private sealed class NoFaults : FaultPlan
    {
        public override FaultKind? Decide(CallTraits traits, string call) => null;
    }
}

/// <summary>One fault at the Nth call to which it applies.</summary>
public sealed class FaultAt(FaultKind kind, int number) : FaultPlan
{
    private int calls;

    /// <summary>Whether there was an Nth call.</summary>
    public bool Reached => calls >= number;

    /// <summary>Which call it was.</summary>
    public string Where { get; private set; } = "";

    /// <inheritdoc />
    public override FaultKind? Decide(CallTraits traits, string call)
    {
        if (!Applies(kind, traits) || ++calls != number) return null;
        Where = call;
        return kind;
    }
}

/// <summary>What <paramref name="inner"/> decides, asked only at calls that name <paramref name="what"/>.</summary>
public sealed class FaultsOnly(FaultPlan inner, string what) : FaultPlan
{
    /// <inheritdoc />
    public override FaultKind? Decide(CallTraits traits, string call) =>
        call.Contains(what, StringComparison.Ordinal) ? inner.Decide(traits, call) : null;
}

/// <summary>Faults of some kinds by chance, at most so many: once they are spent, work has to succeed.</summary>
public sealed class FaultBudget(ulong seed, IReadOnlyList<FaultKind> kinds, int oneIn, int budget) : FaultPlan
{
    private readonly Chance chance = Chance.For(seed, "faults");
    private int left = budget;

    /// <inheritdoc />
    public override FaultKind? Decide(CallTraits traits, string call)
    {
        if (left == 0 || kinds.Count == 0 || !chance.OneIn(oneIn)) return null;
        var kind = chance.Pick(kinds);
        if (!Applies(kind, traits)) return null;
        left--;
        return kind;
    }
}
