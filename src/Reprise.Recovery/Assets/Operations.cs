namespace Reprise.Recovery.Assets;

/// <summary>Which way data moves.</summary>
public enum OperationKind
{
    /// <summary>A point comes back.</summary>
    Restore,

    /// <summary>Former data comes back.</summary>
    Undo,
}

/// <summary>What protects the data that a restore replaces.</summary>
public enum SafetyKind
{
    /// <summary>Nothing is there.</summary>
    NotApplicable,

    /// <summary>A point of kind safety, read back before anything is published.</summary>
    Captured,

    /// <summary>It is set aside whole, exactly as it was: that is the way back, and no copy of it is taken.</summary>
    SetAside,

    /// <summary>It cannot be read: it is moved aside as it is, never opened.</summary>
    MovedAside,

    /// <summary>Left out by <c>--without-safety</c>; where the kind keeps former data, that is all there is.</summary>
    Skipped,

    /// <summary>None is possible.</summary>
    Impossible,
}
